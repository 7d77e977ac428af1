"""Converting session state, as a plan: what is judged before anything is changed, and the steps that are left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from .callers import read_callers
from .catalog import Procedure
from .conversion import COPYING, FINISHED, NOT_BEGUN, SWITCHED, Move, Place, Rows, count_move, count_rows
from .conversion_preview import expected
from .conversion_steps import Progress, copy, prepare, switch
from .database import refuse_other_type, same_procedure, some
from .dropping import let_in_step, name_all, wait_for_job_steps
from .errors import AspstateError, Refused
from .forwarding import session_procedures
from .installation import plan_present
from .instance import read_presence
from .plan import Plan, Step, apply, run_step
from .property_changes import Choices, owner_step, property_steps, read_logins, wanted_properties
from .removal import Usage, Wishes, apply_absent, leftover_steps, plan_absent
from .rights import Right
from .room import judge_room
from .schema import TABLES, as_alter
from .server import Server
from .tempdb import chain_remarks, read_tempdb
from .temporary import FOREIGN, Outside, startup_steps

PHASES = ("prepare", "switch", "finish")

# Steps that are more than a statement; each stands for what conversion_steps does.
_PREPARE, _COPY, _SWITCH = "prepare", "copy", "switch"


@dataclass(frozen=True)
class ConversionWishes:
    """`phase` is how far to go. `expected_logins` get their grants in the target before the switch; `expected_state` is
    how far it will be, for a plan that is only to be looked at.
    """

    phase: str = "switch"
    manage_ownership_chain: bool = False
    expected_logins: tuple[str, ...] = ()
    batch_size: int = 1000
    expected_state: str = NOT_BEGUN

    def __post_init__(self) -> None:
        """Raises Refused for values that could not work."""
        if not 1 <= self.batch_size <= 100_000:
            raise Refused(f"batch_size is {self.batch_size}; give rows, from 1 to 100000")


@dataclass(frozen=True)
class Conversion:
    """A plan for a move, with what was counted: `before` None where there are no session tables to count."""

    move: Move
    plan: Plan
    before: Rows | None = None
    remarks: tuple[str, ...] = ()


def plan_conversion(server: Server, move: Move, wishes: ConversionWishes) -> Conversion:
    """What is left to do in this phase. Raises Refused, with what to do, where it could not go well."""
    if move.untouched:
        remark = (
            f"{move.source} has no sessions and is not used; where nobody needs it, playbooks/uninstall.yml removes it"
        )
        return Conversion(move, Plan(describe_move(move), describe_move(move)), count_move(server, move), (remark,))
    if wishes.phase == "finish":
        return _plan_finish(server, move, expected(move, wishes.expected_state))
    if move.state in (SWITCHED, FINISHED):
        return Conversion(move, Plan(describe_move(move), describe_move(move)), count_move(server, move))
    return _plan_move(server, move, wishes)


def describe_move(move: Move, at: Place | None = None, *, copies: bool = False, forwarding: str = "") -> str:
    """One side of the diff: where the sessions are, and what the other place does; as it is, unless told otherwise."""
    at = at or move.at
    other = move.target if at is move.source else move.source
    lines = [f"sessions: in {at}"]
    if move.in_place:
        copied = "marked copies" if copies or other.copies else "not in use"
    else:
        forwards = forwarding or (f"forwards to {other.forwards}" if other.forwards else "")
        copied = ", ".join(filter(None, (forwards, "marked copies" if copies or other.copies else "")))
    return "\n".join([*lines, f"{other}: {copied or 'not in use'}"]) + "\n"


# Before the switch, and the switch


def _plan_move(server: Server, move: Move, wishes: ConversionWishes) -> Conversion:
    _judge_source(move)
    choices = Choices(manage_ownership_chain=wishes.manage_ownership_chain)
    if wishes.manage_ownership_chain:
        choices.judge(move.target.type)
    before = count_rows(server, move.source)
    remark = ""
    if move.target.type == "temporary" or move.target.database.exists:
        remark = judge_room(server, move.target.tables_in, before.sessions, before.bytes)
    _judge_callers(server, move, wishes, choices)
    seen = expected(move, wishes.expected_state)
    install, steps = _preparation(server, seen, choices)
    switches = wishes.phase == "switch"
    if switches:
        steps += _switch_steps(move)
    was, will = describe_move(seen), _described_after(seen, switches)
    plan = Plan(was + (install.before if install else ""), will + (install.after if install else ""), tuple(steps))
    return Conversion(move, plan, before, (remark,) if remark else ())


def _described_after(move: Move, switches: bool) -> str:
    if not switches:
        forwarding = "" if move.in_place else f"forwards to {move.source.name}"
        return describe_move(move, move.source, copies=True, forwarding=forwarding)
    return describe_move(
        replace(move, source=replace(move.source, copies=False)),
        move.target,
        forwarding="" if move.in_place else f"forwards to {move.target.name}",
    )


def _judge_source(move: Move) -> None:
    """The place that has the sessions must be whole, and of the built-in schema."""
    source = move.source
    if not source.installed:
        raise Refused(f"there is no session state in {source}: nothing was changed; correct name and type")
    refuse_other_type(source.database, source.type)
    now = source.database.contents.procedures
    found = [
        f"dbo.{name}"
        for name, text in source.schema.procedures.items()
        if name not in now or not same_procedure(now[name], Procedure(text))
    ]
    found += [f"table dbo.{name}" for name in TABLES if name not in source.tables]
    if found:
        raise Refused(
            f"database {source.name} does not have the built-in schema: {some(tuple(found))} is missing or differs; "
            "nothing was changed; bring it up to date with playbooks/site.yml first"
        )
    database = source.database
    if database.user_access != "MULTI_USER":
        raise Refused(f"database {source.name} is in {database.user_access} mode; nothing was changed; end that first")
    if database.properties and database.properties.read_only:
        raise Refused(f"database {source.name} is read-only; nothing was changed; ALTER DATABASE ... SET READ_WRITE")
    if move.target.type == "temporary" and database.properties and database.properties.in_availability_group:
        raise Refused(
            f"database {source.name} is in an availability group, where type temporary does not work: tempdb and "
            "master are not replicated; nothing was changed"
        )


def _judge_callers(server: Server, move: Move, wishes: ConversionWishes, choices: Choices) -> None:
    """Whoever keeps sessions at the source must be able to do so at the target."""
    source, target = move.source, move.target
    there = target.name if target.installed or move.in_place else ""
    callers = read_callers(server, source.name, there, source.schema.procedures.keys() & _callable(source))
    expected = {login.casefold() for login in wishes.expected_logins}
    if wishes.phase == "switch":
        lacking = [each for each in callers if each.lacks and each.login.casefold() not in expected]
        if lacking:
            raise Refused(
                f"of those who may execute the procedures in database {source.name} some may not do so in database "
                f"{target.name}: {'; '.join(f'{each.login} ({some(each.lacks, 3)})' for each in lacking)}; nothing was "
                "changed; list them in aspstate_grants_logins, as playbooks/convert.yml gives grants before the "
                "switch, or take their rights in the old database away"
            )
    if target.type != "temporary" or not (callers or expected):
        return
    properties = wanted_properties(target.database.properties, choices)
    for remark in chain_remarks(read_tempdb(server), properties):
        raise Refused(f"database {target.name}: {remark}; nothing was changed")


def _callable(place: Place) -> set[str]:
    """What clients call: not what only the other procedures do, or an operator."""
    return {*session_procedures(place.schema), "GetMajorVersion", "TempGetVersion"} - {"DeleteExpiredSessions"}


def _preparation(server: Server, move: Move, choices: Choices) -> tuple[Plan | None, list[Step]]:
    """The target's own objects, and then tables of copies. Of two databases also the plan that installs the second."""
    source, target = move.source, move.target
    install: Plan | None = None
    steps: list[Step] = []
    if target.database.user_access == "SINGLE_USER":  # its removal was cut off, and is taken back
        steps.append(let_in_step(target.name))
    if move.in_place:
        steps += _in_place_steps(server, move, choices)
    elif not target.forwards:
        logins = read_logins(server, choices, target.name if target.database.exists else "")
        install = plan_present(target.database, target.type, target.schema, choices, logins)
        steps += install.steps
    if not target.copies:
        what = f"make tables in {target.tables_in} for copies of the sessions"
        if not move.in_place:
            what = f"let database {target.name} forward to database {source.name}, and its tables be for copies"
        steps.append(Step(what, _PREPARE, rights=_rights(move)))
    return install, steps


