"""From databases to log records and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lab.server.engine import security_log
from lab.server.engine.database import AliasType, Database, Parameter, Procedure
from lab.server.engine.database_files import DatabaseFile
from lab.server.engine.database_settings import Settings
from lab.server.engine.log import Record
from lab.server.engine.principals import ServerSecurity
from lab.server.engine.storage import Default, Index, IndexColumn, Table, TableColumn
from lab.server.types import SqlType

ROWS_PER_RECORD = 100

# A record is a transaction: a list of steps. A step is its kind, the database's id, and what the kind needs.


def database_step(database: Database) -> Record:
    """CREATE DATABASE."""
    return ["database", database.database_id, database.name, database.collation, database.created]


def drop_database_step(database: Database) -> Record:
    """DROP DATABASE."""
    return ["drop database", database.database_id]


def settings_step(database: Database) -> Record:
    """ALTER DATABASE ... SET: all settings as they are now."""
    return ["settings", database.database_id, *database.settings.as_list()]


def files_step(database: Database) -> Record:
    """The files of a database as they are now."""
    return ["files", database.database_id, [file.as_list() for file in database.files]]


def object_step(thing: Table | Procedure) -> Record:
    """An object as it is now, new or changed."""
    return _table_step(thing) if isinstance(thing, Table) else _procedure_step(thing)


def rows_step(table: Table) -> Record:
    """All rows of a table, whose columns are others now."""
    return ["rows", table.database_id, table.object_id, [[row.id, list(row.values)] for row in table.rows.values()]]


def drop_object_step(thing: Table | Procedure) -> Record:
    """DROP of a table or procedure."""
    return ["drop object", thing.database_id, thing.object_id]


def type_step(database: Database, alias: AliasType) -> Record:
    """CREATE TYPE."""
    base = [alias.base.name, alias.base.length]
    return ["type", database.database_id, alias.schema, alias.name, alias.user_type_id, base, alias.nullable]


def drop_type_step(database: Database, alias: AliasType) -> Record:
    """DROP TYPE."""
    return ["drop type", database.database_id, alias.name]


def property_step(database: Database, key: tuple[int, str], value: str | None) -> Record:
    """An extended property, or None where it is gone."""
    return ["property", database.database_id, *key, value]


def _table_step(table: Table) -> Record:
    columns = [
        [
            column.name,
            [column.type.name, column.type.length],
            column.user_type_id,
            column.nullable,
            column.default and [column.default.name, column.default.object_id, column.default.text],
            column.identity,
        ]
        for column in table.columns
    ]
    indexes = [
        [
            index.name,
            index.index_id,
            [[column.ordinal, column.descending] for column in index.columns],
            index.unique,
            index.clustered,
            index.constraint,
            index.object_id,
        ]
        for index in table.indexes
    ]
    names = [table.schema, table.name, table.object_id, table.created]
    return ["table", table.database_id, *names, columns, indexes, table.next_identity]


def _procedure_step(procedure: Procedure) -> Record:
    return [
        "procedure",
        procedure.database_id,
        procedure.schema,
        procedure.name,
        procedure.object_id,
        procedure.definition,
        [[one.name, [one.type.name, one.type.length], one.user_type_id, one.output] for one in procedure.parameters],
        procedure.created,
        procedure.modified,
        procedure.quoted_identifier,
        procedure.ansi_nulls,
        procedure.startup,
    ]


def snapshot(databases: list[Database], security: ServerSecurity) -> Iterator[Record]:
    """Records that make the durable databases as they are, for a log without history. No transaction may be open."""
    yield security_log.server_record(security)
    for database in databases:
        if not database.durable:
            continue
        yield [database_step(database), ["next ids", database.database_id, database.next_object_id]]
        yield [settings_step(database), files_step(database)]
        yield [["history limits", database.database_id, *database.history_limits]]
        yield [type_step(database, alias) for alias in database.types.values()]
        yield security_log.database_record(database)
        for thing in database.objects.values():
            if not thing.shipped:
                yield [object_step(thing)]
            if isinstance(thing, Table):
                yield from _row_records(thing)
                of_table = (key for key in database.properties if key[0] == thing.object_id)
                yield [property_step(database, key, database.properties[key]) for key in of_table]


def _row_records(table: Table) -> Iterator[Record]:
    rows = list(table.rows.values())
    for start in range(0, len(rows), ROWS_PER_RECORD):
        some = rows[start : start + ROWS_PER_RECORD]
        yield [["insert", table.database_id, table.object_id, row.id, list(row.values)] for row in some]


class Replayer:
    """Applies log records to `databases` (by id) and to the logins of the server."""

    def __init__(self, databases: dict[int, Database], security: ServerSecurity) -> None:
        self._databases = databases
        self._tables = {(id_, table.object_id): table for id_, one in databases.items() for table in one.tables()}
        self._steps = {
            "database": self._database,
            "drop database": self._drop_database,
            "next ids": self._next_ids,
            "settings": self._settings,
            "files": self._files,
            "history limits": self._history_limits,
            "table": self._table,
            "rows": self._rows,
            "procedure": self._procedure,
            "drop object": self._drop_object,
            "type": self._type,
            "drop type": self._drop_type,
            "property": self._property,
            "insert": self._insert,
            "update": self._update,
            "delete": self._delete,
            **security_log.steps(databases, security),
        }

    def apply(self, record: Record) -> None:
        """Repeat one transaction."""
        for kind, database_id, *rest in record:
            self._steps[kind](database_id, *rest)

    def _database(self, database_id: int, name: str, collation: str, created: datetime) -> None:
        if database_id not in self._databases:
            self._databases[database_id] = Database(database_id, name, created, collation=collation)

    def _drop_database(self, database_id: int) -> None:
        for table in self._databases.pop(database_id).tables():
            del self._tables[database_id, table.object_id]

    def _next_ids(self, database_id: int, next_object_id: int) -> None:
        self._databases[database_id].next_object_id = next_object_id

    def _settings(self, database_id: int, *values: Any) -> None:
        self._databases[database_id].settings = Settings(*values)

    def _files(self, database_id: int, files: list[list[Any]]) -> None:
        self._databases[database_id].files = tuple(DatabaseFile(*values) for values in files)

    def _history_limits(self, database_id: int, *limits: int) -> None:
        self._databases[database_id].history_limits = limits

    def _table(self, database_id: int, schema: str, name: str, object_id: int, created: datetime, *rest: Any) -> None:
        columns, indexes, *counted = rest  # before there was IDENTITY nothing was counted
        next_identity = counted[0] if counted else 1
        known = self._tables.get((database_id, object_id))
        table = Table(schema, name, object_id, tuple(_column(*column) for column in columns), created)
        table.next_identity = next_identity
        if known:
            table.rows, table.next_row_id = known.rows, known.next_row_id
        for index in indexes:
            table.add_index(_index(*index))
        self._databases[database_id].put(table)
        self._tables[database_id, object_id] = table

    def _rows(self, database_id: int, object_id: int, rows: list[list[Any]]) -> None:
        table = self._tables[database_id, object_id]
        for row_id, values in rows:
            table.rows[row_id].values = tuple(values)
        for index in table.indexes:
            index.entries.clear()
            for row in table.rows.values():
                index.add(row)

    def _procedure(self, database_id: int, *fields: Any) -> None:
        schema, name, object_id, definition, written, *rest = fields
        parameters = tuple(Parameter(one, SqlType(*type_), id_, output) for one, type_, id_, output in written)
        self._databases[database_id].put(Procedure(schema, name, object_id, definition, parameters, *rest))

    def _drop_object(self, database_id: int, object_id: int) -> None:
        database = self._databases[database_id]
        database.remove(database.by_id(object_id))
        self._tables.pop((database_id, object_id), None)

    def _type(self, database_id: int, *fields: Any) -> None:
        schema, name, user_type_id, base, nullable = fields
        self._databases[database_id].put_type(AliasType(schema, name, user_type_id, SqlType(*base), nullable))

    def _drop_type(self, database_id: int, name: str) -> None:
        database = self._databases[database_id]
        database.remove_type(database.types[name.casefold()])

    def _property(self, database_id: int, object_id: int, name: str, value: str | None) -> None:
        self._databases[database_id].set_property((object_id, name), value)

    def _insert(self, database_id: int, object_id: int, row_id: int, values: list[Any]) -> None:
        self._tables[database_id, object_id].insert(tuple(values), row_id)

    def _update(self, database_id: int, object_id: int, row_id: int, changed: list[list[Any]]) -> None:
        table = self._tables[database_id, object_id]
        row = table.rows[row_id]
        old, values = row.values, list(row.values)
        for ordinal, value in changed:
            values[ordinal] = value
        table.change(row, tuple(values))
        table.settle(row, old)

    def _delete(self, database_id: int, object_id: int, row_id: int) -> None:
        table = self._tables[database_id, object_id]
        row = table.rows[row_id]
        row.deleted = True
        table.settle(row, row.values)


def _column(
    name: str, type_: list[Any], user_type_id: int, nullable: bool, default: list[Any] | None, identity: bool = False
) -> TableColumn:
    return TableColumn(name, SqlType(*type_), user_type_id, nullable, Default(*default) if default else None, identity)


def _index(name: str, index_id: int, columns: list[Any], *rest: Any) -> Index:
    return Index(name, index_id, tuple(IndexColumn(*column) for column in columns), *rest)
