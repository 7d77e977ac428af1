"""Role aspstate_web_service on Windows, by contract: what it asks of which module, in which order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.conftest import Windows
from tests.integration.breaking import was_killed
from tests.integration.web_service.conftest import UNTOUCHED, failed, succeeded

RECORD = r"C:\ProgramData\aspstate\web_service.web1.json"
PRINTED = RECORD.replace("\\", "\\\\")  # as JSON
CHANGES = ("win_service", "web_app_pool", "win_copy", "win_file")

Make = Callable[..., Windows]


def iis(**changes: Any) -> dict[str, Any]:
    """IIS as it is usual: W3SVC runs with one of its two dependents, on WAS. `changes` go to W3SVC."""
    usual = {"state": "started", "start_mode": "auto", "dependency_of": []}
    return {
        "services": {
            "WAS": {**usual, "dependency_of": ["W3SVC", "W3LOGSVC"]},
            "W3SVC": {**usual, "dependency_of": ["Runs", "RunsToo", "Stopped"], **changes},
            "Runs": usual,
            "RunsToo": usual,
            "Stopped": {**usual, "state": "stopped"},
        }
    }


def states(made: Windows) -> dict[str, str]:
    return {name: service["state"] for name, service in made.host.read()["services"].items()}


def test_w3svc_and_what_depends_on_it_are_stopped_and_brought_back(windows: Make) -> None:
    made = windows(iis())
    before = states(made)
    succeeded(made.hosts.run("preflight", "restart", options=("--check", "--diff")), 2)
    assert made.host.calls(*CHANGES) == []

    succeeded(made.hosts.run("stop"), 1)
    assert states(made) == {**dict.fromkeys(before, "stopped"), "WAS": "started"}
    record = json.loads(made.host.file(RECORD))
    assert (record["backend"], record["units"]) == ("windows", ["W3SVC", "RunsToo", "Runs"])
    calls = made.host.calls(*CHANGES)
    assert [call.split()[0] for call in calls] == ["win_file", "win_copy", "win_service"]
    assert calls[-1] == "win_service True W3SVC stopped"
    succeeded(made.hosts.run("stop"), 0)

    made.host.forget_calls()
    succeeded(made.hosts.run("start"), 1)
    assert states(made) == before
    assert made.host.calls(*CHANGES) == [
        "win_service W3SVC started",
        "win_service RunsToo started",
        "win_service Runs started",
        f"win_file {RECORD} absent",
    ]
    assert made.host.file(RECORD) is None


def test_a_service_found_stopped_stays_stopped(windows: Make) -> None:
    made = windows({"services": {name: {**service, "state": "stopped"} for name, service in iis()["services"].items()}})
    before = states(made)
    succeeded(made.hosts.run("restart"), 0)
    assert made.host.calls(*CHANGES) == []
    assert states(made) == before


def test_a_service_that_stops_slowly_is_waited_for_within_a_limit(windows: Make) -> None:
    made = windows(iis(polls=4), aspstate_web_service_stop_timeout=20)
    succeeded(made.hosts.run("stop"), 1)
    assert states(made)["W3SVC"] == "stopped"
    succeeded(made.hosts.run("start"), 1)
    windows_ = made.host.read()
    windows_["services"]["W3SVC"]["polls"] = 1000
    made.host.write(windows_)
    run = made.hosts.run("stop", aspstate_web_service_stop_timeout=2)
    failed(run, "web1: service W3SVC was not stopped: W3SVC is stop_pending after 2 s", PRINTED)
    assert json.loads(made.host.file(RECORD))["units"][0] == "W3SVC"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"start_mode": "disabled"}, "W3SVC is running but disabled, so that it could not be started again"),
        ({"state": "paused"}, "W3SVC is paused"),
    ],
)
def test_what_could_not_be_brought_back_as_it_was_is_refused(windows: Make, changes: dict[str, str], said: str) -> None:
    made = windows(iis(**changes))
    before = states(made)
    for entry_point in ("preflight", "restart"):
        failed(made.hosts.run(entry_point), said, UNTOUCHED)
    assert made.host.calls(*CHANGES) == []
    assert states(made) == before


def test_a_service_that_is_not_there_is_refused(windows: Make) -> None:
    made = windows(iis(), aspstate_web_service_name="W3SCV")
    failed(made.hosts.run("preflight"), "W3SCV is missing", UNTOUCHED)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"name": "W3SVC", "state": "stopped"}, "was not stopped: Access is denied"),
        ({"name": "RunsToo", "state": "started"}, "was not brought back: Access is denied"),
    ],
)
def test_a_failure_in_the_middle_is_told_and_the_next_run_completes(
    windows: Make, fault: dict[str, str], said: str
) -> None:
    fault_ = {"module": "ansible.windows.win_service", "arguments": fault, "message": "Access is denied"}
    made = windows({**iis(), "faults": [fault_]})
    before = states(made)
    failed(made.hosts.run("restart"), said, PRINTED)
    assert json.loads(made.host.file(RECORD))["units"] == ["W3SVC", "RunsToo", "Runs"]
    made.host.write({**made.host.read(), "faults": []})
    run = made.hosts.run("restart")
    assert run.code == 0, run.output
    assert states(made) == before
    assert made.host.file(RECORD) is None


def test_a_service_disabled_meanwhile_fails_the_start(windows: Make) -> None:
    made = windows(iis())
    succeeded(made.hosts.run("stop"), 1)
    windows_ = made.host.read()
    windows_["services"]["W3SVC"]["start_mode"] = "disabled"
    made.host.write(windows_)
    failed(made.hosts.run("start"), "was not brought back: Service 'W3SVC' cannot be started: it is disabled")
    assert made.host.file(RECORD) is not None


def test_a_run_that_is_killed_in_the_middle_is_completed_by_the_next(windows: Make) -> None:
    assert is_killed_and_completed(windows(iis()), 9)


@pytest.mark.sweep
def test_a_run_that_is_killed_at_any_step_is_completed_by_the_next(windows: Make) -> None:
    made, step = windows(iis()), 1
    while is_killed_and_completed(made, step):
        step += 1
    assert step > 12


def is_killed_and_completed(made: Windows, step: int) -> bool:
    """Kill a restart before that step, if it has one; then one start brings back what ran, if it was written down."""
    before = states(made)
    killed = was_killed(made.hosts.run("restart", kill_at=step))
    assert states(made) == before or made.host.file(RECORD) is not None, step
    run = made.hosts.run("start")
    assert run.code == 0, run.output
    assert states(made) == before, step
    assert made.host.file(RECORD) is None
    return killed


POOL = {"aspstate_web_service_backend": "app_pool", "aspstate_web_service_name": "Shop"}


def test_an_application_pool_is_waited_for_and_brought_back(windows: Make) -> None:
    made = windows({"pools": {"Shop": {"state": "Started", "polls": 3}, "Other": {"state": "Started"}}}, **POOL)
    succeeded(made.hosts.run("restart", options=("--check",)), 2)
    succeeded(made.hosts.run("stop"), 1)
    assert made.host.read()["pools"]["Shop"]["state"] == "Stopped"
    succeeded(made.hosts.run("start"), 1)
    assert made.host.calls("web_app_pool") == ["web_app_pool Shop stopped", "web_app_pool Shop started"]
    assert {pool["state"] for pool in made.host.read()["pools"].values()} == {"Started"}


def test_an_application_pool_that_is_not_there_is_not_made(windows: Make) -> None:
    made = windows({"pools": {}}, **POOL)
    failed(made.hosts.run("restart"), "cannot tell whether application pool Shop runs: ", UNTOUCHED)
    assert made.host.read()["pools"] == {}


def test_app_offline_is_put_in_and_only_the_projects_own_is_taken_out(windows: Make) -> None:
    theirs, ours = r"D:\their\App_Offline.htm", r"D:\our\App_Offline.htm"
    choices = {
        "aspstate_web_service_backend": "app_offline",
        "aspstate_web_service_app_offline_folders": ["D:\\our\\", "D:\\their"],
        "aspstate_web_service_app_offline_page": "back soon",
    }
    made = windows({"folders": [r"D:\our", r"D:\their"], "files": {theirs: "dGhlaXJz"}}, **choices)
    succeeded(made.hosts.run("stop", "start", options=("--check",)), 2)
    succeeded(made.hosts.run("stop"), 1)
    assert (made.host.file(ours), made.host.file(theirs)) == ("back soon", "theirs")
    succeeded(made.hosts.run("start"), 1)
    assert (made.host.file(ours), made.host.file(theirs)) == (None, "theirs")
    assert made.host.file(RECORD) is None
