"""What is new since the previous report, what is gone, and what nobody could see this time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .history import History
from .text import REPORT

Identity = tuple[str, str, str]
_CARRIED = ("id", "severity", "host", "subject", "message", "first_seen")


@dataclass(frozen=True)
class Changes:
    """`first_seen` is of the findings that were known before; the others are entries of a report."""

    first_seen: Mapping[Identity, str] = field(default_factory=dict)
    resolved: tuple[dict[str, Any], ...] = ()
    not_known: tuple[dict[str, Any], ...] = ()


def identity(finding: Mapping[str, Any]) -> Identity:
    """What makes two findings of different runs the same."""
    return finding["host"], finding["id"], finding["subject"]


def changes(history: History, findings: Iterable[Mapping[str, Any]], checked: Collection[str]) -> Changes:
    """`checked` are the names of the hosts of which everything was looked at.

    What was found on another host before, and is not now, is not known: it is carried along, with its first_seen, for
    as long as the last report in which it was found is kept.
    """
    before = history.previous
    if before is None:
        return Changes()
    looked_at = {REPORT, *checked}
    carried = [{key: each[key] for key in (*_CARRIED, "last_seen")} for each in before["not_known"]]
    carried += [{key: each[key] for key in _CARRIED} | {"last_seen": before["time"]} for each in before["findings"]]
    now = {identity(each) for each in findings}
    gone = [each for each in carried if identity(each) not in now]
    oldest = history.reports[0]["time"]
    return Changes(
        {identity(each): each["first_seen"] for each in carried},
        tuple(each for each in gone if each["host"] in looked_at),
        tuple(each for each in gone if each["host"] not in looked_at and each["last_seen"] >= oldest),
    )
