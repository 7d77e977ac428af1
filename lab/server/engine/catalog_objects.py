"""Rows of the catalog views about what a database has: objects, columns, types, indexes, definitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lab.server.engine import visibility
from lab.server.engine.database import SCHEMAS, Constraint, Database, Procedure, constraints
from lab.server.engine.families import Family, family
from lab.server.engine.storage import Index, Table
from lab.server.engine.system_types import SYSTEM_TYPE_IDS, built_in_types, max_length, precision_and_scale
from lab.server.types import IMAGE, SqlType

Rows = Iterator[tuple[Any, ...]]

_DESCRIPTIONS = {
    "U": "USER_TABLE",
    "P": "SQL_STORED_PROCEDURE",
    "PK": "PRIMARY_KEY_CONSTRAINT",
    "UQ": "UNIQUE_CONSTRAINT",
    "D": "DEFAULT_CONSTRAINT",
}
_SCHEMA_IDS = {name.casefold(): id_ for name, id_ in SCHEMAS.items()}


def schema_id(name: str) -> int | None:
    """The id of a schema."""
    return _SCHEMA_IDS.get(name.casefold())


def type_code(thing: Table | Procedure) -> str:
    """The type of an object as sys.objects has it, without its blank."""
    return "U" if isinstance(thing, Table) else "P"


def schemas(session: Any, database: Database) -> Rows:
    """sys.schemas."""
    for name, id_ in SCHEMAS.items():
        yield (name, id_, id_)


def _object(thing: Table | Procedure) -> tuple[Any, ...]:
    code = type_code(thing)
    modified = thing.modified if isinstance(thing, Procedure) else thing.created
    ids = (thing.object_id, schema_id(thing.schema), 0)
    shipped = int(bool(thing.shipped))
    return (thing.name, *ids, code.ljust(2), _DESCRIPTIONS[code], thing.created, modified, shipped)


def _constraint(one: Constraint) -> tuple[Any, ...]:
    table = one.table
    ids = (one.object_id, schema_id(table.schema), table.object_id)
    return (one.name, *ids, one.type.ljust(2), _DESCRIPTIONS[one.type], table.created, table.created, 0)


def objects(session: Any, database: Database) -> Rows:
    """sys.objects: tables, procedures and constraints."""
    for thing in visibility.objects(session, database):
        yield _object(thing)
        if isinstance(thing, Table):
            yield from map(_constraint, constraints(thing))


def tables(session: Any, database: Database) -> Rows:
    """sys.tables."""
    return map(_object, visibility.tables(session, database))


def procedures(session: Any, database: Database) -> Rows:
    """sys.procedures."""
    return map(_object, visibility.procedures(session, database))


def _typed(object_id: int, name: str, type_: SqlType, user_type_id: int) -> tuple[Any, ...]:
    system_type_id = SYSTEM_TYPE_IDS[type_.name]
    return (object_id, name, system_type_id, user_type_id, max_length(type_), *precision_and_scale(type_))


def columns(session: Any, database: Database) -> Rows:
    """sys.columns."""
    for table in visibility.tables(session, database):
        for number, column in enumerate(table.columns, 1):
            typed = _typed(table.object_id, column.name, column.type, column.user_type_id)
            default_id = column.default.object_id if column.default else 0
            # ANSI_PADDING is always ON here, and said of character and binary columns only
            padded = int(family(column.type) in (Family.TEXT, Family.BINARY) and column.type != IMAGE)
            collation = _collation(database, column.type)
            yield (*typed, number, int(column.nullable), padded, collation, default_id, int(column.identity))


def _collation(database: Database, type_: SqlType) -> str | None:
    return database.collation if family(type_) is Family.TEXT else None


def parameters(session: Any, database: Database) -> Rows:
    """sys.parameters."""
    for procedure in visibility.procedures(session, database):
        for number, one in enumerate(procedure.parameters, 1):
            typed = _typed(procedure.object_id, one.name, one.type, one.user_type_id)
            yield (*typed, number, int(one.output))


def types(session: Any, database: Database) -> Rows:
    """sys.types: of the built-in ones those that the lab server has."""
    for name, system_id, user_id, length, type_ in built_in_types():
        is_nullable = int(name != "sysname")
        yield (name, system_id, user_id, SCHEMAS["sys"], length, *precision_and_scale(type_), is_nullable, 0)
    for alias in visibility.types(session, database):
        base = alias.base
        ids = (SYSTEM_TYPE_IDS[base.name], alias.user_type_id, schema_id(alias.schema))
        yield (alias.name, *ids, max_length(base), *precision_and_scale(base), int(alias.nullable), 1)


def indexes(session: Any, database: Database) -> Rows:
    """sys.indexes; a table without a clustered index has a heap with id 0."""
    for table in visibility.tables(session, database):
        if not any(index.clustered for index in table.indexes):
            yield (table.object_id, None, 0, 0, "HEAP", 0, 0, 0, 0, 0)
        for index in table.indexes:
            yield (table.object_id, *_index(index))


def _index(index: Index) -> tuple[Any, ...]:
    kind = (1, "CLUSTERED") if index.clustered else (2, "NONCLUSTERED")
    is_key = (int(index.constraint == "PK"), int(index.constraint == "UQ"))
    return (index.name, index.index_id, *kind, int(index.unique), *is_key, 0, 0)


def index_columns(session: Any, database: Database) -> Rows:
    """sys.index_columns."""
    for table in visibility.tables(session, database):
        for index in table.indexes:
            for number, column in enumerate(index.columns, 1):
                ids = (table.object_id, index.index_id, number, column.ordinal + 1)
                yield (*ids, number, int(column.descending), 0)


def none(session: Any, database: Database) -> Rows:
    """A view of what cannot be made here."""
    return iter(())


def key_constraints(session: Any, database: Database) -> Rows:
    """sys.key_constraints."""
    for table in visibility.tables(session, database):
        by_id = {index.object_id: index.index_id for index in table.indexes if index.constraint}
        for one in constraints(table):
            if one.object_id in by_id:
                yield (*_constraint(one), by_id[one.object_id])


def default_constraints(session: Any, database: Database) -> Rows:
    """sys.default_constraints."""
    for table in visibility.tables(session, database):
        by_id = {one.object_id: one for one in constraints(table)}
        readable = visibility.reads_definition(session, database, table)
        for number, column in enumerate(table.columns, 1):
            if column.default:
                one = by_id[column.default.object_id]
                text = _stored_default(column.default.text) if readable else None
                yield (*_constraint(one), number, text)


def _stored_default(text: str) -> str:
    """A default as the catalog shows it: in parentheses, a number in two pairs, names in lower case."""
    inner = text.strip()
    while inner.startswith("(") and inner.endswith(")") and _balanced(inner[1:-1]):
        inner = inner[1:-1].strip()
    if re.fullmatch(r"[-+]?\d+", inner):
        return f"(({inner}))"
    return f"({inner})" if "'" in inner else f"({inner.lower()})"


def _balanced(text: str) -> bool:
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def sql_modules(session: Any, database: Database) -> Rows:
    """sys.sql_modules."""
    for procedure in visibility.procedures(session, database):
        if procedure.shipped:
            continue  # whoever wants to read it would be told something else than on SQL Server
        settings = (int(procedure.ansi_nulls), int(procedure.quoted_identifier))
        readable = visibility.reads_definition(session, database, procedure)
        yield (procedure.object_id, procedure.definition if readable else None, *settings)


def systypes(session: Any, database: Database) -> Rows:
    """sys.systypes, the view of old: alias types too."""
    for name, system_id, user_id, _, length, *_ in types(session, database):
        yield (name, system_id, user_id, length)


def extended_properties(session: Any, database: Database) -> Rows:
    """sys.extended_properties: those of tables."""
    for table in visibility.tables(session, database):
        for object_id, name in database.properties:
            if object_id == table.object_id:
                yield (1, "OBJECT_OR_COLUMN", object_id, 0, name)


def sysobjects(session: Any, database: Database) -> Rows:
    """sys.sysobjects, the view of old."""
    for row in objects(session, database):
        name, object_id, schema, _, code = row[:5]
        yield (name, object_id, code, schema, code)
