"""ALTER DATABASE ... SET of who may be in a database: SINGLE_USER and its like, OFFLINE and ONLINE."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from lab.server.engine.database import Database
from lab.server.engine.database_settings import SINGLE_USER, Settings
from lab.server.engine.database_use import in_the_way, users
from lab.server.engine.recovery import settings_step
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


def keep_settings(session: Any, database: Database, settings: Settings) -> None:
    """Give a database other settings, durably."""
    old, database.settings = database.settings, settings
    try:
        session.engine.write([settings_step(database)])
    except BaseException:
        database.settings = old
        raise
    session.engine.schema_version += 1


def change_access(session: Any, database: Database, attribute: str, value: Any, termination: str) -> None:
    """Wait until nobody is in the way of another setting of who may be in a database, which the caller then keeps.

    The other settings may change meanwhile. Raises 1222 and 5070, each with 5069.
    """
    if attribute == "online" and not value and session.is_in(database):
        raise unsupported("SET OFFLINE of the database that the session is in")
    old = database.settings
    wanted = replace(old, **{attribute: value})
    try:
        if termination == "ROLLBACK IMMEDIATE":
            database.settings = wanted  # at once, so that nobody comes in the place of those who have to leave
            _end(session, in_the_way(session, database, wanted))
        _wait(session, database, wanted, termination)
        if session.engine.find_database(database.name) is not database:
            raise no_such_database(database.name)
    except BaseException:
        if termination == "ROLLBACK IMMEDIATE":
            _take_back(session, database, attribute, old, wanted)
        raise


def _take_back(session: Any, database: Database, attribute: str, old: Settings, wanted: Settings) -> None:
    """Undo a setting that was in force for the time of the wait only."""
    now = database.settings
    if now is wanted:
        database.settings = old
    elif getattr(now, attribute) == getattr(wanted, attribute):  # it was kept together with one that others changed
        keep_settings(session, database, replace(now, **{attribute: getattr(old, attribute)}))


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
    while others := in_the_way(session, database, settings):
        if termination == "NO_WAIT":
            text = f"Database state cannot be changed while other users are using the database '{database.name}'"
            raise failed(SqlError(5070, text, state=2))
        if deadline is not None and time.monotonic() >= deadline:
            raise failed(SqlError(1222, "Lock request time out period exceeded.", state=45))
        if termination == "ROLLBACK IMMEDIATE":
            for one in others:  # also who came into the database, in the middle of a statement, after it began
                one.end()
        session.sleep(POLL_SECONDS)
