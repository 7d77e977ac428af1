"""FROM: tables, derived tables, joins and hints."""

from __future__ import annotations

from lab.server.errors import unsupported
from lab.server.sql import ast, not_supported, parse_expressions, parse_queries
from lab.server.sql.hints import KNOWN, NOT_SUPPORTED
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader


def sources(reader: Reader) -> ast.Source:
    """Take everything after FROM; a comma is a cross join."""
    left = _joined(reader)
    while reader.accept(","):
        left = ast.Join("CROSS", left, _joined(reader), None, line=left.line)
    return left


def target(reader: Reader) -> ast.TableName:
    """Take the table that INSERT, UPDATE or DELETE changes: no alias, perhaps hints."""
    if reader.token.kind is Kind.VARIABLE:
        raise reader.unsupported()
    name = reader.object_name()
    return ast.TableName(name, None, _hints_after_with(reader), line=name.line)


def _joined(reader: Reader) -> ast.Source:
    left = _source(reader)
    while kind := _join_kind(reader):
        if reader.at("APPLY"):
            raise reader.unsupported(f"{kind} APPLY")
        reader.expect("JOIN")
        right = _source(reader)
        condition = None
        if kind != "CROSS":
            reader.expect("ON")
            condition = parse_expressions.condition(reader)
        left = ast.Join(kind, left, right, condition, line=left.line)
    reader.refuse(not_supported.AFTER_TABLE)
    return left


def _join_kind(reader: Reader) -> str:
    """Take the words before JOIN; '' if no join begins here."""
    if reader.at("JOIN"):
        return "INNER"
    reader.refuse(("FULL", "RIGHT"))
    if reader.ahead("OUTER", "APPLY"):
        raise reader.unsupported("OUTER APPLY")
    kind = reader.accept("CROSS", "INNER", "LEFT")
    if kind == "LEFT":
        reader.accept("OUTER")
    if kind and reader.at("HASH", "LOOP", "MERGE", "REMOTE"):
        raise reader.unsupported(f"{reader.token.text} JOIN")
    return kind


def _source(reader: Reader) -> ast.Source:
    line = reader.token.line
    if reader.token.kind is Kind.VARIABLE or reader.at("OPENDATASOURCE", "OPENQUERY", "OPENROWSET", "OPENXML"):
        raise reader.unsupported()
    if parse_queries.at_query_in_parentheses(reader):
        return _derived_table(reader, line)
    if reader.accept("("):
        reader.refuse(("VALUES",))
        inner = sources(reader)
        reader.expect(")")
        return inner
    name = reader.object_name()
    if reader.at("(") and reader.peek().upper not in KNOWN:
        raise unsupported(f"{name}()", line)
    alias = _alias(reader)
    return ast.TableName(name, alias, _hints(reader), line=line)


def _alias(reader: Reader) -> str | None:
    if reader.accept("AS"):
        return reader.name()
    return reader.name() if reader.at_name() else None


def _derived_table(reader: Reader, line: int) -> ast.DerivedTable:
    query = parse_queries.query_in_parentheses(reader)
    alias = _alias(reader)
    if alias is None:
        raise reader.syntax_error()
    columns = name_list(reader) if reader.at("(") else ()
    return ast.DerivedTable(query, alias, columns, line=line)


def name_list(reader: Reader) -> tuple[str, ...]:
    """Take names in parentheses with commas between them."""
    reader.expect("(")
    names = [reader.name()]
    while reader.accept(","):
        names.append(reader.name())
    reader.expect(")")
    return tuple(names)


def _hints(reader: Reader) -> tuple[str, ...]:
    """Take WITH (hint, ...), or the old (hint, ...)."""
    if reader.at("(") and reader.peek().upper in KNOWN:
        reader.next()
        return _hint_list(reader)
    return _hints_after_with(reader)


def _hints_after_with(reader: Reader) -> tuple[str, ...]:
    return _hint_list(reader) if reader.accept_sequence("WITH", "(") else ()


def _hint_list(reader: Reader) -> tuple[str, ...]:
    hints = [_hint(reader)]
    while not reader.accept(")"):
        reader.accept(",")
        hints.append(_hint(reader))
    return tuple(hints)


def _hint(reader: Reader) -> str:
    reader.refuse(NOT_SUPPORTED)
    return reader.expect(*KNOWN).upper
