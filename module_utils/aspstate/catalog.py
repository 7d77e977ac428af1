"""The objects of one database, read from its catalogue in one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any

from .errors import NotKnown
from .schema import TABLES, Table
from .server import Server

# Catalogue views leave out what a login may not see: the right that shows all of it is asked for first.
_MAY_SEE = """
SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION')
"""

_OBJECTS = """
SELECT o.type_desc, s.name, o.name
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.is_ms_shipped = 0 AND (o.parent_object_id = 0 OR o.type = 'TR')
UNION ALL
SELECT N'SCHEMA', name, N'' FROM sys.schemas WHERE schema_id BETWEEN 5 AND 16383
UNION ALL
SELECT N'DATABASE_TRIGGER', N'', name FROM sys.triggers WHERE parent_class = 0 AND is_ms_shipped = 0
UNION ALL
SELECT N'ASSEMBLY', N'', name FROM sys.assemblies WHERE is_user_defined = 1

SELECT s.name, t.name, b.name, t.max_length, t.is_nullable
FROM sys.types AS t
JOIN sys.schemas AS s ON s.schema_id = t.schema_id
LEFT JOIN sys.types AS b ON b.user_type_id = t.system_type_id
WHERE t.is_user_defined = 1

SELECT t.name, s.name, o.name
FROM sys.types AS t
JOIN sys.parameters AS p ON p.user_type_id = t.user_type_id
JOIN sys.objects AS o ON o.object_id = p.object_id
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE t.is_user_defined = 1 AND t.schema_id = SCHEMA_ID('dbo')
UNION ALL
SELECT t.name, s.name, o.name
FROM sys.types AS t
JOIN sys.columns AS c ON c.user_type_id = t.user_type_id
JOIN sys.objects AS o ON o.object_id = c.object_id
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE t.is_user_defined = 1 AND t.schema_id = SCHEMA_ID('dbo')

SELECT o.name, m.definition, m.uses_quoted_identifier, m.uses_ansi_nulls
FROM sys.sql_modules AS m
JOIN sys.objects AS o ON o.object_id = m.object_id
WHERE o.type = 'P' AND o.schema_id = SCHEMA_ID('dbo')
"""

_TABLES = """
SELECT o.name, c.name, t.name, c.max_length, c.is_nullable, c.is_ansi_padded, d.definition,
       c.is_identity
FROM sys.tables AS o
JOIN sys.columns AS c ON c.object_id = o.object_id
JOIN sys.types AS t ON t.user_type_id = c.system_type_id
LEFT JOIN sys.default_constraints AS d ON d.parent_object_id = c.object_id AND d.parent_column_id = c.column_id
WHERE o.schema_id = SCHEMA_ID('dbo')
ORDER BY o.name, c.column_id

