"""The one exception the lab server raises for anything that a client is told."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import Enum

UNSUPPORTED = 59999
"""Number of every "not supported by the lab server" error: SQL Server has no such message."""

INTERNAL_ERROR = 59998
"""Number of the error that tells a client of a mistake in the lab server itself."""

log = logging.getLogger(__name__)


class Reach(Enum):
    """How much an error ends, outside TRY (SQL Server's error classes)."""

    STATEMENT = "statement"
    RAISED = "raised"
    """RAISERROR: ends nothing, not even under XACT_ABORT."""
    SCOPE = "scope"
    BATCH = "batch"
    THROWN = "thrown"
    """THROW: ends the batch, but leaves its transaction alone."""
    PARSE = "parse"
    CONNECTION = "connection"


@dataclass
class SqlError(Exception):
    """An error as a client sees it; procedure and line are filled in where it passes a statement."""

    number: int
    text: str
    severity: int = 16
    state: int = 1
    reach: Reach = Reach.STATEMENT
    procedure: str = ""
    line: int = 0
    located: bool = False
    """Whether procedure and line are settled; callers further out then leave them alone."""
    before: SqlError | None = None
    """An error that the client is told before this one; a CATCH sees only this one."""

    @property
    def is_unsupported(self) -> bool:
        """Whether it says that the lab server does not know something, which no CATCH may hide."""
        return self.number == UNSUPPORTED

    def __str__(self) -> str:
        return f"{self.number}: {self.text}"


def unsupported(what: str, line: int = 0) -> SqlError:
    """The error for a statement, option, function or column that the lab server does not know; quotes it.

    It ends the batch, and no statement of the batch has run when the parser raises it.
    """
    return SqlError(UNSUPPORTED, f"{what!r} is not supported by the lab server", reach=Reach.PARSE, line=line)


def as_statement(error: SqlError) -> SqlError:
    """What is wrong in a text that is executed ends the statement that executes it, not the batch."""
    error.located = True
    if error.reach is Reach.PARSE and not error.is_unsupported:
        error.reach = Reach.STATEMENT
    return error


def as_sql_error(problem: Exception) -> SqlError:
    """The error itself, 8631 if Python's stack was too short, else one of the lab server's own; that is logged."""
    if isinstance(problem, SqlError):
        return problem
    if isinstance(problem, RecursionError):
        text = (
            "Internal error: Server stack limit has been reached. Please look for potentially deep nesting in your"
            " query, and try to simplify it."
        )
        return SqlError(8631, text, severity=17, reach=Reach.BATCH)
    log.error("the lab server failed", exc_info=problem)
    return SqlError(INTERNAL_ERROR, f"the lab server failed: {type(problem).__name__}: {problem}")
