"""EXECUTE: of a procedure, and of a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import calls
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.code import CodeParameter
from lab.server.engine.frames import Frame, Run
from lab.server.engine.text_functions import name_parts
from lab.server.engine.values import implicit_converter
from lab.server.errors import SqlError, as_statement
from lab.server.sql import ast
from lab.server.types import INT, NVARCHAR_MAX, SqlType


def _procedure(binder: Binder, node: ast.ExecuteProcedure) -> Run:
    name = _name(binder, node)
    arguments = [_argument(binder, one) for one in node.arguments]
    result = binder.target(node.result) if node.result else None

    def run(frame: Frame) -> None:
        given = [argument(frame) for argument in arguments]
        status = calls.call(frame.session, name(frame), given, frame)
        if result:
            place, type_ = result
            frame.variables[place] = implicit_converter(INT, type_)(status)

    return run


def _name(binder: Binder, node: ast.ExecuteProcedure) -> Run:
    if isinstance(node.procedure, ast.ObjectName):
        return lambda frame: node.procedure
    place, _ = binder.variable(node.procedure.name)

    def name(frame: Frame) -> ast.ObjectName:
        return written_name(frame.variables[place], node.line)

    return name


def written_name(text: str | None, line: int = 0) -> ast.ObjectName:
    """A procedure's name from text such as `[db].sys.sp_executesql`; raises 2812 if it is none."""
    parts = name_parts(text or "")
    if not parts or not parts[-1]:
        raise SqlError(2812, f"Could not find stored procedure '{text or ''}'.", state=62, line=line)
    return ast.ObjectName(parts, line=line)


def _argument(binder: Binder, node: ast.Argument) -> Callable[[Frame], calls.GivenArgument]:
    name = node.name or ""
    if isinstance(node.value, ast.DefaultValue):
        return lambda frame: calls.GivenArgument(name, None, None, is_default=True)
    bound = binder.bind_value(node.value)
    target = binder.target(node.value.name) if node.output else None

    def argument(frame: Frame) -> calls.GivenArgument:
        receive = _receiver(frame, *target) if target else None
        return calls.GivenArgument(name, bound.run(frame), bound.type, receive=receive)

    return argument


def _receiver(frame: Frame, place: int, type_: SqlType) -> Callable[[int, CodeParameter, Any], None]:
    def receive(_: int, parameter: CodeParameter, value: Any) -> None:
        frame.variables[place] = implicit_converter(parameter.type, type_)(value)

    return receive


def _string(binder: Binder, node: ast.ExecuteString) -> Run:
    text = binder.bind_as(node.text, NVARCHAR_MAX).run

    def run(frame: Frame) -> None:
        session = frame.session
        try:
            code = session.engine.codes.text(session, text(frame) or "")
        except SqlError as error:
            raise as_statement(error) from None
        calls.run_scope(Frame(session, code, [None] * len(code.variables), frame))

    return run


EXECUTION: Grammar = {ast.ExecuteProcedure: _procedure, ast.ExecuteString: _string}
