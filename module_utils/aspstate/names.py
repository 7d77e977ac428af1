"""Which database names are accepted."""

from __future__ import annotations

from .errors import Refused

SYSTEM_DATABASES = ("master", "model", "msdb", "tempdb")

USUAL = "ASPState"
"""The database that ASP.NET looks for where sqlConnectionString names none."""


def database_name(name: str, type_: str = "") -> str:
    """`name` without its trailing blanks, as aspnet_regsql takes it; of type temporary as it is written there.

    Raises Refused, also where it does not suit a type of session state.
    """
    name = name.rstrip(" ")
    why = _why_not(name) or _why_not_of_type(name, type_)
    if why:
        raise Refused(f"database name {name!r}: {why}; give another one in aspstate_database_name")
    return USUAL if type_ == "temporary" else name  # the startup procedure says ASPState, and case may matter


def characters(name: str) -> int:
    """The length of a name as sysname counts it, in UTF-16 units: an emoji is two."""
    return len(name.encode("utf-16-le")) // 2


def _why_not(name: str) -> str:
    if not name.strip():
        return "it is blank"
    if name != name.lstrip(" "):
        return "it begins with a blank"
    if found := sorted({character for character in name if character in "[]'"}):
        return f"it contains {' and '.join(found)}, which aspnet_regsql refuses as well"
    if any(ord(character) < 32 for character in name):
        return "it contains a control character"
    if characters(name) > 128:
        return f"it has {characters(name)} characters, and SQL Server allows 128"
    if name.lower() in SYSTEM_DATABASES:
        return "it is a system database of SQL Server"
    return ""


def _why_not_of_type(name: str, type_: str) -> str:
    if type_ == "temporary" and name.casefold() != USUAL.casefold():
        return (
            f"type temporary is always in {USUAL}, since its tables in tempdb and its startup procedure are one of a "
            "kind on an instance"
        )
    if type_ == "custom" and name.casefold() == USUAL.casefold():
        return f"type custom needs the name of a database of yours; {USUAL} is for the types temporary and persisted"
    return ""
