"""Connection strings of ADO.NET as System.Data.SqlClient of .NET Framework 4.8 reads them, and without their secrets.

The grammar and the keywords are documented with SqlConnection.ConnectionString and DbConnectionStringBuilder.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

HIDDEN = "********"

_SYNONYMS = {
    "application name": ("app",),
    "asynchronous processing": ("async",),
    "attachdbfilename": ("extended properties", "initial file name"),
    "connect timeout": ("connection timeout", "timeout"),
    "current language": ("language",),
    "data source": ("addr", "address", "network address", "server"),
    "initial catalog": ("database",),
    "integrated security": ("trusted_connection",),
    "load balance timeout": ("connection lifetime",),
    "network library": ("net", "network"),
    "password": ("pwd",),
    "persist security info": ("persistsecurityinfo",),
    "user id": ("uid", "user"),
    "workstation id": ("wsid",),
}
_OTHERS = (
    "applicationintent",
    "authentication",
    "column encryption setting",
    "connection reset",
    "connectretrycount",
    "connectretryinterval",
    "context connection",
    "enclave attestation url",
    "encrypt",
    "enlist",
    "failover partner",
    "max pool size",
    "min pool size",
    "multipleactiveresultsets",
    "multisubnetfailover",
    "packet size",
    "poolblockingperiod",
    "pooling",
    "replication",
    "transaction binding",
    "transparentnetworkipresolution",
    "trustservercertificate",
    "type system version",
    "user instance",
)
_KEYWORDS = {
    **{name: name for name in (*_SYNONYMS, *_OTHERS)},
    **{synonym: name for name, synonyms in _SYNONYMS.items() for synonym in synonyms},
}
_SECRET = ("password",)

_GAP = re.compile(r"[\s;\0]*")
_KEY = re.compile(r"((?:[^=;\s\x00-\x1f]|==|\s+(?=[^=;\s]|==))+)\s*=(?!=)\s*")
_VALUE = re.compile(
    r""""((?:[^"\0]|"")*)"|'((?:[^'\0]|'')*)'|((?!["'\s])(?:[^;\s\x00-\x1f]|\s+(?=[^;\s\x00-\x1f]))*(?<!["']))"""
)
_AFTER = re.compile(r"\s*(?:;|[\s\0]*\Z)")


class Malformed(ValueError):
    """SqlClient would not read it; the message says where, and nothing of what is there."""


def parse(text: str) -> dict[str, str]:
    """The keywords, in small letters and each by one name, with their values; the last of two counts.

    A keyword without a value is as good as not there. Raises Malformed.
    """
    values: dict[str, str] = {}
    for name, value, _, _ in _pairs(text):
        values.pop(name, None)
        if value:
            values[name] = value
    return values


def _pairs(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Each keyword with its value, and the place of both in the text with the semicolon after them."""
    position = _end(_GAP, text, 0)
    while position < len(text):
        key = _KEY.match(text, position)
        if not key:
            raise Malformed(f"at character {position + 1}: a keyword and = are missing")
        value = _VALUE.match(text, key.end())
        after = _AFTER.match(text, value.end() if value else key.end())
        if not after:
            raise Malformed(f"at character {key.end() + 1}: the quotes of this value do not end it")
        yield _name(key.group(1)), _unquoted(value) if value else "", position, after.end()
        position = _end(_GAP, text, after.end())


def with_database(text: str, database: str) -> str:
    """The text with another database in it, and nothing else changed; "" takes it out. Raises Malformed.

    No database that is accepted has a quote in its name.
    """
    kept, position = "", 0
    for name, _, start, end in list(_pairs(text)):
        if name == "initial catalog":
            kept, position = kept + text[position:start], end
    kept = (kept + text[position:]).rstrip()
    if not database:
        return kept
    joint = "" if not kept or kept.endswith(";") else ";"
    written = database if re.fullmatch(r"[\w.-]+", database) else f"'{database}'"
    return f"{kept}{joint}Initial Catalog={written}"


def is_known(keyword: str) -> bool:
    """Whether SqlClient knows a keyword of `parse`; with another one it does not connect."""
    return keyword in _KEYWORDS


def names_database(values: dict[str, str]) -> bool:
    """Whether it says in which database sessions are, which needs allowCustomSqlDatabase."""
    return "initial catalog" in values or "attachdbfilename" in values


def has_password(values: dict[str, str]) -> bool:
    """Whether it holds a password."""
    return "password" in values


def public(values: dict[str, str]) -> dict[str, str]:
    """What may be shown: keywords that SqlClient knows, except for secrets."""
    return {name: value for name, value in values.items() if is_known(name) and name not in _SECRET}


def masked(text: str) -> str:
    """One line to be shown: public keywords with their values, the others hidden; a malformed one as a whole."""
    try:
        values = parse(text)
    except Malformed:
        return HIDDEN
    shown = public(values)
    return ";".join(f"{name if is_known(name) else HIDDEN}={shown.get(name, HIDDEN)}" for name in values) or HIDDEN


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    found = pattern.match(text, position)
    return found.end() if found else position


def _name(written: str) -> str:
    keyword = re.sub(r"\s+", " ", written).replace("==", "=").lower()
    return _KEYWORDS.get(keyword, keyword)


def _unquoted(value: re.Match[str]) -> str:
    double, single, plain = value.groups()
    if double is not None:
        return double.replace('""', '"')
    return single.replace("''", "'") if single is not None else plain
