"""Cursors: each has all its rows from OPEN on, as STATIC says; SQL Server may show later changes in the other kinds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.frames import Frame, Run
from lab.server.engine.query import BoundQuery
from lab.server.engine.values import implicit_converter
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast

FETCHED, NO_MORE = 0, -1
"""@@FETCH_STATUS."""


@dataclass(eq=False)
class Cursor:
    """`frame` has the variables as they were at DECLARE; `rows` is None while the cursor is closed."""

    query: BoundQuery
    frame: Frame
    rows: Iterator[tuple[Any, ...]] | None = None


def _cursors(frame: Frame, name: str) -> dict[str, Cursor]:
    """Where the cursor of that name is: in the batch or procedure, else in the session; raises 16916."""
    for found in (frame.cursors, frame.session.cursors):
        if name.casefold() in found:
            return found
    raise SqlError(16916, f"A cursor with the name '{name}' does not exist.")


def _find(frame: Frame, name: str) -> Cursor:
    return _cursors(frame, name)[name.casefold()]


def _declare(binder: Binder, node: ast.DeclareCursor) -> Run:
    query, name = binder.bind_query(node.query), node.name

    def run(frame: Frame) -> None:
        cursors = frame.cursors if node.local else frame.session.cursors
        if name.casefold() in cursors:
            raise SqlError(16915, f"A cursor with the name '{name}' already exists.")
        own = Frame(frame.session, frame.code, list(frame.variables), frame.caller, [None] * binder.slots)
        cursors[name.casefold()] = Cursor(query, own)

    return run


def _open(binder: Binder, node: ast.OpenCursor) -> Run:
    def run(frame: Frame) -> None:
        cursor, session = _find(frame, node.name), frame.session
        if cursor.rows is not None:
            raise SqlError(16905, "The cursor is already open.")
        if session.options.cursor_close_on_commit:
            raise unsupported("OPEN with CURSOR_CLOSE_ON_COMMIT ON", node.line)
        with session.statement():
            cursor.rows = iter(list(cursor.query.rows(cursor.frame)))

    return run


def _fetch(binder: Binder, node: ast.FetchCursor) -> Run:
    targets = [binder.target(name) for name in node.variables]

    def run(frame: Frame) -> None:
        cursor, session = _find(frame, node.name), frame.session
        if cursor.rows is None:
            raise _not_open()
        columns = cursor.query.columns
        if len(columns) != len(targets):
            text = "Cursorfetch: The number of variables declared in the INTO list must match that of selected columns."
            raise SqlError(16924, text)
        row = next(cursor.rows, None)
        session.fetch_status, session.row_count = (NO_MORE, 0) if row is None else (FETCHED, 1)
        if row is None:
            return
        for (place, type_), column, value in zip(targets, columns, row, strict=True):
            frame.variables[place] = implicit_converter(column.type, type_)(value)

    return run


def _close(binder: Binder, node: ast.CloseCursor) -> Run:
    def run(frame: Frame) -> None:
        cursor = _find(frame, node.name)
        if cursor.rows is None:
            raise _not_open()
        cursor.rows = None

    return run


def _not_open() -> SqlError:
    return SqlError(16917, "Cursor is not open.")


def _deallocate(binder: Binder, node: ast.DeallocateCursor) -> Run:
    def run(frame: Frame) -> None:
        del _cursors(frame, node.name)[node.name.casefold()]

    return run


CURSORS: Grammar = {
    ast.DeclareCursor: _declare,
    ast.OpenCursor: _open,
    ast.FetchCursor: _fetch,
    ast.CloseCursor: _close,
    ast.DeallocateCursor: _deallocate,
}
