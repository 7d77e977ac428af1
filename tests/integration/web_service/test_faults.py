"""The web service breaks, or the run does: it is told, nothing is lost, and the next run completes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.integration.breaking import was_killed
from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.conftest import UNTOUCHED, failed, succeeded
from tests.integration.web_service.services import Service, Services

CANNOT_STOP = {
    "cannot_stop": "non-zero return code: the process is in use",
    "never_stops": "web service is running after 3 s",
    "stop_hangs": "Timed out after 3 second(s)",
}
CANNOT_START = {
    "cannot_start": "non-zero return code: the port is taken",
    "start_hangs": "Timed out after 3 second(s)",
    "starts_nothing": "web service is stopped after 3 s",
    "never_answers": "does not answer with 200 within 3 s: Status code was 503 and not [200]: HTTP Error 503: Service",
}


def broken(services: Services, tmp_path: Path, faults: Iterable[str]) -> tuple[dict[str, Service], WebHosts]:
    """A host for each fault, named after it."""
    farm = services(*faults)
    for how, service in farm.items():
        service.breaks(how)
    return farm, WebHosts(tmp_path, {how: service.variables for how, service in farm.items()})


def test_a_service_that_does_not_stop_is_told_and_the_next_run_completes(services: Services, tmp_path: Path) -> None:
    farm, hosts = broken(services, tmp_path, CANNOT_STOP)
    run = hosts.run("stop")
    for how, service in farm.items():
        failed(run, f"{how}: {service.subject} was not stopped: {CANNOT_STOP[how]}", host=how)
        failed(run, f"written down in {service.record} on the host and is brought back by the next start", host=how)
        assert service.runs
        assert service.record.exists()
        service.mended()
    succeeded(hosts.run("restart"), 2 * len(farm))
    for service in farm.values():
        assert service.runs
        assert not service.record.exists()


def test_a_service_that_does_not_come_back_is_told_and_the_next_run_completes(
    services: Services, tmp_path: Path
) -> None:
    farm, hosts = broken(services, tmp_path, CANNOT_START)
    run = hosts.run("restart")
    for how, service in farm.items():
        failed(run, f"{how}: {service.subject} was not brought back: ", CANNOT_START[how], host=how)
        assert service.record.exists()
        service.mended()
    run = hosts.run("start")
    assert run.code == 0, run.output
    for service in farm.values():
        assert service.runs
        assert not service.record.exists()


def test_a_service_whose_state_is_not_known_is_refused(services: Services, tmp_path: Path) -> None:
    farm, hosts = broken(services, tmp_path, ("odd_status", "status_hangs"))
    for entry_point in ("preflight", "stop"):
        run = hosts.run(entry_point)
        failed(run, "web service is unknown: its status answers exit code 4", UNTOUCHED, host="odd_status")
        failed(run, "it is anybody's guess", host="odd_status")
        failed(run, "cannot tell whether", "Timed out after 3 second(s)", UNTOUCHED, host="status_hangs")
    for service in farm.values():
        service.mended()
        assert service.runs
        assert not service.record.exists()


GOOD = {"format": 1, "backend": "command", "service": "", "units": ["web service"], "drained": False, "pages": []}
UNBELIEVABLE = {
    "cut_off": ('{"format": 1, "backe', "it is not JSON"),
    "empty": ("", "it is not JSON"),
    "list": ("[]", "it has not the format that this version writes"),
    "later": (json.dumps({**GOOD, "format": 2}), "it has not the format that this version writes"),
    "kinds": (json.dumps({**GOOD, "units": [1], "drained": "no"}), "its units, drained cannot be read"),
    "other": (json.dumps({**GOOD, "service": "nginx"}), "it is of backend command and service"),
}


def test_a_record_that_cannot_be_believed_is_refused(service: Service, tmp_path: Path) -> None:
    variables = {}
    for name, (text, _) in UNBELIEVABLE.items():
        (tmp_path / name).write_text(text)
        variables[name] = {**service.variables, "aspstate_web_service_state_file": str(tmp_path / name)}
    for entry_point in ("preflight", "restart"):
        run = WebHosts(tmp_path, variables).run(entry_point)
        for name, (text, said) in UNBELIEVABLE.items():
            failed(run, f"{tmp_path / name}, where an earlier run wrote down", said, UNTOUCHED, host=name)
            assert (tmp_path / name).read_text() == text
    assert service.runs


def test_a_run_that_is_killed_at_some_steps_is_completed_by_the_next(service: Service, hosts: WebHosts) -> None:
    assert all(is_killed_and_completed(service, hosts, step) for step in (5, 11))


@pytest.mark.sweep
def test_a_run_that_is_killed_at_any_step_is_completed_by_the_next(service: Service, hosts: WebHosts) -> None:
    step = 1
    while is_killed_and_completed(service, hosts, step):
        step += 1
    assert step > 12


def is_killed_and_completed(service: Service, hosts: WebHosts, step: int) -> bool:
    """Kill a restart before that step, if it has one; then one start brings back what ran, if it was written down."""
    broken_off = hosts.run("restart", kill_at=step)
    assert service.runs or service.record.exists(), (step, broken_off.output)
    run = hosts.run("start")
    assert run.code == 0, (step, broken_off.output, run.output)
    assert service.runs, (step, broken_off.output, run.output)
    assert not service.record.exists(), (step, broken_off.output, run.output)
    return was_killed(broken_off)
