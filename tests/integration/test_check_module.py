"""aspstate_check in Ansible's own worker, and as a module, as on a bastion: one result."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aspstate.login import Login
from aspstate.server import connect

from tests.integration.checking import Site
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.playbook import CHECKOUT
from tests.integration.test_agent_job import COMMANDS
from tests.shipped import definitions

pytestmark = pytest.mark.controls_server


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    with own_lab("--agent") as server:
        yield server


@pytest.fixture
def login(lab: OwnLab) -> Login:
    return lab.login


def run(folder: Path, site: Site, **options: Any) -> tuple[dict[str, Any], str]:
    """One task on this machine; its result and all that Ansible printed, at -vvvv."""
    arguments = {
        "login_host": site.login.host,
        "login_port": site.login.port,
        "login_user": site.login.user,
        "login_password": site.login.password,
        "name": site.name,
        "schema": definitions("persisted"),
        "agent_job": {"command": COMMANDS.usual, "availability_group_command": COMMANDS.in_group},
        "grants": {"logins": [{"name": site.application.user, "password": site.application.password}]},
    }
    tasks = [
        {"name": "Check", "aspstate_check": arguments, "register": "checked", **options},
        {
            "name": "Keep",
            "ansible.builtin.copy": {"content": "{{ checked | to_json }}", "dest": f"{folder}/result.json"},
        },
    ]
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]))
    command = [sys.executable, "-m", "ansible", "playbook", str(folder / "play.json"), "-i", "localhost,", "-vvvv"]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "result.json").read_text()), done.stdout


# an environment of its own is what only a process of its own can have
AS_A_MODULE = {"environment": {"ASPSTATE_TEST": "1"}}


def test_the_result_is_the_same_and_no_secret_is_told(lab: OwnLab, name: str, tmp_path: Path) -> None:
    site = Site(lab.login, lab.login_with(), name)
    site.converge()
    with connect(site.login) as server:
        server.run_in(name, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")
    here, output = run(tmp_path, site)
    there, module_output = run(tmp_path, site, **AS_A_MODULE)
    assert "AnsiballZ_aspstate_check.py" in module_output
    assert "AnsiballZ_aspstate_check.py" not in output
    assert [each["id"] for each in here["findings"]] == ["ASP111", "ASP205"]
    varies = ("sample", "job", "probes", "invocation", "ansible_facts")
    assert {key: here[key] for key in here if key not in varies} == {
        key: there[key] for key in there if key not in varies
    }
    assert [sorted(each) for each in here["probes"]] == [sorted(each) for each in there["probes"]]
    for secret in (site.login.password, site.application.password):
        assert not re.search(re.escape(secret), output + module_output)


def test_in_check_mode_it_asks_for_rights_only(lab: OwnLab, name: str, tmp_path: Path) -> None:
    site = Site(lab.login, lab.login_with(), name)
    site.converge()
    result, _ = run(tmp_path, site, check_mode=True)
    assert (result["status"], result["probes"]) == ("checked", [])
