"""The options of SET, and the values of each that the lab server accepts: what clients and the project send."""

from __future__ import annotations

_EITHER = frozenset({"ON", "OFF"})
_ON = frozenset({"ON"})
_OFF = frozenset({"OFF"})

SWITCHES = {
    "ANSI_NULLS": _ON,
    "ANSI_NULL_DFLT_ON": _ON,
    "ANSI_PADDING": _ON,
    "ANSI_WARNINGS": _ON,
    "ARITHABORT": _EITHER,
    "CONCAT_NULL_YIELDS_NULL": _ON,
    "CURSOR_CLOSE_ON_COMMIT": _EITHER,
    "IMPLICIT_TRANSACTIONS": _OFF,
    "NOCOUNT": _EITHER,
    "NUMERIC_ROUNDABORT": _OFF,
    "QUOTED_IDENTIFIER": _EITHER,
    "XACT_ABORT": _EITHER,
}
"""Options that are ON or OFF."""

NUMBERS = ("LOCK_TIMEOUT", "TEXTSIZE")
"""Options whose value is an integer, -1 or more."""

WORDS = {
    "DATEFORMAT": frozenset({"MDY"}),
    "LANGUAGE": frozenset({"US_ENGLISH"}),
}
"""Options whose value is a word, with or without quotes."""

ISOLATION_LEVELS = frozenset({"READ COMMITTED"})

DEADLOCK_PRIORITIES = {"LOW": -5, "NORMAL": 0, "HIGH": 5}
"""Words for DEADLOCK_PRIORITY, which may also be a number from -10 to 10."""
