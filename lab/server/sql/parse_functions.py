"""Functions, aggregates, CASE, CONVERT and CAST."""

from __future__ import annotations

from lab.server.sql import ast, parse_expressions, parse_types
from lab.server.sql.date_parts import DATE_PARTS
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import bigint_literal
from lab.server.sql.reader import Reader
from lab.server.sql.type_names import LENGTH_IN_CONVERT
from lab.server.types import SqlType

AGGREGATES = ("COUNT", "COUNT_BIG", "SUM", "MIN", "MAX", "AVG")

_RESERVED = ("CASE", "COALESCE", "CONVERT", "NULLIF", "LEFT", "RIGHT")
"""Functions whose names are reserved words."""


def at_function(reader: Reader) -> bool:
    """Whether a function, an aggregate or a CASE begins here."""
    if reader.at("CASE"):
        return True
    is_word = reader.token.kind is Kind.WORD and (reader.at_name() or reader.at(*_RESERVED))
    return is_word and reader.peek().upper == "("


def function(reader: Reader) -> ast.Expression:
    """Take what `at_function` has seen."""
    token = reader.next()
    if token.upper == "CASE":
        return _case(reader, token.line)
    reader.expect("(")
    node = _SPECIAL.get(token.upper, _plain)(reader, token.upper, token.line)
    if reader.at("OVER") or reader.ahead("WITHIN", "GROUP"):
        raise reader.unsupported()
    return node


def _plain(reader: Reader, name: str, line: int) -> ast.Expression:
    if name == "IIF":  # its condition would read as a syntax error
        raise reader.unsupported(name)
    if reader.at("ALL", "DISTINCT"):
        raise reader.unsupported(f"{name}({reader.token.text} ...)")
    arguments = () if reader.at(")") else parse_expressions.expression_list(reader)
    if reader.at("AS", "FROM", "USING"):  # TRY_CAST, PARSE, TRIM
        raise reader.unsupported(f"{name}(... {reader.token.text} ...)")
    reader.expect(")")
    return ast.FunctionCall(name, arguments, line=line)


def _aggregate(reader: Reader, name: str, line: int) -> ast.Expression:
    if name.startswith("COUNT") and reader.accept_sequence("*", ")"):
        return ast.Aggregate(name, None, line=line)
    distinct = reader.accept("DISTINCT", "ALL") == "DISTINCT"
    argument = parse_expressions.expression(reader)
    reader.expect(")")
    return ast.Aggregate(name, argument, distinct, line=line)


def _date_function(reader: Reader, name: str, line: int) -> ast.Expression:
    word = reader.expect_kind(Kind.WORD)
    part = DATE_PARTS.get(word.text.lower())
    if part is None:
        raise reader.unsupported(f"{name}({word.text}, ...)")
    reader.expect(",")
    rest = parse_expressions.expression_list(reader)
    reader.expect(")")
    return ast.FunctionCall(name, (ast.Literal(part, SqlType("varchar", len(part)), line=word.line), *rest), line=line)


def _convert(reader: Reader, name: str, line: int) -> ast.Expression:
    type_ = parse_types.type_name(reader, LENGTH_IN_CONVERT)
    reader.expect(",")
    value = (_is_bigint(type_) and bigint_literal(reader)) or parse_expressions.expression(reader)
    style = parse_expressions.expression(reader) if reader.accept(",") else None
    reader.expect(")")
    return ast.Convert(type_, value, style, line=line)


def _cast(reader: Reader, name: str, line: int) -> ast.Expression:
    ends_in_bigint = reader.peek(2 + reader.at("-")).upper == "BIGINT"
    value = (ends_in_bigint and bigint_literal(reader)) or parse_expressions.expression(reader)
    reader.expect("AS")
    type_ = parse_types.type_name(reader, LENGTH_IN_CONVERT)
    reader.expect(")")
    return ast.Convert(type_, value, line=line)


def _is_bigint(type_: ast.TypeName) -> bool:
    return type_.builtin is not None and type_.builtin.name == "bigint"


def _coalesce(reader: Reader, name: str, line: int) -> ast.Expression:
    """CASE WHEN a IS NOT NULL THEN a ... ELSE the last."""
    values = parse_expressions.expression_list(reader)
    reader.expect(")")
    if len(values) < 2:
        raise reader.syntax_error(reader.previous())
    branches = (ast.When(ast.IsNull(value, True, line=line), value, line=line) for value in values[:-1])
    return ast.Case(None, tuple(branches), values[-1], line=line)


def _nullif(reader: Reader, name: str, line: int) -> ast.Expression:
    """CASE WHEN a = b THEN NULL ELSE a."""
    value = parse_expressions.expression(reader)
    reader.expect(",")
    other = parse_expressions.expression(reader)
    reader.expect(")")
    equal = ast.Comparison("=", value, other, line=line)
    return ast.Case(None, (ast.When(equal, ast.Literal(None, line=line), line=line),), value, line=line)


def _case(reader: Reader, line: int) -> ast.Case:
    operand = None if reader.at("WHEN") else parse_expressions.expression(reader)
    test = parse_expressions.condition if operand is None else parse_expressions.expression
    branches = []
    while reader.at("WHEN"):
        when_line = reader.next().line
        tested = test(reader)
        reader.expect("THEN")
        branches.append(ast.When(tested, parse_expressions.expression(reader), line=when_line))
    if not branches:
        raise reader.syntax_error()
    otherwise = parse_expressions.expression(reader) if reader.accept("ELSE") else None
    reader.expect("END")
    return ast.Case(operand, tuple(branches), otherwise, line=line)


_SPECIAL = dict.fromkeys(AGGREGATES, _aggregate) | {
    "CAST": _cast,
    "COALESCE": _coalesce,
    "CONVERT": _convert,
    "DATEADD": _date_function,
    "DATEDIFF": _date_function,
    "NULLIF": _nullif,
}
