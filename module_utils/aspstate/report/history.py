"""The reports that are kept: which there are, what they say, and what of them no longer counts."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..errors import Refused
from ..finding import Finding
from .text import REPORT, iso, moment

VERSION = 1
"""Of report.json: another one is another contract."""

_RUN = re.compile(r"(\d{4}-\d\d-\d\dT\d{6}Z)(?:-([1-9]\d*))?")
_HOST_FACTS = ("sample", "growth", "job", "instance")


@dataclass(frozen=True, order=True)
class Run:
    """A run's folder: when it was, in UTC, and which it is of those in that second."""

    time: datetime
    number: int = 1

    @property
    def name(self) -> str:
        return self.time.strftime("%Y-%m-%dT%H%M%SZ") + (f"-{self.number}" if self.number > 1 else "")


@dataclass(frozen=True)
class History:
    """Oldest first. `reports` are those that can be read and are not from the future, the newest with its findings;
    `unreadable` says why, by run.
    """

    reports: tuple[Mapping[str, Any], ...] = ()
    unreadable: tuple[tuple[Run, str], ...] = ()
    future: tuple[Run, ...] = ()

    @property
    def previous(self) -> Mapping[str, Any] | None:
        """The newest report."""
        return self.reports[-1] if self.reports else None

    def findings(self, now: datetime) -> list[Finding]:
        """What is wrong with the kept reports."""
        cut = [
            Finding("ASP003", REPORT, f"{run.name}/report.json", f"the report cannot be read: {why}; it is passed over")
            for run, why in self.unreadable
        ]
        ahead = [
            Finding(
                "ASP004",
                REPORT,
                f"run {run.name}",
                "the report is from the future: the controller's clock went back, or was ahead then; it is passed over",
                expected=f"a time up to {iso(now)}",
                found=iso(run.time),
            )
            for run in self.future
        ]
        return cut + ahead

    def last_known(self) -> dict[str, dict[str, Any]]:
        """Of each host the newest sample and what was said of its instance, with the time of that report."""
        known = {}
        for report in self.reports:
            for host in report["hosts"]:
                if host.get("sample"):
                    known[host["name"]] = {
                        "sample": host["sample"],
                        "instance": host.get("instance"),
                        "time": report["time"],
                    }
        return known


def runs(path: Path) -> list[Run]:
    """The folders in `path` that hold a report and are named as runs, oldest first. Raises Refused."""
    try:
        folders = [each.name for each in path.iterdir() if not each.is_symlink() and (each / "report.json").is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Refused(f"{path} cannot be listed: {error.strerror}; give the user of this run that right") from None
    return sorted(run for run in map(run_of, folders) if run)


def run_of(name: str) -> Run | None:
    """The run that a folder's name says; None for any other name."""
    found = _RUN.fullmatch(name)
    if not found:
        return None
    try:
        time = datetime.strptime(found[1], "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    run = Run(time, int(found[2] or 1))
    return run if run.name == name else None


def read(path: Path, now: datetime) -> History:
    """All kept reports as of `now`, of which only the newest keeps its findings. Raises Refused."""
    reports: list[Mapping[str, Any]] = []
    unreadable, future = [], []
    for run in runs(path):
        if run.time > now:
            future.append(run)
            continue
        try:
            report = _checked((path / run.name / "report.json").read_bytes())
        except FileNotFoundError:
            continue  # another run removed it meanwhile
        except (OSError, ValueError) as error:
            unreadable.append((run, getattr(error, "strerror", None) or str(error)))
            continue
        if reports:
            reports[-1] = {**reports[-1], "findings": (), "not_known": ()}
        reports.append(report)
    return History(tuple(reports), tuple(unreadable), tuple(future))


def _checked(raw: bytes) -> Mapping[str, Any]:
    """A report in which everything is there that is used of it. Raises ValueError with what is not."""
    try:
        report = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON, or was cut off ({error})") from None
    if not isinstance(report, dict) or "version" not in report:
        raise ValueError("it has no version")
    if report["version"] != VERSION:
        raise ValueError(f"it is of version {report['version']}, and this project reads version {VERSION}")
    try:
        moment(report["time"])
        for host in report["hosts"]:
            _demand(host, str, "name", "status")
            _demand({key: host.get(key) or {} for key in _HOST_FACTS}, dict, *_HOST_FACTS)
        for finding in (*report["findings"], *report["not_known"]):
            _demand(finding, str, "id", "severity", "host", "subject", "message")
            moment(finding["first_seen"])
        for finding in report["not_known"]:
            moment(finding["last_seen"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"it is not as a report is ({type(error).__name__}: {error})") from None
    return report


def _demand(given: Mapping[str, Any], kind: type, *names: str) -> None:
    for name in names:
        if not isinstance(given[name], kind):
            raise TypeError(f"{name} is {given[name]!r}")
