"""PRINT, RAISERROR and THROW."""

from __future__ import annotations

import re
from typing import Any

from lab.server.engine.binder import Binder, Grammar, converted
from lab.server.engine.conditions import CONDITIONS
from lab.server.engine.expressions import EXPRESSIONS
from lab.server.engine.families import Family, family, largest_length
from lab.server.engine.frames import Bound, Frame, Run
from lab.server.engine.values import implicit_converter
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import INT, NVARCHAR_MAX

USER_ERROR = 50000
LONGEST_MESSAGE = 2047
FATAL = 20
"""The severity from which an error ends the connection."""


def _print(binder: Binder, node: ast.Print) -> Run:
    value = Binder(EXPRESSIONS | CONDITIONS, binder.names, binder.variables).bind_value(node.value)
    text = converted(value, NVARCHAR_MAX).run
    longest = largest_length(value.type) if value.type else 1

    def run(frame: Frame) -> None:
        session = frame.session
        with session.statement():
            shown = text(frame)
        procedure = session.procedure_name(frame)
        session.client.message(0, 0, 1, (shown or " ")[:longest], procedure, node.line)

    return run


def _raise_error(binder: Binder, node: ast.RaiseError) -> Run:
    message = binder.bind_value(node.message)
    if message.type is not None and family(message.type) is not Family.TEXT:
        raise unsupported("RAISERROR with a message number", node.line)
    severity, state = binder.bind_as(node.severity, INT).run, binder.bind_as(node.state, INT).run
    arguments = [_argument(binder.bind_value(argument), node) for argument in node.arguments]

    def run(frame: Frame) -> None:
        text = format_message(message.run(frame) or "", [argument(frame) for argument in arguments])
        _raise(frame, node, text, max(severity(frame) or 0, 0), state(frame))

    return run


def _argument(bound: Bound, node: ast.RaiseError) -> Run:
    kind = None if bound.type is None else family(bound.type)
    if kind not in (None, Family.TEXT, Family.INTEGER) or (bound.type and bound.type.name in ("bit", "bigint")):
        text = f"Cannot specify {bound.type.name} data type (parameter 4) as a substitution parameter."
        raise SqlError(2748, text, line=node.line)
    return bound.run


def _raise(frame: Frame, node: ast.RaiseError, text: str, severity: int, state: int | None) -> None:
    session = frame.session
    state = state if state is not None and 0 <= state <= 255 else 1
    if "LOG" in node.options and not session.principal.is_sysadmin:
        only = "Only System Administrator can specify WITH LOG option for RAISERROR command."
        raise SqlError(2778, only, line=node.line)
    if severity >= 19 and "LOG" not in node.options:
        options = (
            "Error severity levels greater than 18 can only be specified by members of the sysadmin role, using the"
            " WITH LOG option."
        )
        raise SqlError(2754, options, line=node.line)
    if severity <= 10:
        shown = 0 if severity == 10 else severity
        session.client.message(USER_ERROR, shown, state, text, session.procedure_name(frame), node.line)
        session.error_number = USER_ERROR if "SETERROR" in node.options else 0
        return
    reach = Reach.CONNECTION if severity >= FATAL else Reach.RAISED
    raise SqlError(USER_ERROR, text, min(severity, 25), state, reach, line=node.line)


_PLACE = re.compile(r"%(?P<flags>[-+0# ]*)(?P<width>\*|\d+)?(?:\.(?P<precision>\*|\d+))?(?P<kind>[a-zA-Z0-9]+|%)?")


_OTHER_KINDS = tuple("uoxXphlI")
"""Kinds of numbers, and prefixes of their size."""

_WRONG_KIND = "The data type of substitution parameter does not match the expected type of the format specification."


def format_message(text: str, arguments: list[Any]) -> str:
    """A text with its %s, %d and %i filled in, at most 2,047 characters; NULL is shown as (null).

    Raises 2786 for an argument of the wrong kind, 2787 for another place holder, and "not supported" for widths.
    """
    rest = iter(arguments)

    def fill(match: re.Match[str]) -> str:
        if match["kind"] == "%":
            return "%"
        kind, after = (match["kind"] or "")[:1], (match["kind"] or "")[1:]
        if match["flags"] or match["width"] or match["precision"] or kind in _OTHER_KINDS:
            raise unsupported(f"{match.group()} in RAISERROR")
        if kind not in ("s", "d", "i"):
            raise SqlError(2787, f"Invalid format specification: '{match.group()}'.")
        value = next(rest, None)
        if value is None:
            return f"(null){after}"
        if isinstance(value, str) is not (kind == "s"):
            raise SqlError(2786, _WRONG_KIND)
        return f"{value}{after}"

    filled = _PLACE.sub(fill, text)
    return filled if len(filled) <= LONGEST_MESSAGE else filled[: LONGEST_MESSAGE - 3] + "..."


def _throw(binder: Binder, node: ast.Throw) -> Run:
    if node.number is None:
        return _throw_again
    number, state = binder.bind_as(node.number, INT).run, binder.bind_as(node.state, INT).run
    message = binder.bind_value(node.message)
    text = implicit_converter(message.type, NVARCHAR_MAX)

    def run(frame: Frame) -> None:
        value = number(frame)
        if value is None or value < USER_ERROR:
            wrong = (
                f"Error number {value} in the THROW statement is outside the valid range. Specify an error number in"
                " the valid range of 50000 to 2147483647."
            )
            raise SqlError(35100, wrong, line=node.line)
        shown = (text(message.run(frame)) or "")[:LONGEST_MESSAGE]
        raise SqlError(value, shown, 16, (state(frame) or 0) % 256, Reach.THROWN, line=node.line)

    return run


def _throw_again(frame: Frame) -> None:
    """Bare THROW: procedure and line stay those of the error."""
    if not frame.caught:
        text = "To rethrow an error, a THROW statement must be used inside a CATCH block."
        raise SqlError(10704, text, severity=15)
    caught = frame.caught[-1]
    raise SqlError(
        caught.number,
        caught.text,
        caught.severity,
        caught.state,
        Reach.THROWN,
        caught.procedure,
        caught.line,
        located=True,
    )


MESSAGES: Grammar = {ast.Print: _print, ast.RaiseError: _raise_error, ast.Throw: _throw}
