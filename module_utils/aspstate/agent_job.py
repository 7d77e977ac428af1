"""The job of SQL Server Agent that expires sessions: as it is wanted, and the steps that lead there.

Names are those of aspnet_regsql, so that an existing job is taken over; it is found by what its step does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .agent import Agent
from .errors import Refused
from .job_owner import JobLogins
from .job_steps import create_job, delete_job, history_step, kept_history, update_job
from .jobs import DAILY, FIRST_DAY, HOURS, LAST_DAY, LAST_SECOND, MINUTES, Job, Jobs, JobStep, Schedule, deletes_expired
from .names import characters
from .plan import Plan, Step
from .properties import SA

LONGEST_DATABASE = 94
"""Characters of a database's name: the schedule's name has 34 more, and sysname takes 128."""

LONGEST_INTERVAL = 1440
"""Minutes of a day."""

UNCATEGORIZED = "[Uncategorized (Local)]"
DESCRIPTION = "Deletes expired sessions from the session state database."


@dataclass(frozen=True)
class JobChoices:
    """What the operator chose; `name` is "" for the usual one. `interval` is in minutes.

    `history_rows` and `history_rows_per_job` are for the whole Agent, None where nobody chose them; -1 keeps all.
    """

    name: str = ""
    owner: str = SA
    enabled: bool = True
    interval: int = 1
    category: str = UNCATEGORIZED
    description: str = DESCRIPTION
    manage_agent_history: bool = False
    history_rows: int | None = None
    history_rows_per_job: int | None = None

    def __post_init__(self) -> None:
        """Raises Refused for values that could not work."""
        if not 1 <= self.interval <= LONGEST_INTERVAL:
            raise Refused(f"interval is {self.interval}; give minutes, from 1 to {LONGEST_INTERVAL}")
        for name in ("owner", "category"):
            if not getattr(self, name).strip():
                raise Refused(f"{name} is empty; leave it out for the usual one")
        if self.name != self.name.strip() or characters(self.name) > 128:
            raise Refused(f"name {self.name!r} of the job: give at most 128 characters, without blanks around them")
        for name in ("history_rows", "history_rows_per_job"):
            value = getattr(self, name)
            if value is not None and not self.manage_agent_history:
                raise Refused(
                    f"{name} is a limit of SQL Server Agent's for all jobs; set manage_agent_history to true to change "
                    "it, or leave it out"
                )
            if value is not None and value != -1 and not 2 <= value <= 999_999:
                raise Refused(f"{name} is {value}; give 2 to 999999, or -1 to keep all")
        if self.history_rows == -1 and self.history_rows_per_job is not None:
            raise Refused("history_rows is -1, which keeps all rows of every job; leave history_rows_per_job out")


@dataclass(frozen=True)
class Commands:
    """What the job's step executes: in the session database, and where that is in an availability group in master."""

    usual: str
    in_group: str


JOB_ARGUMENTS: dict[str, dict[str, Any]] = {
    "job_name": {"type": "str"},
    "command": {"type": "str"},
    "availability_group_command": {"type": "str"},
    "interval": {"type": "int", "default": 1},
    "enabled": {"type": "bool", "default": True},
    "owner": {"type": "str", "default": SA},
    "category": {"type": "str", "default": UNCATEGORIZED},
    "manage_agent_history": {"type": "bool", "default": False},
    "history_rows": {"type": "int"},
    "history_rows_per_job": {"type": "int"},
}
"""Of the modules that are told what the job is to be."""


def job_choices(params: Mapping[str, Any]) -> tuple[JobChoices, Commands]:
    """What JOB_ARGUMENTS choose. Raises Refused for values that could not work."""
    names = ("owner", "enabled", "interval", "category", "manage_agent_history", "history_rows", "history_rows_per_job")
    choices = JobChoices(name=params["job_name"] or "", **{name: params[name] for name in names})
    return choices, Commands(params["command"], params["availability_group_command"])


def usual_name(database: str, what: str = "Job") -> str:
    """What aspnet_regsql calls the Job, JobStep or JobSchedule. Raises Refused where that is too long."""
    if characters(database) > LONGEST_DATABASE:
        raise Refused(
            f"database name {database!r} has {characters(database)} characters; with an Agent job it may have "
            f"{LONGEST_DATABASE}, since the job's schedule is named after it; give another name in "
            "aspstate_database_name, or set aspstate_agent_job_state to unmanaged and expire sessions with "
            "playbooks/expire.yml"
        )
    return f"{database}_{what}_DeleteExpiredSessions"


def command_for(template: str, database: str) -> str:
    """A step's command with `$(database)` filled in. A name cannot hold a quote or a bracket: see names.py."""
    if "$(database)" in template and "$(" in database:
        raise Refused(f"database name {database!r} holds $(, which SQL Server Agent takes for a token in a job's step")
    return template.replace("$(database)", database).strip()


def find_job(jobs: Jobs, database: str, choices: JobChoices) -> Job | None:
    """The job that is to be the one. Raises Refused where that cannot be told, or its name is taken."""
    name = choices.name or usual_name(database)
    if jobs.namesake is not None:
        raise Refused(
            f"job {name} is there and does not execute DeleteExpiredSessions of database {database}; nothing was "
            "changed; rename it, or give another name in aspstate_agent_job_name"
        )
    named = [job for job in jobs.expiring if job.name.casefold() == name.casefold()]
    if named or len(jobs.expiring) < 2:
        return next(iter(named or jobs.expiring), None)
    raise Refused(
        f"{len(jobs.expiring)} jobs execute DeleteExpiredSessions of database {database}: "
        f"{', '.join(job.name for job in jobs.expiring)}; nothing was changed; delete all but one, or name the one to "
        "keep in aspstate_agent_job_name"
    )


