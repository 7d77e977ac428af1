"""The session database: what is there, what is to be there, and the steps between the two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .catalog import Contents, Procedure, read_contents
from .errors import Refused, SqlServerError
from .instance import Holder, Presence, read_presence
from .names import characters
from .plan import Plan, Step, apply
from .schema import TABLES, Schema, Table, as_alter, base_type, normalized
from .server import Server
from .sessions import live_sessions
from .tsql import significant

# What Microsoft's scripts of some version made and the shipped schema has not; it goes with the database.
_FORMER_PROCEDURES = ("DropTempTables", "ResetData")
_FORMER_TYPES = ("tTextPtr",)

# SQL Server names the log file after the database and a suffix, in the 128 characters that a name may have:
# https://learn.microsoft.com/sql/t-sql/statements/create-database-transact-sql
_LONGEST_NEW_NAME = 123

# CREATE and DROP DATABASE take no variable; QUOTENAME makes any name a safe identifier.
_CREATE = "DECLARE @create nvarchar(300) = N'CREATE DATABASE ' + QUOTENAME(%(database)s) EXEC (@create)"
_DROP = "DECLARE @drop nvarchar(300) = N'DROP DATABASE ' + QUOTENAME(%(database)s) EXEC (@drop)"

_DATABASE_IN_USE = 3702


@dataclass(frozen=True)
class Database:
    """A session database as it is, or as it is wanted."""

    name: str
    exists: bool
    contents: Contents = field(default_factory=Contents)


@dataclass(frozen=True)
class Usage:
    """What is against dropping a database: its live sessions and who is connected; None is "not known"."""

    live_sessions: int | None = 0
    holders: tuple[Holder, ...] | None = ()


def wanted(name: str, schema: Schema) -> Database:
    """The database with every object of `schema` and the two tables."""
    return Database(
        name,
        exists=True,
        contents=Contents(
            types={each: base_type(definition) for each, definition in schema.types.items()},
            tables=TABLES,
            procedures={each: Procedure(definition) for each, definition in schema.procedures.items()},
        ),
    )


def read(server: Server, name: str, schema: Schema) -> tuple[Database, Presence]:
    """The database as it is. Raises Refused where the login cannot see all of it."""
    presence = read_presence(server, name)
    if not presence.exists:
        return Database(name, exists=False), presence
    types, procedures = (*schema.types, *_FORMER_TYPES), (*schema.procedures, *_FORMER_PROCEDURES)
    contents = read_contents(server, name, types, procedures)
    return Database(name, True, contents), presence


def read_usage(server: Server, current: Database, presence: Presence) -> Usage:
    """Who is in the database and how many sessions are live; not counted where somebody is in it."""
    if presence.holders:
        return Usage(None, presence.holders)
    table = current.contents.tables.get("ASPStateTempSessions")
    if table is None:
        return Usage(0, presence.holders)
    if "Expires datetime NOT NULL" not in table.columns:
        return Usage(None, presence.holders)
    return Usage(live_sessions(server, current.name), presence.holders)


def has_session_tables(current: Database) -> bool:
    """Whether both tables are there as they should be, so that sessions can be counted by application."""
    tables = current.contents.tables
    return all(name in tables and not _table_differences(name, tables[name], table) for name, table in TABLES.items())


def obstacles(current: Database, desired: Database) -> list[str]:
    """What is there and is not altered: it is not session state, or to alter it could lose sessions."""
    now, then = current.contents, desired.contents
    if not current.exists and characters(current.name) > _LONGEST_NEW_NAME:
        return [f"a new database's name may have {_LONGEST_NEW_NAME} characters, since its log file is named after it"]
    if now.others and not now.tables and not _has_shipped_object(now, then):
        return [f"it holds something else and no session tables: {_some(now.others)}"]
    found = _temporary(now) + [
        f"type dbo.{name} is {now.types[name]}, not {type_}"
        for name, type_ in then.types.items()
        if now.types.get(name, type_) != type_
    ]
    found += _case_variants(now, then)
    for name, table in then.tables.items():
        if name in now.tables:
            found += _table_differences(name, now.tables[name], table)
    return found


def _has_shipped_object(now: Contents, then: Contents) -> bool:
    """Whether an install was begun: a new database may hold what it has from model, and the tables come last."""
    return any(now.types.get(name) == type_ for name, type_ in then.types.items()) or any(
        _same(now.procedures[name], procedure) for name, procedure in then.procedures.items() if name in now.procedures
    )


def _case_variants(now: Contents, then: Contents) -> list[str]:
    """Procedures whose name differs in case alone, as in ASP.NET 1.0: most collations take them for the same."""
    folded = {f"sql stored procedure dbo.{name}".casefold(): name for name in then.procedures}
    return [
        f"{other} is named dbo.{folded[other.casefold()]} today" for other in now.others if other.casefold() in folded
    ]


def _temporary(now: Contents) -> list[str]:
    """Procedures that keep their tables in tempdb: session state of type temporary, aspnet_regsql's default."""
    found = [
        name
        for name, procedure in sorted(now.procedures.items())
        if any(token.text.strip('[]"').lower() == "tempdb" for token in significant(procedure.definition or ""))
    ]
    if not found:
        return []
    return [f"its sessions are in tempdb, by procedure dbo.{found[0]}: type temporary is not supported yet"]


