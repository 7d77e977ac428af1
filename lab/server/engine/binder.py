"""The binder: what the parts of the syntax tree need to be bound, and the way from one part to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine.conversions import same
from lab.server.engine.frames import Bound
from lab.server.engine.names import NameSpace
from lab.server.engine.scopes import Scope
from lab.server.engine.values import implicit_converter
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import IMAGE, SqlType

SQL_VARIANT = "sql_variant"
"""Type of SERVERPROPERTY and its like: only CONVERT and CAST take it."""

Grammar = dict[type, Callable[["Binder", Any], Any]]


class Binder:
    """Binds one statement.

    `grammar` has a function for each kind of node. `names` resolves objects and types; `variables` gives place and
    type of each variable by its name in lower case. `changing` is the table of an UPDATE.
    """

    def __init__(self, grammar: Grammar, names: NameSpace, variables: dict[str, tuple[int, SqlType]]) -> None:
        self.grammar = grammar
        self.names = names
        self.variables = variables
        self.scope = Scope()
        self.slots = 0
        self.grouping: Any = None
        self.changing: Any = None

    def new_slot(self) -> int:
        """A place for a row in the statement's frame."""
        self.slots += 1
        return self.slots - 1

    def variable(self, name: str) -> tuple[int, SqlType]:
        """Place and type of a variable; the parser has seen to it that it is declared."""
        return self.variables[name.lower()]

    def target(self, name: str) -> tuple[int, SqlType]:
        """The same for a variable that is given a value."""
        place, type_ = self.variable(name)
        if type_ == IMAGE:
            raise unsupported(f"assignment to {name}, which is of type image")
        return place, type_

    def bind(self, node: ast.Expression | ast.Condition) -> Bound:
        """Bind an expression, condition or query; errors get its line."""
        if self.grouping and (grouped := self.grouping.find(node)):
            return grouped
        try:
            return self.grammar[type(node)](self, node)
        except SqlError as error:
            error.line = error.line or node.line
            raise

    def bind_value(self, node: ast.Expression) -> Bound:
        """As `bind`, for a place where sql_variant cannot be."""
        bound = self.bind(node)
        refuse_opaque(bound.type, node.line)
        return bound

    def bind_query(self, node: ast.Query) -> Any:
        """Bind a query within this one: a `BoundQuery` whose names may mean columns outside of it.

        Raises 1046 where the grammar has no queries.
        """
        if type(node) not in self.grammar:
            raise SqlError(
                1046, "Subqueries are not allowed in this context. Only scalar expressions are allowed.", severity=15
            )
        outer, grouping = self.scope, self.grouping
        self.scope, self.grouping = Scope(outer), None
        try:
            query = self.grammar[type(node)](self, node)
        finally:
            self.scope, self.grouping = outer, grouping
        if grouping and query.uses & grouping.hidden:
            raise unsupported("a subquery that reads columns of the grouped query around it", node.line)
        return query

    def bind_as(self, node: ast.Expression, target: SqlType) -> Bound:
        """Bind an expression and convert it implicitly."""
        return converted(self.bind_value(node), target)


def refuse_opaque(type_: SqlType | None, line: int) -> None:
    """Raises "not supported" for a type whose values nothing can be done with where a value stands."""
    if type_ is not None and type_.name == SQL_VARIANT:
        raise unsupported("sql_variant without CONVERT or CAST", line)


def converted(bound: Bound, target: SqlType) -> Bound:
    """The expression in another type; raises 257 or "not supported" if that takes CONVERT."""
    return through(bound, implicit_converter(bound.type, target), target)


def through(bound: Bound, change: Callable[[Any], Any], target: SqlType) -> Bound:
    """The expression, changed by a converter that turns NULL into NULL."""
    if change is same:
        return Bound(target, bound.run, bound.nullable, bound.uses)
    run = bound.run
    return Bound(target, lambda frame: change(run(frame)), bound.nullable, bound.uses)
