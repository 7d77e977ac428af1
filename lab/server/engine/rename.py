"""sp_rename, of alias types."""

from __future__ import annotations

from typing import Any

from lab.server.engine import definitions
from lab.server.engine.definition import settled
from lab.server.engine.names import NameSpace
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader


def rename(session: Any, name: str | None, new_name: str | None, kind: str | None) -> int:
    """Give something another name: `new_name` is that name itself, not one in brackets or with a schema."""
    if (kind or "").upper() != "USERDATATYPE":
        raise unsupported(f"sp_rename of {kind or 'an object'}")
    if not new_name:
        raise SqlError(15223, "Error: The input parameter 'newname' is not allowed to be null.", severity=11)
    written = _written_name(name or "")
    session.refuse_doomed()
    with session.statement():
        settled(
            session,
            lambda: definitions.rename_type(session, NameSpace(session, session.current), written, new_name),
        )
    return 0


def _written_name(text: str) -> ast.ObjectName:
    reader = Reader(text, quoted_identifier=True)
    written = reader.object_name() if reader.token.kind is not Kind.END else None
    if written is None or reader.token.kind is not Kind.END:
        raise SqlError(15253, f"Syntax error parsing SQL identifier '{text}'.", severity=11)
    return written
