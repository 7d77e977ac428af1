"""The sessions in a session database: how many, whose, in what state."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from .app_id import suffix
from .errors import NotKnown, Refused, SqlServerError
from .server import Server

EXECUTION_TIMEOUT = 110
"""Seconds, ASP.NET's default for httpRuntime/@executionTimeout: the next request steals a lock that is older."""

# NOLOCK: counting must not make a request wait, nor wait for one that is stuck. tempdb is made anew at each start.
_LOOK = """
DECLARE @may_read bit = CASE
    WHEN HAS_PERMS_BY_NAME(N'dbo.ASPStateTempApplications', 'OBJECT', 'SELECT') = 1
        AND HAS_PERMS_BY_NAME(N'dbo.ASPStateTempSessions', 'OBJECT', 'SELECT') = 1 THEN 1
    ELSE 0 END
DECLARE @now datetime = GETUTCDATE()
DECLARE @started datetime = (
    SELECT DATEADD(minute, DATEDIFF(minute, GETDATE(), @now), create_date) FROM sys.databases WHERE name = N'tempdb')

SELECT @may_read, @now, @started

IF @may_read = 1
BEGIN
    SELECT AppId, RTRIM(AppName)
    FROM dbo.ASPStateTempApplications WITH (NOLOCK)

    SELECT RIGHT(SessionId, 8),
           SUM(CASE WHEN Expires >= @now THEN 1 ELSE 0 END),
           SUM(CASE WHEN Expires < @now THEN 1 ELSE 0 END),
           SUM(CASE WHEN Expires < @started THEN 1 ELSE 0 END),
           SUM(CASE WHEN Locked = 1 THEN 1 ELSE 0 END),
           SUM(CASE WHEN Locked = 1 AND LockDate < DATEADD(second, -@execution_timeout, @now) THEN 1 ELSE 0 END),
           SUM(CASE WHEN Flags & 1 = 1 THEN 1 ELSE 0 END),
           SUM(CASE WHEN SessionItemLong IS NULL THEN 0 ELSE 1 END),
           SUM(ISNULL(CONVERT(bigint, DATALENGTH(SessionItemShort)), 0)
               + ISNULL(CONVERT(bigint, DATALENGTH(SessionItemLong)), 0)),
           SUM(ISNULL(CONVERT(bigint, DATALENGTH(SessionItemLong)), 0)),
           MIN(Expires),
           MIN(CASE WHEN Locked = 1 THEN LockDate ELSE NULL END)
    FROM dbo.ASPStateTempSessions WITH (NOLOCK)
    GROUP BY RIGHT(SessionId, 8)
END
ELSE
    SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION'),
           CASE WHEN OBJECT_ID(N'dbo.ASPStateTempApplications', 'U') IS NOT NULL
                 AND OBJECT_ID(N'dbo.ASPStateTempSessions', 'U') IS NOT NULL THEN 1 ELSE 0 END
"""

# Asked before sessions may be lost: what is not committed counts too, so this waits, but not for ever.
_LIVE = """
SET LOCK_TIMEOUT 10000
IF HAS_PERMS_BY_NAME(N'dbo.ASPStateTempSessions', 'OBJECT', 'SELECT') = 1
    SELECT COUNT(*)
    FROM dbo.ASPStateTempSessions WITH (READCOMMITTEDLOCK)
    WHERE Expires >= GETUTCDATE()
ELSE
    SELECT NULL
"""

_LOCK_TIMEOUT = 1222


class NoTables(Refused):
    """The session tables are not where they should be."""


@dataclass(frozen=True)
class Sessions:
    """Sessions that share the end of their key, which is their application's id.

    `application` is empty where no application of that id is recorded. live and expired are told apart by Expires
    (UTC) against the server's clock; what follows is of both. stuck locks are older than a request may run; bytes is
    the size of the items, long_bytes that of the long ones.
    """

    application: str
    suffix: str
    live: int = 0
    expired: int = 0
    expired_before_start: int = 0
    locked: int = 0
    stuck: int = 0
    uninitialized: int = 0
    long: int = 0
    bytes: int = 0
    long_bytes: int = 0
    oldest_expires: datetime | None = None
    oldest_lock: datetime | None = None


@dataclass(frozen=True)
class Look:
    """All sessions at one moment: `now` and the start of SQL Server are the server's, in UTC."""

    now: datetime
    started: datetime
    sessions: tuple[Sessions, ...]
    recorded: frozenset[str]
    """The names of the applications in the table."""


def read_sessions(server: Server, database: str, execution_timeout: int = EXECUTION_TIMEOUT) -> Look:
    """One entry an application, those without sessions too, by name; `database` is the one with the tables.

    One round trip. Raises NotKnown where the login may not read them, NoTables where there are none.
    """
    values = {"execution_timeout": execution_timeout}
    ((may_read, now, started),), *sets = server.run_in(database, _LOOK, "@execution_timeout int", values).sets
    if not may_read:
        (((may_see, there),),) = sets
        raise _why_not(server, database, bool(may_see), bool(there))
    applications, counts = sets
    names = {suffix(identity): name for identity, name in applications}
    counted = {end: numbers for end, *numbers in counts}
    ends = sorted({*names, *counted}, key=lambda end: (names.get(end, ""), end))
    sessions = tuple(Sessions(names.get(end, ""), end, *counted.get(end, ())) for end in ends)
    return Look(now, started, sessions, frozenset(names.values()))


def _why_not(server: Server, database: str, may_see: bool, there: bool) -> Refused:
    if may_see and not there:
        return NoTables(
            f"database {database} on {server.address} has no session tables, or one only; install what is missing with "
            "playbooks/site.yml; if session state is of another type, set aspstate_type to it"
        )
    return NotKnown(
        f"whose sessions are in database {database} on {server.address} is not known: login {server.user} lacks "
        "SELECT on the session tables"
    )


def live_sessions(server: Server, database: str) -> int:
    """How many sessions have not expired, by the server's clock.

    Raises Refused where an open transaction hides it, NotKnown where the login may not read them.
    """
    try:
        (live,) = server.run_in(database, _LIVE).row
    except SqlServerError as error:
        if error.error.number != _LOCK_TIMEOUT:
            raise
        raise Refused(
            f"how many sessions in database {database} are live is not known: somebody has them locked in an open "
            "transaction; nothing was changed; stop the web applications that use it and run again"
        ) from None
    if live is None:
        raise NotKnown(
            f"how many sessions in database {database} are live is not known: login {server.user} on {server.address} "
            "lacks SELECT on dbo.ASPStateTempSessions, which this needs; nothing was changed; grant that, or use "
            "another login"
        )
    return live


def session_facts(sessions: tuple[Sessions, ...]) -> list[dict[str, object]]:
    """Sessions as plain data for a module's result: the counts."""
    times = ("oldest_expires", "oldest_lock")
    return [{name: value for name, value in asdict(each).items() if name not in times} for each in sessions]
