"""Removing session state: never a session or a foreign object that nobody asked to lose, and never half of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .database import Database, describe, refuse_other_type, some
from .dropping import (
    RAISED,
    drop_database_step,
    is_drop,
    name_all,
    run_drop,
    stored_meanwhile,
    unexpected,
    wait_for_clients,
    wait_for_job_steps,
)
from .errors import Refused, SqlServerError
from .instance import Holder, Presence
from .plan import Drift, Plan, Step, apply, run_step
from .rights import Right
from .schema import TABLES, Table
from .server import Server
from .sessions import live_sessions
from .temporary import Outside, drop_startup_step

# One transaction, so that it is all or nothing.
_BEGIN = """
SET XACT_ABORT ON
SET LOCK_TIMEOUT 10000
BEGIN TRANSACTION
"""
_MUST_BE_EMPTY = """
IF EXISTS (SELECT 1 FROM dbo.ASPStateTempSessions WITH (TABLOCKX, HOLDLOCK) WHERE Expires >= GETUTCDATE())
BEGIN
    ROLLBACK TRANSACTION
    RAISERROR(N'sessions were stored since they were counted', 16, 1)
    RETURN
END
"""
_COMMIT = "COMMIT TRANSACTION\n"
_LOCK_TIMEOUT = 1222


@dataclass(frozen=True)
class Wishes:
    """What the operator allows a removal to do, or asks of it.

    Connections of `expected_clients`, names and addresses, are about to leave: they are waited for, for
    `connection_timeout` seconds, and no reason to plan nothing.
    """

    discard_live_sessions: bool = False
    terminate_connections: bool = False
    remove_leftovers: bool = False
    expected_clients: tuple[str, ...] = ()
    connection_timeout: int = 0


@dataclass(frozen=True)
class Usage:
    """What is against removal: live sessions, also in unused tables and leftovers, and who is connected.

    None is "not known".
    """

    live_sessions: int | None = 0
    live_leftovers: int | None = 0
    holders: tuple[Holder, ...] | None = ()
    live_unused: int | None = 0

    def expected_connections(self, wishes: Wishes) -> int | None:
        """How many connections are those of clients that are about to leave."""
        if self.holders is None:
            return None
        return sum(holder.connections for holder in self.holders if holder.is_one_of(wishes.expected_clients))


def read_usage(server: Server, current: Database, presence: Presence, type_: str, wishes: Wishes) -> Usage:
    """Who is in the database and how many sessions are live; not counted where that does not matter.

    Raises Refused where an open transaction hides it.
    """
    holders = presence.holders
    if type_ != "custom" and not wishes.terminate_connections:
        holders = wait_for_job_steps(server, current.name, holders, wishes.expected_clients)
        if unexpected(holders, wishes.expected_clients):
            return Usage(None, None, holders, None)
    if wishes.discard_live_sessions:
        return Usage(None, None, holders, None)
    return Usage(
        live_in(server, current.tables_in, current.tables),
        live_leftovers(server, current),
        holders,
        live_in(server, current.name, current.unused_tables),
    )


def live_leftovers(server: Server, current: Database) -> int | None:
    """How many sessions in leftovers are live; None is "not known"."""
    return live_in(server, "tempdb", current.leftovers.tables)


def live_in(server: Server, database: str, tables: dict[str, Table]) -> int | None:
    """How many sessions in `tables` of a database are live; None is "not known"."""
    table = tables.get("ASPStateTempSessions")
    if table is None:
        return 0
    return live_sessions(server, database) if "Expires datetime NOT NULL" in table.columns else None


def plan_absent(current: Database, type_: str, usage: Usage, wishes: Wishes) -> Plan:
    """Drop the database, or of type custom what session state has in it. Raises Refused for what would be lost."""
    if type_ == "custom" and wishes.terminate_connections:
        raise Refused(
            "terminate_connections ends everybody's connections to the database, and one of type custom is shared: it "
            "is never done there; stop the web applications instead"
        )
    refuse_other_type(current, type_)
    count = not wishes.discard_live_sessions
    steps = list(_steps(current, type_, wishes.terminate_connections, count=count))
    if wishes.remove_leftovers:
        steps += leftover_steps(current.leftovers, count=count)
    if not steps:
        return Plan(describe(current), describe(current))
    _must_be_removable(current, type_)
    if current.exists and type_ != "custom":
        must_hold_nothing_else(current)
        if not wishes.terminate_connections:
            must_not_be_in_use(current.name, unexpected(usage.holders, wishes.expected_clients))
    if count:
        must_not_lose(current.tables_in, usage.live_sessions)
        must_not_lose(current.name, usage.live_unused)
        must_not_lose("tempdb", usage.live_leftovers if wishes.remove_leftovers else 0)
    return Plan(describe(current), describe(_afterwards(current, type_, wishes.remove_leftovers)), tuple(steps))


def must_not_lose(database: str, live: int | None) -> None:
    """Raises Refused where sessions are live, or that is not known."""
    if live != 0:
        many = "an unknown number of" if live is None else live
        raise Refused(
            f"database {database} holds {many} live session(s), which would be lost; nothing was changed; wait "
            "until they have ended, or set discard_live_sessions (aspstate_database_discard_live_sessions) to true"
        )


def _steps(current: Database, type_: str, terminate: bool, *, count: bool) -> Iterator[Step]:
    if current.exists and type_ == "custom":
        yield from _drop_objects(current, count)
    elif current.exists:
        yield drop_database_step(current, terminate, count)
    if type_ == "temporary":
        yield from leftover_steps(current.outside, count=count)


def _drop_objects(current: Database, count: bool) -> Iterator[Step]:
    now = current.contents
    drops = [f"DROP {kind} dbo.{', dbo.'.join(sorted(names))}\n" for kind, names in _named(current).items() if names]
    drops += [f"DROP TYPE dbo.{name}\n" for name in sorted(now.types)]
    if drops:
        check = _MUST_BE_EMPTY if count and "ASPStateTempSessions" in now.tables else ""
        sentence = f"drop the procedures, tables and types of session state in database {current.name}"
        rights = (Right("ALTER", "SCHEMA", "dbo", current.name),)
        yield Step(sentence, _BEGIN + check + "".join(drops) + _COMMIT, database=current.name, rights=rights)


def _named(current: Database) -> dict[str, list[str]]:
    """What goes, by the words of DROP; the names are those of the schema, or the two tables'."""
    return {"PROCEDURE": list(current.contents.procedures), "TABLE": list(current.contents.tables)}


