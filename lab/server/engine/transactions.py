"""Transactions: what they changed, how that is undone, and what the log must know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.server.engine import locks
from lab.server.engine.storage import Row, Table


class Change(Protocol):
    """One step of a transaction, in the database with that id; `size` is about how many bytes a log would need."""

    database_id: int
    size: int

    def undo(self) -> None:
        """Make it as if it had not been."""

    def record(self) -> list[Any] | None:
        """What the log is told when the transaction commits; None if the change is not durable."""

    def settle(self) -> None:
        """The transaction has ended, either way."""


HEAD = 60
"""Bytes that a change needs beside its values."""


def values_size(values: tuple[Any, ...]) -> int:
    """About how many bytes values need."""
    return sum(
        2 * len(value) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 8 for value in values
    )


class _RowChange:
    """What the changes of rows have in common."""

    __slots__ = ()
    table: Table

    @property
    def database_id(self) -> int:
        return self.table.database_id


@dataclass(slots=True)
class RowInserted(_RowChange):
    table: Table
    row: Row
    values: tuple[Any, ...]

    @property
    def size(self) -> int:
        return HEAD + values_size(self.values)

    def undo(self) -> None:
        self.row.deleted = True

    def record(self) -> list[Any] | None:
        if not self.table.durable:
            return None
        return ["insert", self.table.database_id, self.table.object_id, self.row.id, list(self.values)]

    def settle(self) -> None:
        if self.row.deleted:
            self.table.settle(self.row, self.values)


@dataclass(slots=True)
class RowUpdated(_RowChange):
    table: Table
    row: Row
    old: tuple[Any, ...]
    new: tuple[Any, ...]

    @property
    def size(self) -> int:
        return HEAD + values_size(self.old) + values_size(self.new)

    def undo(self) -> None:
        self.table.change(self.row, self.old)

    def record(self) -> list[Any] | None:
        if not self.table.durable:
            return None
        changed = [[at, new] for at, (old, new) in enumerate(zip(self.old, self.new, strict=True)) if old != new]
        return ["update", self.table.database_id, self.table.object_id, self.row.id, changed]

    def settle(self) -> None:
        self.table.settle(self.row, self.old)
        self.table.settle(self.row, self.new)


@dataclass(slots=True)
class RowDeleted(_RowChange):
    table: Table
    row: Row

    @property
    def size(self) -> int:
        return HEAD + values_size(self.row.values)

    def undo(self) -> None:
        self.row.deleted = False

    def record(self) -> list[Any] | None:
        if not self.table.durable:
            return None
        return ["delete", self.table.database_id, self.table.object_id, self.row.id]

    def settle(self) -> None:
        if self.row.deleted:
            self.table.settle(self.row, self.row.values)


@dataclass(slots=True)
class SchemaChanged:
    """A change of a table's definition, a procedure, a type; `log` is the record."""

    undone: Callable[[], None]
    log: list[Any] | None
    database_id: int = 0

    @property
    def size(self) -> int:
        return HEAD + len(str(self.log))

    def undo(self) -> None:
        self.undone()

    def record(self) -> list[Any] | None:
        return self.log

    def settle(self) -> None:
        """Nothing is kept for others: they wait for the names."""


@dataclass(eq=False)
class Transaction:
    """One transaction of a session: `depth` counts BEGIN TRANSACTION, and is 0 for that of a single statement."""

    session: Any
    depth: int = 0
    name: str = ""
    doomed: bool = False
    held: dict[Any, str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    savepoints: list[tuple[str, int]] = field(default_factory=list)
    undone: list[Change] = field(default_factory=list)
    statement_locks: list[Any] = field(default_factory=list)

    def records(self) -> list[list[Any]]:
        """What the log must be told of the durable changes."""
        return [record for change in self.changes if (record := change.record())]

    def save(self, name: str) -> None:
        """SAVE TRANSACTION; a name may be used again, the newest counts."""
        self.savepoints.append((name.casefold(), len(self.changes)))

    def roll_back_to_savepoint(self, name: str) -> bool:
        """Whether there is a savepoint of that name; it stays, those after it go."""
        for at in range(len(self.savepoints) - 1, -1, -1):
            if self.savepoints[at][0] == name.casefold():
                self.undo_to(self.savepoints[at][1])
                del self.savepoints[at + 1 :]
                return True
        return False

    def undo_to(self, mark: int) -> None:
        """Undo the changes after the first `mark` ones. Their locks stay, and so do the rows, until the end."""
        undone = self.changes[mark:]
        for change in reversed(undone):
            change.undo()
        del self.changes[mark:]
        self.undone += undone

    def end(self) -> None:
        """After commit or rollback: take out what only this transaction kept, and give the locks back."""
        for change in self.undone:
            change.settle()
        for change in self.changes:
            change.settle()
        locks.release_all(self)

    def roll_back(self) -> None:
        """Undo everything and end."""
        self.undo_to(0)
        self.end()

    def end_statement(self) -> None:
        """Give back the locks that only the statement needed."""
        for thing in self.statement_locks:
            if thing in self.held:
                locks.release(self, thing)
        self.statement_locks.clear()
