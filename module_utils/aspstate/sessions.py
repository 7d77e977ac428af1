"""The sessions in a session database: how many, whose, in what state."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .app_id import suffix
from .errors import NotKnown, Refused, SqlServerError
from .server import Server

_MAY_READ = """
SELECT HAS_PERMS_BY_NAME(N'dbo.ASPStateTempApplications', 'OBJECT', 'SELECT'),
       HAS_PERMS_BY_NAME(N'dbo.ASPStateTempSessions', 'OBJECT', 'SELECT')
"""

# NOLOCK: counting must not make a request wait, nor wait for one that is stuck.
_SESSIONS = """
SELECT AppId, RTRIM(AppName)
FROM dbo.ASPStateTempApplications WITH (NOLOCK)

SELECT RIGHT(SessionId, 8),
       SUM(CASE WHEN Expires >= GETUTCDATE() THEN 1 ELSE 0 END),
       SUM(CASE WHEN Expires < GETUTCDATE() THEN 1 ELSE 0 END),
       SUM(CASE WHEN Locked = 1 THEN 1 ELSE 0 END),
       SUM(CASE WHEN SessionItemLong IS NULL THEN 0 ELSE 1 END),
       SUM(ISNULL(CONVERT(bigint, DATALENGTH(SessionItemShort)), 0)
           + ISNULL(CONVERT(bigint, DATALENGTH(SessionItemLong)), 0))
FROM dbo.ASPStateTempSessions WITH (NOLOCK)
GROUP BY RIGHT(SessionId, 8)
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


@dataclass(frozen=True)
class Sessions:
    """Sessions that share the end of their key, which is their application's id.

    `application` is empty where no application of that id is recorded. live and expired are told apart by Expires
    (UTC) against the server's clock; locked and long are of both; bytes is the size of the items.
    """

    application: str
    suffix: str
    live: int
    expired: int
    locked: int
    long: int
    bytes: int


def read_sessions(server: Server, database: str) -> tuple[Sessions, ...]:
    """One entry an application, those without sessions too, by name; `database` is the one with the tables.

    Raises NotKnown where the login may not read them.
    """
    if server.run_in(database, _MAY_READ).row != (1, 1):
        raise NotKnown(
            f"whose sessions are in database {database} on {server.address} is not known: login {server.user} lacks "
            "SELECT on the session tables"
        )
    applications, counts = server.run_in(database, _SESSIONS).sets
    names = {suffix(identity): name for identity, name in applications}
    counted = {end: numbers for end, *numbers in counts}
    return tuple(
        Sessions(names.get(end, ""), end, *counted.get(end, (0, 0, 0, 0, 0)))
        for end in sorted({*names, *counted}, key=lambda end: (names.get(end, ""), end))
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
    """Sessions as plain data for a module's result."""
    return [asdict(each) for each in sessions]
