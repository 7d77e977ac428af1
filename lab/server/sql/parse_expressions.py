"""Values and conditions, in one grammar: a parenthesis may hold either, and only what follows it tells which."""

from __future__ import annotations

from lab.server.errors import unsupported
from lab.server.sql import ast, not_supported, parse_functions, parse_queries
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import LITERALS, literal
from lab.server.sql.reader import Reader
from lab.server.sql.scope import parse_error

_ADDING = ("+", "-", "&", "|", "^")
_MULTIPLYING = ("*", "/", "%")
_COMPARING = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", "!>": "<=", ">": ">", ">=": ">=", "!<": ">="}

Either = ast.Expression | ast.Condition


def expression(reader: Reader) -> ast.Expression:
    """Take a value."""
    return _value(reader, _sum(reader))


def condition(reader: Reader) -> ast.Condition:
    """Take a condition."""
    return _condition(reader, _either(reader))


def expression_list(reader: Reader) -> tuple[ast.Expression, ...]:
    """Take values with commas between them; at least one."""
    values = [expression(reader)]
    while reader.accept(","):
        values.append(expression(reader))
    return tuple(values)


def _value(reader: Reader, node: Either) -> ast.Expression:
    if isinstance(node, ast.Condition):
        raise reader.syntax_error()
    return node


def _condition(reader: Reader, node: Either) -> ast.Condition:
    if not isinstance(node, ast.Condition):
        text = (
            "An expression of non-boolean type specified in a context where a condition is expected, near"
            f" '{reader.nearest(reader.token).value}'."
        )
        raise parse_error(4145, text, reader.token.line)
    return node


def _either(reader: Reader) -> Either:
    left = _conjunction(reader)
    while reader.at("OR"):
        left = _condition(reader, left)
        reader.next()
        left = ast.Or(left, _condition(reader, _conjunction(reader)), line=left.line)
    return left


def _conjunction(reader: Reader) -> Either:
    left = _negation(reader)
    while reader.at("AND"):
        left = _condition(reader, left)
        reader.next()
        left = ast.And(left, _condition(reader, _negation(reader)), line=left.line)
    return left


def _negation(reader: Reader) -> Either:
    line = reader.token.line
    if reader.accept("NOT"):
        return ast.Not(_condition(reader, _negation(reader)), line=line)
    return _predicate(reader)


def _predicate(reader: Reader) -> Either:
    line = reader.token.line
    if reader.accept("EXISTS"):
        return ast.Exists(parse_queries.query_in_parentheses(reader), line=line)
    left = _sum(reader)
    if reader.at(*_COMPARING):
        return _comparison(reader, _value(reader, left))
    if reader.accept("IS"):
        negated = bool(reader.accept("NOT"))
        if reader.at("DISTINCT"):
            raise reader.unsupported("IS DISTINCT FROM")
        reader.expect("NULL")
        return ast.IsNull(_value(reader, left), negated, line=line)
    negated = reader.at("NOT")
    if reader.peek(int(negated)).upper not in ("IN", "LIKE", "BETWEEN"):
        return left
    value = _value(reader, left)
    if negated:
        reader.next()
    return _membership(reader, value, negated)


def _comparison(reader: Reader, left: ast.Expression) -> ast.Comparison:
    operator = _COMPARING[reader.next().upper]
    reader.refuse(("ALL", "ANY", "SOME"))
    return ast.Comparison(operator, left, expression(reader), line=left.line)


def _membership(reader: Reader, value: ast.Expression, negated: bool) -> ast.Condition:
    """[NOT] IN, LIKE or BETWEEN, after the value and NOT."""
    word = reader.next().upper
    if word == "BETWEEN":
        low = expression(reader)
        reader.expect("AND")
        return ast.Between(value, low, expression(reader), negated, line=value.line)
    if word == "LIKE":
        pattern = expression(reader)
        escape = expression(reader) if reader.accept("ESCAPE") else None
        return ast.Like(value, pattern, escape, negated, line=value.line)
    if parse_queries.at_query_in_parentheses(reader):
        return ast.InQuery(value, parse_queries.query_in_parentheses(reader), negated, line=value.line)
    reader.expect("(")
    items = expression_list(reader)
    reader.expect(")")
    return ast.InList(value, items, negated, line=value.line)


def _sum(reader: Reader) -> Either:
    """`+ - & | ^` are one level in T-SQL."""
    left = _product(reader)
    while reader.at(*_ADDING):
        left = _value(reader, left)
        operator = reader.next().upper
        left = ast.Binary(operator, left, _value(reader, _product(reader)), line=left.line)
    return left


def _product(reader: Reader) -> Either:
    left = _unary(reader)
    while reader.at(*_MULTIPLYING):
        left = _value(reader, left)
        operator = reader.next().upper
        left = ast.Binary(operator, left, _value(reader, _unary(reader)), line=left.line)
    return left


def _unary(reader: Reader) -> Either:
    line = reader.token.line
    if operator := reader.accept("-", "+", "~"):
        return ast.Unary(operator, _value(reader, _unary(reader)), line=line)
    node = _primary(reader)
    if isinstance(node, ast.ColumnRef) and reader.accept("COLLATE"):
        _database_default(reader)
    reader.refuse(("COLLATE",))
    if reader.ahead("AT", "TIME"):
        raise reader.unsupported("AT TIME ZONE")
    return node


def _database_default(reader: Reader) -> None:
    """The only collation that a column can be given: that of all databases, which changes nothing."""
    name = reader.name()
    if name.upper() != "DATABASE_DEFAULT":
        raise reader.unsupported(f"COLLATE {name}")


def _primary(reader: Reader) -> Either:
    token = reader.token
    if token.kind in LITERALS or token.upper == "NULL" or _at_double_quoted_string(reader):
        return literal(reader)
    if token.kind is Kind.VARIABLE:
        return reader.variable()
    if parse_queries.at_query_in_parentheses(reader):
        return ast.Subquery(parse_queries.query_in_parentheses(reader), line=token.line)
    if reader.accept("("):
        inner = _either(reader)
        reader.expect(")")
        return inner
    reader.refuse(not_supported.FUNCTIONS)
    if parse_functions.at_function(reader):
        return parse_functions.function(reader)
    return _column(reader)


def _at_double_quoted_string(reader: Reader) -> bool:
    return reader.token.kind is Kind.DOUBLE_QUOTED and not reader.quoted_identifier


def _column(reader: Reader) -> ast.ColumnRef:
    line = reader.token.line
    parts = reader.dotted_name()
    if reader.at("("):
        raise unsupported(f"{'.'.join(parts)}()", line)
    if len(parts) > 4:
        raise unsupported(".".join(parts), line)
    return ast.ColumnRef(parts, line=line)
