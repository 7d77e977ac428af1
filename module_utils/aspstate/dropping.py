"""Dropping a database that may be in use: everybody is sent out, or named, and on giving up let in again.

https://learn.microsoft.com/sql/relational-databases/databases/set-a-database-to-single-user-mode
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from .database import Database
from .errors import Refused, SqlServerError
from .instance import Holder, read_holders
from .plan import Step, run_step
from .rights import Right
from .server import Server

# Enters the database, so that the one place of SINGLE_USER is its own, counts again now that nobody can store a
# session, leaves, and drops. sp_executesql ends the USE; an error in it leaves @live NULL and drops nothing.
_DROP = """
DECLARE @name nvarchar(260) = QUOTENAME(%(database)s), @live int, @statement nvarchar(max)
SET @statement = N'USE ' + @name + N'
ALTER DATABASE ' + @name + N' SET SINGLE_USER WITH ' + %(termination)s + N'
IF (SELECT user_access_desc FROM sys.databases WHERE database_id = DB_ID()) = N''SINGLE_USER''
    ' + %(count)s
EXEC sp_executesql @statement, N'@live int OUTPUT', @live = @live OUTPUT
IF @live > 0
    RAISERROR(N'sessions were stored since they were counted', 16, 1)
IF @live = 0
BEGIN
    SET @statement = N'DROP DATABASE ' + @name
    EXEC (@statement)
END
"""
# One expression, so that @live stays NULL where any count fails.
_COUNT = "(SELECT COUNT(*) FROM {}.ASPStateTempSessions WHERE Expires >= GETUTCDATE())"

_KILL = "DECLARE @kill nvarchar(20) = N'KILL ' + CONVERT(nvarchar(10), %(session)s) EXEC (@kill)"
_LET_IN = """
IF EXISTS (SELECT 1 FROM sys.databases WHERE name = %(database)s AND user_access_desc = N'SINGLE_USER')
BEGIN
    DECLARE @set nvarchar(400) = N'ALTER DATABASE ' + QUOTENAME(%(database)s) + N' SET MULTI_USER'
    EXEC (@set)
END
"""

RAISED = 50000
"""The error of RAISERROR with a text, which says that sessions were stored since they were counted."""

_NOT_ACTIVE = 6106
# in use; one user at a time; no lock on the database; single user and taken; state cannot change; chosen as victim
_IN_USE = (3702, 924, 5061, 5064, 5070, 1205)

_JOB_STEP = "SQLAgent - TSQL JobStep"
"""How the program of a connection of SQL Server Agent's begins."""

JOB_STEP_SECONDS = 15
"""How long a step of a job is waited for that is in a database."""

ATTEMPTS = 5
"""How often a database is tried to be dropped, with terminate_connections, against clients that come back."""
_LET_IN_ATTEMPTS = 25  # more: a database that is left in SINGLE_USER mode keeps everybody out but one


def unexpected(holders: tuple[Holder, ...] | None, clients: Iterable[str] = ()) -> tuple[Holder, ...]:
    """Those of the holders that are none of these clients."""
    return tuple(holder for holder in holders or () if not holder.is_one_of(clients))


def wait_for_job_steps(
    server: Server, database: str, holders: tuple[Holder, ...] | None, clients: Iterable[str] = ()
) -> tuple[Holder, ...] | None:
    """Who is in a database, once nobody but `clients` is: a job that deletes expired sessions comes every minute."""
    deadline = time.monotonic() + JOB_STEP_SECONDS
    while _only_job_steps(unexpected(holders, clients)) and time.monotonic() < deadline:
        time.sleep(0.2)
        holders = tuple(read_holders(server, database))
    return holders


def _only_job_steps(holders: tuple[Holder, ...]) -> bool:
    return bool(holders) and all((holder.program or "").startswith(_JOB_STEP) for holder in holders)