SELECT o.name, i.name, i.is_primary_key, i.is_unique, i.is_disabled, i.has_filter, c.name
FROM sys.tables AS o
JOIN sys.indexes AS i ON i.object_id = o.object_id
JOIN sys.index_columns AS ic ON ic.object_id = i.object_id AND ic.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = ic.object_id AND c.column_id = ic.column_id
WHERE o.schema_id = SCHEMA_ID('dbo') AND ic.key_ordinal > 0
ORDER BY o.name, i.index_id, ic.key_ordinal
"""

CONTENTS = _MAY_SEE + _OBJECTS + _TABLES
SESSION_TABLES = _MAY_SEE + _TABLES
"""What `read_contents` and `read_tables` ask, for those who ask more in the same round trip."""

Sets = Sequence[list[tuple[Any, ...]]]


@dataclass(frozen=True)
class Procedure:
    """`definition` is None where it was created WITH ENCRYPTION."""

    definition: str | None
    quoted_identifier: bool = True
    ansi_nulls: bool = True


@dataclass(frozen=True)
class Contents:
    """What a database holds, by name; `others` are the objects that no session database has.

    `type_users` are those of them that have a column or parameter of one of the types, which holds that type fast.
    """

    types: dict[str, str] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    procedures: dict[str, Procedure] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    type_users: tuple[str, ...] = ()


def read_contents(server: Server, database: str, types: Iterable[str], procedures: Iterable[str]) -> Contents:
    """The session objects (the two tables, and of types and procedures those named), and all others by name.

    Raises NotKnown where the login may not see every definition.
    """
    return contents_of(server, database, server.run_in(database, CONTENTS).sets, types, procedures)


def contents_of(server: Server, database: str, sets: Sets, types: Iterable[str], procedures: Iterable[str]) -> Contents:
    """The same of what CONTENTS answered in `database`."""
    rights, objects, user_types, uses, modules, columns, indexes = sets
    must_see(server, database, rights)
    known_types, known_procedures = set(types), set(procedures)
    others = [_other(*each) for each in objects if not _is_session_object(*each, known_procedures)]
    others += [f"type {schema}.{name}" for schema, name, *_ in user_types if schema != "dbo" or name not in known_types]
    return Contents(
        types={
            name: _type(base, length, nullable)
            for schema, name, base, length, nullable in user_types
            if schema == "dbo" and name in known_types
        },
        tables=_tables(columns, indexes),
        procedures={
            name: Procedure(text, bool(quoted), bool(nulls))
            for name, text, quoted, nulls in modules
            if name in known_procedures
        },
        others=tuple(sorted(others)),
        type_users=tuple(sorted(_users(uses, known_types, known_procedures))),
    )


def read_tables(server: Server, database: str) -> dict[str, Table]:
    """The session tables alone, by name. Raises NotKnown where the login may not see every definition."""
    return tables_of(server, database, server.run_in(database, SESSION_TABLES).sets)


def tables_of(server: Server, database: str, sets: Sets) -> dict[str, Table]:
    """The same of what SESSION_TABLES answered in `database`."""
    rights, columns, indexes = sets
    must_see(server, database, rights)
    return _tables(columns, indexes)


def must_see(server: Server, database: str, rights: list[tuple[Any, ...]]) -> None:
    """Raises NotKnown unless `rights` is one row that says that the login may see definitions."""
    if rights != [(1,)]:
        raise NotKnown(
            f"what is in database {database} on {server.address} is not known: login {server.user} lacks VIEW "
            "DEFINITION there; grant it (or VIEW ANY DEFINITION), or use another login"
        )


def _is_session_object(kind: str, schema: str, name: str, procedures: set[str]) -> bool:
    return schema == "dbo" and (
        (kind == "USER_TABLE" and name in TABLES) or (kind == "SQL_STORED_PROCEDURE" and name in procedures)
    )


def _users(uses: list[tuple[str, ...]], types: set[str], procedures: set[str]) -> set[str]:
    return {
        f"{schema}.{name}"
        for type_, schema, name in uses
        if type_ in types and not (schema == "dbo" and (name in procedures or name in TABLES))
    }


def _other(kind: str, schema: str, name: str) -> str:
    return f"{kind.lower().replace('_', ' ')} {'.'.join(part for part in (schema, name) if part)}"


def _tables(columns: list[tuple[Any, ...]], indexes: list[tuple[Any, ...]]) -> dict[str, Table]:
    keys: dict[str, str] = {}
    others: dict[str, list[str]] = {}
    for (table, name, primary, *flags), rows in groupby(indexes, key=itemgetter(0, 1, 2, 3, 4, 5)):
        over = ", ".join(row[-1] for row in rows)
        if primary:
            keys[table] = over
        else:
            others.setdefault(table, []).append(f"{name} ({over}){_remarks(*flags)}")
    return {
        table: Table(
            columns=tuple(_column(*row[1:]) for row in rows),
            key=keys.get(table, ""),
            indexes=tuple(sorted(others.get(table, ()))),
        )
        for table, rows in groupby(columns, key=itemgetter(0))
        if table in TABLES
    }


def _remarks(unique: bool, disabled: bool, filtered: bool) -> str:
    remarks = {" UNIQUE": unique, " DISABLED": disabled, " FILTERED": filtered}
    return "".join(remark for remark, applies in remarks.items() if applies)


def _column(
    name: str, type_: str, length: int, nullable: bool, padded: bool, default: str | None, identity: bool
) -> str:
    line = f"{name} {_type(type_, length, nullable)}{' IDENTITY' if identity else ''}"
    if default is not None:
        line += f" DEFAULT {_plain(default)}"
    pads = type_ in ("varchar", "varbinary") or (nullable and type_ in ("char", "binary"))
    if pads and not padded:  # a fixed length that is NOT NULL has all its bytes, whatever ANSI_PADDING
        line += " (ANSI_PADDING OFF)"
    return line


def _plain(default: str) -> str:
    """A default as it is stored, `((0))` or `(getutcdate())`, without the outer parentheses and in lower case."""
    while default.startswith("(") and default.endswith(")"):
        default = default[1:-1]
    return default.lower()


def _type(name: str, length: int, nullable: bool) -> str:
    if name in ("nchar", "nvarchar") and length > 0:
        length //= 2  # the catalogue counts bytes
    if name in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        name += f"({'max' if length < 0 else length})"
    return f"{name} {'NULL' if nullable else 'NOT NULL'}"
