"""Which permissions there are, which other permission includes each, and what the fixed roles are granted.

As documented for "Permissions (Database Engine)": a permission comes from one of the same securable, and from one of
the securable around it (server, database, schema, object).
"""

from __future__ import annotations

from functools import cache

from lab.server.engine.principals import DATABASE_ROLES, DBCREATOR

SERVER, LOGIN, DATABASE, SCHEMA, OBJECT, TYPE = "SERVER", "LOGIN", "DATABASE", "SCHEMA", "OBJECT", "TYPE"
PARENTS = {LOGIN: SERVER, DATABASE: SERVER, SCHEMA: DATABASE, OBJECT: SCHEMA, TYPE: SCHEMA}


_Included = dict[str, tuple[str | None, str | None]]
"""By permission: the one that includes it on the same securable, and the one on the securable around it."""

_SERVER: _Included = {
    "CONTROL SERVER": (None, None),
    "ALTER ANY CONNECTION": ("CONTROL SERVER", None),
    "ALTER ANY DATABASE": ("CONTROL SERVER", None),
    "ALTER ANY LOGIN": ("CONTROL SERVER", None),
    "CONNECT ANY DATABASE": ("CONTROL SERVER", None),
    "CONNECT SQL": ("CONTROL SERVER", None),
    "CREATE ANY DATABASE": ("ALTER ANY DATABASE", None),
    "VIEW ANY DATABASE": ("VIEW ANY DEFINITION", None),
    "VIEW ANY DEFINITION": ("CONTROL SERVER", None),
    "VIEW SERVER STATE": ("CONTROL SERVER", None),
}
_LOGIN: _Included = {
    "CONTROL": (None, "CONTROL SERVER"),
    "ALTER": ("CONTROL", "ALTER ANY LOGIN"),
    "IMPERSONATE": ("CONTROL", "CONTROL SERVER"),
    "VIEW DEFINITION": ("CONTROL", "VIEW ANY DEFINITION"),
}
_DATA = {name: ("CONTROL", name) for name in ("DELETE", "EXECUTE", "INSERT", "REFERENCES", "SELECT", "UPDATE")}
_DATABASE: _Included = {
    "CONTROL": (None, "CONTROL SERVER"),
    "ALTER": ("CONTROL", "ALTER ANY DATABASE"),
    "ALTER ANY ROLE": ("ALTER", "CONTROL SERVER"),
    "ALTER ANY SCHEMA": ("ALTER", "CONTROL SERVER"),
    "ALTER ANY USER": ("ALTER", "CONTROL SERVER"),
    "CONNECT": ("CONTROL", "CONNECT ANY DATABASE"),
    "CREATE PROCEDURE": ("ALTER", "CONTROL SERVER"),
    "CREATE ROLE": ("ALTER", "CONTROL SERVER"),
    "CREATE TABLE": ("ALTER", "CONTROL SERVER"),
    "CREATE TYPE": ("ALTER", "CONTROL SERVER"),
    "TAKE OWNERSHIP": ("CONTROL", "CONTROL SERVER"),
    "VIEW DATABASE STATE": ("CONTROL", "VIEW SERVER STATE"),
    "VIEW DEFINITION": ("CONTROL", "VIEW ANY DEFINITION"),
} | dict.fromkeys(_DATA, ("CONTROL", "CONTROL SERVER"))
_SCHEMA: _Included = {
    "CONTROL": (None, "CONTROL"),
    "ALTER": ("CONTROL", "ALTER ANY SCHEMA"),
    "VIEW DEFINITION": ("CONTROL", "VIEW DEFINITION"),
} | _DATA
_OBJECT: _Included = {
    "CONTROL": (None, "CONTROL"),
    "ALTER": ("CONTROL", "ALTER"),
    "VIEW DEFINITION": ("CONTROL", "VIEW DEFINITION"),
} | _DATA
_TYPE: _Included = {
    "CONTROL": (None, "CONTROL"),
    "EXECUTE": ("CONTROL", "EXECUTE"),
    "REFERENCES": ("CONTROL", "REFERENCES"),
    "VIEW DEFINITION": ("CONTROL", "VIEW DEFINITION"),
}

PERMISSIONS = {SERVER: _SERVER, LOGIN: _LOGIN, DATABASE: _DATABASE, SCHEMA: _SCHEMA, OBJECT: _OBJECT, TYPE: _TYPE}
"""All that can be asked for, by the class of the securable."""

_NOT_FOR_TABLES, _NOT_FOR_PROCEDURES = {"EXECUTE"}, {"DELETE", "INSERT", "REFERENCES", "SELECT", "UPDATE"}
TABLE_PERMISSIONS = frozenset(_OBJECT) - _NOT_FOR_TABLES
PROCEDURE_PERMISSIONS = frozenset(_OBJECT) - _NOT_FOR_PROCEDURES

GRANTABLE = {
    SERVER: frozenset(_SERVER),
    LOGIN: frozenset({"IMPERSONATE"}),
    DATABASE: frozenset(_DATABASE) - {"ALTER ANY SCHEMA", "REFERENCES"},
    SCHEMA: frozenset(_SCHEMA),
    OBJECT: frozenset(_OBJECT),
    TYPE: frozenset(_TYPE),
}
"""Those that GRANT, DENY and REVOKE know."""

FIXED_ROLE_GRANTS: dict[int, frozenset[tuple[str, str]]] = {
    DBCREATOR: frozenset({(SERVER, "ALTER ANY DATABASE"), (SERVER, "CREATE ANY DATABASE")}),
    DATABASE_ROLES["db_owner"]: frozenset({(DATABASE, "CONTROL")}),
    DATABASE_ROLES["db_ddladmin"]: frozenset(
        (DATABASE, name)
        for name in ("ALTER ANY SCHEMA", "CREATE PROCEDURE", "CREATE TABLE", "CREATE TYPE", "REFERENCES")
    ),
    DATABASE_ROLES["db_datareader"]: frozenset({(DATABASE, "SELECT")}),
    DATABASE_ROLES["db_datawriter"]: frozenset((DATABASE, name) for name in ("DELETE", "INSERT", "UPDATE")),
}
"""By the id of the role: the class and name of each permission."""


@cache
def including(kind: str, permission: str) -> frozenset[tuple[str, str]]:
    """The permission and all that include it, each with its class."""
    same, around = PERMISSIONS[kind][permission]
    found = {(kind, permission)}
    if same:
        found |= including(kind, same)
    if around:
        found |= including(PARENTS[kind], around)
    return frozenset(found)
