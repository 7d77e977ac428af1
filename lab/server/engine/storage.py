"""Rows in memory, and the ordered indexes over them.

A row that a transaction deletes stays, marked, and an index keeps the entry of a changed key, until the transaction
has ended: others must find the row to wait for it. So an index gives candidates, and whoever reads them tests the
row itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sortedcontainers import SortedDict

from lab.server.engine.locks import Lock
from lab.server.engine.values import comparison_key
from lab.server.types import SqlType


class _Lowest:
    """Sorts before everything: NULL in a key."""

    def __lt__(self, other: object) -> bool:
        return other is not self

    def __gt__(self, other: object) -> bool:
        return False


class _Highest:
    """Sorts after everything: the end of a range."""

    def __lt__(self, other: object) -> bool:
        return False

    def __gt__(self, other: object) -> bool:
        return other is not self


_KEYS_AT_ONCE = 200

LOWEST = _Lowest()
HIGHEST = _Highest()


@dataclass(slots=True, eq=False)
class Row:
    """One row; `values` is replaced as a whole, never changed."""

    id: int
    values: tuple[Any, ...]
    lock: Lock | None = None
    deleted: bool = False


@dataclass(frozen=True)
class Default:
    """A DEFAULT constraint; `text` is the T-SQL of its value."""

    name: str
    object_id: int
    text: str


@dataclass(frozen=True)
class TableColumn:
    """`user_type_id` is that of the alias type, or of the built-in type, with which the column was made."""

    name: str
    type: SqlType
    user_type_id: int
    nullable: bool
    default: Default | None = None
    identity: bool = False


@dataclass(frozen=True)
class IndexColumn:
    """A key column by its position in the table, from 0."""

    ordinal: int
    descending: bool = False


@dataclass(eq=False)
class Index:
    """An index, or a PRIMARY KEY ('PK') or UNIQUE ('UQ') constraint, which has an object id too."""

    name: str
    index_id: int
    columns: tuple[IndexColumn, ...]
    unique: bool = False
    clustered: bool = False
    constraint: str | None = None
    object_id: int = 0
    entries: SortedDict = field(default_factory=SortedDict)

    def __post_init__(self) -> None:
        self.ordinals = tuple(column.ordinal for column in self.columns)

    def key(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """What the index sorts the row by."""
        return tuple(key_part(values[ordinal]) for ordinal in self.ordinals)

    def add(self, row: Row) -> None:
        """Enter the row's present key."""
        self.entries[(*self.key(row.values), row.id)] = row

    def settle(self, row: Row, values: tuple[Any, ...]) -> None:
        """Take out the entry for `values`, unless the row is still there under it."""
        key = self.key(values)
        if row.deleted or self.key(row.values) != key:
            self.entries.pop((*key, row.id), None)

    def find(self, low: tuple[Any, ...], high: tuple[Any, ...]) -> Iterator[Row]:
        """The candidates whose keys begin with anything from `low` to `high`, in order, both included.

        The index may change between two steps: whoever reads may have to wait for a row.
        """
        seen: set[int] = set()
        keys = self._some_keys(low, high, included=True)
        while keys:
            for key in keys:
                row = self.entries.get(key)
                if row is not None and row.id not in seen:
                    seen.add(row.id)
                    yield row
            keys = self._some_keys(keys[-1], high, included=False) if len(keys) == _KEYS_AT_ONCE else []

    def _some_keys(self, low: tuple[Any, ...], high: tuple[Any, ...], included: bool) -> list[tuple[Any, ...]]:
        return list(islice(self.entries.irange(low, (*high, HIGHEST), (included, True)), _KEYS_AT_ONCE))


def key_part(value: Any) -> Any:
    """A value as a key has it."""
    return LOWEST if value is None else comparison_key(value)


@dataclass(eq=False)
class Table:
    """A table; `private` (a temporary one, seen by one session) needs no locks, and only durable ones are logged.

    `shipped` ones are there from the beginning, and only the server changes them. Where ALTER TABLE has put another
    one in its place, it is `altered`.
    """

    schema: str
    name: str
    object_id: int
    columns: tuple[TableColumn, ...]
    created: datetime
    indexes: list[Index] = field(default_factory=list)
    rows: dict[int, Row] = field(default_factory=dict)
    next_row_id: int = 1
    next_identity: int = 1
    database_id: int = 0
    database_name: str = ""
    durable: bool = True
    private: bool = False
    dropped: bool = False
    altered: bool = False
    shipped: bool = False
    lock: Lock | None = None

    @property
    def full_name(self) -> str:
        """As errors show it."""
        return f"{self.database_name}.{self.schema}.{self.name}"

    @property
    def short_name(self) -> str:
        """As the errors about keys show it."""
        return f"{self.schema}.{self.name}"

    def ordinal(self, name: str) -> int | None:
        """The position of the column of that name, from 0."""
        folded = name.casefold()
        return next((at for at, column in enumerate(self.columns) if column.name.casefold() == folded), None)

    @property
    def identity(self) -> int | None:
        """The position of the IDENTITY column."""
        return next((at for at, column in enumerate(self.columns) if column.identity), None)

    def take_identity(self) -> int:
        """The next number of the IDENTITY column; it is used up, whatever becomes of the row."""
        self.next_identity += 1
        return self.next_identity - 1

    def scan(self) -> list[Row]:
        """All candidates: in the order of the clustered index, else as they were inserted."""
        for index in self.indexes:
            if index.clustered:
                return list(dict.fromkeys(index.entries.values()))
        return list(self.rows.values())

    def insert(self, values: tuple[Any, ...], row_id: int | None = None) -> Row:
        """Put a row in; the caller has tested the keys."""
        row = Row(self.next_row_id if row_id is None else row_id, values)
        self.next_row_id = max(self.next_row_id, row.id + 1)
        self.rows[row.id] = row
        if self.identity is not None:
            self.next_identity = max(self.next_identity, values[self.identity] + 1)
        for index in self.indexes:
            index.add(row)
        return row

    def change(self, row: Row, values: tuple[Any, ...]) -> None:
        """Give a row other values; entries of the old ones stay until `settle`."""
        old, row.values = row.values, values
        for index in self.indexes:
            if any(old[ordinal] != values[ordinal] for ordinal in index.ordinals):
                index.add(row)

    def settle(self, row: Row, values: tuple[Any, ...]) -> None:
        """The transaction that had put `values` into the row, or taken them out, has ended."""
        for index in self.indexes:
            index.settle(row, values)
        if row.deleted:
            self.rows.pop(row.id, None)

    def twins(self, index: Index, values: tuple[Any, ...], row: Row | None = None) -> Iterator[Row]:
        """The other candidates with the key that `values` have in the index."""
        key = index.key(values)
        return (other for other in index.find(key, key) if other is not row)

    def add_index(self, index: Index) -> None:
        """Build an index over the rows that are there."""
        for row in self.rows.values():
            index.add(row)
        self.indexes.append(index)