def plan_present(current: Database, desired: Database, schema: Schema) -> Plan:
    """Create what is missing and alter what differs. Raises Refused where there are obstacles."""
    if found := obstacles(current, desired):
        raise Refused(
            f"database {current.name} is not one that can be brought up to date: {'; '.join(found)}. Nothing was "
            "touched; give another name in aspstate_database_name, or move what is there"
        )
    changed = _differing(current.contents, desired.contents)
    return Plan(
        before=describe(current, changed),
        after=describe(_with_kept_objects(desired, current), changed),
        steps=tuple(_steps_present(current, desired, schema)),
    )


def missing_or_different(current: Database, desired: Database, schema: Schema) -> list[str]:
    """Sentences: the obstacles, or else the steps that plan_present would take."""
    found = obstacles(current, desired)
    return found or [step.sentence for step in _steps_present(current, desired, schema)]


def plan_absent(current: Database, usage: Usage, discard_live_sessions: bool) -> Plan:
    """Drop the database. Raises Refused for what would be lost, and while others are in it."""
    if not current.exists:
        return Plan(describe(current), describe(current))
    if found := _temporary(current.contents):
        raise Refused(f"database {current.name} is not one that can be removed: {found[0]}. Nothing was touched")
    _must_hold_nothing_else(current)
    _must_not_be_in_use(current.name, usage.holders)
    if usage.live_sessions != 0 and not discard_live_sessions:
        many = "an unknown number of" if usage.live_sessions is None else usage.live_sessions
        raise Refused(
            f"database {current.name} holds {many} live session(s), which would be lost; nothing was changed; wait "
            "until they have ended, or set discard_live_sessions (aspstate_database_discard_live_sessions) to true"
        )
    return Plan(
        before=describe(current),
        after=describe(Database(current.name, exists=False)),
        steps=(Step(f"drop database {current.name}", _DROP, {"database": current.name}),),
    )


def apply_absent(server: Server, plan: Plan, name: str) -> None:
    """Apply a plan of plan_absent; whoever entered the database since it was made is named."""
    try:
        apply(server, plan)
    except SqlServerError as error:
        if error.error.number != _DATABASE_IN_USE:
            raise
        holders = read_presence(server, name).holders
        _must_not_be_in_use(name, holders)
        raise Refused(
            f"database {name} is in use, by whom is not known: login {server.user} lacks VIEW SERVER STATE, or they "
            "have left by now; nothing was changed; stop the web applications that use it and run again"
        ) from None


def describe(database: Database, in_full: Iterable[str] = ()) -> str:
    """One side of a diff: a line an object; the procedures named `in_full` with their text."""
    if not database.exists:
        return f"database {database.name}: absent\n"
    return "\n".join([f"database {database.name}: present", *_lines(database.contents, set(in_full))]) + "\n"


def _lines(contents: Contents, in_full: set[str]) -> Iterator[str]:
    for name, type_ in sorted(contents.types.items()):
        yield f"type dbo.{name}: {type_}"
    for name, table in sorted(contents.tables.items()):
        yield f"table dbo.{name}"
        yield from (f"  {column}" for column in table.columns)
        yield f"  primary key ({table.key})"
        yield from (f"  index {index}" for index in table.indexes)
    for name, procedure in sorted(contents.procedures.items()):
        yield f"procedure dbo.{name}"
        if name in in_full:
            yield from _procedure_lines(procedure)
    yield from (f"{other} (not managed)" for other in contents.others)


