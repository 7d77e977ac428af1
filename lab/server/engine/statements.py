"""Statements other than those that define things: each binds to a function of a frame.

Those that change or read data do so in `session.statement()`: all of it or nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine.binder import Binder, Grammar, refuse_opaque
from lab.server.engine.conditions import CONDITIONS
from lab.server.engine.cursors import CURSORS
from lab.server.engine.definitions import DEFINITIONS
from lab.server.engine.dml import DML
from lab.server.engine.exec_statements import EXECUTION
from lab.server.engine.expressions import EXPRESSIONS
from lab.server.engine.frames import Frame, Run
from lab.server.engine.grant_statements import GRANTS
from lab.server.engine.images import IMAGES
from lab.server.engine.impersonation import IMPERSONATION
from lab.server.engine.kill import KILLING
from lab.server.engine.login_statements import LOGINS
from lab.server.engine.messages import MESSAGES
from lab.server.engine.options import set_option
from lab.server.engine.query import QUERIES, BoundQuery, bind_assigning_select, bind_assignment
from lab.server.engine.transaction_statements import TRANSACTIONS
from lab.server.engine.user_statements import USERS
from lab.server.engine.waiting import WAITING
from lab.server.sql import ast
from lab.server.types import INT

KEEP_ERROR = frozenset((ast.Declare, ast.ExecuteProcedure, ast.ExecuteString, ast.Return, ast.RaiseError))
"""Statements after which @@ERROR is what it was before, or what they made it."""

KEEP_ROW_COUNT = frozenset(
    (
        ast.Declare,
        ast.ExecuteProcedure,
        ast.ExecuteString,
        ast.Return,
        ast.SetVariable,
        ast.Select,
        ast.Union,
        ast.Insert,
        ast.Update,
        ast.Delete,
        ast.FetchCursor,
        ast.ReadText,
    )
)
"""The same for @@ROWCOUNT; all others make it 0."""


def _query(binder: Binder, node: ast.Query) -> Run:
    if isinstance(node, ast.Select) and isinstance(node.items[0], ast.SelectAssignment):
        return _counted(bind_assigning_select(binder, node), tell=False)
    query: BoundQuery = binder.bind_query(node)
    for column in query.columns:
        refuse_opaque(column.type, node.line)

    def run(frame: Frame) -> None:
        session = frame.session
        with session.statement():
            rows = list(query.rows(frame))
        session.row_count = len(rows)
        client = session.client
        client.columns(query.columns)
        for row in session.options.cut(query.columns, rows):
            client.row(row)
        client.done(len(rows), select=True)

    return run


def _counted(change: Callable[[Frame], int], tell: bool = True) -> Run:
    def run(frame: Frame) -> None:
        session = frame.session
        with session.statement():
            count = change(frame)
        session.row_count = count
        if tell:
            session.client.done(None if session.options.nocount else count)

    return run


def _change(kind: type) -> Callable[[Binder, Any], Run]:
    bind = DML[kind]

    def bind_change(binder: Binder, node: Any) -> Run:
        change = bind(binder, node)

        def run(frame: Frame) -> int:
            frame.session.refuse_doomed()
            return change(frame)

        return _counted(run)

    return bind_change


def _declare(binder: Binder, node: ast.Declare) -> Run:
    assignments = [
        bind_assignment(binder, one.name, "=", one.value) for one in node.declarations if one.value is not None
    ]

    def run(frame: Frame) -> None:
        with frame.session.statement():
            for assign in assignments:
                assign(frame)
        if assignments:  # then it is a SET
            frame.session.error_number, frame.session.row_count = 0, 1

    return run


def _set_variable(binder: Binder, node: ast.SetVariable) -> Run:
    assign = bind_assignment(binder, node.variable, node.operator, node.value)

    def run(frame: Frame) -> None:
        with frame.session.statement():
            assign(frame)
        frame.session.row_count = 1

    return run


def _condition(binder: Binder, node: ast.If | ast.While) -> Run:
    test = binder.bind(node.condition).run

    def run(frame: Frame) -> bool:
        with frame.session.statement():
            return test(frame) is True

    return run


def _return(binder: Binder, node: ast.Return) -> Run:
    if node.value is None:
        return lambda frame: None
    value = binder.bind_as(node.value, INT).run

    def run(frame: Frame) -> None:
        with frame.session.statement():
            status = value(frame)
        frame.status = status or 0  # NULL becomes 0

    return run


_STATEMENTS: Grammar = {
    ast.Select: _query,
    ast.Union: _query,
    ast.Insert: _change(ast.Insert),
    ast.Update: _change(ast.Update),
    ast.Delete: _change(ast.Delete),
    ast.Declare: _declare,
    ast.SetVariable: _set_variable,
    ast.SetOption: set_option,
    ast.If: _condition,
    ast.While: _condition,
    ast.Return: _return,
}

GRAMMAR: Grammar = EXPRESSIONS | CONDITIONS | QUERIES
"""What the binder makes of the parts of statements; `STATEMENTS` of the statements themselves."""

STATEMENTS: Grammar = {
    **_STATEMENTS,
    **CURSORS,
    **DEFINITIONS,
    **EXECUTION,
    **GRANTS,
    **IMAGES,
    **IMPERSONATION,
    **KILLING,
    **LOGINS,
    **MESSAGES,
    **TRANSACTIONS,
    **USERS,
    **WAITING,
}
