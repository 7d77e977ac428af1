"""ALTER DATABASE ... SET of who may be in a database: SINGLE_USER and its like, OFFLINE and ONLINE."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lab.server.engine.database import Database
from lab.server.engine.database_settings import SINGLE_USER, Settings
from lab.server.engine.database_use import in_the_way, users
from lab.server.errors import SqlError, unsupported

ROLLED_BACK = 5060
POLL_SECONDS = 0.01


def failed(reason: SqlError) -> SqlError:
    """5069, after the error that says why."""
    return SqlError(5069, "ALTER DATABASE statement failed.", before=reason)


def no_such_database(name: str) -> SqlError:
    """5011 and 5069."""
    text = (
        f"User does not have permission to alter database '{name}', the database does not exist, or the database is not"
        " in a state that allows access checks."
    )
    return failed(SqlError(5011, text, severity=14, state=5))


def refuse_state(session: Any, database: Database, option: str) -> None:
    """Raises 5052 if a database is offline, 5064 if somebody else has its one place in SINGLE_USER."""
    if not database.settings.online and option not in ("OFFLINE", "ONLINE"):
        raise failed(SqlError(5052, "ALTER DATABASE is not permitted while a database is in the Offline state."))
    single = database.settings.user_access == SINGLE_USER
    if single and not session.is_in(database) and users(session.engine, database):
        text = (
            f"Changes to the state or options of database '{database.name}' cannot be made at this time. The database"
            " is in single-user mode, and a user is currently connected to it."
        )
        raise failed(SqlError(5064, text))


def change_access(
    session: Any, database: Database, settings: Settings, termination: str, keep: Callable[[], None]
) -> None:
    """Give a database other settings once nobody is in the way; `keep` does that, durably.

    Raises 1222 and 5070, each with 5069.
    """
    if not settings.online and session.is_in(database):
        raise unsupported("SET OFFLINE of the database that the session is in")
    old = database.settings
    try:
        if termination == "ROLLBACK IMMEDIATE":
            database.settings = settings  # at once, so that nobody comes in the place of those who have to leave
            _end(session, in_the_way(session, database, settings))
        _wait(session, database, settings, termination)
        if session.engine.find_database(database.name) is not database:
            raise no_such_database(database.name)
        keep()
    except BaseException:
        if database.settings is settings:
            database.settings = old
        raise


def _end(session: Any, others: list[Any]) -> None:
    for one in others:
        one.end()
    if others:
        text = "Nonqualified transactions are being rolled back. Estimated rollback completion: 100%."
        session.client.message(ROLLED_BACK, 0, 1, text)


def _wait(session: Any, database: Database, settings: Settings, termination: str) -> None:
    deadline = None
    if not termination and session.lock_timeout is not None:
        deadline = time.monotonic() + session.lock_timeout
    while in_the_way(session, database, settings):
        if termination == "NO_WAIT":
            text = f"Database state cannot be changed while other users are using the database '{database.name}'"
            raise failed(SqlError(5070, text, state=2))
        if deadline is not None and time.monotonic() >= deadline:
            raise failed(SqlError(1222, "Lock request time out period exceeded.", state=45))
        session.sleep(POLL_SECONDS)
