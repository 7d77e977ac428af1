"""A procedure of msdb that is a Python function: its parameters, its transaction, and errors as by RAISERROR."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from lab.server.engine import calls, execute
from lab.server.engine.code import Code, CodeParameter
from lab.server.engine.database import Parameter, Procedure
from lab.server.engine.frames import Frame
from lab.server.engine.system_types import USER_TYPE_IDS
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import SYSNAME, SqlType

LONGEST_NAME = 128
_UNCUT = SqlType("nvarchar", 4000)


@dataclass(frozen=True)
class Takes:
    """A parameter. One that is `needed` has no default; of one that is `fixed` only the default is understood."""

    name: str
    type: SqlType
    default: Any = None
    output: bool = False
    needed: bool = False
    fixed: bool = False


Run = Callable[[Any, SimpleNamespace], None]
"""Of the session and the values of the parameters by their names; what it puts there is the OUTPUT."""


def raised(number: int, text: str) -> SqlError:
    """What a procedure says with RAISERROR before it returns 1."""
    return SqlError(number, text, reach=Reach.RAISED)


def shipped(name: str, object_id: int, created: datetime, run: Run, takes: tuple[Takes, ...]) -> Procedure:
    """The procedure, for `Database.put`."""
    code = Code([], {}, tuple(_code_parameter(one) for one in takes), name)

    def call(session: Any, arguments: list[Any], caller: Frame | None) -> int:
        frame = Frame(session, code, [None] * len(takes), caller)
        receivers = calls.enter_arguments(frame, code, arguments)
        try:
            session.refuse_doomed()
            with session.statement():
                given = _given(takes, frame.variables)
                run(session, given)
        except SqlError as error:
            error.procedure, error.line, error.located = name, error.line or 1, True
            if error.reach is not Reach.RAISED or execute.tried_outside(frame):
                raise
            session.client.error(error)
            session.error_number = error.number
            return 1
        for place, receive in receivers:
            receive(place, code.parameters[place], getattr(given, takes[place].name[1:]))
        session.error_number = 0
        return 0

    parameters = tuple(Parameter(one.name, one.type, _type_id(one.type), one.output) for one in takes)
    return Procedure("dbo", name, object_id, "", parameters, created, created, shipped=call)


def _type_id(type_: SqlType) -> int:
    return USER_TYPE_IDS["sysname" if type_ == SYSNAME else type_.name]


def _code_parameter(one: Takes) -> CodeParameter:
    """SQL Server cuts a name that is too long without a word; here it must arrive whole to be refused."""
    type_ = _UNCUT if one.type == SYSNAME else one.type
    return CodeParameter(one.name, type_, None if one.needed else ast.Literal(one.default), one.output)


def _given(takes: tuple[Takes, ...], values: list[Any]) -> SimpleNamespace:
    given = SimpleNamespace()
    for one, written in zip(takes, values, strict=True):
        value = _name(one, written) if one.type == SYSNAME and written is not None else written
        if one.fixed and value != one.default:
            raise unsupported(f"{one.name} = {value!r}")
        setattr(given, one.name[1:], value)
    return given


def _name(one: Takes, value: str) -> str | None:
    """Without blanks around it; an empty one is none."""
    name = value.strip(" ")
    if len(name) > LONGEST_NAME:
        text = f"The specified {one.name} is too long. It must contain no more than {LONGEST_NAME} characters."
        raise raised(14250, text)
    return name or None
