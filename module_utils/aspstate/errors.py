"""The errors that reach a user: each message says what failed, where, why and what to do.

Where an error passes through a larger undertaking, that adds a note (BaseException.add_note); `explain` joins them.
"""

from __future__ import annotations

from dataclasses import dataclass


class AspstateError(Exception):
    """Anything the operator is told."""


class Refused(AspstateError):
    """The input, or what was found on the server, does not allow it. Nothing was changed."""


class NotKnown(Refused):
    """The login may not see what was asked; to take that for "nothing" would be wrong."""


class CannotConnect(AspstateError):
    """The server could not be reached, or did not let the login in. Nothing was changed."""


class ConnectionLost(AspstateError):
    """The connection ended in the middle. What had been committed until then stays."""


@dataclass(frozen=True)
class SqlError:
    """One error of SQL Server's. `procedure` is empty and `line` counts in the batch where no procedure raised it;
    `number` is 0 where the driver does not tell it.
    """

    number: int
    severity: int
    state: int
    procedure: str
    line: int
    text: str

    def __str__(self) -> str:
        where = f"{self.procedure} line {self.line}" if self.procedure else f"line {self.line}"
        number = self.number or "without a number"
        return f"error {number} (severity {self.severity}, state {self.state}, {where}): {self.text}"


class SqlServerError(AspstateError):
    """SQL Server refused a statement; `error` is what it said."""

    def __init__(self, server: str, error: SqlError) -> None:
        self.error = error
        super().__init__(f"{server} answered {error}")


def explain(error: AspstateError) -> str:
    """The whole message: the error and then its notes, outermost last."""
    return "; ".join([str(error), *getattr(error, "__notes__", ())])
