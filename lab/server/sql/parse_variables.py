"""DECLARE and SET."""

from __future__ import annotations

from lab.server.sql import ast, parse_expressions, parse_types
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_cursors import declare_cursor
from lab.server.sql.parse_queries import assignment_operator
from lab.server.sql.reader import Reader
from lab.server.sql.scope import no_image
from lab.server.sql.set_options import DEADLOCK_PRIORITIES, ISOLATION_LEVELS, NUMBERS, SWITCHES, WORDS
from lab.server.types import IMAGE


def declare(reader: Reader) -> ast.Declare | ast.DeclareCursor:
    """DECLARE of a cursor, or of variables with values, which cannot use the variables of the same statement."""
    line = reader.expect("DECLARE").line
    if reader.at_name() and reader.peek().upper == "CURSOR":
        return declare_cursor(reader, line)
    if reader.at_name():
        raise reader.unsupported()
    declarations = [_declaration(reader)]
    while reader.accept(","):
        declarations.append(_declaration(reader))
    reader.scope.declare([declaration.name for declaration in declarations], line)
    reader.scope.variables.extend(declarations)
    return ast.Declare(tuple(declarations), line=line)


def _declaration(reader: Reader) -> ast.Declaration:
    token = reader.expect_kind(Kind.VARIABLE)
    reader.accept("AS")
    type_ = parse_types.type_name(reader)
    if type_.builtin == IMAGE:
        raise no_image(token.line)
    value = parse_expressions.expression(reader) if reader.accept("=") else None
    return ast.Declaration(token.value, type_, value, line=token.line)


def set_statement(reader: Reader) -> ast.SetVariable | ast.SetOption:
    """SET @v = value, or SET option value."""
    line = reader.expect("SET").line
    if reader.token.kind is not Kind.VARIABLE:
        return _option(reader, line)
    name = reader.variable_name()
    operator = assignment_operator(reader)
    reader.refuse(("CURSOR",))
    return ast.SetVariable(name, operator, parse_expressions.expression(reader), line=line)


def _option(reader: Reader, line: int) -> ast.SetOption:
    option = reader.expect_kind(Kind.WORD)
    name = option.upper
    if name in SWITCHES:
        value = _switch(reader, name)
    elif name in NUMBERS:
        value = _number(reader, name, -1, 2**31 - 1)
    elif name == "DEADLOCK_PRIORITY":
        value = _deadlock_priority(reader)
    elif name == "TRANSACTION":
        name, value = "TRANSACTION ISOLATION LEVEL", _isolation_level(reader)
    elif name in WORDS:
        value = reader.expect_kind(Kind.WORD, Kind.STRING, Kind.NATIONAL_STRING).value.upper()
        if value not in WORDS[name]:
            raise reader.unsupported(f"SET {name} {value}")
    else:
        raise reader.unsupported(f"SET {option.text}")
    return ast.SetOption(name, value, line=line)


def _switch(reader: Reader, name: str) -> bool:
    if reader.at(","):
        raise reader.unsupported(f"SET {name}, ...")
    word = reader.expect("ON", "OFF").upper
    if word not in SWITCHES[name]:
        raise reader.unsupported(f"SET {name} {word}")
    if name == "QUOTED_IDENTIFIER" and not reader.scope.is_procedure:
        reader.quoted_identifier = word == "ON"
    return word == "ON"


def _number(reader: Reader, name: str, low: int, high: int) -> int:
    if reader.token.kind is Kind.VARIABLE:
        raise reader.unsupported(f"SET {name} {reader.token.text}")
    sign = -1 if reader.accept("-") else 1
    value = sign * reader.whole_number()
    if not low <= value <= high:
        raise reader.syntax_error(reader.previous())
    return value


def _deadlock_priority(reader: Reader) -> int:
    if word := reader.accept(*DEADLOCK_PRIORITIES):
        return DEADLOCK_PRIORITIES[word]
    return _number(reader, "DEADLOCK_PRIORITY", -10, 10)


def _isolation_level(reader: Reader) -> str:
    reader.expect("ISOLATION")
    reader.expect("LEVEL")
    level = reader.expect_kind(Kind.WORD).upper
    if level in ("READ", "REPEATABLE"):
        level += f" {reader.expect_kind(Kind.WORD).upper}"
    if level not in ISOLATION_LEVELS:
        raise reader.unsupported(f"SET TRANSACTION ISOLATION LEVEL {level}")
    return level
