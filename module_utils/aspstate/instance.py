"""What the instance says of itself, of one database and of who is in it; asked from master."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .errors import Refused
from .server import Server

_INSTANCE = """
SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')),
       CONVERT(nvarchar(128), SERVERPROPERTY('Edition')),
       CONVERT(nvarchar(128), SERVERPROPERTY('ServerName'))
"""

# A login without VIEW ANY DATABASE is told that a database does not exist, and one without VIEW SERVER STATE that
# nobody else is connected: both rights are asked for together with what depends on them.
_DATABASE = """
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DATABASE'),
       HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')

SELECT name, state_desc, HAS_DBACCESS(name)
FROM sys.databases
WHERE name = %(database)s

SELECT host_name, program_name, login_name, COUNT(*)
FROM sys.dm_exec_sessions
WHERE database_id = DB_ID(%(database)s) AND session_id <> @@SPID AND is_user_process = 1
GROUP BY host_name, program_name, login_name
ORDER BY host_name, program_name, login_name
"""


@dataclass(frozen=True)
class Holder:
    """Connections that are in a database, from one program on one host as one login."""

    host: str
    program: str
    login: str
    connections: int

    def __str__(self) -> str:
        many = "" if self.connections == 1 else f" ({self.connections} connections)"
        return f"{self.host or 'unknown host'}, {self.program or 'unknown program'}, as {self.login}{many}"


@dataclass(frozen=True)
class Presence:
    """Whether a database is there, and who is in it; `holders` is None where the login may not see that."""

    exists: bool
    holders: tuple[Holder, ...] | None


def read_instance(server: Server) -> dict[str, str]:
    """product_version, edition and server_name of the instance."""
    return dict(zip(("product_version", "edition", "server_name"), server.run(_INSTANCE).row, strict=True))


def read_presence(server: Server, database: str) -> Presence:
    """Raises Refused where the login may not see the answer, or where the database is there but cannot be used."""
    rights, states, holders = server.run(_DATABASE, {"database": database}).sets
    ((may_see_databases, may_see_sessions),) = rights
    if not states and not may_see_databases:
        raise Refused(
            f"whether {server.address} has a database {database} is not known: login {server.user} lacks VIEW ANY "
            "DATABASE; grant it, or use another login"
        )
    for stored, state, accessible in states:
        _must_be_meant(server, database, stored)
        _must_be_usable(server, database, state, accessible)
    return Presence(
        exists=bool(states),
        holders=tuple(Holder(*holder) for holder in holders) if may_see_sessions else None,
    )


def _must_be_meant(server: Server, given: str, stored: str) -> None:
    """Older collations give no weight to some characters: to them `ASPState` and that with an emoji are one name."""
    if given.casefold() != stored.casefold():
        raise Refused(
            f"{server.address} takes the name {given!r} for its database {stored!r}, since its collation does not tell "
            "them apart; nothing was touched; give another name in aspstate_database_name"
        )


def _must_be_usable(server: Server, database: str, state: str, accessible: int) -> None:
    if state != "ONLINE":
        raise Refused(f"database {database} on {server.address} is {state}; bring it online first")
    if not accessible:
        raise Refused(
            f"login {server.user} may not enter database {database} on {server.address}; "
            "map it to a user there, or use another login"
        )


def holder_facts(holders: tuple[Holder, ...] | None) -> list[dict[str, object]] | None:
    """Holders as plain data for a module's result."""
    return None if holders is None else [asdict(holder) for holder in holders]
