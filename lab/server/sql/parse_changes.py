"""INSERT, UPDATE and DELETE."""

from __future__ import annotations

from lab.server.errors import SqlError
from lab.server.sql import ast, not_supported, parse_expressions, parse_procedures, parse_queries, parse_sources
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_queries import ASSIGNING, assignment_operator, top
from lab.server.sql.reader import Reader
from lab.server.sql.scope import parse_error

MAXIMUM_ROWS = 1000


def insert(reader: Reader) -> ast.Insert:
    """INSERT [TOP (n)] [INTO] table [(columns)] VALUES ... or a query."""
    line = reader.expect("INSERT").line
    limit = top(reader)
    reader.accept("INTO")
    table = parse_sources.target(reader)
    columns = None
    if reader.at("(") and not parse_queries.at_query_in_parentheses(reader):
        columns = parse_sources.name_list(reader)
    reader.refuse(("OUTPUT",))
    if reader.at("EXEC", "EXECUTE"):
        return ast.Insert(table, columns, _answering_procedure(reader), limit, line=line)
    if reader.ahead("DEFAULT", "VALUES"):
        raise reader.unsupported("DEFAULT VALUES")
    source = _values(reader, columns) if reader.at("VALUES") else parse_queries.query(reader)
    reader.refuse(not_supported.AFTER_CHANGE)
    return ast.Insert(table, columns, source, limit, line=line)


def _answering_procedure(reader: Reader) -> ast.ExecuteProcedure:
    """EXEC of a procedure by its name."""
    call = parse_procedures.execute(reader)
    if not isinstance(call, ast.ExecuteProcedure) or not isinstance(call.procedure, ast.ObjectName) or call.result:
        raise reader.unsupported("INSERT ... EXEC of anything but a name")
    return call


def _values(reader: Reader, columns: tuple[str, ...] | None) -> ast.Values:
    line = reader.expect("VALUES").line
    rows = [_row(reader)]
    while reader.accept(","):
        rows.append(_row(reader))
    if len(rows) > MAXIMUM_ROWS:
        text = "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of"
        raise parse_error(10738, f"{text} {MAXIMUM_ROWS} row values.", line)
    if len({len(row) for row in rows}) > 1:
        text = "The number of columns for each row in a table value constructor must be the same."
        raise parse_error(10709, text, line)
    if columns is not None and len(columns) != len(rows[0]):
        raise _count_error(len(columns) > len(rows[0]), line)
    return ast.Values(tuple(rows), line=line)


def _count_error(more_columns: bool, line: int) -> SqlError:
    number, text = (109, _MORE_COLUMNS) if more_columns else (110, _FEWER_COLUMNS)
    return parse_error(number, f"{text} {_MUST_MATCH}", line)


_MORE_COLUMNS = "There are more columns in the INSERT statement than values specified in the VALUES clause."
_FEWER_COLUMNS = "There are fewer columns in the INSERT statement than values specified in the VALUES clause."
_MUST_MATCH = (
    "The number of values in the VALUES clause must match the number of columns specified in the INSERT statement."
)


def _row(reader: Reader) -> tuple[ast.Expression | ast.DefaultValue, ...]:
    reader.expect("(")
    row = [_value_or_default(reader)]
    while reader.accept(","):
        row.append(_value_or_default(reader))
    reader.expect(")")
    return tuple(row)


def _value_or_default(reader: Reader) -> ast.Expression | ast.DefaultValue:
    line = reader.token.line
    return ast.DefaultValue(line=line) if reader.accept("DEFAULT") else parse_expressions.expression(reader)


def update(reader: Reader) -> ast.Update:
    """UPDATE [TOP (n)] table SET ... [WHERE ...]."""
    line = reader.expect("UPDATE").line
    reader.refuse(("STATISTICS",))
    limit = top(reader)
    table = parse_sources.target(reader)
    reader.expect("SET")
    assignments = [_assignment(reader)]
    while reader.accept(","):
        assignments.append(_assignment(reader))
    reader.refuse(not_supported.AFTER_CHANGE)
    return ast.Update(table, tuple(assignments), _where(reader), limit, line=line)


def _assignment(reader: Reader) -> ast.Assignment:
    """`@v = column = value`, `@v = value` or `column = value`; `+=` and the like may stand for the last `=`."""
    line = reader.token.line
    variable = column = None
    if reader.token.kind is Kind.VARIABLE:
        variable = reader.variable_name()
    if variable is None or (reader.at("=") and reader.at_name(1) and reader.peek(2).upper in ASSIGNING):
        if variable is not None:
            reader.next()
        column = reader.name()
        if reader.at("."):
            raise reader.unsupported(f"SET {column}. ...")
    operator = assignment_operator(reader)
    value = parse_expressions.expression(reader) if variable else _value_or_default(reader)
    return ast.Assignment(variable, column, operator, value, line=line)


def delete(reader: Reader) -> ast.Delete:
    """DELETE [TOP (n)] [FROM] table [WHERE ...]."""
    line = reader.expect("DELETE").line
    limit = top(reader)
    reader.accept("FROM")
    table = parse_sources.target(reader)
    reader.refuse(not_supported.AFTER_CHANGE)
    return ast.Delete(table, _where(reader), limit, line=line)


def _where(reader: Reader) -> ast.Condition | None:
    where = None
    if reader.accept("WHERE"):
        if reader.at("CURRENT"):
            raise reader.unsupported("WHERE CURRENT OF")
        where = parse_expressions.condition(reader)
    reader.refuse(not_supported.AFTER_CHANGE)
    return where
