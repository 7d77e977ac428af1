"""playbooks/expire.yml as a user runs it; and the statements that the runbook about sessions tells them to paste."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from aspstate.login import Login
from aspstate.server import Server

from lab.expiry_forms import fill
from tests.integration.playbook import HostsRun, Playbooks

NONE = "aspstate_test_none"
COUNT = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions"


def test_check_expire_and_again(playbooks: Playbooks, server: Server, installed: str) -> None:
    fill(server, installed, 30)
    fill(server, installed, 2, expires=600, prefix="live")
    checked = playbooks.run("expire.yml", "--check", aspstate_database_name=installed)
    assert (checked.code, checked.changed) == (0, 1), checked.output
    assert server.run_in(installed, COUNT).row == (32,)
    done = playbooks.run("expire.yml", aspstate_database_name=installed)
    assert (done.code, done.changed) == (0, 1), done.output
    assert server.run_in(installed, COUNT).row == (2,)
    again = playbooks.run("expire.yml", aspstate_database_name=installed)
    assert (again.code, again.changed) == (0, 0), again.output


def test_what_is_chosen_reaches_the_module(playbooks: Playbooks, server: Server, installed: str) -> None:
    fill(server, installed, 30)
    run = playbooks.run(
        "expire.yml",
        "-v",
        aspstate_database_name=installed,
        aspstate_sessions_method="project",
        aspstate_sessions_batch_size=10,
        aspstate_sessions_pause=400,
        aspstate_sessions_max_duration=1,
    )
    assert (run.code, run.changed) == (0, 1), run.output
    assert server.run_in(installed, COUNT).row == (0,) or "expired sessions are left: max_duration is 1 s" in run.text
    assert re.search(r'"?batches"?: [234]', run.text), run.output


# by the task that refuses: a host that fails there keeps the others from going on
BAD = {
    "names": {"a misspelt name": ({"aspstate_sessions_batchsize": 5}, "did you mean aspstate_sessions_batch_size?")},
    "kinds": {
        "a list for a number": ({"aspstate_sessions_batch_size": [5]}, "aspstate_sessions_batch_size is a list, not"),
    },
    "choices": {
        "another method": ({"aspstate_sessions_method": "fast"}, "value of aspstate_sessions_method must be one of"),
    },
    "module": {
        "batch_size 0": ({"aspstate_sessions_batch_size": 0}, "batch_size is 0; give 1 to 100000"),
        "batch_size a million": ({"aspstate_sessions_batch_size": 10**6}, "batch_size is 1000000; give 1 to 100000"),
        "a pause below zero": ({"aspstate_sessions_pause": -1}, "pause is -1; give 0 or more"),
        "a duration below zero": ({"aspstate_sessions_max_duration": -1}, "max_duration is -1; give 0 or more"),
        "no such database": ({}, f"has no database {NONE}; nothing was changed"),
        "another type": ({"aspstate_type": "temporary"}, "type temporary is always in"),
    },
}
ROWS = [(stage, kind) for stage, kinds in BAD.items() for kind in kinds]


@pytest.fixture(scope="module")
def refusals(login: Login, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], HostsRun]:
    """A run for each task that refuses, with a host for each of its rows."""

    @cache
    def run(stage: str) -> HostsRun:
        hosts = {_host(kind): {"aspstate_database_name": NONE, **row[0]} for kind, row in BAD[stage].items()}
        return Playbooks(login).run_hosts("expire.yml", hosts, tmp_path_factory.mktemp("hosts"))

    return run


def _host(kind: str) -> str:
    return kind.replace(" ", "-")


@pytest.mark.parametrize(("stage", "kind"), ROWS, ids=[kind for _, kind in ROWS])
def test_bad_input_gets_one_clear_message_and_deletes_nothing(
    refusals: Callable[[str], HostsRun], stage: str, kind: str
) -> None:
    run = refusals(stage)
    assert (run.code, run.changed) == (2, 0), run.output
    assert BAD[stage][kind][1] in run.failure(_host(kind))
    assert "Traceback" not in run.output
