"""The parser's two entrances: the text of a batch, and the parameters of sp_executesql."""

from __future__ import annotations

from collections.abc import Iterable

from lab.server.sql import ast, parse_procedures, parse_statements
from lab.server.sql.hidden_passwords import hidden_passwords
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader
from lab.server.sql.scope import parse_error


def parse(text: str, quoted_identifier: bool = True, declared: Iterable[str] = ()) -> ast.Batch:
    """The statements of a batch.

    `quoted_identifier` says whether "x" is a name (ON) or a string. `declared` are variables that exist already: the
    parameters of sp_executesql. Raises SqlError for what is wrong anywhere in the batch; then none of it may run.
    """
    with hidden_passwords(text):
        return _parse(text, quoted_identifier, declared)


def _parse(text: str, quoted_identifier: bool, declared: Iterable[str]) -> ast.Batch:
    reader = Reader(text, quoted_identifier)
    reader.scope.declare(declared, 1)
    try:
        found = parse_statements.statements(reader)
    except RecursionError:
        nested = "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into smaller"
        raise parse_error(191, f"{nested} queries.", reader.token.line) from None
    if reader.token.kind is not Kind.END:
        raise reader.syntax_error()
    if reader.scope.is_procedure:
        return ast.Batch(found)
    reader.scope.check_gotos()
    return ast.Batch(found, tuple(reader.scope.variables))


def parse_parameters(text: str) -> tuple[ast.Parameter, ...]:
    """The parameters that sp_executesql's second argument declares; blank text declares none."""
    reader = Reader(text, quoted_identifier=True)
    if reader.token.kind is Kind.END:
        return ()
    parameters = parse_procedures.parameter_list(reader)
    if reader.token.kind is not Kind.END:
        raise reader.syntax_error()
    return parameters
