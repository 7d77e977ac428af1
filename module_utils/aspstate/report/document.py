"""The report as plain data, which is report.json: all other files are made of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from ..errors import Refused
from ..finding import FINDINGS, SEVERITIES, Finding
from .changes import changes, identity
from .history import VERSION, History
from .settings import NEVER, Settings
from .text import fit, iso
from .waivers import expired

_TEXTS = ("id", "subject", "message")


def build(hosts: Sequence[Mapping[str, Any]], settings: Settings, history: History, now: datetime) -> dict[str, Any]:
    """The report of one run. `hosts` are as the argument of aspstate_report, `now` is in UTC.

    Raises Refused for findings that are none.
    """
    _demand_names(hosts)
    own = [*expired(settings.waivers, now.date()), *history.findings(now)]
    findings = [fit(each.facts()) for each in own] + [each for host in hosts for each in _findings(host)]
    seen = [_host(host, findings) for host in hosts]
    known = changes(history, findings, {each["name"] for each in seen if each["status"] == "checked"})
    before = history.previous
    keys: Counter[str] = Counter()
    for each in findings:
        first_seen = known.first_seen.get(identity(each))
        waiver = next((one for one in settings.waivers if one.covers(each, now.date())), None)
        each |= {
            "key": _key(each, keys),
            "first_seen": first_seen or iso(now),
            "new": before is not None and first_seen is None,
            "waiver": fit(waiver.facts()) if waiver else None,
        }
    report = {
        "version": VERSION,
        "time": iso(now),
        "title": fit(settings.title),
        "status": "",
        "fail_on": settings.fail_on,
        "previous": before["time"] if before else None,
        "counts": counts(findings),
        "hosts": sorted(seen, key=lambda host: host["name"]),
        "findings": sorted(findings, key=_worst_first),
        "resolved": list(known.resolved),
        "not_known": list(known.not_known),
    }
    return {**report, "status": _status(report)}


def counts(findings: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """By severity, those without a waiver; and those with one."""
    found = Counter("waived" if each["waiver"] else each["severity"] for each in findings)
    return {name: found[name] for name in (*reversed(SEVERITIES), "waived")}


def counts_for(finding: Mapping[str, Any], fail_on: str) -> bool:
    """Whether a finding is one that the run fails on, or would if it may fail."""
    least = "warning" if fail_on == NEVER else fail_on
    return not finding["waiver"] and SEVERITIES.index(finding["severity"]) >= SEVERITIES.index(least)


def fails(report: Mapping[str, Any]) -> bool:
    """Whether the run is to end as failed. A host that could not be checked is never clean, whatever `fail_on` is."""
    return report["status"] == "incomplete" or (report["status"] == "findings" and report["fail_on"] != NEVER)


def _status(report: Mapping[str, Any]) -> str:
    if any(host["status"] != "checked" for host in report["hosts"]):
        return "incomplete"
    return "findings" if any(counts_for(each, report["fail_on"]) for each in report["findings"]) else "clean"


def _demand_names(hosts: Sequence[Mapping[str, Any]]) -> None:
    twice = [name for name, number in Counter(each["name"] for each in hosts).items() if number > 1]
    if twice:
        raise Refused(f"hosts: {', '.join(twice)} is there twice; give a host once, with all that was found on it")


def _host(given: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A host is checked only where nothing of it is not known."""
    name = fit(given["name"])
    blind = any(each["id"] == "ASP001" and each["host"] == name for each in findings)
    return {
        **{key: fit(given[key]) for key in ("kind", "address", "reason", "sample", "growth", "job", "instance")},
        "name": name,
        "status": "incomplete" if blind and given["status"] == "checked" else given["status"],
    }


def _findings(host: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What was found on a host, under its name in the inventory; what of it is not known among that."""
    name, given = fit(host["name"]), host["findings"]
    for number, each in enumerate(given, 1):
        if problem := _problem(each):
            raise Refused(f"hosts: finding {number} of {name} {problem}; give findings as the modules return them")
        severity, page = FINDINGS[each["id"]]
        runbook = f"docs/runbooks/{page}.md#{each['id'].lower()}"
        facts = {key: each.get(key) for key in ("id", "severity", "subject", "message", "expected", "found")}
        if each["id"] == "ASP001":
            facts["severity"] = severity
        yield fit({**facts, "host": name, "runbook": runbook})
    if host["status"] == "unreachable":
        why = f": {host['reason']}" if host["reason"] else ""
        yield fit(Finding("ASP001", name, "the host", f"Ansible could not reach it{why}").facts())
    elif host["status"] == "incomplete" and not any(each["id"] == "ASP001" for each in given):
        yield fit(Finding("ASP001", name, "the host", host["reason"] or "it was not fully checked").facts())


def _problem(given: Mapping[str, Any]) -> str:
    if wrong := [key for key in _TEXTS if not isinstance(given.get(key), str) or not given[key]]:
        return f"has no {' and no '.join(wrong)}"
    if given["id"] not in FINDINGS:
        return f"is {given['id']}, which there is not"
    return "" if given.get("severity") in SEVERITIES else f"has severity {given.get('severity')!r}"


def _key(finding: Mapping[str, Any], keys: Counter[str]) -> str:
    """Short, and the same in every run, so that it can be linked to; -2 where one thing is found twice."""
    key = sha256(json.dumps(identity(finding)).encode()).hexdigest()[:12]
    keys[key] += 1
    return key if keys[key] == 1 else f"{key}-{keys[key]}"


def _worst_first(finding: Mapping[str, Any]) -> tuple[bool, int, str, str, str]:
    return (
        finding["waiver"] is not None,
        -SEVERITIES.index(finding["severity"]),
        finding["host"],
        finding["id"],
        finding["subject"],
    )
