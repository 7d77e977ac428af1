"""INSERT, UPDATE and DELETE: each binds to a function of a frame that does it and gives the number of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from lab.server.engine import changes, locking, server_version
from lab.server.engine.access import find_path
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.conditions import conjuncts
from lab.server.engine.frames import Bound, Frame, constant
from lab.server.engine.query import bind_assignment, bind_top
from lab.server.engine.scopes import Source
from lab.server.engine.sources import table_source
from lab.server.engine.storage import Row, Table
from lab.server.engine.values import column_converter, implicit_converter
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.interface import Column
from lab.server.sql import ast
from lab.server.sql.parser import parse
from lab.server.types import BIGINT

Change = Callable[[Frame], int]
Run = Callable[[Frame], Any]


# INSERT


def _insert(binder: Binder, node: ast.Insert) -> Change:
    table = _target(binder, node.table, "INSERT")
    ordinals = _insert_columns(table, node)
    find_rows = _value_rows(binder, table, ordinals, node)
    missing = [
        (ordinal, _missing(binder, table, ordinal)) for ordinal in range(len(table.columns)) if ordinal not in ordinals
    ]
    wishes = locking.Wishes.of(node.table.hints)
    top = bind_top(binder, node.top)

    def run(frame: Frame) -> int:
        session = frame.session
        locking.lock_table(session, table, wishes.to_change, True)
        count = 0
        for given in list(find_rows(frame))[: top(frame)]:
            row: list[Any] = [None] * len(table.columns)
            for ordinal, value in zip(ordinals, given, strict=True):
                row[ordinal] = value
            for ordinal, default in missing:
                row[ordinal] = default(frame)
            changes.insert_row(session, table, tuple(row), count)
            count += 1
        return count

    return run


def _target(binder: Binder, node: ast.TableName, permission: str) -> Table:
    if binder.names.view(node.name):
        raise SqlError(259, "Ad hoc updates to system catalogs are not allowed.", line=node.line)
    table = binder.names.table(node.name)
    if table.shipped:
        raise unsupported(f"{permission} of rows of {table.name}: its procedures change them", node.line)
    binder.names.need(permission, table)
    return table


def _insert_columns(table: Table, node: ast.Insert) -> list[int]:
    if node.columns is None:
        return [ordinal for ordinal, column in enumerate(table.columns) if not column.identity]
    ordinals = [_ordinal(table, name, node.line) for name in node.columns]
    if table.identity in ordinals:
        text = f"Cannot insert explicit value for identity column in table '{table.name}'"
        raise SqlError(544, f"{text} when IDENTITY_INSERT is set to OFF.", line=node.line)
    _refuse_twice(table, ordinals, node.line)
    return ordinals


def _ordinal(table: Table, name: str, line: int) -> int:
    ordinal = table.ordinal(name)
    if ordinal is None:
        raise SqlError(207, f"Invalid column name '{name}'.", reach=Reach.SCOPE, line=line)
    return ordinal


def _refuse_twice(table: Table, ordinals: list[int], line: int) -> None:
    for at, ordinal in enumerate(ordinals):
        if ordinal in ordinals[:at]:
            text = (
                f"The column name '{table.columns[ordinal].name}' is specified more than once in the SET clause or"
                " column list. A column cannot be assigned more than one value in the same clause."
            )
            raise SqlError(264, text, line=line)


def _value_rows(
    binder: Binder, table: Table, ordinals: list[int], node: ast.Insert
) -> Callable[[Frame], Iterator[tuple[Any, ...]]]:
    if isinstance(node.source, ast.Values):
        return _written_rows(binder, table, ordinals, node, node.source)
    if isinstance(node.source, ast.ExecuteProcedure):
        columns, produce = _answer(node.source)
    else:
        query = binder.bind_query(node.source)
        columns, produce = query.columns, query.rows
    _refuse_count(len(columns), ordinals, node)
    stores = [
        _store(table, ordinal, Bound(column.type, iter)) for ordinal, column in zip(ordinals, columns, strict=True)
    ]

    def rows(frame: Frame) -> Iterator[tuple[Any, ...]]:
        for row in produce(frame):
            yield tuple(store(value) for store, value in zip(stores, row, strict=True))

    return rows


def _answer(node: ast.ExecuteProcedure) -> tuple[tuple[Column, ...], Callable[[Frame], Iterable[tuple[Any, ...]]]]:
    """Columns and rows of EXEC xp_msver; of any other procedure INSERT ... EXEC is not supported."""
    match node.arguments:
        case [ast.Argument(value=ast.Literal(value=str() as option))] if node.procedure.parts[-1].lower() == "xp_msver":
            return server_version.COLUMNS, lambda frame: server_version.rows(frame.session, option)
    raise unsupported(f"INSERT ... EXEC {node.procedure}", node.line)


def _written_rows(
    binder: Binder, table: Table, ordinals: list[int], node: ast.Insert, source: ast.Values
) -> Callable[[Frame], Iterator[tuple[Any, ...]]]:
    bound = []
    for row in source.rows:
        _refuse_count(len(row), ordinals, node)
        bound.append([_value(binder, table, ordinal, value) for ordinal, value in zip(ordinals, row, strict=True)])

    def rows(frame: Frame) -> Iterator[tuple[Any, ...]]:
        for row in bound:
            yield tuple([run(frame) for run in row])

    return rows


def _refuse_count(count: int, ordinals: list[int], node: ast.Insert) -> None:
    """Raises 213, or 120 or 121 for a query; of VALUES after a list of columns the parser has seen to it."""
    if count == len(ordinals):
        return
    if node.columns is None:
        raise SqlError(213, "Column name or number of supplied values does not match table definition.", line=node.line)
    number = 120 if count < len(ordinals) else 121
    raise SqlError(number, f"{_WRONG_COUNT[number]} {_MUST_MATCH}", severity=15, line=node.line)


_WRONG_COUNT = {
    120: "The select list for the INSERT statement contains fewer items than the insert list.",
    121: "The select list for the INSERT statement contains more items than the insert list.",
}
_MUST_MATCH = "The number of SELECT values must match the number of INSERT columns."


def _store(table: Table, ordinal: int, bound: Bound) -> Callable[[Any], Any]:
    column = table.columns[ordinal]
    return column_converter(bound.type, column.type, table.full_name, column.name)


def _value(binder: Binder, table: Table, ordinal: int, node: ast.Expression | ast.DefaultValue) -> Run:
    """A value on its way into a column."""
    if isinstance(node, ast.DefaultValue):
        return _default(binder, table, ordinal)
    bound = binder.bind_value(node)
    store, run = _store(table, ordinal, bound), bound.run
    _need_to_read(binder, table, bound)
    return lambda frame: store(run(frame))


def _need_to_read(binder: Binder, table: Table, bound: Bound) -> None:
    """Whoever has the changed table's columns read needs SELECT too."""
    if bound.uses:
        binder.names.need("SELECT", table)