def wait_for_clients(server: Server, database: str, clients: Iterable[str], seconds: int) -> None:
    """Give the connections of `clients` so much time to leave a database."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(holder.is_one_of(clients) for holder in read_holders(server, database)):
            return
        time.sleep(0.2)


def drop_database_step(current: Database, terminate: bool, count: bool) -> Step:
    """For run_drop: drop the database, with `terminate` whoever is in it, with `count` only without a live session."""
    places = {"dbo": current.contents.tables, "tempdb.dbo": current.outside.tables}
    counts = [_COUNT.format(place) for place, tables in places.items() if count and "ASPStateTempSessions" in tables]
    values = {
        "database": current.name,
        "termination": "ROLLBACK IMMEDIATE" if terminate else "NO_WAIT",
        "count": f"SET @live = {' + '.join(counts) or '0'}",
    }
    rights: tuple[Right, ...] = (Right("CONTROL", "DATABASE", database=current.name),)
    if terminate:
        rights += (Right("VIEW SERVER STATE"), Right("ALTER ANY CONNECTION"))
    return Step(f"drop database {current.name}", _DROP, values, rights=rights)


def run_drop(server: Server, step: Step, terminate: bool) -> None:
    """Run a step of drop_database_step; with `terminate` against clients that come back, a bounded number of times.

    Raises Refused where somebody is in it still, or has stored a session; everybody may enter it again then.
    """
    database = step.values["database"]
    for attempt in range(1, ATTEMPTS + 1):
        try:
            run_step(server, step)
            return
        except SqlServerError as error:
            number, last = error.error.number, attempt == ATTEMPTS
            if number in _IN_USE and terminate and not last:
                _end_connections(server, database)
                continue
            in_the_way = _let_in(server, database, terminate)
            if number in _IN_USE and _only_job_steps(in_the_way) and not last:
                wait_for_job_steps(server, database, in_the_way)
                continue
            if number in _IN_USE:
                raise _still_in_use(server, database, in_the_way, terminate) from None
            raise stored_meanwhile(database) if number == RAISED else error from None


def _end_connections(server: Server, database: str) -> None:
    for sessions in read_holders(server, database).values():
        for session in sessions:
            try:
                server.run(_KILL, {"session": session})
            except SqlServerError as error:
                if error.error.number != _NOT_ACTIVE:
                    raise


def _let_in(server: Server, database: str, terminate: bool) -> tuple[Holder, ...]:
    """Let everybody in again, after a removal that came to nothing; returns who was in the way."""
    in_the_way = tuple(read_holders(server, database))
    for attempt in range(1, _LET_IN_ATTEMPTS + 1):
        try:
            server.run(_LET_IN, {"database": database})
            return in_the_way
        except SqlServerError as error:
            if error.error.number not in _IN_USE or attempt == _LET_IN_ATTEMPTS:
                error.add_note(
                    f"database {database} is left in SINGLE_USER mode; when {name_all(in_the_way)} has left it, run "
                    f"ALTER DATABASE [{database}] SET MULTI_USER, or run this again"
                )
                raise
        in_the_way = tuple(read_holders(server, database)) or in_the_way
        if terminate:
            _end_connections(server, database)
        else:
            time.sleep(0.2)
    return in_the_way


def let_in_step(database: str) -> Step:
    """Let everybody in again, after a removal that was cut off and is not to be completed."""
    rights = (Right("ALTER", "DATABASE", database=database),)
    return Step(f"let everybody into database {database} again", _LET_IN, {"database": database}, rights=rights)


def is_drop(step: Step) -> bool:
    """Whether it is a step of drop_database_step."""
    return step.statement == _DROP


def name_all(holders: tuple[Holder, ...]) -> str:
    """Holders in one sentence."""
    return "; ".join(map(str, holders)) or "whoever is in it"


def _still_in_use(server: Server, database: str, holders: tuple[Holder, ...], terminate: bool) -> Refused:
    """A message that names who is in the database, as far as the login may see that."""
    if not holders:
        who = f"by whom is not known: login {server.user} lacks VIEW SERVER STATE, or they have left by now"
    else:
        who = f"connected are: {name_all(holders)}"
    tried = f" after {ATTEMPTS} attempts to end their connections" if terminate else ""
    return Refused(
        f"database {database} is in use and could not be dropped{tried}; {who}; nothing was changed, and everybody may "
        "enter it again; stop the web applications that use it and run again"
    )


def stored_meanwhile(database: str) -> Refused:
    """What to say of RAISED."""
    return Refused(
        f"sessions were stored in database {database} since they were counted, and were kept; stop the "
        "web applications that use it and run again, or set discard_live_sessions "
        "(aspstate_database_discard_live_sessions) to true"
    )
