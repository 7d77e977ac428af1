"""From expressions of the syntax tree to functions of a frame, with their static types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import images, session_functions
from lab.server.engine.binder import SQL_VARIANT, Binder, Grammar, converted, refuse_opaque, through
from lab.server.engine.comparisons import compare
from lab.server.engine.frames import Bound, Frame, constant
from lab.server.engine.functions import FUNCTIONS
from lab.server.engine.operators import binary_operation, unary_operation
from lab.server.engine.values import common_type, converter
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import INT, SqlType


def _literal(binder: Binder, node: ast.Literal) -> Bound:
    return constant(node.value, node.type)


def _column(binder: Binder, node: ast.ColumnRef) -> Bound:
    if binder.grouping:
        return binder.grouping.column(node)
    return binder.scope.resolve(node)


def _variable(binder: Binder, node: ast.Variable) -> Bound:
    place, type_ = binder.variable(node.name)
    return Bound(type_, lambda frame: frame.variables[place])


def _system_variable(binder: Binder, node: ast.SystemVariable) -> Bound:
    type_, read = session_functions.SYSTEM_VARIABLES[node.name]
    return Bound(type_, read, nullable=False)


def _unary(binder: Binder, node: ast.Unary) -> Bound:
    operand = binder.bind_value(node.operand)
    operation = unary_operation(node.operator, operand.type)
    inner = converted(operand, operation.operands[0])
    call, run = operation.call, inner.run
    return Bound(operation.result, lambda frame: call(run(frame)), inner.nullable, inner.uses)


def _binary(binder: Binder, node: ast.Binary) -> Bound:
    return combine(node.operator, binder.bind_value(node.left), binder.bind_value(node.right))


def combine(operator: str, left: Bound, right: Bound) -> Bound:
    """`left operator right`."""
    operation = binary_operation(operator, left.type, right.type)
    first = converted(left, operation.operands[0])
    second = converted(right, operation.operands[1])
    call, run_first, run_second = operation.call, first.run, second.run
    return Bound(
        operation.result,
        lambda frame: call(run_first(frame), run_second(frame)),
        left.nullable or right.nullable,
        left.uses | right.uses,
    )


def _function(binder: Binder, node: ast.FunctionCall) -> Bound:
    if node.name == "TEXTPTR" and len(node.arguments) == 1:
        return images.text_pointer(binder, node)
    function = FUNCTIONS.get(node.name) or session_functions.FUNCTIONS.get(node.name)
    if function is None:
        raise unsupported(node.name, node.line)
    count = len(node.arguments)
    if not function.minimum <= count <= function.maximum:
        raise _wrong_count(function, node)
    arguments = [binder.bind_value(argument) for argument in node.arguments]
    uses = frozenset().union(*(argument.uses for argument in arguments))
    types = tuple(argument.type for argument in arguments)
    images.refuse_in_function(node.name, types, node.line)
    operation = function.bind(types)
    runs = [converted(argument, type_).run for argument, type_ in zip(arguments, operation.operands, strict=True)]
    if node.name in session_functions.FUNCTIONS:
        call = operation.call
        return Bound(operation.result, lambda frame: call(frame, *[run(frame) for run in runs]), uses=uses)
    return Bound(operation.result, _caller(operation.call, runs), uses=uses)


def _caller(call: Callable[..., Any], runs: list[Callable[[Frame], Any]]) -> Callable[[Frame], Any]:
    if len(runs) == 1:
        first = runs[0]
        return lambda frame: call(first(frame))
    if len(runs) == 2:
        first, second = runs
        return lambda frame: call(first(frame), second(frame))
    return lambda frame: call(*(run(frame) for run in runs))


def _wrong_count(function: Any, node: ast.FunctionCall) -> SqlError:
    if function.minimum == function.maximum:
        text = f"The {node.name.lower()} function requires {function.minimum} argument(s)."
        return SqlError(174, text, severity=15, line=node.line)
    text = f"The {node.name.lower()} function requires {function.minimum} to {function.maximum} arguments."
    return SqlError(189, text, severity=15, line=node.line)


def _convert(binder: Binder, node: ast.Convert) -> Bound:
    target = binder.names.type(node.type, in_convert=True).type
    value = binder.bind(node.value)
    style = None
    if node.style is not None:
        style = _style(binder.bind_as(node.style, INT), node)
    if value.type is not None and value.type.name == SQL_VARIANT:
        run = value.run
        return Bound(target, lambda frame: _from_variant(run(frame), target, style), uses=value.uses)
    refuse_opaque(value.type, node.line)
    return through(value, converter(value.type, target, style), target)


def _style(bound: Bound, node: ast.Convert) -> int:
    if not isinstance(node.style, ast.Literal):
        raise unsupported("CONVERT with a style that is not a literal", node.line)
    return bound.run(None)


def _from_variant(value: int | str | None, target: SqlType, style: int | None) -> Any:
    if value is None:
        return None
    source = INT if isinstance(value, int) else SqlType("nvarchar", 128)
    return converter(source, target, style)(value)


def _case(binder: Binder, node: ast.Case) -> Bound:
    if node.operand is None:
        tests = [binder.bind(branch.test) for branch in node.branches]
    else:
        operand = binder.bind_value(node.operand)
        tests = [compare("=", operand, binder.bind_value(branch.test)) for branch in node.branches]
    results = [binder.bind_value(branch.result) for branch in node.branches]
    otherwise = binder.bind_value(node.otherwise) if node.otherwise is not None else constant(None, None)
    type_ = otherwise.type
    for result in results:
        type_ = result.type if type_ is None else common_type(type_, result.type)
    if type_ is None:
        text = (
            "At least one of the result expressions in a CASE specification must be an expression other than the NULL"
            " constant."
        )
        raise SqlError(8133, text)
    branches = [(test.run, converted(result, type_).run) for test, result in zip(tests, results, strict=True)]
    last = converted(otherwise, type_).run

    def run(frame: Frame) -> Any:
        for test, result in branches:
            if test(frame):
                return result(frame)
        return last(frame)

    uses = frozenset().union(*(part.uses for part in (*tests, *results, otherwise)))
    nullable = otherwise.nullable or any(result.nullable for result in results)
    return Bound(type_, run, nullable, uses)


def _subquery(binder: Binder, node: ast.Subquery) -> Bound:
    query = binder.bind_query(node.query)
    if len(query.columns) != 1:
        text = (
            "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS."
        )
        raise SqlError(116, text)
    rows = query.rows

    def run(frame: Frame) -> Any:
        found = list(rows(frame))
        if len(found) > 1:
            text = (
                "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >,"
                " >= or when the subquery is used as an expression."
            )
            raise SqlError(512, text)
        return found[0][0] if found else None

    return Bound(query.columns[0].type, run, uses=query.uses)


def _aggregate(binder: Binder, node: ast.Aggregate) -> Bound:
    text = "An aggregate may not appear here: only in the select list, HAVING or ORDER BY of its query."
    raise SqlError(147, text, severity=15)


EXPRESSIONS: Grammar = {
    ast.Literal: _literal,
    ast.ColumnRef: _column,
    ast.Variable: _variable,
    ast.SystemVariable: _system_variable,
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.FunctionCall: _function,
    ast.Aggregate: _aggregate,
    ast.Convert: _convert,
    ast.Case: _case,
    ast.Subquery: _subquery,
}