def leftover_steps(outside: Outside, *, count: bool = True) -> list[Step]:
    """Away with what type temporary keeps outside its database: first what would make the tables anew."""
    steps = [drop_startup_step()] if outside.startup is not None else []
    if outside.tables:
        check = _MUST_BE_EMPTY if count and "ASPStateTempSessions" in outside.tables else ""
        names = [f"dbo.{name}" for name in TABLES if name in outside.tables]
        statement = f"{_BEGIN}{check}DROP TABLE {', '.join(names)}\n{_COMMIT}"
        rights = (Right("ALTER", "SCHEMA", "dbo", "tempdb"),)
        drift = tuple(Drift("ASP112", f"table {name} in tempdb", "absent", "present") for name in names)
        sentence = f"drop table {', '.join(names)} in tempdb"
        steps.append(Step(sentence, statement, database="tempdb", rights=rights, drift=drift))
    return steps


def _afterwards(current: Database, type_: str, remove_leftovers: bool) -> Database:
    after = replace(current, outside=Outside()) if type_ == "temporary" else current
    if remove_leftovers:
        after = replace(after, leftovers=Outside())
    if type_ == "custom":
        return replace(after, contents=replace(current.contents, types={}, tables={}, procedures={}))
    return replace(after, exists=False)


def apply_absent(server: Server, plan: Plan, wishes: Wishes) -> None:
    """Apply a plan of plan_absent. On giving up the database lets everybody in again, and who is in it is named."""

    def run(server: Server, step: Step) -> None:
        if is_drop(step):
            wait_for_clients(server, step.values["database"], wishes.expected_clients, wishes.connection_timeout)
            run_drop(server, step, wishes.terminate_connections)
        else:
            _run_other(server, step)

    apply(server, plan, run)


def _run_other(server: Server, step: Step) -> None:
    try:
        run_step(server, step)
    except SqlServerError as error:
        if error.error.number == _LOCK_TIMEOUT:
            raise Refused(
                f"somebody has the session state in database {step.database} locked in an open transaction; stop the "
                "web applications that use it and run again"
            ) from None
        raise stored_meanwhile(step.database) if error.error.number == RAISED else error from None


def _must_be_removable(current: Database, type_: str) -> None:
    """What SQL Server would refuse when it is too late to say so on every host."""
    where = f"database {current.name}"
    if type_ != "custom" and current.properties and current.properties.in_availability_group:
        raise Refused(
            f"{where} is in an availability group, and cannot be dropped; nothing was changed; take it out of the "
            "group first (ALTER AVAILABILITY GROUP ... REMOVE DATABASE)"
        )
    if type_ == "custom" and current.properties and current.properties.read_only:
        raise Refused(f"{where} is read-only; nothing was changed; ALTER DATABASE ... SET READ_WRITE first")
    if type_ == "custom" and current.contents.type_users:
        raise Refused(
            f"{where}: the types of session state are used by {some(current.contents.type_users)}, so they cannot be "
            "dropped; nothing was changed; drop or alter what uses them first"
        )


def must_hold_nothing_else(current: Database) -> None:
    """Raises Refused where objects of somebody else's would go with the database."""
    if current.contents.others:
        raise Refused(
            f"database {current.name} also holds {some(current.contents.others)}, which would be lost with it; "
            "nothing was touched; move or drop them first, or set aspstate_type to custom, which takes session state "
            "alone and keeps the database"
        )


def must_not_be_in_use(name: str, holders: tuple[Holder, ...]) -> None:
    """Raises Refused that names who is in a database."""
    if holders:
        raise Refused(
            f"database {name} is in use and cannot be dropped; nothing was changed; connected are: "
            f"{name_all(holders)}. Stop them (the web applications that keep their sessions here) and run again, or "
            "set terminate_connections (aspstate_database_terminate_connections) to true"
        )
