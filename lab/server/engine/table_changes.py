"""ALTER TABLE: a table of the new definition, with the same rows, takes the place of the old one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lab.server.engine import locking
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.conditions import CONDITIONS
from lab.server.engine.definition import change_schema, definition, refuse_shipped
from lab.server.engine.expressions import EXPRESSIONS
from lab.server.engine.frames import Frame
from lab.server.engine.names import NameSpace
from lab.server.engine.recovery import object_step, rows_step
from lab.server.engine.storage import Index, Table, TableColumn
from lab.server.engine.table_definitions import (
    Naming,
    column_of,
    existing_table,
    key_columns,
    next_index_id,
    refuse_duplicates,
)
from lab.server.engine.values import column_converter
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast

Values = tuple[Any, ...]


def _add_column(session: Any, names: NameSpace, node: ast.AddColumn) -> None:
    table, naming = _table(session, names, node.table)
    if table.ordinal(node.column.name) is not None:
        text = (
            f"Column names in each table must be unique. Column name '{node.column.name}' in table"
            f" '{table.short_name}' is specified more than once."
        )
        raise SqlError(2705, text, state=4)
    column = column_of(names, naming, node.column, False)
    value = None
    if not column.nullable and table.rows:
        value = _default(session, names, table, column, node)
    _replace(session, table, (*table.columns, column), table.indexes, lambda values: (*values, value))


def _default(session: Any, names: NameSpace, table: Table, column: TableColumn, node: ast.AddColumn) -> Any:
    if column.default is None:
        text = (
            "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition"
            f" specified; column '{column.name}' cannot be added to non-empty table '{table.name}'."
        )
        raise SqlError(4901, text)
    bound = Binder(EXPRESSIONS | CONDITIONS, names, {}).bind_as(node.column.default.value, column.type)
    return bound.run(Frame(session, None, []))


def _alter_column(session: Any, names: NameSpace, node: ast.AlterColumn) -> None:
    table, naming = _table(session, names, node.table)
    ordinal = table.ordinal(node.column.name)
    if ordinal is None:
        text = (
            f"ALTER TABLE ALTER COLUMN failed because column '{node.column.name}' does not exist in table"
            f" '{table.name}'."
        )
        raise SqlError(4924, text)
    old = table.columns[ordinal]
    if old.default or old.identity:
        raise unsupported(f"ALTER COLUMN {old.name}, which has a default or is IDENTITY", node.line)
    user = next((index.name for index in table.indexes if ordinal in index.ordinals), None)
    if user:
        raise SqlError(5074, f"The object '{user}' is dependent on column '{old.name}'.")
    new = replace(column_of(names, naming, node.column, False), name=old.name)
    change = column_converter(old.type, new.type, table.full_name, new.name)

    def converted(values: Values) -> Values:
        value = change(values[ordinal])
        if value is None and not new.nullable:
            text = (
                f"Cannot insert the value NULL into column '{new.name}', table '{table.full_name}'; column does not"
                " allow nulls. UPDATE fails."
            )
            raise SqlError(515, text, state=2)
        return (*values[:ordinal], value, *values[ordinal + 1 :])

    columns = (*table.columns[:ordinal], new, *table.columns[ordinal + 1 :])
    _replace(session, table, columns, table.indexes, converted)


def _drop_key(session: Any, names: NameSpace, node: ast.DropKey) -> None:
    table, _ = _table(session, names, node.table)
    dropped = next((one for one in table.indexes if one.constraint and _same(one.name, node.name)), None)
    if any(column.default and _same(column.default.name, node.name) for column in table.columns):
        raise unsupported("ALTER TABLE ... DROP CONSTRAINT of a default", node.line)
    if dropped is None:
        raise SqlError(3728, f"'{node.name}' is not a constraint.")
    _replace(session, table, table.columns, [index for index in table.indexes if index is not dropped], None)


def _add_key(session: Any, names: NameSpace, node: ast.AddKey) -> None:
    table, naming = _table(session, names, node.table)
    key = node.key
    if key.primary and any(index.constraint == "PK" for index in table.indexes):
        raise SqlError(1779, f"Table '{table.name}' already has a primary key defined on it.")
    columns = key_columns(table, key.columns)
    if key.primary and any(table.columns[one.ordinal].nullable for one in columns):
        raise SqlError(8111, f"Cannot define PRIMARY KEY constraint on nullable column in table '{table.name}'.")
    clustered = key.primary if key.clustered is None else key.clustered
    if clustered and any(index.clustered for index in table.indexes):
        raise unsupported("a second clustered index by ALTER TABLE", node.line)
    kind = "PK" if key.primary else "UQ"
    name, object_id = naming.constraint(key.name, kind)
    index = Index(name, next_index_id(table, clustered), columns, True, clustered, kind, object_id)
    new = _replace(session, table, table.columns, [index, *table.indexes], None)
    refuse_duplicates(new, new.indexes[0])


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _table(session: Any, names: NameSpace, name: ast.ObjectName) -> tuple[Table, Naming]:
    """The table, kept from others until the transaction ends."""
    table = existing_table(names, name, to_create=True)
    if table.private:
        raise unsupported("ALTER TABLE of a temporary table")
    refuse_shipped(table)
    database = session.engine.database_by_id(table.database_id)
    locking.lock_names(session, database)
    locking.lock_definition(session, table)
    return table, Naming(database, table.schema, table.name)


def _replace(
    session: Any,
    table: Table,
    columns: tuple[TableColumn, ...],
    indexes: list[Index],
    convert: Callable[[Values], Values] | None,
) -> Table:
    """Put the new table there; `convert` makes the new values of a row, if they are others."""
    database = session.engine.database_by_id(table.database_id)
    new = Table(table.schema, table.name, table.object_id, columns, table.created)
    new.next_row_id, new.next_identity = table.next_row_id, table.next_identity
    for row in table.rows.values():
        if not row.deleted:
            new.insert(convert(row.values) if convert else row.values, row.id)
    for index in indexes:
        new.add_index(replace(index, entries=type(index.entries)()))

    def undo() -> None:
        database.put(table)
        table.altered, new.altered = False, True

    database.put(new)
    table.altered = True
    change_schema(session, undo, database, object_step(new))
    if convert:
        change_schema(session, lambda: None, database, rows_step(new))
    return new


TABLE_CHANGES: Grammar = {
    ast.AddColumn: definition(_add_column),
    ast.AlterColumn: definition(_alter_column),
    ast.DropKey: definition(_drop_key),
    ast.AddKey: definition(_add_key),
}
