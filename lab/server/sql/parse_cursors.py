"""Cursors: DECLARE ... CURSOR, OPEN, FETCH, CLOSE and DEALLOCATE."""

from __future__ import annotations

from lab.server.sql import ast, parse_queries
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader

_KINDS = ("LOCAL", "FORWARD_ONLY", "STATIC", "FAST_FORWARD", "READ_ONLY")


def declare_cursor(reader: Reader, line: int) -> ast.DeclareCursor:
    """name CURSOR words FOR query; DECLARE is taken already."""
    name = reader.name()
    reader.expect("CURSOR")
    words = []
    while word := reader.accept(*_KINDS):
        words.append(word)
    if not reader.at("FOR"):
        raise reader.unsupported(f"CURSOR {reader.token.text}")
    reader.next()
    query = parse_queries.select_statement(reader)
    if isinstance(query, ast.Select) and isinstance(query.items[0], ast.SelectAssignment):
        raise reader.unsupported("a cursor whose SELECT assigns variables")
    if reader.at("FOR"):
        raise reader.unsupported(f"CURSOR ... FOR {reader.peek().text}")
    return ast.DeclareCursor(name, query, "LOCAL" in words, line=line)


def open_cursor(reader: Reader) -> ast.OpenCursor:
    """OPEN name."""
    line = reader.next().line
    return ast.OpenCursor(_name(reader), line=line)


def close_cursor(reader: Reader) -> ast.CloseCursor:
    """CLOSE name."""
    line = reader.next().line
    return ast.CloseCursor(_name(reader), line=line)


def deallocate_cursor(reader: Reader) -> ast.DeallocateCursor:
    """DEALLOCATE name."""
    line = reader.next().line
    return ast.DeallocateCursor(_name(reader), line=line)


def fetch(reader: Reader) -> ast.FetchCursor:
    """FETCH [NEXT] FROM name INTO variables."""
    line = reader.next().line
    reader.accept("NEXT")
    if not reader.accept("FROM"):
        raise reader.unsupported(f"FETCH {reader.token.text}")
    name = _name(reader)
    if not reader.accept("INTO"):
        raise reader.unsupported("FETCH without INTO")
    variables = [reader.variable_name()]
    while reader.accept(","):
        variables.append(reader.variable_name())
    return ast.FetchCursor(name, tuple(variables), line=line)


def _name(reader: Reader) -> str:
    if reader.token.kind is Kind.VARIABLE or reader.at("GLOBAL"):
        raise reader.unsupported(f"a cursor named by {reader.token.text}")
    return reader.name()
