"""Filter that makes of what a check left on each host what the report is given: see aspstate_report's `hosts`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.finding import Finding
from ansible.module_utils.aspstate.web_check import (
    config_findings,
    farm_findings,
    page_findings,
    service_findings,
)

Host = dict[str, Any]
_LEFT_BY = {
    "database": "__aspstate_check_database",
    "web": "__aspstate_check_web",
    "controller": "__aspstate_schedule_findings",
}
_KEPT = ("address", "sample", "growth", "job", "instance")


def aspstate_checked(names: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]) -> list[Host]:
    """An entry for each of the hosts `names`, with what was found there and whether all of it was looked at."""
    hosts = [_host(name, hostvars[name]) for name in names]
    by_name = {host["name"]: host for host in hosts}
    for farm, looks in _farms(hostvars[name] for name in names):
        told_of = farm if farm in by_name else next(iter(looks))  # with --limit the database host may not be there
        by_name[told_of]["findings"] += [each.facts() for each in farm_findings(farm, looks)]
    return hosts


def _host(name: str, variables: Mapping[str, Any]) -> Host:
    kind = variables.get("__aspstate_check_kind", "database")
    looked = variables.get(_LEFT_BY[kind])
    reached = variables.get("__aspstate_check_reached") or (looked if kind == "database" else None) or {}
    failure = variables.get("__aspstate_check_failure") or ("" if looked is not None else "it was not looked at")
    host = {"name": name, "kind": kind, "reason": failure}
    if reached.get("unreachable"):
        return {**host, "status": "unreachable", "reason": str(reached.get("msg") or ""), "findings": []}
    if kind == "database":
        kept = {option: looked[option] for option in _KEPT if looked.get(option)} if looked else {}
        host |= {**kept, "findings": list((looked or {}).get("findings") or ())}
    elif kind == "web":
        host["findings"] = list(_of_web(name, looked or {}))
    else:
        host["findings"] = list(looked or ())
    seen = not failure and all(each["id"] != "ASP001" for each in host["findings"])
    return {**host, "status": "checked" if seen else "incomplete"}


def _of_web(name: str, seen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    findings: list[Finding] = []
    if "units" in seen:
        findings += service_findings(name, seen["subject"], seen["units"], seen["recorded"])
    if seen.get("page"):
        findings += page_findings(name, seen["page"])
    findings += config_findings(name, seen.get("looks") or ())
    yield from (each.facts() for each in findings)
    for look in seen.get("looks") or ():
        yield from look.get("findings") or ()


def _farms(hosts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, dict[str, list[Mapping[str, Any]]]]]:
    """The database host of each farm, with the looks at the applications of its web hosts that could be looked at."""
    farms: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
    for variables in hosts:
        seen = variables.get("__aspstate_check_web") or {}
        looks = list(seen.get("looks") or ())
        if looks and all("session_state" in look for look in looks):
            farms.setdefault(seen["database_host"], {})[variables["inventory_hostname"]] = looks
    yield from farms.items()


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aspstate_checked": aspstate_checked}
