"""Filters that say what is wrong with the jobs of role aspstate_schedule: they differ, or do not do their work."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.finding import Finding

_REPAIR = "; playbooks/schedule.yml repairs it"


def aspstate_schedule_differences(paths: Iterable[str], host: str, *, wanted: bool) -> list[dict[str, Any]]:
    """ASP701 for each of `paths` that schedule.yml would write (`wanted`) or remove."""
    if wanted:
        words, expected, found = (
            "is missing or differs from what the inventory asks for",
            "present",
            "missing or different",
        )
    else:
        words, expected, found = "is there and no longer wanted", "absent", "present"
    return [
        Finding("ASP701", host, path, f"{path} {words}{_REPAIR}", expected=expected, found=found).facts()
        for path in paths
    ]


def aspstate_schedule_health(
    jobs: Iterable[tuple[Mapping[str, Any], float, str]], host: str, units: str, now: float
) -> list[dict[str, Any]]:
    """ASP701 for timers that are disabled, ASP702 for timers and jobs that do not do their work.

    Each of `jobs` comes with the time when its settings were written, and what aspstate-run wrote of its last run, ""
    where it has not. `units` is what `systemctl show` says of the jobs' timers and services, "" where cron runs the
    jobs. Times are seconds since 1970.
    """
    states = {unit["Id"]: unit for unit in map(_unit, units.split("\n\n")) if "Id" in unit}
    return [
        finding.facts()
        for job, installed, last in jobs
        for finding in (
            *_of_timer(host, states.get(f"aspstate-{job['name']}.timer", {})),
            *_of_job(host, job, states.get(f"aspstate-{job['name']}.service", {}), (installed, last), now),
        )
    ]


def aspstate_schedule_not_known(reason: str, host: str) -> list[dict[str, Any]]:
    """ASP001, because the schedule could not be looked at."""
    message = f"the schedule could not be looked at: {reason}"
    return [Finding("ASP001", host, "schedule", message, expected="looked at", found="not known").facts()]


def _unit(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def _of_job(
    host: str, job: Mapping[str, Any], service: Mapping[str, str], last: tuple[float, str], now: float
) -> Iterator[Finding]:
    if reason := _service_failure(job, service) or _last_failure(job, *last, now):
        message = f"job {job['name']} does not do its work: {reason}"
        expected = f"a run at least every {job['overdue']} s that ends with {' or '.join(map(str, job['good_codes']))}"
        yield Finding("ASP702", host, job["name"], message, expected=expected, found=reason)


def _of_timer(host: str, timer: Mapping[str, str]) -> Iterator[Finding]:
    """What is wrong with a timer whose unit is there."""
    if timer.get("LoadState") not in (None, "not-found"):
        name, enabled, active = timer["Id"], timer["UnitFileState"], timer["ActiveState"]
        if enabled != "enabled":
            message = f"{name} is {enabled or 'not enabled'}, so that it does not come back after a restart{_REPAIR}"
            yield Finding("ASP701", host, name, message, expected="enabled", found=enabled)
        if active != "active":
            message = f"{name} is {active}, so that its job is not run{_REPAIR}"
            yield Finding("ASP702", host, name, message, expected="active", found=active)


def _service_failure(job: Mapping[str, Any], service: Mapping[str, str]) -> str:
    """Why systemd says that the last run failed; a code that aspstate-run has written down is told by _last_failure."""
    result, code = service.get("Result", "success"), service.get("ExecMainStatus", "0")
    if result == "success" or (result == "exit-code" and int(code) in job["good_codes"]):
        return ""
    return f"{service['Id']} ended with result {result}, code {code}"


def _last_failure(job: Mapping[str, Any], installed: float, last: str, now: float) -> str:
    """Why the last run that aspstate-run has written down failed, or why there should be a later one."""
    overdue = int(job["overdue"])
    if not last:
        waited = now - installed
        return f"no run has ended since it was installed {waited:.0f} s ago" if waited > overdue else ""
    try:
        run = json.loads(last)
        code, waited = int(run["exit_code"]), now - max(run["ended"], installed)
    except (ValueError, KeyError, TypeError):
        return "how its last run ended cannot be read"
    if code not in job["good_codes"]:
        return f"its last run ended with code {code}"
    return f"no run has ended for {waited:.0f} s" if waited > overdue else ""


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {
            "aspstate_schedule_differences": aspstate_schedule_differences,
            "aspstate_schedule_health": aspstate_schedule_health,
            "aspstate_schedule_not_known": aspstate_schedule_not_known,
        }
