"""Waivers: findings that somebody has accepted, for a reason and until a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from ..errors import Refused
from ..finding import FINDINGS, Finding
from .text import REPORT

_REQUIRED = ("id", "subject", "reason", "owner", "until")


@dataclass(frozen=True)
class Waiver:
    """`subject` and `host` are patterns as file names have them; it holds to the end of the day `until`, in UTC."""

    id: str
    subject: str
    host: str
    reason: str
    owner: str
    until: date

    def covers(self, finding: Mapping[str, Any], day: date) -> bool:
        """Whether it waives this finding on that day."""
        return (
            self.id == finding["id"]
            and day <= self.until
            and fnmatchcase(finding["subject"], self.subject)
            and fnmatchcase(finding["host"], self.host)
        )

    def facts(self) -> dict[str, str]:
        """What a report says of it."""
        return {"reason": self.reason, "owner": self.owner, "until": self.until.isoformat()}


def waivers(given: Sequence[object]) -> list[Waiver]:
    """Raises Refused, which names all that is wrong with all of them."""
    wrong = [problem for number, each in enumerate(given, 1) for problem in _problems(number, each)]
    if wrong:
        raise Refused("waivers: " + "; ".join(wrong))
    return [_waiver(each) for each in given]


def expired(given: Sequence[Waiver], day: date) -> list[Finding]:
    """A finding for each that no longer holds."""
    return [
        Finding(
            "ASP002",
            REPORT,
            f"waiver {each.id} of {each.subject}" + (f" on {each.host}" if each.host != "*" else ""),
            f"it held until {each.until} and no longer does; {each.owner} gave it because: {each.reason}",
            expected=f"a day from {day} on",
            found=each.until.isoformat(),
        )
        for each in given
        if each.until < day
    ]


def _problems(number: int, given: object) -> list[str]:
    if not isinstance(given, Mapping):
        return [f"number {number} is not a mapping; it needs {', '.join(_REQUIRED)}"]
    name = f"number {number} ({given.get('id') or 'without an id'}, {given.get('subject') or 'without a subject'})"
    problems = [f"{name} has no {key}{_hint(key)}" for key in _REQUIRED if given.get(key) in (None, "")]
    if unknown := sorted(str(key) for key in given if key not in (*_REQUIRED, "host")):
        problems.append(f"{name} has {', '.join(unknown)}; there are {', '.join(_REQUIRED)} and host")
    problems += [
        f"{name}: {key} is no text"
        for key in ("id", "subject", "host", "reason", "owner")
        if given.get(key) not in (None, "") and not (isinstance(given[key], str) and given[key].strip())
    ]
    if given.get("id") == "ASP001":
        problems.append(f"{name}: what could not be seen cannot be waived; take the host out of the inventory")
    elif isinstance(given.get("id"), str) and given["id"] and given["id"] not in FINDINGS:
        problems.append(f"{name}: there is no finding {given['id']}; docs/runbooks has all of them")
    if given.get("until") not in (None, "") and _day(given["until"]) is None:
        problems.append(f"{name}: until is {given['until']!s}, which is no day as YYYY-MM-DD")
    return problems


def _hint(key: str) -> str:
    return ": the last day on which it holds, as YYYY-MM-DD" if key == "until" else ""


def _waiver(given: Mapping[str, Any]) -> Waiver:
    texts = {key: str(given[key]) for key in ("id", "subject", "reason", "owner")}
    return Waiver(**texts, host=str(given.get("host") or "*"), until=_day(given["until"]))


def _day(given: object) -> date | None:
    """YAML reads an unquoted day as a date."""
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        return datetime.strptime(str(given), "%Y-%m-%d").date() if len(str(given)) == len("YYYY-MM-DD") else None
    except ValueError:
        return None
