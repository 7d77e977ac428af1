"""Rows of the catalog views about the server: databases, sessions, connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.server.engine import visibility
from lab.server.engine.database import Database
from lab.server.engine.permissions import may
from lab.server.engine.securables import THE_SERVER
from lab.server.errors import SqlError

Rows = Iterator[tuple[Any, ...]]


def databases(session: Any, database: Database) -> Rows:
    """sys.databases."""
    for one in visibility.databases(session):
        owner = one.security.owner_sid
        yield (one.name, one.database_id, one.created, one.collation, 0, "ONLINE", "MULTI_USER", 0, owner)


def sessions(session: Any, database: Database) -> Rows:
    """sys.dm_exec_sessions: all of them are users'; without VIEW SERVER STATE one's own."""
    for one in session.engine.sessions if may(session, "VIEW SERVER STATE", THE_SERVER) else [session]:
        login = one.login
        yield (
            one.spid,
            one.login_time,
            login.host_name,
            login.program_name,
            login.host_process_id,
            one.login_name,
            one.login_name,
            "running" if one.running else "sleeping",
            one.current.database_id,
            1,
            one.transaction_count,
            one.last_request,
        )


def connections(session: Any, database: Database) -> Rows:
    """sys.dm_exec_connections: TCP on loopback, without encryption; raises 300."""
    if not may(session, "VIEW SERVER STATE", THE_SERVER):
        text = "VIEW SERVER STATE permission was denied on object 'server', database 'master'."
        raise SqlError(300, text, severity=14)
    for one in session.engine.sessions:
        yield (one.spid, "TCP", "FALSE", "127.0.0.1")
