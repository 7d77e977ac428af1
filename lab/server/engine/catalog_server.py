"""Rows of the catalog views about the server: databases, sessions, connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.server.engine.database import Database

Rows = Iterator[tuple[Any, ...]]


def databases(session: Any, database: Database) -> Rows:
    """sys.databases."""
    for one in session.engine.databases:
        yield (one.name, one.database_id, one.created, one.collation, 0, "ONLINE", "MULTI_USER", 0)


def sessions(session: Any, database: Database) -> Rows:
    """sys.dm_exec_sessions: all of them are users'."""
    for one in session.engine.sessions:
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
    """sys.dm_exec_connections: TCP on loopback, without encryption."""
    for one in session.engine.sessions:
        yield (one.spid, "TCP", "FALSE", "127.0.0.1")
