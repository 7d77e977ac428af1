"""The playbooks with scripts of the operator's own in the place of the built-in schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aspstate.server import Server

from tests.integration.conftest import current, wait_until_nobody_is_in
from tests.integration.playbook import Playbooks
from tests.scripts import PLACEHOLDER, file_name, script

JOBS = "SELECT name FROM msdb.dbo.sysjobs WHERE name LIKE %(name)s"


@pytest.fixture
def choices(tmp_path: Path, name: str) -> dict[str, Any]:
    """Variables for a database of type custom, from templates in a folder."""
    for verb in ("install", "uninstall"):
        text = script("2.0", verb, "custom", PLACEHOLDER)
        (tmp_path / file_name(verb, "custom")).write_bytes(text.encode("utf-16"))
    return {
        "aspstate_database_name": name,
        "aspstate_type": "custom",
        "aspstate_database_source": "scripts",
        "aspstate_database_scripts_path": str(tmp_path),
    }


def test_scripts_install_once_prove_themselves_and_remove(
    playbooks: Playbooks, server: Server, name: str, choices: dict[str, Any]
) -> None:
    would = playbooks.run("site.yml", "--check", "--diff", **choices)
    assert (would.code, current(server, name, "custom").exists) == (0, False), would.output
    did = playbooks.run("site.yml", "--diff", **choices)
    assert did.code == 0, did.output
    assert script_part(would.diff) == script_part(did.diff)
    assert f"+job {name}_Job_DeleteExpiredSessions" in script_part(did.diff)
    # the job that the script made is taken over under its name
    assert server.run(JOBS, {"name": f"{name}%"}).rows == [(f"{name}_Job_DeleteExpiredSessions",)]
    again = playbooks.run("site.yml", "--diff", **choices)
    assert (again.code, again.changed, again.diff) == (0, 0, []), again.output
    wait_until_nobody_is_in(server, name)
    gone = playbooks.run("uninstall.yml", aspstate_uninstall_confirm=name, **choices)
    assert gone.code == 0, gone.output
    left = current(server, name, "custom")
    assert (left.exists, left.contents.procedures, left.contents.tables) == (True, {}, {})
    assert server.run(JOBS, {"name": f"{name}%"}).rows == []


def script_part(diff: list[str]) -> list[str]:
    """Up to the line that the script runs; the diff of the job follows."""
    return diff[: 1 + next(place for place, line in enumerate(diff) if line.startswith("+run "))]


# each row: what it is about, the playbook, more variables, what is said
REFUSED = [
    (
        "a folder without it",
        "site.yml",
        {"aspstate_database_scripts_path": "/nowhere"},
        "/nowhere/InstallSqlStateTemplate.sql could not be read",
    ),
    (
        "a choice that scripts do not make",
        "site.yml",
        {"aspstate_database_recovery_model": "simple"},
        "aspstate_database_recovery_model cannot be had with scripts",
    ),
    (
        "the ownership chain",
        "site.yml",
        {"aspstate_manage_ownership_chain": True},
        "ALTER DATABASE ... SET DB_CHAINING ON, run once after the script",
    ),
    (
        "throwing out",
        "uninstall.yml",
        {"aspstate_database_terminate_connections": True},
        "are not for scripts; nothing was changed",
    ),
    (
        "a source that is none",
        "site.yml",
        {"aspstate_database_source": "script"},
        "value of aspstate_database_source must be one of: builtin, scripts",
    ),
]


@pytest.mark.parametrize(
    ("playbook", "variables", "said"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_what_scripts_cannot_do_is_refused_before_anything_is_done(
    playbooks: Playbooks,
    server: Server,
    name: str,
    choices: dict[str, Any],
    playbook: str,
    variables: dict[str, Any],
    said: str,
) -> None:
    run = playbooks.run(playbook, **{"aspstate_uninstall_confirm": name, **choices, **variables})
    assert run.code == 2
    assert said in run.text, run.output
    assert not current(server, name, "custom").exists
