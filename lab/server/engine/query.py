"""SELECT and UNION: what they bind to, and the order of their steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lab.server.engine import images, sources
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.conditions import conjuncts
from lab.server.engine.frames import Bound, Frame
from lab.server.engine.grouping import bind_grouping
from lab.server.engine.ordering import Item, bind_order, bind_output_order
from lab.server.engine.sources import Loop
from lab.server.engine.storage import key_part
from lab.server.engine.values import common_type, implicit_converter
from lab.server.errors import SqlError, unsupported
from lab.server.interface import Column
from lab.server.sql import ast
from lab.server.types import BIGINT, INT

Rows = Callable[[Frame], Iterator[tuple[Any, ...]]]


@dataclass(frozen=True)
class BoundQuery:
    """A query that gives rows; `uses` are the slots of the queries around it that it reads."""

    columns: tuple[Column, ...]
    rows: Rows
    uses: frozenset[int]


def _select(binder: Binder, node: ast.Select) -> BoundQuery:
    first_slot = binder.slots
    loop = _bind_from(binder, node)
    items = [item for written in node.items for item in _expand(binder, written)]
    loop = bind_order(binder, node, items, loop, first_slot)
    top = bind_top(binder, node.top)
    runs = [item.bound.run for item in items]

    def rows(frame: Frame) -> Iterator[tuple[Any, ...]]:
        limit = top(frame)
        found: Iterator[tuple[Any, ...]] = (tuple([run(frame) for run in runs]) for _ in loop(frame))
        return islice(_distinct(found) if node.distinct else found, limit)

    if node.distinct:
        images.refuse_distinct([item.bound.type for item in items])
    columns = tuple(Column(item.name, item.bound.type or INT, item.bound.nullable) for item in items)
    return BoundQuery(columns, rows, frozenset(binder.scope.reads))


def bind_assigning_select(binder: Binder, node: ast.Select) -> Callable[[Frame], int]:
    """A SELECT that assigns variables, row after row: a function that runs it and gives the number of rows."""
    if node.distinct:
        raise unsupported("SELECT DISTINCT that assigns a variable", node.line)
    first_slot = binder.slots
    loop = _bind_from(binder, node)
    assignments = [bind_assignment(binder, item.variable, item.operator, item.value) for item in node.items]
    loop = bind_order(binder, node, [], loop, first_slot)
    top = bind_top(binder, node.top)

    def run(frame: Frame) -> int:
        count = 0
        for _ in islice(loop(frame), top(frame)):
            count += 1
            for assign in assignments:
                assign(frame)
        return count

    return run


def bind_assignment(binder: Binder, variable: str, operator: str, value: ast.Expression) -> Callable[[Frame], None]:
    """`@v = value`, `@v += value` and so on."""
    place, type_ = binder.target(variable)
    if operator != "=":
        value = ast.Binary(operator, ast.Variable(variable, line=value.line), value, line=value.line)
    run = binder.bind_as(value, type_).run

    def assign(frame: Frame) -> None:
        frame.variables[place] = run(frame)

    return assign


def _bind_from(binder: Binder, node: ast.Select) -> Loop:
    """FROM, WHERE, GROUP BY and HAVING. What is bound afterwards is bound in terms of the groups, if there are any."""
    declared = sources.declare(binder, node.source) if node.source is not None else None
    where = binder.bind(node.where) if node.where is not None else None
    loop = declared.loop(conjuncts(node.where), frozenset()) if declared else _once
    if where is not None:
        loop = _filtered(loop, where)
    grouping = bind_grouping(binder, node)
    if grouping:
        loop = grouping.loop(loop)
        binder.grouping = grouping
        if node.having is not None:
            loop = _filtered(loop, binder.bind(node.having))
    return loop


def _once(frame: Frame) -> Iterator[None]:
    yield


def _filtered(loop: Loop, condition: Bound) -> Loop:
    test = condition.run

    def run(frame: Frame) -> Iterator[None]:
        for _ in loop(frame):
            if test(frame):
                yield

    return run


def _expand(binder: Binder, written: ast.Star | ast.SelectItem) -> Iterator[Item]:
    if isinstance(written, ast.SelectItem):
        name = written.alias
        if name is None:
            name = written.value.parts[-1] if isinstance(written.value, ast.ColumnRef) else ""
        yield Item(name, binder.bind_value(written.value), written.value)
        return
    found = binder.scope.matching(written.qualifier)
    if not found and written.qualifier:
        prefix = ".".join(written.qualifier)
        text = f"The column prefix '{prefix}' does not match with a table name or alias name used in the query."
        raise SqlError(107, text, severity=15)
    if not found:
        raise SqlError(263, "Must specify table to select from.")
    for source in found:
        if source.view:
            raise unsupported(f"* of {source.view}, which has more columns", written.line)
        for column in source.columns:
            node = ast.ColumnRef((*source.names[0], column.name), line=written.line)
            yield Item(column.name, binder.bind(node), node)


def bind_top(binder: Binder, node: ast.Expression | None) -> Callable[[Frame], int | None]:
    """The number of rows that TOP allows; None without TOP. When it runs it raises 1060 for NULL, 127 below 0."""
    if node is None:
        return lambda frame: None
    grouping, binder.grouping = binder.grouping, None
    run = binder.bind_as(node, BIGINT).run
    binder.grouping = grouping

    def top(frame: Frame) -> int:
        value = run(frame)
        if value is None:
            raise SqlError(
                1060, "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer."
            )
        if value < 0:
            raise SqlError(127, "A TOP N or FETCH rowcount value may not be negative.", severity=15)
        return value

    return top


def _distinct(rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    seen = set()
    for row in rows:
        key = tuple(map(key_part, row))
        if key not in seen:
            seen.add(key)
            yield row


def _union(binder: Binder, node: ast.Union) -> BoundQuery:
    left, right = binder.bind_query(node.left), binder.bind_query(node.right)
    if len(left.columns) != len(right.columns):
        text = (
            "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions"
            " in their target lists."
        )
        raise SqlError(205, text)
    if not node.all:
        images.refuse_union([column.type for column in (*left.columns, *right.columns)])
    columns = tuple(
        Column(a.name, common_type(a.type, b.type), a.nullable or b.nullable)
        for a, b in zip(left.columns, right.columns, strict=True)
    )
    parts = [_conversion(query, columns) for query in (left, right)]
    order = bind_output_order(node.order_by, columns)

    def rows(frame: Frame) -> Iterator[tuple[Any, ...]]:
        found = (row for part in parts for row in part(frame))
        return order(found if node.all else _distinct(found))

    binder.scope.reads |= left.uses | right.uses
    return BoundQuery(columns, rows, left.uses | right.uses)


def _conversion(query: BoundQuery, columns: tuple[Column, ...]) -> Rows:
    """The rows of one side of a UNION in the types of the whole."""

    def rows(frame: Frame) -> Iterator[tuple[Any, ...]]:
        for row in query.rows(frame):
            yield tuple(change(value) for change, value in zip(changes, row, strict=True))

    changes = []
    for own, whole in zip(query.columns, columns, strict=True):
        changes.append(implicit_converter(own.type, whole.type))
    return rows


QUERIES: Grammar = {ast.Select: _select, ast.Union: _union}
