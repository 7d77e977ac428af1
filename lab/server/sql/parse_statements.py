"""Which statement begins here, and lists of statements."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from lab.server.sql import (
    ast,
    not_supported,
    parse_changes,
    parse_cursors,
    parse_definitions,
    parse_flow,
    parse_procedures,
    parse_queries,
    parse_security,
    parse_transactions,
    parse_variables,
)
from lab.server.sql.reader import Reader


def statements(reader: Reader) -> tuple[ast.Statement, ...]:
    """Take statements up to END or the end of the batch; semicolons between them are optional."""
    result: list[ast.Statement] = []
    while True:
        while reader.accept(";"):
            pass
        if reader.at("END") or not reader.token.text:
            return tuple(result)
        if result and _at_throw(reader) and reader.previous().upper != ";":
            raise reader.syntax_error()
        result.append(statement(reader))


def statement(reader: Reader) -> ast.Statement:
    """Take one statement; it then knows its `span`."""
    start = reader.token.start
    node = _statement(reader)
    last = reader.previous()
    object.__setattr__(node, "span", (start, last.start + len(last.text)))  # nobody else has seen the node yet
    return node


def _statement(reader: Reader) -> ast.Statement:
    if reader.at_label():
        return parse_flow.label(reader)
    if _at_throw(reader):
        return parse_flow.throw(reader)
    if reader.at("BEGIN") and reader.peek().upper in parse_transactions.TRANSACTION:
        return parse_transactions.begin_transaction(reader)
    take = _by_first_word().get(reader.token.upper)
    if take is not None:
        return take(reader)
    _refuse_known(reader)
    if reader.position == 0 and reader.at_name():
        return parse_procedures.call(reader, reader.token.line)
    if parse_queries.at_query_in_parentheses(reader):
        return parse_queries.select_statement(reader)
    raise reader.syntax_error()


def _at_throw(reader: Reader) -> bool:
    """THROW is not reserved: as the first word of a statement it is one, unless it is a label."""
    return reader.at("THROW") and not reader.at_label()


def _refuse_known(reader: Reader) -> None:
    """Raise "not supported" for the statements of T-SQL that the lab server has not."""
    if reader.at("ENABLE", "DISABLE") and reader.peek().upper != "TRIGGER":
        return
    reader.refuse(not_supported.STATEMENTS)
    if reader.at("WITH"):
        raise reader.unsupported(f"WITH {reader.peek().text}")


@cache
def _by_first_word() -> dict[str, Callable[[Reader], ast.Statement]]:
    """Made at the first call: some of the modules import this one."""
    return {
        "ALTER": parse_definitions.alter,
        "BEGIN": parse_flow.block,
        "BREAK": parse_flow.break_statement,
        "CLOSE": parse_cursors.close_cursor,
        "COMMIT": parse_transactions.commit,
        "CONTINUE": parse_flow.continue_statement,
        "CREATE": parse_definitions.create,
        "DEALLOCATE": parse_cursors.deallocate_cursor,
        "DECLARE": parse_variables.declare,
        "DELETE": parse_changes.delete,
        "DENY": parse_security.permission,
        "DROP": parse_definitions.drop,
        "EXEC": parse_procedures.execute,
        "EXECUTE": parse_procedures.execute,
        "FETCH": parse_cursors.fetch,
        "GOTO": parse_flow.goto,
        "GRANT": parse_security.permission,
        "IF": parse_flow.if_statement,
        "INSERT": parse_changes.insert,
        "KILL": parse_flow.kill,
        "OPEN": parse_cursors.open_cursor,
        "PRINT": parse_flow.print_statement,
        "RAISERROR": parse_flow.raise_error,
        "READTEXT": parse_flow.read_text,
        "RETURN": parse_flow.return_statement,
        "REVERT": parse_security.revert,
        "REVOKE": parse_security.permission,
        "ROLLBACK": parse_transactions.rollback,
        "SAVE": parse_transactions.save,
        "SELECT": parse_queries.select_statement,
        "SET": parse_variables.set_statement,
        "UPDATE": parse_changes.update,
        "USE": parse_definitions.use,
        "WAITFOR": parse_flow.wait_for,
        "WHILE": parse_flow.while_statement,
    }
