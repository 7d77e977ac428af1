"""SELECT and UNION: what they bind to, and the order of their steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lab.server.engine import sources
from lab.server.engine.binder import Binder, Grammar, converted
from lab.server.engine.conditions import conjuncts
from lab.server.engine.frames import Bound, Frame
from lab.server.engine.grouping import Grouping, bind_grouping
from lab.server.engine.ordering import key_of, order_positions, order_rows
from lab.server.engine.sources import Loop
from lab.server.engine.values import common_type
from lab.server.errors import SqlError
from lab.server.interface import Column
from lab.server.sql import ast
from lab.server.types import BIGINT, INT


@dataclass(frozen=True)
class BoundQuery:
    """A query that gives rows; `uses` are the slots of enclosing queries that it reads."""

    columns: tuple[Column, ...]
    rows: Callable[[Frame], Iterator[tuple[Any, ...]]]
    uses: frozenset[int]


@dataclass
class Positions:
    """The part of a SELECT before its list: each step of `loop` puts the rows for one result row into the frame."""

    loop: Loop
    top: Callable[[Frame], int | None]
    uses: frozenset[int]


def bind_select(binder: Binder, node: ast.Select) -> BoundQuery:
    """Bind a SELECT that returns rows, in a scope of its own."""
    first_slot = binder.slots
    base, grouping = _bind_from(binder, node)
    items = [item for written in node.items for item in _expand(binder, written)]
    columns = tuple(Column(name, bound.type or INT, bound.nullable) for name, bound in items)
    runs = [bound.run for _, bound in items]
    positions = _finish(binder, node, base, items)
    binder.grouping = None
    top, loop = positions.top, positions.loop

    def rows(frame: Frame) -> Iterator[tuple[Any, ...]]:
        found: Iterator[tuple[Any, ...]] = (tuple(run(frame) for run in runs) for _ in loop(frame))
        if node.distinct:
            found = _distinct(found)
        return islice(found, top(frame))

    uses = positions.uses.union(*(bound.uses for _, bound in items))
    return BoundQuery(columns, rows, frozenset(slot for slot in uses if slot < first_slot))


def bind_assignment(binder: Binder, node: ast.Select, assign: list[Callable[[Frame], None]]) -> Callable[[Frame], int]:
    """A SELECT that assigns to variables: a function that runs it and gives the number of rows."""
    raise NotImplementedError


def _bind_from(binder: Binder, node: ast.Select) -> tuple[Loop, Grouping | None]:
    """FROM, WHERE, GROUP BY and HAVING."""
    declared = sources.declare(binder, node.source) if node.source is not None else None
    where = binder.bind(node.where) if node.where is not None else None
    loop = declared.loop(conjuncts(node.where), frozenset()) if declared else _once
    if where is not None:
        loop = filtered(loop, where)
    grouping = bind_grouping(binder, node)
    if grouping:
        loop = grouping.loop(loop)
        binder.grouping = grouping
        if node.having is not None:
            loop = filtered(loop, binder.bind(node.having))
    return loop, grouping


def _once(frame: Frame) -> Iterator[None]:
    yield


def filtered(loop: Loop, condition: Bound) -> Loop:
    """The steps of a loop for which a condition is true."""
    test = condition.run

    def run(frame: Frame) -> Iterator[None]:
        for _ in loop(frame):
            if test(frame):
                yield

    return run
