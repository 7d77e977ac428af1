"""Rows put in, changed and taken out: keys and NULLs tested, locks taken, the transaction told."""

from __future__ import annotations

from typing import Any

from lab.server.engine import locking
from lab.server.engine.storage import Index, Row, Table
from lab.server.engine.transactions import RowDeleted, RowInserted, RowUpdated
from lab.server.errors import SqlError

Values = tuple[Any, ...]


def insert_row(session: Any, table: Table, values: Values, locked: int) -> None:
    """Put a row in. `locked` counts the rows that the statement has locked before."""
    _refuse_nulls(table, values, "INSERT")
    for index in table.indexes:
        if index.unique:
            _refuse_twin(session, table, index, values, None)
    row = table.insert(values)
    session.transaction.changes.append(RowInserted(table, row, values))
    locking.lock_row(session, table, row, locked)


def update_rows(session: Any, table: Table, changed: list[tuple[Row, Values]]) -> None:
    """Give rows, which the session has locked, other values; keys are tested when all have them."""
    before = []
    for row, values in changed:
        _refuse_nulls(table, values, "UPDATE")
        before.append(row.values)
        session.transaction.changes.append(RowUpdated(table, row, row.values, values))
        table.change(row, values)
    for index in table.indexes:
        if not index.unique:
            continue
        for (row, values), old in zip(changed, before, strict=True):
            if index.key(values) != index.key(old):
                _refuse_twin(session, table, index, values, row)


def delete_rows(session: Any, table: Table, rows: list[Row]) -> None:
    """Take rows out, which the session has locked."""
    for row in rows:
        row.deleted = True
        session.transaction.changes.append(RowDeleted(table, row))


def find_twin(table: Table, index: Index, values: Values, row: Row | None) -> Row | None:
    """Another row, not deleted, that has the key of these values in the index."""
    key = index.key(values)
    for other in table.twins(index, values, row):
        if not other.deleted and index.key(other.values) == key:
            return other
    return None


def duplicate(table: Table, index: Index, values: Values) -> SqlError:
    """2627 for a constraint, 2601 for an index."""
    shown = ", ".join(_shown(values[ordinal]) for ordinal in index.ordinals)
    if index.constraint:
        kind = "PRIMARY KEY" if index.constraint == "PK" else "UNIQUE KEY"
        text = (
            f"Violation of {kind} constraint '{index.name}'. Cannot insert duplicate key in object"
            f" '{table.short_name}'. The duplicate key value is ({shown})."
        )
        return SqlError(2627, text, severity=14)
    text = (
        f"Cannot insert duplicate key row in object '{table.short_name}' with unique index '{index.name}'."
        f" The duplicate key value is ({shown})."
    )
    return SqlError(2601, text, severity=14)


def _shown(value: Any) -> str:
    if value is None:
        return "<NULL>"
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def _refuse_twin(session: Any, table: Table, index: Index, values: Values, row: Row | None) -> None:
    """Raise if the key is taken, once nobody else's pending change can alter that."""
    waited = True
    while waited:
        waited = False
        for other in list(table.twins(index, values, row)):
            if locking.wait_for_others(session, other):
                waited = True
    if find_twin(table, index, values, row):
        raise duplicate(table, index, values)


def _refuse_nulls(table: Table, values: Values, statement: str) -> None:
    for column, value in zip(table.columns, values, strict=True):
        if value is None and not column.nullable:
            text = (
                f"Cannot insert the value NULL into column '{column.name}', table '{table.full_name}'; column does not"
                f" allow nulls. {statement} fails."
            )
            raise SqlError(515, text, state=2)
