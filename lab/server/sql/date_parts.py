"""The date parts of DATEADD and DATEDIFF; months, quarters and years are not supported, having no fixed length."""

from __future__ import annotations

_NAMES = {
    "day": ("dd", "d"),
    "hour": ("hh",),
    "minute": ("mi", "n"),
    "second": ("ss", "s"),
    "millisecond": ("ms",),
}

DATE_PARTS = {written: name for name, short in _NAMES.items() for written in (name, *short)}
"""Full name of each date part, by name and by abbreviation."""
