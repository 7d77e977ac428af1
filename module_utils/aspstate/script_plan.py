"""Whether a script is to run: only where what it makes is not there, or what it removes is; and what would be lost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .agent_job import UNCATEGORIZED, usual_name
from .catalog import Procedure
from .database import Database, read, refuse_other_type, some
from .errors import AspstateError, NotKnown, Refused
from .instance import Presence
from .jobs import read_jobs
from .plan import Plan, Step
from .principals import Permission, read_inside
from .removal import (
    Wishes,
    live_in,
    must_hold_nothing_else,
    must_not_be_in_use,
    must_not_lose,
    plan_absent,
    read_usage,
)
from .rights import Right
from .schema import STARTUP, TABLES, Schema
from .script import Script
from .server import Server
from .temporary import FOREIGN

# Every version of a script asks for it somewhere: a startup procedure, a category of jobs, somebody else's job.
_RIGHTS = (Right("sysadmin", "ROLE"),)


class Incomplete(AspstateError):
    """A script ran without an error and did not do what it says."""


@dataclass(frozen=True)
class Found:
    """What is there: `jobs` are the names of those that expire its sessions, None is "not known".

    `grants` are those on its procedures and tables, each with its user; `live` sessions are counted where they matter.
    """

    database: Database
    presence: Presence
    jobs: tuple[str, ...] | None = ()
    grants: tuple[tuple[Permission, str], ...] = ()
    live: int | None = 0


@dataclass(frozen=True)
class Prepared:
    """The plan, and sentences: what will be `lost`, and what else is to be told."""

    plan: Plan
    lost: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    expected_connections: int | None = None


def prepare(server: Server, script: Script, name: str, wishes: Wishes, *, force: bool = False) -> Prepared:
    """Read what is there and plan. `force` runs an install also where something of it is there.

    Raises Refused for what would be lost that nobody asked to lose.
    """
    database, presence = _read(server, script, name)
    refuse_other_type(database, script.type)
    if script.kind == "uninstall":
        return _uninstall(server, script, database, presence, wishes)
    return _install(server, script, _find(server, database, presence), wishes, force=force)


def must_have_worked(server: Server, script: Script, name: str) -> None:
    """Look again after a script has run. Raises Incomplete."""
    database, _ = _read(server, script, name)
    if script.kind == "install":
        left = missing(script, database)
        what = "is missing"
    else:
        left = [f"database {name}"] if database.exists and script.type != "custom" else _names(script, database)
        what = "is still there"
    if left:
        raise Incomplete(
            f"{script.path} ran to its end on {server.address}, and yet {some(tuple(left))} {what}; "
            "docs/scripts.md says what to do with what is half there"
        )


def _read(server: Server, script: Script, name: str) -> tuple[Database, Presence]:
    known = Schema(
        dict.fromkeys(script.types, ""),
        dict.fromkeys(("TempGetAppId", *script.procedures), ""),  # as 1.0 spells it
    )
    return read(server, name, script.type, known)


def _find(server: Server, database: Database, presence: Presence) -> Found:
    try:
        jobs = read_jobs(server, database.name, usual_name(database.name), UNCATEGORIZED)
    except NotKnown:
        return Found(database, presence, None)
    return Found(database, presence, tuple(job.name for job in jobs.expiring))


def missing(script: Script, database: Database) -> list[str]:
    """What an install makes and is not there, by name; the job is not counted, since others than it may expire."""
    now = database.contents
    procedures = {name.casefold() for name in now.procedures}
    found = [f"type dbo.{name}" for name in script.types if name not in now.types]
    found += [f"procedure dbo.{name}" for name in script.procedures if name.casefold() not in procedures]
    found += [f"table {_table(script, name)}" for name in sorted(TABLES) if name not in database.tables]
    if script.startup and not (database.outside.startup and database.outside.marked):
        found.append(f"startup procedure master.dbo.{STARTUP}")
    return found if database.exists else [f"database {database.name}", *found]


def _install(server: Server, script: Script, found: Found, wishes: Wishes, *, force: bool) -> Prepared:
    database = found.database
    if script.startup and (database.outside.foreign or database.leftovers.foreign):
        raise Refused(f"{FOREIGN}; nothing was changed")
    not_known = () if found.jobs is not None else (f"which jobs {server.address} has is not known",)
    lacking, there = missing(script, database), _anything(database)
    if there and not force:
        if lacking:
            raise _partly(script, database, lacking)
        same = "\n".join(_described(script, found)) + "\n"
        return Prepared(Plan(same, same), remarks=tuple(_remarks(script, found)), not_known=not_known)
    if there:
        found = _with_losses(server, found)
        _must_be_replaceable(script, found, wishes)
    step = Step(_sentence(script), "", rights=_RIGHTS)
    afterwards = _afterwards(script, found)
    before = "\n".join(_described(script, found)) + "\n"
    after = "\n".join([*_described(script, afterwards), step.sentence]) + "\n"
    remarks = tuple(_remarks(script, afterwards))
    return Prepared(Plan(before, after, (step,)), lost=tuple(_lost(found)), remarks=remarks, not_known=not_known)


def _uninstall(server: Server, script: Script, database: Database, presence: Presence, wishes: Wishes) -> Prepared:
    usage = read_usage(server, database, presence, script.type, wishes)
    plan = plan_absent(database, script.type, usage, wishes)
    expected = usage.expected_connections(wishes)
    if not plan.steps:
        return Prepared(plan, expected_connections=expected)
    step = Step(_sentence(script), "", rights=_RIGHTS)
    return Prepared(Plan(plan.before, f"{plan.after}{step.sentence}\n", (step,)), expected_connections=expected)


def _anything(database: Database) -> bool:
    """Whether there is anything of session state."""
    now = database.contents
    return bool(now.types or now.procedures or now.tables) or not database.outside.nothing


def _partly(script: Script, database: Database, lacking: list[str]) -> Refused:
    return Refused(
        f"database {database.name} holds session state, but not all that {script.path} makes: {some(tuple(lacking))} "
        "is missing; nothing was changed; it would be dropped and made anew, with every session and every grant lost: "
        "set force (aspstate_database_scripts_force) to true to have that, or set aspstate_database_source to builtin, "
        "which adds what is missing"
    )


def _with_losses(server: Server, found: Found) -> Found:
    database = found.database
    live = live_in(server, database.tables_in, database.tables)
    if not database.exists:
        return replace(found, live=live)
    inside = read_inside(server, database.name)
    ours = {*database.contents.procedures, *TABLES}
    grants = [
        (permission, user)
        for id_, permissions in inside.permissions.items()
        for user in inside.names_of({id_})
        for permission in permissions
        if permission.kind == "OBJECT_OR_COLUMN" and permission.schema == "dbo" and permission.name in ours
    ]
    return replace(found, live=live, grants=tuple(sorted(grants)))


def _must_be_replaceable(script: Script, found: Found, wishes: Wishes) -> None:
    """An install drops what is there first: what would stop it half-way, and what would be lost."""
    database = found.database
    if database.contents.type_users:
        raise Refused(
            f"database {database.name}: the types of session state are used by {some(database.contents.type_users)}, "
            f"so {script.path} could not drop them, and would leave no tables; nothing was changed; drop or alter what "
            "uses them first"
        )
    if script.drops_database:
        must_hold_nothing_else(database)
        must_not_be_in_use(database.name, found.presence.holders or ())
    if not wishes.discard_live_sessions:
        must_not_lose(database.tables_in, found.live)


def _lost(found: Found) -> Iterator[str]:
    if found.live != 0:
        yield f"{'an unknown number of' if found.live is None else found.live} live session(s)"
    if found.grants:
        users = sorted({user for _, user in found.grants})
        yield f"{len(found.grants)} permission(s) on its procedures and tables, of {', '.join(users)}"


def _remarks(script: Script, found: Found) -> Iterator[str]:
    """What is otherwise than it should be and stays so, `found` being there before or after."""
    if "TempGetVersion" not in script.procedures:
        yield (
            f"{script.path} is of ASP.NET 1.1 or 1.0, whose session state no application of 2.0 or later can use, nor "
            "does the probe: set aspstate_database_source to builtin"
        )
    if script.job and found.jobs == ():
        yield (
            f"no job expires its sessions, although {script.path} makes one: it is made by the role aspstate_agent_job "
            "(playbooks/site.yml), not by running the script again"
        )


def _afterwards(script: Script, found: Found) -> Found:
    """`found` as the script leaves it; of types and tables only the names count here."""
    now = found.database.contents
    procedures = dict.fromkeys(script.procedures, Procedure(None))
    contents = replace(
        now,
        types={**now.types, **dict.fromkeys(script.types, "")},
        procedures={**now.procedures, **procedures},
        tables=now.tables if script.type == "temporary" else TABLES,
    )
    outside = found.database.outside
    if script.type == "temporary":
        outside = replace(outside, tables=TABLES, startup=Procedure(None))
    database = replace(found.database, exists=True, type=_found_type(script), contents=contents, outside=outside)
    jobs = (usual_name(database.name),) if script.job and found.jobs is not None else found.jobs
    return replace(found, database=database, jobs=jobs, grants=())


def _found_type(script: Script) -> str:
    return "temporary" if script.type == "temporary" else "own tables"


def _names(script: Script, database: Database) -> list[str]:
    found = [f"type dbo.{name}" for name in sorted(database.contents.types)]
    found += [f"table {_table(script, name)}" for name in sorted(database.tables)]
    found += [f"procedure dbo.{name}" for name in sorted(database.contents.procedures)]
    if database.outside.startup is not None:
        found.append(f"startup procedure master.dbo.{STARTUP}")
    return found


def _described(script: Script, found: Found) -> Iterator[str]:
    """A line an object, by name; the same for what is there and for what will be."""
    database = found.database
    yield f"database {database.name}: {'present' if database.exists else 'absent'}"
    yield from _names(script, database)
    yield from (f"job {name}" for name in found.jobs or ())
    yield from (f"{user}: {permission}" for permission, user in found.grants)


def _table(script: Script, name: str) -> str:
    return f"tempdb.dbo.{name}" if script.type == "temporary" else f"dbo.{name}"


def _sentence(script: Script) -> str:
    many = sum(batch.count for batch in script.batches)
    return f"run {script.path}: {many} batch{'' if many == 1 else 'es'}"