def _missing(binder: Binder, table: Table, ordinal: int) -> Run:
    """What goes into a column for which nothing is given."""
    if not table.columns[ordinal].identity:
        return _default(binder, table, ordinal)
    store = _store(table, ordinal, Bound(BIGINT, iter))
    return lambda frame: store(table.take_identity())


def _default(binder: Binder, table: Table, ordinal: int) -> Run:
    default = table.columns[ordinal].default
    if default is None:
        return constant(None, None).run
    text = " ".join(("SELECT", default.text))  # the text has been parsed once, by CREATE TABLE
    statement = parse(text, quoted_identifier=True).statements[0]
    return _value(binder, table, ordinal, statement.items[0].value)


# UPDATE and DELETE


def _matching(
    binder: Binder, node: ast.Update | ast.Delete, table: Table, source: Source
) -> Callable[[Frame], Iterator[Row]]:
    """The rows that WHERE chooses, each locked and put into the frame."""
    where = binder.bind(node.where) if node.where is not None else constant(True, None)
    _need_to_read(binder, table, where)
    path = find_path(binder, table, source, conjuncts(node.where), frozenset())
    wishes = locking.Wishes.of(node.table.hints)
    top, test, slot = bind_top(binder, node.top), where.run, source.slot

    def rows(frame: Frame) -> Iterator[Row]:
        session, limit, count = frame.session, top(frame), 0
        locking.lock_table(session, table, wishes.to_change, True)
        for row in locking.changeable(session, table, path(frame), wishes):
            if count == limit:
                return
            frame.rows[slot] = row.values
            if not test(frame):
                continue
            locking.lock_row(session, table, row, count)
            if row.values is not frame.rows[slot] or row.deleted:  # another was faster while this one waited
                frame.rows[slot] = row.values
                if row.deleted or not test(frame):
                    continue
            count += 1
            yield row

    return rows


def _delete(binder: Binder, node: ast.Delete) -> Change:
    table = _target(binder, node.table, "DELETE")
    find_rows = _matching(binder, node, table, table_source(binder, node.table, table))

    def run(frame: Frame) -> int:
        found = list(find_rows(frame))
        changes.delete_rows(frame.session, table, found)
        return len(found)

    return run


def _update(binder: Binder, node: ast.Update) -> Change:
    table = _target(binder, node.table, "UPDATE")
    source = table_source(binder, node.table, table)
    find_rows = _matching(binder, node, table, source)
    assigned = [_ordinal(table, one.column, one.line) for one in node.assignments if one.column is not None]
    _refuse_twice(table, assigned, node.line)
    if table.identity in assigned:
        text = f"Cannot update identity column '{table.columns[table.identity].name}'."
        raise SqlError(8102, text, line=node.line)
    binder.changing = table
    assignments = [_assignment(binder, table, one) for one in node.assignments]

    def run(frame: Frame) -> int:
        changed = []
        for row in find_rows(frame):
            values, frame.changing = list(row.values), row
            for assign in assignments:
                assign(frame, values)
            changed.append((row, tuple(values)))
        if assigned:
            changes.update_rows(frame.session, table, changed)
        return len(changed)

    return run


def _assignment(binder: Binder, table: Table, node: ast.Assignment) -> Callable[[Frame, list[Any]], None]:
    """One item of SET. Expressions read the old row, which is in the frame; variables have their new value at once."""
    if node.column is None:
        _need_to_read(binder, table, binder.bind_value(node.value))
        assign = bind_assignment(binder, node.variable, node.operator, node.value)
        return lambda frame, values: assign(frame)
    ordinal = table.ordinal(node.column)
    value = node.value
    if node.operator != "=":
        if node.variable is not None:
            raise unsupported(f"{node.variable} = {node.column} {node.operator}= ...", node.line)
        value = ast.Binary(node.operator, ast.ColumnRef((node.column,), line=node.line), value, line=node.line)
    run = _value(binder, table, ordinal, value)
    place, change = None, None
    if node.variable is not None:
        binder.names.need("SELECT", table)
        place, type_ = binder.target(node.variable)
        change = implicit_converter(table.columns[ordinal].type, type_)

    def assign_column(frame: Frame, values: list[Any]) -> None:
        values[ordinal] = run(frame)
        if change is not None:
            frame.variables[place] = change(values[ordinal])

    return assign_column


DML: Grammar = {ast.Insert: _insert, ast.Update: _update, ast.Delete: _delete}
