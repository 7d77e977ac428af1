"""Constants."""

from __future__ import annotations

from lab.server import code_page
from lab.server.sql import ast
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader
from lab.server.types import BIGINT, INT, MAX, SqlType

LARGEST_INT = 2**31 - 1

LITERALS = frozenset({Kind.STRING, Kind.NATIONAL_STRING, Kind.HEXADECIMAL, Kind.INTEGER, Kind.DECIMAL})


def literal(reader: Reader) -> ast.Literal:
    """Take a constant or NULL, without a sign. A number larger than an int, or with decimals, is not supported."""
    token = reader.token
    if token.upper == "NULL":
        reader.next()
        return ast.Literal(None, line=token.line)
    if token.kind is Kind.DECIMAL:
        raise reader.unsupported()
    if token.kind is Kind.INTEGER:
        number = reader.whole_number()
        if number > LARGEST_INT:
            raise reader.unsupported(token.text)
        return ast.Literal(number, INT, line=token.line)
    reader.next()
    match token.kind:
        case Kind.HEXADECIMAL:
            digits = token.text[2:]
            data = bytes.fromhex(digits if len(digits) % 2 == 0 else f"0{digits}")
            return ast.Literal(data, _sized("varbinary", len(data), 8000), line=token.line)
        case Kind.NATIONAL_STRING:
            return national_literal(token.value, token.line)
        case _:
            text = code_page.narrow(token.value)
            return ast.Literal(text, _sized("varchar", len(text), 8000), line=token.line)


def national_literal(text: str, line: int) -> ast.Literal:
    """The nvarchar constant of a text."""
    return ast.Literal(text, _sized("nvarchar", len(text), 4000), line=line)


def _sized(name: str, length: int, largest: int) -> SqlType:
    return SqlType(name, MAX if length > largest else max(length, 1))


def at_string(reader: Reader) -> bool:
    """Whether the token is a string constant; "x" is one under QUOTED_IDENTIFIER OFF."""
    kind = reader.token.kind
    return kind in (Kind.STRING, Kind.NATIONAL_STRING) or (kind is Kind.DOUBLE_QUOTED and not reader.quoted_identifier)


def signed_literal(reader: Reader) -> ast.Literal:
    """Take a constant that may be a number with a sign, or NULL."""
    line = reader.token.line
    sign = reader.accept("-", "+")
    if sign and reader.token.kind is not Kind.INTEGER:
        raise reader.syntax_error()
    if not (reader.token.kind in LITERALS or at_string(reader) or reader.at("NULL")):
        raise reader.syntax_error()
    value = literal(reader)
    return ast.Literal(-value.value, INT, line=line) if sign == "-" else value


def bigint_literal(reader: Reader) -> ast.Literal | None:
    """Take an integer constant for CONVERT or CAST to bigint, with or without sign; None if there is none alone."""
    signed = reader.at("-")
    number, after = reader.peek(int(signed)), reader.peek(int(signed) + 1)
    if number.kind is not Kind.INTEGER or after.upper not in (")", ",", "AS"):
        return None
    line = reader.token.line
    reader.accept("-")
    value = reader.whole_number()
    return ast.Literal(-value if signed else value, BIGINT, line=line)


def literal_or_variable(reader: Reader) -> ast.Literal | ast.Variable | ast.SystemVariable:
    """Take what RAISERROR, THROW and EXEC accept as a value."""
    return reader.variable() if reader.token.kind is Kind.VARIABLE else signed_literal(reader)
