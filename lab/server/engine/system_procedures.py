"""Which system procedures there are, and their parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import (
    applocks,
    calls,
    extended_properties,
    old_procedures,
    procedure_options,
    rename,
    server_version,
)
from lab.server.engine.code import Code, CodeParameter
from lab.server.engine.frames import Frame
from lab.server.errors import SqlError, as_statement
from lab.server.sql import ast
from lab.server.types import INT, SYSNAME, SqlType

SystemProcedure = Callable[[Any, list[Any], Frame | None], int]


DROPPED = frozenset(("sp_dboption",))
"""Went with SQL Server 2012: there is no procedure of that name any more."""


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


def _text_argument(arguments: list[Any], place: int, name: str) -> str:
    given = arguments[place] if len(arguments) > place else None
    if given is None or (given.type is not None and given.type.name not in ("nchar", "nvarchar")):
        text = f"Procedure expects parameter '{name}' of type 'ntext/nchar/nvarchar'."
        raise SqlError(214, text, state=2)
    return given.value or ""


def _parameter(name: str, type_: SqlType, default: ast.Literal | None = None) -> CodeParameter:
    return CodeParameter(name, type_, default, output=False)


def _word(text: str) -> ast.Literal:
    return ast.Literal(text, SqlType("varchar", len(text)))


def _named(name: str, run: Callable[..., int], *parameters: CodeParameter) -> tuple[str, SystemProcedure]:
    """A procedure with fixed parameters, that is a Python function of the session and their values."""
    code = Code([], {}, parameters, name)

    def procedure(session: Any, arguments: list[Any], caller: Frame | None) -> int:
        frame = Frame(session, code, [None] * len(parameters), caller)
        calls.enter_arguments(frame, code, arguments)
        return run(session, *frame.variables)

    return name, procedure


_RESOURCE = _parameter("@Resource", SqlType("nvarchar", 255))
_OWNER = _parameter("@LockOwner", SqlType("varchar", 32), _word("Transaction"))
_PRINCIPAL = _parameter("@DbPrincipal", SqlType("nvarchar", 128), _word("public"))
_MODE = _parameter("@LockMode", SqlType("varchar", 32))
_TIMEOUT = _parameter("@LockTimeout", INT, ast.Literal(None))

_NAME = _parameter("@ProcName", SqlType("nvarchar", 776))
_OPTION = _parameter("@OptionName", SqlType("varchar", 35))
_VALUE = _parameter("@OptionValue", SqlType("varchar", 12))

_OBJECT = _parameter("@objname", SqlType("nvarchar", 1035))
_NEW_NAME = _parameter("@newname", SYSNAME)
_KIND = _parameter("@objtype", SqlType("varchar", 13), ast.Literal(None))

_TYPE = _parameter("@typename", SYSNAME)
_BASE = _parameter("@phystype", SYSNAME)
_NULL_TYPE = _parameter("@nulltype", SqlType("varchar", 8), ast.Literal(None))
_LOGIN = _parameter("@loginame", SYSNAME)
_USER = _parameter("@name_in_db", SYSNAME, ast.Literal(None))
_ABOUT = _parameter("@optname", SqlType("varchar", 255), ast.Literal(None))
_PROPERTY = _parameter("@name", SYSNAME)
_PROPERTY_VALUE = _parameter("@value", SqlType("nvarchar", 3750), ast.Literal(None))
_LEVELS = [
    _parameter(name, type_, ast.Literal(None))
    for level in range(2)
    for name, type_ in ((f"@level{level}type", SqlType("varchar", 128)), (f"@level{level}name", SYSNAME))
]

_ALL: dict[str, SystemProcedure] = dict(
    (
        ("sp_executesql", _execute_sql),
        _named("sp_getapplock", applocks.get, _RESOURCE, _MODE, _OWNER, _TIMEOUT, _PRINCIPAL),
        _named("sp_procoption", procedure_options.set_option, _NAME, _OPTION, _VALUE),
        _named("sp_rename", rename.rename, _OBJECT, _NEW_NAME, _KIND),
        _named("sp_addtype", old_procedures.add_type, _TYPE, _BASE, _NULL_TYPE),
        _named("sp_droptype", old_procedures.drop_type, _TYPE),
        _named("sp_grantlogin", old_procedures.grant_login, _LOGIN),
        _named("sp_grantdbaccess", old_procedures.grant_access, _LOGIN, _USER),
        _named("xp_msver", server_version.tell, _ABOUT),
        _named("sp_addextendedproperty", extended_properties.add, _PROPERTY, _PROPERTY_VALUE, *_LEVELS),
        _named("sp_dropextendedproperty", extended_properties.drop, _PROPERTY, *_LEVELS),
    )
)
