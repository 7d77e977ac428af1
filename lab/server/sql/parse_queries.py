"""SELECT and UNION."""

from __future__ import annotations

from dataclasses import replace

from lab.server.sql import ast, not_supported, parse_expressions, parse_sources
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import at_string, literal
from lab.server.sql.reader import Reader
from lab.server.sql.scope import parse_error

ASSIGNING = ("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=")


def select_statement(reader: Reader) -> ast.Query:
    """Take a query that is a statement of its own: it may assign variables."""
    return query(reader, assigns=True)


def query(reader: Reader, assigns: bool = False) -> ast.Query:
    """Take a SELECT, or several with UNION between them, and their ORDER BY."""
    result = _term(reader, assigns)
    while reader.at("UNION"):
        line = reader.next().line
        every = bool(reader.accept("ALL"))
        right = _term(reader, assigns)
        if any(_assigns(side) for side in (result, right)):
            text = "Variable assignment is not allowed in a statement containing a top level UNION, INTERSECT or EXCEPT"
            raise parse_error(10734, f"{text} operator.", line)
        result = ast.Union(result, right, every, line=result.line)
    if reader.accept("ORDER"):
        reader.expect("BY")
        result = replace(result, order_by=_order_items(reader))
    reader.refuse(not_supported.AFTER_QUERY)
    return result


_AFTER_PART = (")", "EXCEPT", "INTERSECT", "ORDER", "UNION")


def at_query_in_parentheses(reader: Reader) -> bool:
    """Whether a query in any number of parentheses begins here, rather than a value such as `((SELECT 1) + 1)`."""
    distance = 0
    while reader.peek(distance).upper == "(":
        distance += 1
    if distance == 0 or reader.peek(distance).upper != "SELECT":
        return False
    depth = outermost = distance
    while outermost > 1 and reader.peek(distance).kind is not Kind.END:
        distance += 1
        depth += {"(": 1, ")": -1}.get(reader.peek(distance).upper, 0)
        if depth < outermost:
            outermost = depth
            if reader.peek(distance + 1).upper not in _AFTER_PART:
                return False
    return True


def query_in_parentheses(reader: Reader) -> ast.Query:
    """Take a query and the parentheses around it; raises 1033 if it is sorted to no end."""
    reader.expect("(")
    result = query(reader)
    reader.expect(")")
    if result.order_by and (isinstance(result, ast.Union) or result.top is None):
        text = (
            "The ORDER BY clause is invalid in views, inline functions, derived tables, subqueries, and common table"
            " expressions, unless TOP, OFFSET or FOR XML is also specified."
        )
        raise parse_error(1033, text, result.line)
    return result


def top(reader: Reader, bare_number: bool = False) -> ast.Expression | None:
    """Take TOP (value), if it is there; SELECT also takes a number without parentheses."""
    if not reader.accept("TOP"):
        return None
    if bare_number and reader.token.kind is Kind.INTEGER:
        value = literal(reader)
    else:
        reader.expect("(")
        value = parse_expressions.expression(reader)
        reader.expect(")")
    reader.refuse(("PERCENT",))
    if reader.ahead("WITH", "TIES"):
        raise reader.unsupported("WITH TIES")
    return value


def _assigns(side: ast.Query) -> bool:
    return isinstance(side, ast.Select) and isinstance(side.items[0], ast.SelectAssignment)


def _term(reader: Reader, assigns: bool) -> ast.Query:
    if reader.at("("):
        return query_in_parentheses(reader)
    line = reader.expect("SELECT").line
    distinct = reader.accept("DISTINCT", "ALL") == "DISTINCT"
    limit = top(reader, bare_number=True)
    items = _items(reader, assigns)
    if reader.at("INTO"):
        raise reader.unsupported("SELECT INTO")
    source = parse_sources.sources(reader) if reader.accept("FROM") else None
    where = parse_expressions.condition(reader) if reader.accept("WHERE") else None
    group_by = _group_by(reader)
    having = parse_expressions.condition(reader) if reader.accept("HAVING") else None
    return ast.Select(items, source, where, group_by, having, (), distinct, limit, line=line)


def _items(reader: Reader, assigns: bool) -> tuple[ast.Star | ast.SelectItem | ast.SelectAssignment, ...]:
    items = [_item(reader, assigns)]
    while reader.accept(","):
        items.append(_item(reader, assigns))
    if len({isinstance(item, ast.SelectAssignment) for item in items}) > 1:
        text = (
            "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval operations."
        )
        raise parse_error(141, text, items[0].line)
    return tuple(items)


def _item(reader: Reader, assigns: bool) -> ast.Star | ast.SelectItem | ast.SelectAssignment:
    line = reader.token.line
    if reader.accept("*"):
        return ast.Star(line=line)
    if assigns and reader.token.kind is Kind.VARIABLE and reader.peek().upper in ASSIGNING:
        name = reader.variable_name()
        operator = assignment_operator(reader)
        return ast.SelectAssignment(name, operator, parse_expressions.expression(reader), line=line)
    if reader.at_name() and reader.peek().upper == "=":
        alias = reader.name()
        reader.next()
        return ast.SelectItem(parse_expressions.expression(reader), alias, line=line)
    if qualifier := _star_qualifier(reader):
        return ast.Star(qualifier, line=line)
    value = parse_expressions.expression(reader)
    return ast.SelectItem(value, _alias(reader), line=line)


def assignment_operator(reader: Reader) -> str:
    """Take `=` or `+=` and the like; says `=` or `+`."""
    operator = reader.expect(*ASSIGNING).upper
    return operator if operator == "=" else operator[0]


def _star_qualifier(reader: Reader) -> tuple[str, ...]:
    """Take `t.*` and say ('t',); take nothing and say () if this is something else."""
    distance = 0
    while reader.at_name(distance) and reader.peek(distance + 1).upper == ".":
        distance += 2
    if distance == 0 or reader.peek(distance).upper != "*":
        return ()
    parts = []
    while not reader.accept("*"):
        parts.append(reader.name())
        reader.expect(".")
    return tuple(parts)


def _alias(reader: Reader) -> str | None:
    if at_string(reader):
        return reader.next().value
    if not reader.accept("AS"):
        return reader.name() if reader.at_name() else None
    return reader.next().value if at_string(reader) else reader.name()


def _group_by(reader: Reader) -> tuple[ast.Expression, ...]:
    if not reader.accept("GROUP"):
        return ()
    reader.expect("BY")
    reader.refuse(("ALL", "CUBE", "GROUPING", "ROLLUP"))
    return parse_expressions.expression_list(reader)


def _order_items(reader: Reader) -> tuple[ast.OrderItem, ...]:
    items = [_order_item(reader)]
    while reader.accept(","):
        items.append(_order_item(reader))
    return tuple(items)


def _order_item(reader: Reader) -> ast.OrderItem:
    value = parse_expressions.expression(reader)
    return ast.OrderItem(value, reader.accept("ASC", "DESC") == "DESC", line=value.line)