def _in_place_steps(server: Server, move: Move, choices: Choices) -> Iterator[Step]:
    """What type temporary keeps outside its database, and its ownership chain."""
    target, database = move.target, move.target.database
    if target.type != "temporary":
        return
    outside = database.leftovers
    if outside.foreign:
        raise Refused(f"{FOREIGN}; nothing was changed")
    desired = wanted_properties(database.properties, choices)
    if choices.manage_ownership_chain:
        yield from property_steps(target.name, database.properties, desired)
    startup = target.schema.startup
    wanted = Outside(TABLES, Procedure(startup), marked=True, scan=True)
    differs = outside.startup is not None and not same_procedure(outside.startup, Procedure(startup))
    yield from startup_steps(outside, wanted, startup, as_alter(startup), differs)
    if choices.manage_ownership_chain:
        logins = read_logins(server, choices, target.name)
        yield from owner_step(target.name, database.properties, desired, logins)


def _switch_steps(move: Move) -> list[Step]:
    source, target = move.source, move.target
    where = f"in {target.tables_in}" if move.in_place else f"in database {target.name}"
    then = "" if move.in_place else f", let database {source.name} forward to it"
    return [
        Step(f"copy the sessions from {source.tables_in} to {target.tables_in}", _COPY, rights=_rights(move)),
        Step(f"keep the sessions {where}{then}, and drop the tables in {source.tables_in}", _SWITCH),
    ]


