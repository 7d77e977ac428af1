"""What the instance says of itself, of one database and of who is in it; asked from master."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .errors import NotKnown, Refused
from .server import Server

_INSTANCE = """
SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ProductVersion')),
       CONVERT(nvarchar(128), SERVERPROPERTY('Edition')),
       CONVERT(nvarchar(128), SERVERPROPERTY('ServerName')),
       CONVERT(int, SERVERPROPERTY('EngineEdition'))
"""

# A login without VIEW ANY DATABASE is told that a database does not exist, and one without VIEW SERVER STATE that
# nobody else is connected: both rights are asked for together with what depends on them.
_DATABASE = """
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DATABASE'),
       HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')

SELECT name, state_desc, user_access_desc, HAS_DBACCESS(name)
FROM sys.databases
WHERE name = %(database)s
"""

# A session of several result sets (MARS) has several rows in dm_exec_connections, which differ in the port alone.
_HOLDERS = """
IF HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE') = 1
    SELECT DISTINCT s.session_id, s.host_name, c.client_net_address, s.program_name, s.login_name
    FROM sys.dm_exec_sessions AS s
    LEFT JOIN sys.dm_exec_connections AS c ON c.session_id = s.session_id
    WHERE s.database_id = DB_ID(%(database)s) AND s.session_id <> @@SPID AND s.is_user_process = 1
    ORDER BY s.host_name, c.client_net_address, s.program_name, s.login_name
"""

OLDEST = 11
"""Major version of the oldest SQL Server that is supported: 2012."""

# https://learn.microsoft.com/sql/t-sql/functions/serverproperty-transact-sql, EngineEdition
_NOT_SQL_SERVER = {
    5: "Azure SQL Database",
    6: "Azure Synapse Analytics",
    9: "Azure SQL Edge",
    11: "an Azure Synapse serverless SQL pool",
    12: "SQL database in Microsoft Fabric",
}


@dataclass(frozen=True)
class Holder:
    """Connections that are in a database, from one program on one host as one login.

    `host` is the name that the client gave, `address` the one that SQL Server saw it at; either may be None.
    """

    host: str | None
    address: str | None
    program: str | None
    login: str
    connections: int

    def __str__(self) -> str:
        many = "" if self.connections == 1 else f" ({self.connections} connections)"
        where = " at ".join(name for name in (self.host, self.address) if name) or "unknown host"
        return f"{where}, {self.program or 'unknown program'}, as {self.login}{many}"

    def is_one_of(self, clients: Iterable[str]) -> bool:
        """Whether `clients`, names and addresses in any case, have it."""
        known_as = {name.casefold() for name in (self.host, self.address) if name}
        return not known_as.isdisjoint(map(str.casefold, clients))


@dataclass(frozen=True)
class Presence:
    """Whether a database is there, who may enter it, and who is in it.

    `holders` is None where the login may not see that; `user_access` is MULTI_USER, RESTRICTED_USER or SINGLE_USER;
    `closed` says why it cannot be entered. `instance` is what `read_instance` answers.
    """

    exists: bool
    holders: tuple[Holder, ...] | None
    user_access: str = "MULTI_USER"
    closed: str = ""
    instance: Mapping[str, object] = field(default_factory=dict, compare=False)


def read_instance(server: Server) -> dict[str, object]:
    """product_version, edition, server_name and engine_edition of the instance."""
    return _instance(server.run(_INSTANCE).row)


def _instance(row: tuple[object, ...]) -> dict[str, object]:
    names = ("product_version", "edition", "server_name", "engine_edition")
    return dict(zip(names, row, strict=True))


def _judge(server: Server, version: str, edition: int) -> None:
    """Raises Refused for a server that is too old, or not SQL Server."""
    if edition in _NOT_SQL_SERVER:
        raise Refused(
            f"{server.address} is {_NOT_SQL_SERVER[edition]}: it has no SQL Server Agent to expire sessions, and "
            "databases there cannot be left or entered as session state needs; use an instance of SQL Server"
        )
    if int(version.partition(".")[0]) < OLDEST:
        raise Refused(
            f"{server.address} is SQL Server {version}; the oldest that is supported is {OLDEST}.0, SQL Server 2012"
        )


def read_presence(server: Server, database: str, *, look_for_holders: bool = True) -> Presence:
    """Raises Refused for a server that is not supported, NotKnown where the login may not see the answer."""
    (row,), rights, states = server.run(_INSTANCE + _DATABASE, {"database": database}).sets
    version, _, _, edition = row
    _judge(server, version, edition)
    ((may_see_databases, may_see_sessions),) = rights
    if not states and not may_see_databases:
        raise NotKnown(
            f"whether {server.address} has a database {database} is not known: login {server.user} lacks VIEW ANY "
            "DATABASE; grant it, or use another login"
        )
    holders = tuple(read_holders(server, database)) if may_see_sessions and look_for_holders else None
    if not states:
        return Presence(exists=False, holders=holders, instance=_instance(row))
    ((stored, state, access, may_enter),) = states
    _must_be_meant(server, database, stored)
    closed = _why_closed(server, database, state, access, holders) if state != "ONLINE" or not may_enter else ""
    return Presence(True, holders, access, closed, _instance(row))


def read_holders(server: Server, database: str) -> dict[Holder, list[int]]:
    """Who else is in a database, and their session ids. Without VIEW SERVER STATE it finds nobody."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for rows in server.run(_HOLDERS, {"database": database}).sets:
        for session, *who in rows:
            found.setdefault(tuple(who), []).append(session)
    return {Holder(*who, len(sessions)): sessions for who, sessions in found.items()}


def _must_be_meant(server: Server, given: str, stored: str) -> None:
    """Older collations give no weight to some characters: to them `ASPState` and that with an emoji are one name."""
    if given.casefold() != stored.casefold():
        raise Refused(
            f"{server.address} takes the name {given!r} for its database {stored!r}, since its collation does not tell "
            "them apart; nothing was touched; give another name in aspstate_database_name"
        )


def _why_closed(server: Server, database: str, state: str, access: str, holders: tuple[Holder, ...] | None) -> str:
    where = f"database {database} on {server.address}"
    if state != "ONLINE":
        return f"{where} is {state}; bring it online first"
    if access == "SINGLE_USER":
        who = "; ".join(map(str, holders)) if holders else "somebody"
        return f"{where} is in SINGLE_USER mode, and {who} is in it; wait until they have left, or end their session"
    return f"login {server.user} may not enter {where}; map it to a user there, or use another login"


def holder_facts(holders: tuple[Holder, ...] | None) -> list[dict[str, object]] | None:
    """Holders as plain data for a module's result."""
    return None if holders is None else [asdict(holder) for holder in holders]
