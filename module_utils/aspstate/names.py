"""Which database names are accepted."""

from __future__ import annotations

from .errors import Refused

SYSTEM_DATABASES = ("master", "model", "msdb", "tempdb")


def database_name(name: str) -> str:
    """`name` without its trailing blanks, as aspnet_regsql takes it. Raises Refused."""
    name = name.rstrip(" ")
    why = _why_not(name)
    if why:
        raise Refused(f"database name {name!r}: {why}; give another one in aspstate_database_name")
    return name


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
