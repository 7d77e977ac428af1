"""Which columns a name can mean."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.server.engine.frames import Bound
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.interface import Column
from lab.server.sql import ast


@dataclass(frozen=True)
class Source:
    """A table of FROM: its row is in `frame.rows[slot]`. `names` is what may stand before a column, its parts folded.

    `view` is the name of a catalog view, which has more columns in SQL Server than in the lab server.
    """

    slot: int
    names: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    view: str = ""

    def find(self, name: str) -> int | None:
        """The ordinal of a column."""
        folded = name.casefold()
        return next((at for at, column in enumerate(self.columns) if column.name.casefold() == folded), None)


@dataclass
class Scope:
    """The sources of one SELECT, UPDATE or DELETE; `outer` is that of the query around it.

    `reads` are the slots of the queries around it that it was found to read.
    """

    outer: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    reads: set[int] = field(default_factory=set)

    def resolve(self, node: ast.ColumnRef) -> Bound:
        """The column; raises 207, 209 or 4104."""
        if found := self.find(node):
            return found
        if self.outer is None:
            raise self.no_column(node)
        try:
            found = self.outer.resolve(node)
        except SqlError:
            raise self.no_column(node) from None
        self.reads |= found.uses
        return found

    def find(self, node: ast.ColumnRef) -> Bound | None:
        """The column, if a source of this very scope has it; raises 209 if two have."""
        *qualifier, name = node.parts
        found = []
        for source in self.matching(tuple(qualifier)):
            ordinal = source.find(name)
            if ordinal is not None:
                found.append(column(source, ordinal))
            elif qualifier:
                raise self.no_column(node)
        if len(found) > 1:
            raise SqlError(209, f"Ambiguous column name '{name}'.", reach=Reach.SCOPE, line=node.line)
        return found[0] if found else None

    def place(self, node: ast.ColumnRef) -> tuple[int, int] | None:
        """Slot and ordinal of a column of this very scope."""
        *qualifier, name = node.parts
        places = ((source.slot, source.find(name)) for source in self.matching(tuple(qualifier)))
        return next(((slot, ordinal) for slot, ordinal in places if ordinal is not None), None)

    def matching(self, qualifier: tuple[str, ...]) -> list[Source]:
        """The sources that a qualifier means; all, if it is empty."""
        if not qualifier:
            return self.sources
        folded = tuple(part.casefold() for part in qualifier)
        return [source for source in self.sources if folded in source.names]

    def no_column(self, node: ast.ColumnRef) -> SqlError:
        """207 or 4104; "not supported" where a catalog view may have the column in SQL Server."""
        *qualifier, name = node.parts
        matching = self.matching(tuple(qualifier))
        for source in matching:
            if source.view:
                return unsupported(f"{source.view}.{name}", node.line)
        if matching or not qualifier:
            return SqlError(207, f"Invalid column name '{name}'.", reach=Reach.SCOPE, line=node.line)
        text = f'The multi-part identifier "{".".join(node.parts)}" could not be bound.'
        return SqlError(4104, text, reach=Reach.SCOPE, line=node.line)


def column(source: Source, ordinal: int) -> Bound:
    """A column of a source, read from its present row."""
    slot = source.slot
    described = source.columns[ordinal]
    return Bound(described.type, lambda frame: frame.rows[slot][ordinal], described.nullable, frozenset((slot,)))
