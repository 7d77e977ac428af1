"""FROM: tables, catalog views, derived tables and joins, as loops that put rows into the frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.server.engine import locking
from lab.server.engine.access import find_path
from lab.server.engine.binder import Binder
from lab.server.engine.conditions import conjuncts
from lab.server.engine.frames import Frame
from lab.server.engine.scopes import Source
from lab.server.engine.storage import Table
from lab.server.errors import Reach, SqlError
from lab.server.interface import Column
from lab.server.sql import ast

Loop = Callable[[Frame], Iterator[None]]
"""Each step of the iterator has put the next row (of a join: the next rows) into the frame."""


@dataclass
class From:
    """What FROM declares: the loop can be made once all its names are known."""

    slots: frozenset[int]
    loop: Callable[[list[ast.Condition], frozenset[int]], Loop]
    """Of conditions that must hold, and of slots that have no row yet when it begins."""
    width: dict[int, int] = field(default_factory=dict)


def declare(binder: Binder, node: ast.Source) -> From:
    """Enter the sources into the binder's scope; raises 208 for an unknown table and 1011 or 1013 for names twice."""
    if isinstance(node, ast.TableName):
        return _named(binder, node)
    if isinstance(node, ast.DerivedTable):
        return _derived(binder, node)
    return _join(binder, node)


def table_source(binder: Binder, node: ast.TableName, table: Table) -> Source:
    """The source of a table, entered into the scope."""
    columns = tuple(Column(column.name, column.type, column.nullable) for column in table.columns)
    return _enter(binder, node, columns, (table.database_name, table.schema, table.name))


def _enter(
    binder: Binder, node: ast.TableName, columns: tuple[Column, ...], full: tuple[str, ...], view: str = ""
) -> Source:
    if node.alias:
        names: tuple[tuple[str, ...], ...] = ((node.alias.casefold(),),)
    else:
        folded = tuple(part.casefold() for part in full)
        names = (folded[-1:], folded[-2:], folded)
    source = Source(binder.new_slot(), names, columns, view)
    _refuse_twins(binder, source, node)
    binder.scope.sources.append(source)
    return source


def _refuse_twins(binder: Binder, source: Source, node: ast.TableName | ast.DerivedTable) -> None:
    exposed = source.names[-1]
    if any(exposed == other.names[-1] for other in binder.scope.sources):
        text = f'The objects or aliases "{exposed[-1]}" in the FROM clause have the same exposed names.'
        raise SqlError(1013, text, line=node.line)


def _named(binder: Binder, node: ast.TableName) -> From:
    view = binder.names.view(node.name)
    if view is None:
        return _base_table(binder, node)
    definition, database = view
    full = (database.name, "sys", definition.name)
    source = _enter(binder, node, definition.columns, full, f"sys.{definition.name}")
    slot, produce = source.slot, definition.rows

    def loop(frame: Frame) -> Iterator[None]:
        locking.wait_for_names(frame.session, database)
        locking.wait_for(frame.session, database.definitions)
        for row in produce(frame.session, database):
            frame.session.check_cancelled()
            frame.rows[slot] = row
            yield

    return From(frozenset((slot,)), lambda conditions, later: loop, {slot: len(definition.columns)})


def _base_table(binder: Binder, node: ast.TableName) -> From:
    table = binder.names.table(node.name)
    binder.names.need("SELECT", table)
    source = table_source(binder, node, table)
    slot, wishes = source.slot, locking.Wishes.of(node.hints)

    def make(conditions: list[ast.Condition], later: frozenset[int]) -> Loop:
        path = find_path(binder, table, source, conditions, later)

        def loop(frame: Frame) -> Iterator[None]:
            for row in locking.readable(frame.session, table, lambda: path(frame), wishes):
                frame.rows[slot] = row.values
                yield

        return loop

    return From(frozenset((slot,)), make, {slot: len(table.columns)})


def _derived(binder: Binder, node: ast.DerivedTable) -> From:
    query = binder.bind_query(node.query)
    if query.uses:
        raise SqlError(4104, "A derived table cannot read columns of the tables beside it.", reach=Reach.SCOPE)
    columns = _derived_columns(query.columns, node)
    source = Source(binder.new_slot(), ((node.alias.casefold(),),), columns)
    _refuse_twins(binder, source, node)
    binder.scope.sources.append(source)
    slot, rows = source.slot, query.rows

    def loop(frame: Frame) -> Iterator[None]:
        for row in list(rows(frame)):
            frame.session.check_cancelled()
            frame.rows[slot] = row
            yield

    return From(frozenset((slot,)), lambda conditions, later: loop, {slot: len(columns)})


def _derived_columns(columns: tuple[Column, ...], node: ast.DerivedTable) -> tuple[Column, ...]:
    if node.columns:
        if len(node.columns) != len(columns):
            more = "more" if len(node.columns) > len(columns) else "fewer"
            number = 8158 if more == "more" else 8159
            raise SqlError(number, f"'{node.alias}' has {more} columns than were specified in the column list.")
        columns = tuple(
            Column(name, column.type, column.nullable) for name, column in zip(node.columns, columns, strict=True)
        )
    for at, column in enumerate(columns, 1):
        if not column.name:
            raise SqlError(8155, f"No column name was specified for column {at} of '{node.alias}'.")
        if any(column.name.casefold() == other.name.casefold() for other in columns[: at - 1]):
            text = f"The column '{column.name}' was specified multiple times for '{node.alias}'."
            raise SqlError(8156, text)
    return columns


def _join(binder: Binder, node: ast.Join) -> From:
    left = declare(binder, node.left)
    right = declare(binder, node.right)
    slots = left.slots | right.slots
    condition = None
    if node.condition is not None:
        condition = binder.bind(node.condition)
        _refuse_later(binder, condition.uses, slots)
    own = conjuncts(node.condition)
    test = condition.run if condition else None

    def make(conditions: list[ast.Condition], later: frozenset[int]) -> Loop:
        inner = node.kind != "LEFT"
        outer_loop = left.loop(conditions + own if inner else conditions, later | right.slots)
        inner_loop = right.loop(conditions + own if inner else own, later)
        return _inner(outer_loop, inner_loop, test) if inner else _left(outer_loop, inner_loop, test, right.width)

    return From(slots, make, left.width | right.width)


def _refuse_later(binder: Binder, uses: frozenset[int], slots: frozenset[int]) -> None:
    """ON may not read a table of the same FROM that is joined later."""
    here = {source.slot: source for source in binder.scope.sources}
    for slot in uses - slots:
        if slot in here:
            text = f'The multi-part identifier "{here[slot].names[0][-1]}" could not be bound.'
            raise SqlError(4104, text, reach=Reach.SCOPE)


def _inner(left: Loop, right: Loop, test: Callable[[Frame], Any] | None) -> Loop:
    def loop(frame: Frame) -> Iterator[None]:
        for _ in left(frame):
            for _ in right(frame):
                if test is None or test(frame):
                    yield

    return loop


def _left(left: Loop, right: Loop, test: Callable[[Frame], Any], width: dict[int, int]) -> Loop:
    nulls = {slot: (None,) * count for slot, count in width.items()}

    def loop(frame: Frame) -> Iterator[None]:
        for _ in left(frame):
            matched = False
            for _ in right(frame):
                if test(frame):
                    matched = True
                    yield
            if not matched:
                for slot, row in nulls.items():
                    frame.rows[slot] = row
                yield

    return loop