def wanted_job(current: Job | None, choices: JobChoices, database: str, where: str, command: str, today: int) -> Job:
    """The job as chosen: of one that is there the name, other steps and other schedules stay.

    `where` is the database in which `command` runs; `today` is the server's day.
    """
    if current is None:
        step = JobStep(usual_name(database, "JobStep"), command, where)
        schedule = Schedule(usual_name(database, "JobSchedule"), choices.interval)
        name = choices.name or usual_name(database)
        return _chosen(Job(name, True, "", None, None, (step,), (schedule,)), choices)
    only = len(current.steps) == 1
    steps = tuple(
        _wanted_step(step, command, where, only) if deletes_expired(step, database) else step for step in current.steps
    )
    return _chosen(
        replace(current, steps=steps, schedules=_wanted_schedules(current, choices, database, today)), choices
    )


def _chosen(job: Job, choices: JobChoices) -> Job:
    return replace(
        job,
        enabled=choices.enabled,
        description=choices.description,
        category=choices.category,
        owner=SA if choices.owner.casefold() == SA else choices.owner,
        local=True,
        start_step=job.start_step if len(job.steps) > 1 else 1,
    )


def _wanted_step(step: JobStep, command: str, where: str, only: bool) -> JobStep:
    step = replace(step, command=command, database=where)
    return replace(step, on_success=1, on_failure=2) if only else step


def _wanted_schedules(current: Job, choices: JobChoices, database: str, today: int) -> tuple[Schedule, ...]:
    """One is as wanted, or the first that no other job has is altered, or there is a new one; the others stay."""
    own = [each for each in current.schedules if each.jobs == 1]
    if any(each == _timed(each, choices, today) for each in current.schedules):
        return current.schedules
    if own:
        return tuple(_timed(each, choices, today) if each is own[0] else each for each in current.schedules)
    return (*current.schedules, Schedule(usual_name(database, "JobSchedule"), choices.interval))


def _timed(schedule: Schedule, choices: JobChoices, today: int) -> Schedule:
    hourly = schedule.subday_type == HOURS and schedule.interval * 60 == choices.interval
    return replace(
        schedule,
        enabled=True,
        freq_type=DAILY,
        freq_interval=1,
        subday_type=HOURS if hourly else MINUTES,
        interval=schedule.interval if hourly else choices.interval,
        start_date=schedule.start_date if schedule.start_date <= today else FIRST_DAY,
        end_date=LAST_DAY,
        start_time=0,
        end_time=LAST_SECOND,
    )


def plan_job_present(
    current: Job | None, desired: Job, agent: Agent, choices: JobChoices, logins: JobLogins, *, new_category: bool
) -> Plan:
    """Create the job, or alter what differs. `new_category`: the one that is wanted is not there yet."""
    steps = [create_job(desired, logins, new_category)] if current is None else []
    if current is not None:
        steps += update_job(current, desired, logins, new_category)
    if history := history_step(agent, choices.history_rows, choices.history_rows_per_job):
        steps.append(history)
    return Plan(
        before=describe_job(current, desired.name) + _history(agent),
        after=describe_job(desired, desired.name)
        + _history(kept_history(agent, choices.history_rows, choices.history_rows_per_job)),
        steps=tuple(steps),
    )


def plan_job_absent(jobs: Jobs, database: str, logins: JobLogins) -> Plan:
    """Delete every job that expires the sessions of `database`. Raises Refused for one that does more than that."""
    more = [job.name for job in jobs.expiring if not all(deletes_expired(step, database) for step in job.steps)]
    if more:
        raise Refused(
            f"job {', '.join(more)} has steps of its own besides DeleteExpiredSessions of database {database}; nothing "
            "was changed; take the step out of it"
        )
    names = [job.name for job in jobs.expiring]
    steps: list[Step] = [delete_job(job, logins) for job in jobs.expiring]
    return Plan(
        before="".join(describe_job(job, job.name) for job in jobs.expiring),
        after="".join(describe_job(None, name) for name in names),
        steps=tuple(steps),
    )


def describe_job(job: Job | None, name: str) -> str:
    """One side of a diff."""
    return "\n".join([f"job {name}: {'absent' if job is None else 'present'}", *(_lines(job) if job else ())]) + "\n"


def _lines(job: Job) -> Iterator[str]:
    yield f"  owner: {job.owner or '(no login)'}"
    yield f"  enabled: {_yes(job.enabled)}"
    yield f"  category: {job.category or '(none)'}"
    yield f"  description: {' '.join(job.description.split())}"
    yield f"  for this server: {_yes(job.local)}"
    yield f"  starts at step: {job.start_step}"
    for step in job.steps:
        yield f"  step {step.number}, {step.name}: {step.subsystem} in database {step.database}"
        yield from (f"    {line}".rstrip() for line in step.command.splitlines())
        yield f"    on success: {_ACTIONS.get(step.on_success, step.on_success)}"
        yield f"    on failure: {_ACTIONS.get(step.on_failure, step.on_failure)}"
    for schedule in job.schedules:
        shared = f", shared by {schedule.jobs} jobs" if schedule.jobs > 1 else ""
        yield f"  schedule {schedule.name}: {schedule}{'' if schedule.enabled else ', disabled'}{shared}"


_ACTIONS = {1: "quit with success", 2: "quit with failure", 3: "go to the next step", 4: "go to another step"}


def _history(agent: Agent) -> str:
    if agent.history_rows is None:
        return ""
    return f"history of all jobs: {agent.history_rows} rows, {agent.history_rows_per_job} of each job\n"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
