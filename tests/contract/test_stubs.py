"""The stubs are as strict as the real modules' documentation, and nothing gets past them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.conftest import Windows
from tests.integration.playbook import CHECKOUT

REFUSED = {
    "an argument that is not there": (
        {"ansible.windows.win_service": {"name": "W3SVC", "state": "stopped", "force": True}},
        "Unsupported parameters for (ansible.windows.win_service) module: force",
    ),
    "a choice that is not there": (
        {"ansible.windows.win_service": {"name": "W3SVC", "state": "running"}},
        ", got: running",
    ),
    "a missing argument": ({"microsoft.iis.web_app_pool": {"state": "stopped"}}, "missing required arguments: name"),
    "a mode, which Windows has not": (
        {"ansible.windows.win_copy": {"content": "x", "dest": "C:\\x", "mode": "0600"}},
        "Unsupported parameters for (ansible.windows.win_copy) module: mode",
    ),
    "a module without a stub": ({"ansible.windows.win_shell": "iisreset"}, "couldn't resolve module/action"),
}


@pytest.mark.parametrize("task", REFUSED)
def test_a_stub_refuses(windows: Callable[..., Windows], task: str) -> None:
    action, said = REFUSED[task]
    made = windows({"services": {"W3SVC": {"state": "started", "start_mode": "auto", "dependency_of": []}}})
    run = made.hosts.play([{"hosts": "aspstate_web", "gather_facts": False, "tasks": [{"name": task, **action}]}])
    assert run.code != 0
    assert said in run.text, run.output
    assert made.host.read()["services"]["W3SVC"]["state"] == "started"


# what these do happens on the controller
CONTROLLER = {"assert", "debug", "fail", "include_role", "include_tasks", "set_fact"}
OWN = {path.stem for path in (CHECKOUT / "plugins/action").glob("*.py")}
ELSEWHERE = ("posix", "service", "command")
"""Folders of tasks that no host with Windows reaches."""

SCRIPTS = [
    CHECKOUT / f"roles/aspstate_database/tasks/scripts/{name}.yml" for name in ("export", "framework", "windows")
]
FILES = SCRIPTS + sorted(
    path
    for path in (CHECKOUT / "roles").glob("aspstate_web_*/tasks/**/*.yml")
    if not any(word in part.split("_") for part in path.parent.parts[-2:] for word in ELSEWHERE if part != "tasks")
)


def tasks_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All tasks, also those in blocks."""
    found = []
    for item in items:
        blocks = [item[key] for key in ("block", "rescue", "always") if key in item]
        found += [task for block in blocks for task in tasks_of(block)] if blocks else [item]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CHECKOUT / "roles")))
def test_tasks_that_windows_reaches_need_no_python_there(path: Path) -> None:
    for task in tasks_of(yaml.safe_load(path.read_text(encoding="utf-8"))):
        if task.get("delegate_to") == "localhost" or OWN & task.keys():
            continue
        actions = [key for key in task if key.count(".") == 2]
        assert len(actions) == 1, json.dumps(task)
        collection, _, name = actions[0].rpartition(".")
        here = collection == "ansible.builtin" and name in CONTROLLER
        assert here or collection in ("ansible.windows", "microsoft.iis"), json.dumps(task)
