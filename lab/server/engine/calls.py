"""Calling procedures and texts: arguments in, OUTPUT values and the return status out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from lab.server.engine import execute, impersonation, locking, permissions, system_procedures
from lab.server.engine.code import Code, CodeParameter, procedure_code
from lab.server.engine.database import Database, Procedure
from lab.server.engine.frames import Frame
from lab.server.engine.names import NameSpace
from lab.server.engine.storage import Table
from lab.server.engine.values import implicit_converter
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import SqlType

DEEPEST = 32
"""How many procedures and texts may call each other."""


@dataclass
class GivenArgument:
    """One argument of a call. `name` is empty for a positional one; with `is_default` there is no value.

    `receive` takes the OUTPUT value, in the parameter's type, when the call has ended.
    """

    name: str
    value: Any
    type: SqlType | None
    is_default: bool = False
    receive: Callable[[int, CodeParameter, Any], None] | None = None


def call(session: Any, name: ast.ObjectName, arguments: list[GivenArgument], caller: Frame | None) -> int:
    """Call a procedure by name and give its return status; raises 2812, and 229 without the right to execute it."""
    system = system_procedures.find(name)
    if system:
        with _in_database(session, _database_of(session, name)):
            return system(session, arguments, caller)
    procedure = _found(session, name)
    while isinstance(procedure, Procedure) and locking.wait_for(session, procedure):
        procedure = _found(session, name)
    if not isinstance(procedure, Procedure):
        last = name.parts[-1].casefold()
        if last.startswith(("sp_", "xp_")) and last not in system_procedures.DROPPED:
            raise unsupported(str(name), name.line)
        raise SqlError(2812, f"Could not find stored procedure '{name}'.", state=62, line=name.line)
    permissions.require_object(session, caller.code if caller else None, "EXECUTE", procedure)
    with _in_database(session, session.engine.database_by_id(procedure.database_id)):
        if procedure.shipped:
            return procedure.shipped(session, arguments, caller)
        return call_code(session, procedure_code(session, procedure), arguments, caller)


def _found(session: Any, name: ast.ObjectName) -> Table | Procedure | None:
    try:
        return NameSpace(session, session.current).find(name)
    except SqlError as error:
        if error.number != 911:
            raise
        return None


def call_code(session: Any, code: Code, arguments: list[GivenArgument], caller: Frame | None) -> int:
    """Run code with arguments for its parameters; the return status."""
    frame = Frame(session, code, [None] * len(code.variables), caller)
    receivers = enter_arguments(frame, code, arguments)
    count = session.transaction_count
    run_scope(frame)
    for place, receive in receivers:
        receive(place, code.parameters[place], frame.variables[place])
    if session.transaction_count != count:
        text = (
            "Transaction count after EXECUTE indicates a mismatching number of BEGIN and COMMIT statements. Previous"
            f" count = {count}, current count = {session.transaction_count}."
        )
        raise SqlError(266, text, state=2, reach=Reach.RAISED)
    return frame.status


def run_scope(frame: Frame) -> None:
    """Run a frame. SET options, USE and temporary tables of its own end with it; raises 217 if nested too deep."""
    session = frame.session
    depth, outer = 1, frame.caller
    while outer:
        depth, outer = depth + 1, outer.caller
    if depth > DEEPEST + 1:
        text = "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32)."
        raise SqlError(217, text, reach=Reach.BATCH)
    options, session.options = session.options, replace(session.options)
    session.outer_databases.append(session.current)
    tables = set(session.temporary_tables)
    base, session.context_base = session.context_base, len(session.contexts)
    try:
        execute.run(frame)
    finally:
        impersonation.leave(session, session.context_base)
        session.context_base = base
        session.options = options
        session.current = session.outer_databases.pop()
        for name in set(session.temporary_tables) - tables:
            session.drop_temporary_table(name)


@contextmanager
def _in_database(session: Any, database: Database) -> Iterator[None]:
    """Within the block, another database is the session's current one; the client is not told."""
    session.outer_databases.append(session.current)
    session.current = database
    try:
        yield
    finally:
        session.current = session.outer_databases.pop()


def _database_of(session: Any, name: ast.ObjectName) -> Database:
    if len(name.parts) < 3 or not name.parts[-3]:
        return session.current
    return NameSpace(session, session.current).database(name.parts[-3])


def enter_arguments(
    frame: Frame, code: Code, arguments: list[GivenArgument]
) -> list[tuple[int, Callable[[int, CodeParameter, Any], None]]]:
    """Put the arguments into the frame's variables; raises 201, 8178, 8143, 8144, 8145, 8162 and 8114."""
    shown = code.name.split(".")[-1]
    given: dict[int, GivenArgument] = {}
    for position, argument in enumerate(arguments):
        place = _place(code, argument, position, shown)
        if place in given:
            text = f"Parameter '{argument.name or code.parameters[place].name}' was supplied multiple times."
            raise SqlError(8143, text)
        given[place] = argument
    receivers = []
    for place, parameter in enumerate(code.parameters):
        argument = given.get(place)
        if argument is None or argument.is_default:
            frame.variables[place] = _default_value(parameter, shown)
        else:
            frame.variables[place] = _converted(argument, parameter)
        if argument is not None and argument.receive:
            _refuse_input_only(parameter)
            receivers.append((place, argument.receive))
    return receivers


def _place(code: Code, argument: GivenArgument, position: int, shown: str) -> int:
    if not argument.name:
        if position >= len(code.parameters):
            raise SqlError(8144, f"Procedure or function {shown} has too many arguments specified.", state=2)
        return position
    for place, parameter in enumerate(code.parameters):
        if parameter.name.lower() == argument.name.lower():
            return place
    raise SqlError(8145, f"{argument.name} is not a parameter for procedure {shown}.", state=2)


def _default_value(parameter: CodeParameter, shown: str) -> Any:
    if parameter.default is None and not shown:  # a text, by sp_executesql
        text = f"The parameterized query expects the parameter '{parameter.name}', which was not supplied."
        raise SqlError(8178, text)
    if parameter.default is None:
        text = f"Procedure or function '{shown}' expects parameter '{parameter.name}', which was not supplied."
        raise SqlError(201, text, state=4)
    default = parameter.default
    return implicit_converter(default.type, parameter.type)(default.value)


_CONVERSION_ERRORS = (220, 241, 242, 244, 245, 248, 257, 8114, 8115)


def _converted(argument: GivenArgument, parameter: CodeParameter) -> Any:
    try:
        return implicit_converter(argument.type, parameter.type)(argument.value)
    except SqlError as error:
        if error.number not in _CONVERSION_ERRORS or argument.type is None:
            raise
        text = f"Error converting data type {argument.type.name} to {parameter.type.name}."
        raise SqlError(8114, text, state=5) from None


def _refuse_input_only(parameter: CodeParameter) -> None:
    if not parameter.output:
        text = (
            f'The formal parameter "{parameter.name}" was not declared as an OUTPUT parameter, but the actual parameter'
            " passed in requested output."
        )
        raise SqlError(8162, text, state=2)
