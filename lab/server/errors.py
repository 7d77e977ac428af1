"""The one exception the lab server raises for anything that a client is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

UNSUPPORTED = 59999
"""Number of every "not supported by the lab server" error: SQL Server has no such message."""


class Reach(Enum):
    """How much an error ends, outside TRY (SQL Server's error classes)."""

    STATEMENT = "statement"
    SCOPE = "scope"
    BATCH = "batch"
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

    def __str__(self) -> str:
        return f"{self.number}: {self.text}"


def unsupported(what: str, line: int = 0) -> SqlError:
    """The error for a statement, option, function or column that the lab server does not know; quotes it.

    It ends the batch, and no statement of the batch has run when the parser raises it.
    """
    return SqlError(UNSUPPORTED, f"{what!r} is not supported by the lab server", reach=Reach.PARSE, line=line)
