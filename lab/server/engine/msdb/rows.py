"""Reading and changing the tables of msdb by names of columns, within the session's statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.server.engine import changes, locking
from lab.server.engine.storage import Row, Table
from lab.server.engine.values import comparison_key


@dataclass(frozen=True)
class Found:
    """A row as it was when it was read."""

    table: Table
    row: Row
    values: tuple[Any, ...]

    def __getitem__(self, column: str) -> Any:
        return self.values[self.table.ordinal(column)]


def table(session: Any, name: str) -> Table:
    """A table of msdb."""
    return session.engine.find_database("msdb").find("dbo", name)


def find(session: Any, name: str, /, *, read_past: bool = False, **wanted: Any) -> list[Found]:
    """The rows whose columns have these values, in the order of the key; `read_past` leaves out locked ones."""
    where = table(session, name)
    tests = [(where.ordinal(column), comparison_key(value)) for column, value in wanted.items()]

    def fits(row: Row) -> bool:
        return all(comparison_key(row.values[ordinal]) == value for ordinal, value in tests)

    def candidates() -> list[Row]:  # not all rows: who makes one job keeps nobody from another
        return [row for row in where.scan() if fits(row)]

    rows = locking.readable(session, where, candidates, locking.Wishes(read_past=read_past))
    return [Found(where, row, row.values) for row in rows if fits(row)]


def first(session: Any, name: str, /, **wanted: Any) -> Found | None:
    """The first of those rows."""
    return next(iter(find(session, name, **wanted)), None)


def insert(session: Any, name: str, /, **values: Any) -> None:
    """A new row; columns that are not given are NULL."""
    where = table(session, name)
    locking.lock_table(session, where, "IX", True)
    changes.insert_row(session, where, tuple(values.pop(column.name, None) for column in where.columns), 0)
    assert not values, values


def next_id(session: Any, name: str) -> int:
    """The number that the next row of a table with an identity column gets."""
    return table(session, name).next_row_id


def update(session: Any, found: Found, /, **values: Any) -> None:
    """Give a row other values, unless it was deleted meanwhile."""
    where, row = found.table, found.row
    locking.lock_table(session, where, "IX", True)
    locking.lock_row(session, where, row, 0)
    if row.deleted:
        return
    changed = list(row.values)
    for column, value in values.items():
        changed[where.ordinal(column)] = value
    changes.update_rows(session, where, [(row, tuple(changed))])


def delete(session: Any, found: list[Found]) -> None:
    """Take rows out."""
    for one in found:
        locking.lock_table(session, one.table, "IX", True)
        locking.lock_row(session, one.table, one.row, 0)
        if not one.row.deleted:
            changes.delete_rows(session, one.table, [one.row])
