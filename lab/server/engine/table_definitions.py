"""CREATE and DROP of tables and indexes."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lab.server.engine import locking
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.changes import duplicate, find_twin
from lab.server.engine.conditions import CONDITIONS
from lab.server.engine.database import Database, Procedure, find_constraint
from lab.server.engine.definition import (
    already_there,
    change_schema,
    definition,
    may_alter,
    object_place,
    put_object,
    refuse_shipped,
    remove_object,
    require_drop,
    usable_type,
)
from lab.server.engine.expressions import EXPRESSIONS
from lab.server.engine.families import is_fixed
from lab.server.engine.names import NameSpace
from lab.server.engine.recovery import object_step
from lab.server.engine.storage import Default, Index, IndexColumn, Table, TableColumn
from lab.server.engine.system_types import max_length
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import MAX, SqlType

_CLUSTERED_ID = 1

_LONGEST_KEY = 900
_LONGEST_ROW = 8060
"""Bytes. Of rows, SQL Server moves columns of variable length elsewhere; a long key it only warns of."""


def _create_table(session: Any, names: NameSpace, node: ast.CreateTable) -> None:
    name = node.name.parts[-1]
    temporary = name.startswith("#")
    if temporary:
        if name.startswith("##"):
            raise unsupported(name, node.line)
        database, schema = session.engine.find_database("tempdb"), "dbo"
    else:
        database, schema, name = object_place(names, node.name, "CREATE TABLE")
    if names.find(node.name) or find_constraint(database, schema, name):
        raise already_there(name)
    table = _table(session, names, database, schema, name, node)
    if temporary:
        _put_temporary(session, table)
    else:
        put_object(session, database, table)


def _put_temporary(session: Any, table: Table) -> None:
    table.private, table.durable, table.database_name = True, False, "tempdb"
    key = table.name.casefold()
    session.temporary_tables[key] = table
    change_schema(session, lambda: session.temporary_tables.pop(key, None), None, [])


@dataclass
class Naming:
    """Names for what has none, and a check that written ones are free."""

    database: Database
    schema: str
    table: str

    def constraint(self, written: str | None, prefix: str, column: str = "") -> tuple[str, int]:
        object_id = self.database.new_object_id()
        if written is None:
            middle = f"{self.table[:9]}__{column[:5]}" if column else self.table[:13]
            return f"{prefix}__{middle}__{secrets.token_hex(8 if prefix != 'DF' else 4).upper()}", object_id
        if self.database.find(self.schema, written) or find_constraint(self.database, self.schema, written):
            raise already_there(written)
        return written, object_id


def _table(session: Any, names: NameSpace, database: Database, schema: str, name: str, node: ast.CreateTable) -> Table:
    naming = Naming(database, schema, name)
    object_id = database.new_object_id()
    key_names = {key.name.casefold() for one in node.keys if one.primary for key in one.columns}
    columns = tuple(column_of(names, naming, one, one.name.casefold() in key_names) for one in node.columns)
    _refuse_twins(name, [column.name for column in columns])
    if sum(column.identity for column in columns) > 1:
        text = f"Multiple identity columns specified for table '{name}'. Only one identity column per table is allowed."
        raise SqlError(2744, text, state=2)
    size = sum(max_length(column.type) for column in columns if is_fixed(column.type) or column.type.length == 0)
    if size > _LONGEST_ROW:
        raise unsupported(f"rows of {size} bytes")
    table = Table(schema, name, object_id, columns, session.engine.now())
    primary = [one for one in node.keys if one.primary]
    if len(primary) > 1:
        raise SqlError(8110, f"Cannot add multiple PRIMARY KEY constraints to table '{name}'.")
    others_clustered = any(one.clustered for one in node.keys if not one.primary)
    for key in [*primary, *(one for one in node.keys if not one.primary)]:
        clustered = key.clustered if key.clustered is not None else key.primary and not others_clustered
        if clustered and any(index.clustered for index in table.indexes):
            raise SqlError(8112, f"Cannot add more than one clustered index for constraints on table '{name}'.")
        index_name, key_id = naming.constraint(key.name, "PK" if key.primary else "UQ")
        if any(index.name.casefold() == index_name.casefold() for index in table.indexes):
            raise already_there(index_name)
        kind = "PK" if key.primary else "UQ"
        index = Index(
            index_name, next_index_id(table, clustered), key_columns(table, key.columns), True, clustered, kind, key_id
        )
        table.add_index(index)
    return table


def column_of(names: NameSpace, naming: Naming, node: ast.ColumnDefinition, in_key: bool) -> TableColumn:
    type_ = usable_type(names, node.type)
    nullable = node.nullable
    if node.identity:
        _refuse_identity(type_.type, node)
        nullable = False
    if nullable is None:
        nullable = (type_.alias.nullable if type_.alias else True) and not in_key
    if nullable and in_key:
        text = f"Cannot define PRIMARY KEY constraint on nullable column in table '{naming.table}'."
        raise SqlError(8111, text)
    default = None
    if node.default:
        Binder(EXPRESSIONS | CONDITIONS, names, {}).bind_as(node.default.value, type_.type)
        default = Default(*naming.constraint(node.default.name, "DF", node.name), node.default.text)
    return TableColumn(node.name, type_.type, type_.user_type_id, nullable, default, node.identity)


def _refuse_identity(type_: SqlType, node: ast.ColumnDefinition) -> None:
    """Raises 2749, 8147 and 1754."""
    if type_.name not in ("tinyint", "smallint", "int", "bigint"):
        text = (
            f"Identity column '{node.name}' must be of data type int, bigint, smallint, tinyint, or decimal or numeric"
            " with a scale of 0, unencrypted, and constrained to be nonnullable."
        )
        raise SqlError(2749, text, state=2)
    if node.nullable:
        raise SqlError(8147, f"Could not create IDENTITY attribute on nullable column '{node.name}'.")
    if node.default:
        raise SqlError(1754, "Defaults cannot be created on columns with an IDENTITY attribute.")


def _refuse_twins(table: str, names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        if name.casefold() in seen:
            text = (
                f"Column names in each table must be unique. Column name '{name}' in table '{table}' is specified more"
                " than once."
            )
            raise SqlError(2705, text, state=3)
        seen.add(name.casefold())


def next_index_id(table: Table, clustered: bool) -> int:
    """The id of one more index."""
    if clustered:
        return _CLUSTERED_ID
    return max([_CLUSTERED_ID, *(index.index_id for index in table.indexes)]) + 1


def key_columns(table: Table, columns: tuple[ast.KeyColumn, ...]) -> tuple[IndexColumn, ...]:
    """The columns of a key; raises for one that is not there, or cannot be in a key."""
    key: list[IndexColumn] = []
    for one in columns:
        ordinal = table.ordinal(one.name)
        if ordinal is None:
            raise SqlError(1911, f"Column name '{one.name}' does not exist in the target table or view.")
        if table.columns[ordinal].type.length == MAX:
            text = (
                f"Column '{one.name}' in table '{table.short_name}' is of a type that is invalid for use as a key"
                " column in an index."
            )
            raise SqlError(1919, text)
        if any(other.ordinal == ordinal for other in key):
            text = f"Cannot use duplicate column names in index. Column name '{one.name}' listed more than once."
            raise SqlError(1909, text)
        key.append(IndexColumn(ordinal, one.descending))
    size = sum(max_length(table.columns[one.ordinal].type) for one in key)
    if size > _LONGEST_KEY:
        raise unsupported(f"a key of up to {size} bytes")
    return tuple(key)


def _drop_table(session: Any, names: NameSpace, node: ast.DropTable) -> None:
    for written in node.names:
        found = names.find(written)
        if isinstance(found, Procedure):
            text = f"Cannot use DROP TABLE with '{written}' because '{written}' is a procedure. Use DROP PROCEDURE."
            raise SqlError(3705, text)
        if found is None:
            text = f"Cannot drop the table '{written}', because it does not exist or you do not have permission."
            raise SqlError(3701, text, severity=11, state=5)
        if found.private:
            _drop_temporary(session, found)
        else:
            require_drop(session, found, written)
            remove_object(session, session.engine.database_by_id(found.database_id), found)


def _drop_temporary(session: Any, table: Table) -> None:
    key = table.name.casefold()
    del session.temporary_tables[key]
    change_schema(session, lambda: session.temporary_tables.__setitem__(key, table), None, [])


def existing_table(names: NameSpace, name: ast.ObjectName, to_create: bool) -> Table:
    """A table whose definition is to change; raises 1088."""
    found = names.find(name)
    if not isinstance(found, Table) or (to_create and not may_alter(names.session, found)):
        text = f'Cannot find the object "{name}" because it does not exist or you do not have permissions.'
        raise SqlError(1088, text, state=12)
    return found


def _create_index(session: Any, names: NameSpace, node: ast.CreateIndex) -> None:
    table = existing_table(names, node.table, to_create=True)
    refuse_shipped(table)
    locking.lock_definition(session, table)
    if any(index.name.casefold() == node.name.casefold() for index in table.indexes):
        text = (
            f"The operation failed because an index or statistics with name '{node.name}' already exists on table"
            f" '{table.short_name}'."
        )
        raise SqlError(1913, text)
    clustered = next((index for index in table.indexes if index.clustered), None)
    if node.clustered and clustered:
        text = (
            f"Cannot create more than one clustered index on table '{table.short_name}'. Drop the existing clustered"
            f" index '{clustered.name}' before creating another."
        )
        raise SqlError(1902, text, state=3)
    columns = key_columns(table, node.columns)
    index = Index(node.name, next_index_id(table, node.clustered), columns, node.unique, node.clustered)
    table.add_index(index)
    change_schema(session, lambda: table.indexes.remove(index), *_changed(session, table))
    if node.unique:
        refuse_duplicates(table, index)


def _changed(session: Any, table: Table) -> tuple[Database | None, Any]:
    if table.private:
        return None, []
    return session.engine.database_by_id(table.database_id), object_step(table)


def refuse_duplicates(table: Table, index: Index) -> None:
    """Raises 1505 where two rows have one key in a new index."""
    for row in table.rows.values():
        if not row.deleted and find_twin(table, index, row.values, row):
            shown = duplicate(table, index, row.values).text.rpartition(" The duplicate key value")[2]
            text = (
                "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the object name"
                f" '{table.short_name}' and the index name '{index.name}'. The duplicate key value{shown}"
            )
            raise SqlError(1505, text)


def _drop_index(session: Any, names: NameSpace, node: ast.DropIndex) -> None:
    table = existing_table(names, node.table, to_create=False)
    index = next((one for one in table.indexes if one.name.casefold() == node.name.casefold()), None)
    shown = f"{node.table}.{node.name}"
    if index is None or not may_alter(session, table):
        text = f"Cannot drop the index '{shown}', because it does not exist or you do not have permission."
        raise SqlError(3701, text, severity=11, state=7)
    if index.constraint:
        kind = "PRIMARY KEY" if index.constraint == "PK" else "UNIQUE KEY"
        text = (
            f"An explicit DROP INDEX is not allowed on index '{shown}'. It is being used for {kind} constraint"
            " enforcement."
        )
        raise SqlError(3723, text, state=4)
    refuse_shipped(table)
    locking.lock_definition(session, table)
    place = table.indexes.index(index)
    table.indexes.remove(index)

    def undo() -> None:
        index.entries.clear()
        for row in table.rows.values():
            index.add(row)
        table.indexes.insert(place, index)

    change_schema(session, undo, *_changed(session, table))


TABLES: Grammar = {
    ast.CreateTable: definition(_create_table),
    ast.DropTable: definition(_drop_table),
    ast.CreateIndex: definition(_create_index),
    ast.DropIndex: definition(_drop_index),
}
