"""Running the T-SQL of one step, and what its history says of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lab.server.engine import impersonation
from lab.server.engine.database_use import refusal
from lab.server.engine.options import Options
from lab.server.engine.windows_accounts import AGENT_ACCOUNT
from lab.server.errors import SqlError
from lab.server.types import SqlType

FAILED, SUCCEEDED, CANCELLED = 0, 1, 3
"""run_status."""

LONGEST_MESSAGE = 4000

CONNECTION_OPTIONS = Options(quoted_identifier=False, textsize=1024)
"""Of the Agent's connections: "x" is a string unless the step says otherwise."""

_STATES = {FAILED: "The step failed.", SUCCEEDED: "The step succeeded."}
_STOPPED = "The step was cancelled (stopped) as the result of a stop job request."
_CHANGED_DATABASE = 5701


@dataclass
class StepLog:
    """Implements `interface.Client`: keeps what a step says; an error ends it."""

    parts: list[str] = field(default_factory=list)
    error_: SqlError | None = None
    session: Any = None

    def columns(self, columns: Sequence[Any]) -> None:
        """The Agent reads no rows."""

    def row(self, values: Sequence[Any]) -> None:
        """The Agent reads no rows."""

    def done(self, rows: int | None, *, select: bool = False) -> None:
        """Nobody counts."""

    def message(self, number: int, severity: int, state: int, text: str, procedure: str = "", line: int = 0) -> None:
        """PRINT and its like."""
        if number != _CHANGED_DATABASE:
            self.parts.append(f"{text} [SQLSTATE 01000] (Message {number})")

    def error(self, error: SqlError) -> None:
        """Nothing more of the step runs."""
        self.parts.append(f"{error.text} [SQLSTATE 42000] (Error {error.number})")
        self.error_ = error
        if self.session is not None:
            self.session.cancel()

    def database_changed(self, new: str, old: str) -> None:
        """Nobody is told."""

    def return_status(self, status: int) -> None:
        """Nobody is told."""

    def return_value(self, ordinal: int, name: str, type_: SqlType, value: Any) -> None:
        """There are no parameters."""


@dataclass(frozen=True)
class Outcome:
    """How a step ended; `number` and `severity` are of its error, or 0."""

    status: int
    message: str
    number: int = 0
    severity: int = 0


def run_step(
    engine: Any, command: str, database: str, owner: Any, program: str, tell: Callable[[Any], bool]
) -> Outcome:
    """Run a command in a database as its owner, or (None) as the Agent's own account.

    `tell` gets the session that runs it, None afterwards; it says whether the job was stopped.
    """
    log, stopped = StepLog(), False
    try:
        with engine.turn.taken():
            session = _connect(engine, database, owner, program)
        log.session = session
        try:
            if not tell(session):
                session.batch(command, log)
        finally:
            stopped = tell(None)
            session.close()
    except SqlError as error:  # it could not begin
        log.error(error)
    return _outcome(log, AGENT_ACCOUNT if owner is None else owner.name, stopped)


def _connect(engine: Any, database: str, owner: Any, program: str) -> Any:
    """A session in the database; raises 4060 and 916."""
    found = engine.find_database(database)
    if found is None or refusal(engine, found, AGENT_ACCOUNT):
        text = f'Cannot open database "{database}" requested by the login. The login failed.'
        raise SqlError(4060, text, severity=11)
    session = engine.agent_session(found, program)
    session.options = replace(CONNECTION_OPTIONS)
    if owner is not None:
        try:
            impersonation.become(session, owner)
        except SqlError:
            engine.sessions.remove(session)
            raise
        session.context_base = len(session.contexts)  # no REVERT of the step may undo it
    return session


def _outcome(log: StepLog, user: str, stopped: bool) -> Outcome:
    said = f"Executed as user: {user}. "
    if log.parts:
        said += "  ".join(log.parts) + ".  "
    if log.error_ is not None:
        text = said + _STATES[FAILED]
        return Outcome(FAILED, text[:LONGEST_MESSAGE], log.error_.number, log.error_.severity)
    if stopped:
        return Outcome(CANCELLED, (said + _STOPPED)[:LONGEST_MESSAGE])
    return Outcome(SUCCEEDED, (said + _STATES[SUCCEEDED])[:LONGEST_MESSAGE])
