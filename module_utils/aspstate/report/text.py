"""Texts and times as every file of a report has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

REPORT = "report"
"""The host of findings about the report itself."""

_LAST_OF_PLANES = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_UNFIT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_LAST_OF_PLANES}]")


def fit(value: Any) -> Any:
    """Plain data in which no text has a character that XML or HTML cannot hold; each becomes U+FFFD.

    What is no JSON, such as a date, becomes its text.
    """
    if isinstance(value, str):
        return _UNFIT.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {fit(str(key)): fit(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [fit(each) for each in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and abs(value) != float("inf") and value == value:
        return value
    return str(value)


def iso(moment: datetime) -> str:
    """UTC, to the second: 2026-11-22T01:44:10Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """The other way round. Raises ValueError."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def age(span: timedelta) -> str:
    """A span in the one unit that says it best."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size or (unit == "day" and seconds >= size):
            return counted(seconds // size, unit)
    return counted(seconds, "second")


def counted(number: int, noun: str, plural: str = "") -> str:
    """1 host, 2 hosts, 10,000 hosts."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