def _procedure_lines(procedure: Procedure) -> Iterator[str]:
    if not procedure.quoted_identifier:
        yield "  SET QUOTED_IDENTIFIER OFF"
    if not procedure.ansi_nulls:
        yield "  SET ANSI_NULLS OFF"
    text = "(encrypted)" if procedure.definition is None else procedure.definition
    yield from (f"  {line}".rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))


def _differing(current: Contents, desired: Contents) -> set[str]:
    """The procedures that are there and are not as wanted."""
    return {
        name
        for name, procedure in desired.procedures.items()
        if name in current.procedures and not _same(current.procedures[name], procedure)
    }


def _same(one: Procedure, other: Procedure) -> bool:
    if one.definition is None or other.definition is None:
        return False
    options = (one.quoted_identifier, one.ansi_nulls) == (other.quoted_identifier, other.ansi_nulls)
    return options and normalized(one.definition) == normalized(other.definition)


def _with_kept_objects(desired: Database, current: Database) -> Database:
    """What will be there afterwards: what is wanted, and everything else that is there now."""
    now, then = current.contents, desired.contents
    tables = {name: _with_kept_indexes(table, now.tables.get(name, table)) for name, table in then.tables.items()}
    same = {name: now.procedures[name] for name in now.procedures if name not in _differing(now, then)}
    return Database(
        desired.name,
        True,
        Contents(
            types={**then.types, **now.types},
            tables=tables,
            procedures={**then.procedures, **same},
            others=now.others,
        ),
    )


def _with_kept_indexes(desired: Table, current: Table) -> Table:
    return Table(current.columns, current.key, tuple(sorted({*desired.indexes, *current.indexes})))


def _steps_present(current: Database, desired: Database, schema: Schema) -> Iterator[Step]:
    name, now = current.name, current.contents
    if not current.exists:
        yield Step(f"create database {name}", _CREATE, {"database": name})
    for each, definition in schema.types.items():
        if each not in now.types:
            yield Step(f"create type dbo.{each}", definition, database=name)
    differing = _differing(now, desired.contents)
    for each, definition in schema.procedures.items():
        if each not in now.procedures:
            yield Step(f"create procedure dbo.{each}", definition, database=name)
        elif each in differing:
            yield Step(f"alter procedure dbo.{each}", as_alter(definition), database=name)
    if missing := _missing_tables(now):
        yield Step(f"create {', '.join(missing)}", "EXEC dbo.CreateTempTables", database=name)


def _missing_tables(now: Contents) -> list[str]:
    missing = []
    for name, table in TABLES.items():
        current = now.tables.get(name)
        if current is None:
            missing.append(f"table dbo.{name}")
        else:
            missing += [f"index {index} on dbo.{name}" for index in table.indexes if index not in current.indexes]
    return missing


def _must_hold_nothing_else(current: Database) -> None:
    if current.contents.others:
        raise Refused(
            f"database {current.name} also holds {_some(current.contents.others)}, which would be lost with it; "
            "nothing was touched; move or drop them first"
        )


def _must_not_be_in_use(name: str, holders: tuple[Holder, ...] | None) -> None:
    if holders:
        raise Refused(
            f"database {name} is in use and cannot be dropped; nothing was changed; connected are: "
            f"{'; '.join(str(holder) for holder in holders)}. Stop them (the web applications that keep their "
            "sessions here) and run again"
        )


def _table_differences(name: str, now: Table, then: Table) -> list[str]:
    found = [f"dbo.{name} lacks the column {line}" for line in then.columns if line not in now.columns]
    found += [f"dbo.{name} has the column {line}" for line in now.columns if line not in then.columns]
    if now.key != then.key:
        found.append(f"dbo.{name} has the primary key ({now.key}), not ({then.key})")
    wanted_indexes = {index.partition(" (")[0]: index for index in then.indexes}
    for index in now.indexes:
        same_name = wanted_indexes.get(index.partition(" (")[0], index)
        if same_name != index:
            found.append(f"dbo.{name} has the index {index}, not {same_name}")
    return found


def _some(names: tuple[str, ...], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
