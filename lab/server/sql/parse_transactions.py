"""BEGIN, COMMIT, ROLLBACK and SAVE TRANSACTION."""

from __future__ import annotations

from lab.server.sql import ast
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader

TRANSACTION = ("TRAN", "TRANSACTION")


def begin_transaction(reader: Reader) -> ast.BeginTransaction:
    """BEGIN TRANSACTION [name]."""
    line = reader.expect("BEGIN").line
    reader.expect(*TRANSACTION)
    name = _name(reader)
    if reader.ahead("WITH", "MARK"):
        raise reader.unsupported("WITH MARK")
    return ast.BeginTransaction(name, line=line)


def commit(reader: Reader) -> ast.CommitTransaction:
    """COMMIT [WORK], or COMMIT TRANSACTION [name]."""
    line = reader.expect("COMMIT").line
    return ast.CommitTransaction(_name_after_keyword(reader), line=line)


def rollback(reader: Reader) -> ast.RollbackTransaction:
    """ROLLBACK [WORK], or ROLLBACK TRANSACTION [name]."""
    line = reader.expect("ROLLBACK").line
    return ast.RollbackTransaction(_name_after_keyword(reader), line=line)


def save(reader: Reader) -> ast.SaveTransaction:
    """SAVE TRANSACTION name."""
    line = reader.expect("SAVE").line
    reader.expect(*TRANSACTION)
    name = _name(reader)
    if name is None:
        raise reader.syntax_error()
    return ast.SaveTransaction(name, line=line)


def _name_after_keyword(reader: Reader) -> str | ast.Variable | None:
    if reader.accept(*TRANSACTION):
        return _name(reader)
    reader.accept("WORK")
    return None


def _name(reader: Reader) -> str | ast.Variable | None:
    if reader.token.kind is Kind.VARIABLE:
        line = reader.token.line
        return ast.Variable(reader.variable_name(), line=line)
    return reader.name() if reader.at_name() and not reader.at_label() else None
