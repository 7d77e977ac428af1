"""GROUP BY and the aggregates: a group is one row of its keys and its results, in a slot of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.server.engine import images
from lab.server.engine.binder import Binder, converted
from lab.server.engine.families import Family, checked_integer, family
from lab.server.engine.frames import Bound, Frame
from lab.server.engine.sources import Loop
from lab.server.engine.storage import key_part
from lab.server.errors import Reach, SqlError
from lab.server.sql import ast
from lab.server.types import BIGINT, IMAGE, INT, UNIQUE_ID, SqlType


@dataclass(frozen=True)
class _Aggregate:
    """What is collected for one aggregate, and what becomes of it; `value` is None for COUNT(*)."""

    value: Callable[[Frame], Any] | None
    finish: Callable[[list[Any]], Any]


@dataclass
class Grouping:
    """While a select list, HAVING or ORDER BY is bound: what its parts are in terms of the groups."""

    binder: Binder
    slot: int
    nodes: list[ast.Expression]
    keys: list[Bound]
    hidden: frozenset[int]
    aggregates: list[_Aggregate] = field(default_factory=list)

    def find(self, node: ast.Expression) -> Bound | None:
        """The part of the group's row that the expression is, if it is a key or an aggregate."""
        if isinstance(node, ast.Aggregate):
            return self._aggregate(node)
        for place, key in enumerate(self.nodes):
            if key == node or self._same_column(key, node):
                return self._part(place, self.keys[place].type, self.keys[place].nullable)
        return None

    def _same_column(self, key: ast.Expression, node: ast.Expression) -> bool:
        if not isinstance(key, ast.ColumnRef) or not isinstance(node, ast.ColumnRef):
            return False
        source = self.binder.scope.place(key)
        return source is not None and source == self.binder.scope.place(node)

    def column(self, node: ast.ColumnRef) -> Bound:
        """A column that is no key: one of the query around, else 8120."""
        bound = self.binder.scope.resolve(node)
        if bound.uses & self.hidden:
            text = (
                f"Column '{'.'.join(node.parts)}' is invalid in the select list because it is not contained in either"
                " an aggregate function or the GROUP BY clause."
            )
            raise SqlError(8120, text, line=node.line)
        return bound

    def _part(self, place: int, type_: SqlType | None, nullable: bool) -> Bound:
        slot = self.slot
        return Bound(type_, lambda frame: frame.rows[slot][place], nullable, frozenset((slot,)))

    def _aggregate(self, node: ast.Aggregate) -> Bound:
        self.binder.grouping = None
        try:
            argument = self.binder.bind_value(node.argument) if node.argument is not None else None
        finally:
            self.binder.grouping = self
        aggregate, type_ = _bind_aggregate(node, argument)
        self.aggregates.append(aggregate)
        return self._part(len(self.keys) + len(self.aggregates) - 1, type_, not node.name.startswith("COUNT"))

    def loop(self, inner: Loop) -> Loop:
        """A step for each group. Without GROUP BY there is always one."""
        slot, keys, aggregates = self.slot, [key.run for key in self.keys], self.aggregates

        def run(frame: Frame) -> Iterator[None]:
            groups: dict[tuple[Any, ...], tuple[tuple[Any, ...], list[list[Any]]]] = {}
            if not keys:
                groups[()] = ((), [[] for _ in aggregates])
            for _ in inner(frame):
                values = tuple(key(frame) for key in keys)
                folded = tuple(map(key_part, values))
                group = groups.get(folded)
                if group is None:
                    group = groups[folded] = (values, [[] for _ in aggregates])
                _collect(frame, aggregates, group[1])
            for values, collected in groups.values():
                results = (one.finish(found) for one, found in zip(aggregates, collected, strict=True))
                frame.rows[slot] = (*values, *results)
                yield

        return run


def bind_grouping(binder: Binder, node: ast.Select) -> Grouping | None:
    """The grouping of a SELECT; None if it has no GROUP BY, HAVING or aggregate."""
    if not node.group_by and node.having is None and not _has_aggregate(node):
        return None
    keys = [binder.bind_value(key) for key in node.group_by]
    for key in keys:
        images.refuse_order(key.type)
    hidden = frozenset(source.slot for source in binder.scope.sources)
    if any(not key.uses & hidden for key in keys):
        text = "Each GROUP BY expression must contain at least one column that is not an outer reference."
        raise SqlError(164, text, severity=15, line=node.line)
    return Grouping(binder, binder.new_slot(), list(node.group_by), keys, hidden)


def _has_aggregate(node: Any) -> bool:
    """Whether the list or ORDER BY has an aggregate of this very query."""
    if isinstance(node, ast.Aggregate):
        return True
    if isinstance(node, ast.Select):
        return any(_has_aggregate(part) for part in (*node.items, *node.order_by))
    if isinstance(node, tuple):
        return any(_has_aggregate(part) for part in node)
    if isinstance(node, (ast.Subquery, ast.Exists, ast.InQuery)) or not isinstance(node, ast.Node):
        return False
    return any(_has_aggregate(getattr(node, name)) for name in node.__dataclass_fields__)


def _collect(frame: Frame, aggregates: list[_Aggregate], collected: list[list[Any]]) -> None:
    for aggregate, found in zip(aggregates, collected, strict=True):
        if aggregate.value is None:
            found.append(None)
        elif (value := aggregate.value(frame)) is not None:
            found.append(value)


def _bind_aggregate(node: ast.Aggregate, argument: Bound | None) -> tuple[_Aggregate, SqlType]:
    if argument and argument.type == IMAGE:
        raise _invalid(node, "image")
    run = argument.run if argument else None
    if node.name in ("COUNT", "COUNT_BIG"):
        type_ = INT if node.name == "COUNT" else BIGINT
        count = _distinct_count if node.distinct else len
        return _Aggregate(run, lambda found: checked_integer(count(found), type_)), type_
    if argument.type is None or argument.type.name == "bit":
        raise _invalid(node, "bit" if argument.type else "NULL")
    if node.name in ("MIN", "MAX"):
        if argument.type == UNIQUE_ID:
            raise _invalid(node, argument.type.name)
        choose = min if node.name == "MIN" else max
        return _Aggregate(run, lambda found: choose(found, key=key_part, default=None)), argument.type
    if family(argument.type) is not Family.INTEGER:
        raise _invalid(node, argument.type.name)
    type_ = BIGINT if argument.type == BIGINT else INT
    run = converted(argument, type_).run
    average = node.name == "AVG"

    def finish(found: list[int]) -> int | None:
        numbers = set(found) if node.distinct else found
        if not numbers:
            return None
        total = checked_integer(sum(numbers), type_)
        return int(abs(total) // len(numbers) * (-1 if total < 0 else 1)) if average else total

    return _Aggregate(run, finish), type_


def _distinct_count(found: list[Any]) -> int:
    return len(set(map(key_part, found)))


def _invalid(node: ast.Aggregate, type_name: str) -> SqlError:
    text = f"Operand data type {type_name} is invalid for {node.name.lower()} operator."
    return SqlError(8117, text, reach=Reach.STATEMENT, line=node.line)
