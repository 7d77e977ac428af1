"""System procedures that SQL Server keeps for old scripts only: another way to CREATE TYPE, CREATE LOGIN and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import definitions, login_statements, user_statements
from lab.server.engine.definition import settled
from lab.server.engine.names import NameSpace
from lab.server.engine.security_changes import refuse_in_transaction
from lab.server.errors import SqlError, as_statement, unsupported
from lab.server.sql import ast, security_ast
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_types import type_name
from lab.server.sql.reader import Reader

_NO_TYPE, _TYPE_IN_USE = 218, 3732
_NULLABLE = {"null": True, "not null": False, "nonull": False}


def add_type(session: Any, name: str | None, base: str | None, null: str | None) -> int:
    """sp_addtype: CREATE TYPE ... FROM, and the errors of that; 15600 for a wrong @nulltype."""
    if null is not None and null.casefold() not in _NULLABLE:
        raise SqlError(15600, "An invalid parameter or option was specified for procedure 'sys.sp_addtype'.")
    nullable = null is None or _NULLABLE[null.casefold()]
    node = ast.CreateType(ast.ObjectName((name or "",)), _written_type(base or ""), nullable)
    return _run(session, definitions.create_type, node)


def _written_type(text: str) -> ast.TypeName:
    try:
        reader = Reader(text, quoted_identifier=True)
        written = type_name(reader)
        if reader.token.kind is not Kind.END:
            raise reader.syntax_error()
    except SqlError as error:
        raise as_statement(error) from None
    return written


def drop_type(session: Any, name: str | None) -> int:
    """sp_droptype: DROP TYPE with errors of its own, 15036 (there is none) and 15180 (it is in use)."""
    try:
        return _run(session, definitions.drop_type, ast.DropType(ast.ObjectName((name or "",))))
    except SqlError as error:
        if error.number == _NO_TYPE:
            text = f"The data type '{name}' does not exist or you do not have permission."
            raise SqlError(15036, text) from None
        if error.number == _TYPE_IN_USE:
            raise SqlError(15180, "Cannot drop. The data type is being used.") from None
        raise


def grant_login(session: Any, name: str | None) -> int:
    """sp_grantlogin: CREATE LOGIN ... FROM WINDOWS; not supported for a login that is there."""
    refuse_in_transaction(session, "sp_grantlogin")
    if session.engine.security.login(name or ""):
        raise unsupported(f"sp_grantlogin of {name}, which is a login already")
    return _run(session, login_statements.create_login, security_ast.CreateLogin(name or "", "", windows=True))


def grant_access(session: Any, login: str | None, name: str | None) -> int:
    """sp_grantdbaccess: CREATE USER ... FOR LOGIN."""
    return _run(session, user_statements.create_user, security_ast.CreateUser(name or login or "", login or ""))


def _run(session: Any, define: Callable[[Any, NameSpace, Any], None], node: Any) -> int:
    session.refuse_doomed()
    with session.statement():
        settled(session, lambda: define(session, NameSpace(session, session.current), node))
    return 0
