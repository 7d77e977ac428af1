"""sp_executesql, sp_getapplock and sp_releaseapplock: the only system procedures there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import applocks, calls
from lab.server.engine.frames import Frame
from lab.server.engine.values import implicit_converter
from lab.server.errors import Reach, SqlError
from lab.server.sql import ast
from lab.server.types import INT, NVARCHAR_MAX, SqlType

SystemProcedure = Callable[[Any, list[Any], Frame | None], int]


def find(name: ast.ObjectName) -> SystemProcedure | None:
    """The system procedure that a name means: as such, or in the schema sys or dbo of any database."""
    schema = name.parts[-2].casefold() if len(name.parts) > 1 else ""
    return _ALL.get(name.parts[-1].casefold()) if schema in ("", "sys", "dbo") else None


def _execute_sql(session: Any, arguments: list[Any], caller: Frame | None) -> int:
    """sp_executesql: a text, the declaration of its parameters, and their values."""
    text = _text_argument(arguments, 0, "@statement")
    declared = _text_argument(arguments, 1, "@params") if len(arguments) > 1 else ""
    try:
        code = session.engine.codes.text(session, text, declared)
    except SqlError as error:
        raise as_statement(error) from None
    return calls.call_code(session, code, arguments[2:], caller)


def as_statement(error: SqlError) -> SqlError:
    """What is wrong in a text that is executed ends the statement that executes it, not the batch."""
    error.located = True
    if error.reach is Reach.PARSE and not error.is_unsupported:
        error.reach = Reach.STATEMENT
    return error


def _text_argument(arguments: list[Any], place: int, name: str) -> str:
    given = arguments[place] if len(arguments) > place else None
    if given is None or (given.type is not None and given.type.name not in ("nchar", "nvarchar")):
        text = f"Procedure expects parameter '{name}' of type 'ntext/nchar/nvarchar'."
        raise SqlError(214, text, state=2)
    return given.value or ""


_WORD = SqlType("varchar", 32)
_RESOURCE = SqlType("nvarchar", 255)


def _named(
    name: str, parameters: dict[str, tuple[SqlType, Any]], run: Callable[..., int]
) -> tuple[str, SystemProcedure]:
    """A procedure with fixed parameters: type and default of each, by its name."""

    def procedure(session: Any, arguments: list[Any], caller: Frame | None) -> int:
        values = {key: default for key, (_, default) in parameters.items()}
        for position, argument in enumerate(arguments):
            key = argument.name.casefold() or next(iter(list(parameters)[position:]), None)
            if key is None:
                raise SqlError(8144, f"Procedure or function {name} has too many arguments specified.", state=2)
            if key not in parameters:
                raise SqlError(8145, f"{argument.name} is not a parameter for procedure {name}.", state=2)
            if not argument.is_default:
                values[key] = implicit_converter(argument.type, parameters[key][0])(argument.value)
        return run(session, *values.values())

    return name, procedure


_ALL: dict[str, SystemProcedure] = dict(
    (
        ("sp_executesql", _execute_sql),
        _named(
            "sp_getapplock",
            {
                "@resource": (_RESOURCE, None),
                "@lockmode": (_WORD, None),
                "@lockowner": (_WORD, "Transaction"),
                "@locktimeout": (INT, None),
                "@dbprincipal": (NVARCHAR_MAX, "public"),
            },
            applocks.get,
        ),
        _named(
            "sp_releaseapplock",
            {
                "@resource": (_RESOURCE, None),
                "@lockowner": (_WORD, "Transaction"),
                "@dbprincipal": (NVARCHAR_MAX, "public"),
            },
            applocks.release,
        ),
    )
)
