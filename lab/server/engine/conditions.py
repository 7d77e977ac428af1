"""Conditions: functions of a frame that give True, False, or None for unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lab.server.engine.binder import Binder, Grammar, converted
from lab.server.engine.comparisons import compare
from lab.server.engine.families import Family, family
from lab.server.engine.frames import Bound, Frame
from lab.server.engine.like import like
from lab.server.errors import SqlError
from lab.server.sql import ast
from lab.server.types import NVARCHAR_MAX


def conjuncts(node: ast.Condition | None) -> list[ast.Condition]:
    """The conditions that must all be true."""
    if node is None:
        return []
    if isinstance(node, ast.And):
        return conjuncts(node.left) + conjuncts(node.right)
    return [node]


def _condition(run: Callable[[Frame], bool | None], *parts: Bound) -> Bound:
    return Bound(None, run, uses=frozenset().union(*(part.uses for part in parts)))


def negation(value: bool | None) -> bool | None:
    """NOT: unknown stays unknown."""
    return None if value is None else not value


def _negated(condition: Bound, negated: bool) -> Bound:
    if not negated:
        return condition
    run = condition.run
    return Bound(None, lambda frame: negation(run(frame)), uses=condition.uses)


def _and(binder: Binder, node: ast.And) -> Bound:
    left, right = binder.bind(node.left), binder.bind(node.right)
    first, second = left.run, right.run

    def run(frame: Frame) -> bool | None:
        a = first(frame)
        if a is False:
            return False
        b = second(frame)
        return False if b is False else (None if a is None or b is None else True)

    return _condition(run, left, right)


def _or(binder: Binder, node: ast.Or) -> Bound:
    left, right = binder.bind(node.left), binder.bind(node.right)
    first, second = left.run, right.run

    def run(frame: Frame) -> bool | None:
        a = first(frame)
        if a:
            return True
        b = second(frame)
        return True if b else (None if a is None or b is None else False)

    return _condition(run, left, right)


def _not(binder: Binder, node: ast.Not) -> Bound:
    return _negated(binder.bind(node.operand), True)


def _comparison(binder: Binder, node: ast.Comparison) -> Bound:
    return compare(node.operator, binder.bind_value(node.left), binder.bind_value(node.right))


def _between(binder: Binder, node: ast.Between) -> Bound:
    both = ast.And(
        ast.Comparison(">=", node.value, node.low, line=node.line),
        ast.Comparison("<=", node.value, node.high, line=node.line),
        line=node.line,
    )
    return _negated(binder.bind(both), node.negated)


def _in_list(binder: Binder, node: ast.InList) -> Bound:
    value = binder.bind_value(node.value)
    tests = [compare("=", value, binder.bind_value(item)) for item in node.items]
    runs = [test.run for test in tests]

    def run(frame: Frame) -> bool | None:
        return _any(test(frame) for test in runs)

    return _negated(_condition(run, *tests), node.negated)


def _any(answers: Iterable[bool | None]) -> bool | None:
    unknown = False
    for answer in answers:
        if answer:
            return True
        unknown = unknown or answer is None
    return None if unknown else False


def _in_query(binder: Binder, node: ast.InQuery) -> Bound:
    value = binder.bind_value(node.value)
    query = binder.bind_query(node.query)
    if len(query.columns) != 1:
        text = (
            "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS."
        )
        raise SqlError(116, text, line=node.line)
    slot = binder.new_slot()
    item = Bound(query.columns[0].type, lambda frame: frame.rows[slot])
    test, rows = compare("=", value, item).run, query.rows

    def answers(frame: Frame) -> Any:
        for row in rows(frame):
            frame.rows[slot] = row[0]
            yield test(frame)

    return _negated(Bound(None, lambda frame: _any(answers(frame)), uses=value.uses | query.uses), node.negated)


def _like(binder: Binder, node: ast.Like) -> Bound:
    parts = [binder.bind_value(node.value), binder.bind_value(node.pattern)]
    if node.escape is not None:
        parts.append(binder.bind_value(node.escape))
    for part in parts:
        if part.type is not None and family(part.type) is Family.BINARY:
            raise SqlError(8116, f"Argument data type {part.type.name} is invalid for argument 1 of like function.")
    runs = [converted(part, NVARCHAR_MAX).run for part in parts]

    def run(frame: Frame) -> bool | None:
        values = [part(frame) for part in runs]
        return None if None in values else like(*values[1:])(values[0])

    return _negated(_condition(run, *parts), node.negated)


def _is_null(binder: Binder, node: ast.IsNull) -> Bound:
    value = binder.bind(node.value)
    run, wanted = value.run, not node.negated
    return _condition(lambda frame: (run(frame) is None) is wanted, value)


def _exists(binder: Binder, node: ast.Exists) -> Bound:
    query = binder.bind_query(node.query)
    rows = query.rows
    return Bound(None, lambda frame: any(True for _ in rows(frame)), uses=query.uses)


CONDITIONS: Grammar = {
    ast.And: _and,
    ast.Or: _or,
    ast.Not: _not,
    ast.Comparison: _comparison,
    ast.Between: _between,
    ast.InList: _in_list,
    ast.InQuery: _in_query,
    ast.Like: _like,
    ast.IsNull: _is_null,
    ast.Exists: _exists,
}
