"""Hosts as a check hands them over, and reports made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aspstate.report.make import Made, make
from aspstate.report.settings import Settings

NOW = datetime(2026, 11, 22, 1, 44, 10, tzinfo=UTC)
SAMPLE = {"time": "2026-11-22T01:44:00Z", "live": 120, "expired": 3, "stuck": 0, "bytes": 4096, "oldest_expired": 50}


def finding(id_: str = "ASP403", severity: str = "warning", **facts: Any) -> dict[str, Any]:
    """As a module returns it, whose host is the server's address."""
    given = {"subject": "database ASPState", "message": "there are too many", "expected": 1000, "found": 2412}
    return {"id": id_, "severity": severity, "host": "10.0.0.1:1433", "runbook": "", **given, **facts}


def host(name: str = "sql01", *findings: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """A database server that was fully checked, unless said otherwise."""
    given = {"kind": "database", "address": "10.0.0.1:1433", "status": "checked", "reason": ""}
    numbers = {"sample": None, "growth": None, "job": None, "instance": None}
    return {"name": name, **given, "findings": list(findings), **numbers, **facts}


def run_of(path: Path, *hosts: Mapping[str, Any], hours: float = 0, **settings: Any) -> Made:
    """Write the report of a run so many hours after NOW."""
    return make(hosts, replace(Settings(path), **settings), NOW + timedelta(hours=hours))


def kept(path: Path) -> dict[str, Any]:
    """What the newest report.json says."""
    return json.loads((path / "latest/report.json").read_text())


def ids(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which findings these are."""
    return [each["id"] for each in findings]
