"""Rows of the catalog views about the server: databases, sessions, connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.server.engine import locking, locks, space, unique_ids, visibility
from lab.server.engine.database import Database
from lab.server.engine.permissions import may, require_server_state
from lab.server.engine.securables import THE_SERVER
from lab.server.engine.windows_accounts import AGENT_ACCOUNT
from lab.server.instance import WITHOUT_AGENT

Rows = Iterator[tuple[Any, ...]]

_CROSS_DB_OWNERSHIP_CHAINING, _SCAN_FOR_STARTUP_PROCS = 400, 1547
_OFFLINE = 6
"""As sys.databases.state has it."""


def databases(session: Any, database: Database) -> Rows:
    """sys.databases."""
    engine = session.engine
    for one in visibility.databases(session):
        settings = one.settings
        in_group = engine.instance.in_availability_group(one.name)
        yield (
            one.name,
            one.database_id,
            one.created,
            one.collation if settings.online else None,
            0 if settings.online else _OFFLINE,
            "ONLINE" if settings.online else "OFFLINE",
            settings.user_access,
            0,
            settings.recovery_model,
            int(settings.auto_close),
            int(settings.auto_shrink),
            int(settings.db_chaining),
            _log_reuse_wait(engine, one),
            replica_id(engine.instance.is_secondary(one.name)) if in_group else None,
            unique_ids.made_up(one.name) if in_group else None,
            one.security.owner_sid,
        )


def _log_reuse_wait(engine: Any, database: Database) -> str:
    """Why the log cannot be used anew. Nothing is ever backed up here: what SQL Server says after a full backup."""
    if any(space.changed_by(session.transaction, database) for session in engine.sessions):
        return "ACTIVE_TRANSACTION"
    return "NOTHING" if database.settings.recovery_model == "SIMPLE" else "LOG_BACKUP"


def sessions(session: Any, database: Database) -> Rows:
    """sys.dm_exec_sessions: those of users, and of startup procedures; without VIEW SERVER STATE one's own."""
    for one in session.engine.sessions if may(session, "VIEW SERVER STATE", THE_SERVER) else [session]:
        login = one.login
        yield (
            one.spid,
            one.login_time,
            login.host_name,
            login.program_name,
            login.host_process_id,
            one.login_name,
            one.original_login_name,
            "running" if one.running else "sleeping",
            one.current.database_id,
            int(one.is_user),
            one.transaction_count,
            one.last_request,
        )


def requests(session: Any, database: Database) -> Rows:
    """sys.dm_exec_requests: what runs, or waits for a lock; without VIEW SERVER STATE one's own."""
    for one in session.engine.sessions if may(session, "VIEW SERVER STATE", THE_SERVER) else [session]:
        if one.running:
            blocker = locks.blocker(one)
            status = "running" if one.request is None else "suspended"
            yield (one.spid, one.last_request, status, one.current.database_id, blocker.spid if blocker else 0)


def connections(session: Any, database: Database) -> Rows:
    """sys.dm_exec_connections: TCP on loopback, without encryption; raises 300."""
    require_server_state(session)
    for one in session.engine.sessions:
        if one.is_user:
            yield (one.spid, "TCP", "FALSE", "127.0.0.1")


def configurations(session: Any, database: Database) -> Rows:
    """sys.configurations: the options that there are."""
    engine = session.engine
    locking.wait_for_names(session, engine.find_database("master"))
    marked = int(bool(engine.startup_procedures()))
    yield (_CROSS_DB_OWNERSHIP_CHAINING, "cross db ownership chaining", 0, 0)
    yield (_SCAN_FOR_STARTUP_PROCS, "scan for startup procs", marked, int(engine.startup_scan))


def services(session: Any, database: Database) -> Rows:
    """sys.dm_server_services; raises 300."""
    require_server_state(session)
    engine = session.engine
    yield ("SQL Server (MSSQLSERVER)", "Automatic", "Running", "NT SERVICE\\MSSQLSERVER", engine.started)
    if engine.instance.engine_edition in WITHOUT_AGENT:
        return
    agent = engine.agent
    state = "Running" if agent and agent.is_running else "Stopped"
    start = "Automatic" if agent else "Manual"
    yield ("SQL Server Agent (MSSQLSERVER)", start, state, AGENT_ACCOUNT, agent.started if agent else None)


def replica_states(session: Any, database: Database) -> Rows:
    """sys.dm_hadr_availability_replica_states: one row if all databases have one role, else one a role; raises 300."""
    require_server_state(session)
    instance = session.engine.instance
    roles = {instance.is_secondary(name) for name in instance.availability_groups}
    for is_secondary in sorted(roles):
        yield (replica_id(is_secondary), 1, *((2, "SECONDARY") if is_secondary else (1, "PRIMARY")))


def replica_id(is_secondary: bool) -> bytes:
    """This server in the group in which it has that role."""
    return unique_ids.made_up(f"replica {is_secondary}")