def _rights(move: Move) -> tuple[Right, ...]:
    """Whoever creates a database may do anything in it."""
    databases = {place.name for place in (move.source, move.target) if place.database.exists}
    databases |= {place.tables_in for place in (move.source, move.target) if place.type == "temporary"}
    return (
        Right("VIEW SERVER STATE"),
        *(Right("CONTROL", "SCHEMA", "dbo", database) for database in sorted(databases)),
    )


# After the switch


def _plan_finish(server: Server, now: Move, move: Move) -> Conversion:
    """Away with the place that has no sessions any more; `move` is how it is, or will be then."""
    if move.state in (NOT_BEGUN, COPYING):
        raise Refused(
            f"the sessions are in {move.source}: there is nothing to finish before they are in {move.target}; nothing "
            "was changed; run phase switch first, or the other direction"
        )
    before = count_move(server, now)
    if move.in_place:
        steps = leftover_steps(_left_in_place(move), count=False) if move.source.type == "temporary" else []
        if move.source.type != "temporary" and move.source.copies:
            steps = [_drop_copies(move.source)]
        after = replace(move, source=replace(move.source, copies=False))
        plan = Plan(describe_move(move), describe_move(after), tuple(steps))
        return Conversion(move, plan, before)
    source = move.source
    if now is move:
        _must_not_be_used(server, move)
    usage = Usage(0 if source.copies or now is not move else _live(server, source), 0, (), 0)
    plan = plan_absent(source.database, source.type, usage, Wishes(discard_live_sessions=source.copies))
    gone = f"sessions: in {move.target}\n"
    return Conversion(move, replace(plan, before=gone + plan.before, after=gone + plan.after), before)


def _left_in_place(move: Move) -> Outside:
    """Of the leftovers what this made: marked copies, and the startup procedure that nothing needs."""
    left = move.source.database.leftovers
    return replace(left, tables=left.tables if move.source.copies else {})


def _drop_copies(place: Place) -> Step:
    (step,) = leftover_steps(Outside(place.tables), count=False)
    rights = (Right("ALTER", "SCHEMA", "dbo", place.name),)
    sentence = f"drop table dbo.{', dbo.'.join(sorted(place.tables))} in {place.name}"
    return replace(step, sentence=sentence, database=place.name, rights=rights)


def _must_not_be_used(server: Server, move: Move) -> None:
    """A database of its own has no other purpose: whoever is in it still keeps sessions by it."""
    source = move.source
    if source.type == "custom" or not source.database.exists:
        return
    holders = wait_for_job_steps(server, source.name, read_presence(server, source.name).holders)
    if holders:
        raise Refused(
            f"not finished: database {source.name} forwards to {move.target.name}, and is still in use; nothing was "
            f"changed, and no session is lost; connected are: {name_all(holders)}. Let them use {move.target.name} "
            "first, and run again"
        )


def _live(server: Server, place: Place) -> int:
    return count_rows(server, place).live if place.tables else 0


# Doing it


def apply_conversion(server: Server, conversion: Conversion, wishes: ConversionWishes) -> Progress:
    """Do what was planned. An AspstateError has notes: in which step, and how to go on."""
    move, plan = conversion.move, conversion.plan
    if wishes.phase == "finish" and not move.in_place:
        apply_absent(server, plan, Wishes(discard_live_sessions=move.source.copies))
        return Progress()
    done = Progress()

    def run(server: Server, step: Step) -> None:
        nonlocal done
        if step.statement == _PREPARE:
            prepare(server, move)
        elif step.statement == _COPY:
            done = copy(server, move, wishes.batch_size)
        elif step.statement == _SWITCH:
            new = switch(server, move)
            done = replace(new, copied=done.copied, changed=done.changed + new.changed)
        else:
            run_step(server, step)

    try:
        apply(server, plan, run)
    except AspstateError as error:
        error.add_note("or take it back with direction: back")
        raise
    return done
