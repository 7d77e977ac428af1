"""How much of its files a database uses: of the data file what is stored, of the log what is not committed yet.

The log of a SQL Server database also keeps what no log backup has taken; the lab server keeps nothing of that, so that
its log shrinks with each commit, whatever the recovery model.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from lab.server.engine.database import Database
from lab.server.engine.database_files import PAGE, DatabaseFile
from lab.server.engine.recovery import files_step
from lab.server.engine.storage import Row, Table
from lab.server.engine.system_types import max_length

CATALOG_PAGES = 32
"""What an empty database uses."""

_ROW_OVERHEAD = 9
_ROOM = PAGE - 96
"""Bytes of a page without its head."""


def used_pages(engine: Any, database: Database, file: DatabaseFile) -> int:
    """FILEPROPERTY(name, 'SpaceUsed'), at least 1."""
    if file.is_log:
        return 1 + uncommitted_bytes(engine, database) // PAGE
    definitions = sum(2 * len(one.definition) for one in database.procedures())
    return CATALOG_PAGES + _pages(definitions) + sum(_table_pages(table) for table in database.tables())


def current_files(engine: Any, database: Database) -> tuple[DatabaseFile, ...]:
    """The files, which have grown to hold what is in them; a file never becomes smaller."""
    grown = tuple(replace(one, pages=one.grown(used_pages(engine, database, one))) for one in database.files)
    if grown != database.files:
        database.files = grown
        if database.durable:
            engine.note([files_step(database)])
    return database.files


def changed_by(transaction: Any, database: Database) -> bool:
    """Whether a transaction has changed anything in a database."""
    return transaction is not None and any(one.database_id == database.database_id for one in transaction.changes)


def uncommitted_bytes(engine: Any, database: Database) -> int:
    """The size of all changes to a database whose transactions are open."""
    open_ones = [session.transaction for session in engine.sessions if session.transaction]
    return sum(change.size for one in open_ones for change in one.changes if change.database_id == database.database_id)


def _table_pages(table: Table) -> int:
    rows = table.rows.values()
    everything = range(len(table.columns))
    others = [index.ordinals for index in table.indexes if not index.clustered]
    return 1 + sum(_pages(_size(table, rows, columns)) for columns in (everything, *others))


def _size(table: Table, rows: Iterable[Row], ordinals: Iterable[int]) -> int:
    fixed, varying = _ROW_OVERHEAD, []
    for ordinal in ordinals:
        type_ = table.columns[ordinal].type
        if type_.length:
            varying.append((ordinal, 2 if type_.name.startswith("n") else 1))
        else:
            fixed += max_length(type_)
    return sum(fixed + sum(len(row.values[ordinal] or "") * width for ordinal, width in varying) for row in rows)


def _pages(size: int) -> int:
    return -(-size // _ROOM)
