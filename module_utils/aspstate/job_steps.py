"""The statements that make, change and delete a job of SQL Server Agent.

https://learn.microsoft.com/sql/relational-databases/system-stored-procedures/sql-server-agent-stored-procedures-transact-sql
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .agent import Agent
from .job_owner import JobLogins
from .jobs import Job, JobStep, Schedule
from .plan import Drift, Step
from .rights import Right

# All or nothing. The procedures report by their return value: an error in one does not end the batch.
_CREATE = """
SET XACT_ABORT ON
DECLARE @job uniqueidentifier, @failed int = 0
BEGIN TRANSACTION
IF %(new_category)s = 1
    EXEC @failed = msdb.dbo.sp_add_category @class = 'JOB', @type = 'LOCAL', @name = %(category)s
IF @failed = 0
    EXEC @failed = msdb.dbo.sp_add_job @job_name = %(name)s, @enabled = %(enabled)s, @description = %(description)s,
        @category_name = %(category)s, @owner_login_name = %(owner)s, @notify_level_eventlog = 0, @job_id = @job OUTPUT
IF @failed = 0
    EXEC @failed = msdb.dbo.sp_add_jobstep @job_id = @job, @step_id = 1, @step_name = %(step_name)s,
        @subsystem = 'TSQL', @command = %(command)s, @database_name = %(database)s, @on_success_action = 1,
        @on_fail_action = 2
IF @failed = 0
    EXEC @failed = msdb.dbo.sp_add_jobschedule @job_id = @job, @name = %(schedule)s, @enabled = 1, @freq_type = 4,
        @freq_interval = 1, @freq_subday_type = 4, @freq_subday_interval = %(interval)s,
        @active_start_date = %(start_date)s
IF @failed = 0
    EXEC @failed = msdb.dbo.sp_add_jobserver @job_id = @job, @server_name = '(local)'
IF @failed = 0
    COMMIT TRANSACTION
ELSE IF @@TRANCOUNT > 0
    ROLLBACK TRANSACTION
"""

_ADD_CATEGORY = "EXEC msdb.dbo.sp_add_category @class = 'JOB', @type = 'LOCAL', @name = %(category)s"

# NULL leaves a property as it is.
_UPDATE = """
EXEC msdb.dbo.sp_update_job @job_id = %(job)s, @enabled = %(enabled)s, @description = %(description)s,
    @category_name = %(category)s, @owner_login_name = %(owner)s, @start_step_id = %(start_step)s
"""
_UPDATE_STEP = """
EXEC msdb.dbo.sp_update_jobstep @job_id = %(job)s, @step_id = %(number)s, @command = %(command)s,
    @database_name = %(database)s, @on_success_action = %(on_success)s, @on_fail_action = %(on_failure)s
"""
_TIMING = """
    @enabled = 1, @freq_type = 4, @freq_interval = 1, @freq_subday_type = %(subday_type)s,
    @freq_subday_interval = %(interval)s, @active_start_date = %(start_date)s, @active_end_date = %(end_date)s,
    @active_start_time = %(start_time)s, @active_end_time = %(end_time)s
"""
_ADD_SCHEDULE = f"EXEC msdb.dbo.sp_add_jobschedule @job_id = %(job)s, @name = %(name)s,{_TIMING}"
_UPDATE_SCHEDULE = f"EXEC msdb.dbo.sp_update_schedule @schedule_id = %(id)s,{_TIMING}"
_ADD_SERVER = "EXEC msdb.dbo.sp_add_jobserver @job_id = %(job)s, @server_name = '(local)'"
_DELETE = "EXEC msdb.dbo.sp_delete_job @job_id = %(job)s, @delete_unused_schedule = 1"
_HISTORY = """
EXEC msdb.dbo.sp_set_sqlagent_properties @jobhistory_max_rows = %(rows)s, @jobhistory_max_rows_per_job = %(per_job)s
"""

_SYSADMIN = Right("sysadmin", "ROLE")


def _rights(logins: JobLogins, *owners: str | None, procedures: tuple[str, ...] = ()) -> tuple[Right, ...]:
    """Who is no sysadmin has jobs of their own only."""
    if any(owner != logins.own for owner in owners):
        return (_SYSADMIN,)
    return tuple(Right("EXECUTE", "OBJECT", procedure, "msdb") for procedure in procedures)


def create_job(job: Job, logins: JobLogins, new_category: bool) -> Step:
    """The whole job, in one transaction."""
    (step,), (schedule,) = job.steps, job.schedules
    values = {
        "name": job.name,
        "enabled": int(job.enabled),
        "description": job.description,
        "category": job.category,
        "new_category": int(new_category),
        "owner": logins.name(job.owner),
        "step_name": step.name,
        "command": step.command,
        "database": step.database,
        "schedule": schedule.name,
        "interval": schedule.interval,
        "start_date": schedule.start_date,
    }
    procedures = ("sp_add_job", "sp_add_jobstep", "sp_add_jobschedule", "sp_add_jobserver")
    rights = (_SYSADMIN,) if new_category else _rights(logins, job.owner, procedures=procedures)
    drift = _drift(f"job {job.name}", "present", "absent")
    return Step(f"create job {job.name}, {schedule}", _CREATE, values, rights=rights, drift=drift)


def update_job(current: Job, desired: Job, logins: JobLogins, new_category: bool) -> Iterator[Step]:
    """What differs."""
    name = current.name
    if new_category and current.category != desired.category:
        drift = _drift(f"category {desired.category} of jobs", "present", "absent")
        sentence = f"create category {desired.category} of jobs"
        yield Step(sentence, _ADD_CATEGORY, _category(desired), rights=(_SYSADMIN,), drift=drift)
    if changed := _changed(current, desired, _PROPERTIES):
        values = {"job": current.id, **dict.fromkeys(_PROPERTIES), **changed}
        values["owner"] = logins.name(values["owner"])
        rights = _rights(logins, current.owner, desired.owner, procedures=("sp_update_job",))
        drift = _drift(f"job {name}", changed, {each: getattr(current, each) for each in changed})
        yield Step(f"set {', '.join(_said(changed))} of job {name}", _UPDATE, values, rights=rights, drift=drift)
    for now, then in zip(current.steps, desired.steps, strict=True):
        if now != then:
            yield _update_step(current, now, then, logins)
    yield from _schedule_steps(current, desired, logins)
    if not current.local:
        rights = _rights(logins, current.owner, procedures=("sp_add_jobserver",))
        drift = _drift(f"server of job {name}", "this server", "none")
        sentence = f"let job {name} run on this server"
        yield Step(sentence, _ADD_SERVER, {"job": current.id}, rights=rights, drift=drift)


_PROPERTIES = ("enabled", "description", "category", "owner", "start_step")


def _category(job: Job) -> dict[str, Any]:
    return {"category": job.category}


def _changed(now: Job | JobStep, then: Job | JobStep, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(then, name) for name in names if getattr(now, name) != getattr(then, name)}
    return {name: int(value) if isinstance(value, bool) else value for name, value in values.items()}


def _said(changed: dict[str, Any]) -> Iterator[str]:
    for name, value in changed.items():
        words = {"enabled": ("disabled", "enabled")}.get(name)
        yield words[value] if words else f"{name.replace('_', ' ')} {' '.join(str(value).split())}"


def _update_step(job: Job, now: JobStep, then: JobStep, logins: JobLogins) -> Step:
    names = ("command", "database", "on_success", "on_failure")
    changed = _changed(now, then, names)
    values = {"job": job.id, "number": now.number, **dict.fromkeys(names), **changed}
    rights = _rights(logins, job.owner, procedures=("sp_update_jobstep",))
    where = f"step {now.number} of job {job.name}"
    drift = _drift(where, changed, {each: getattr(now, each) for each in changed})
    return Step(f"set {', '.join(_said(changed))} of {where}", _UPDATE_STEP, values, rights=rights, drift=drift)


def _schedule_steps(current: Job, desired: Job, logins: JobLogins) -> Iterator[Step]:
    for now, then in zip(current.schedules, desired.schedules, strict=False):
        if now != then:
            rights = _rights(logins, current.owner, procedures=("sp_update_schedule",))
            values = {"id": now.id, **_timing(then)}
            found = f"{now}{'' if now.enabled else ', disabled'}"
            drift = _drift(f"schedule {now.name} of job {current.name}", str(then), found)
            sentence = f"set schedule {now.name} to {then}"
            yield Step(sentence, _UPDATE_SCHEDULE, values, rights=rights, drift=drift)
    for new in desired.schedules[len(current.schedules) :]:
        rights = _rights(logins, current.owner, procedures=("sp_add_jobschedule",))
        values = {"job": current.id, "name": new.name, **_timing(new)}
        drift = _drift(f"schedule {new.name} of job {current.name}", str(new), "absent")
        sentence = f"add schedule {new.name}, {new}, to job {current.name}"
        yield Step(sentence, _ADD_SCHEDULE, values, rights=rights, drift=drift)


def _drift(subject: str, expected: object, found: object) -> tuple[Drift]:
    return (Drift("ASP206", subject, expected, found),)


def _timing(schedule: Schedule) -> dict[str, int]:
    names = ("subday_type", "interval", "start_date", "end_date", "start_time", "end_time")
    return {name: getattr(schedule, name) for name in names}


def delete_job(job: Job, logins: JobLogins) -> Step:
    """The job with its history, and its schedules where no other job has them."""
    rights = _rights(logins, job.owner, procedures=("sp_delete_job",))
    return Step(f"delete job {job.name}", _DELETE, {"job": job.id}, rights=rights)


def kept_history(agent: Agent, rows: int | None, per_job: int | None) -> Agent:
    """The Agent with these limits, where they are chosen; where all rows are kept it has 0 for each job."""
    if rows == -1:
        per_job = 0
    chosen = {"history_rows": rows, "history_rows_per_job": per_job}
    return replace(agent, **{name: value for name, value in chosen.items() if value is not None})


def history_step(agent: Agent, rows: int | None, per_job: int | None) -> Step | None:
    """The limits of the Agent's history, where they are chosen and differ."""
    wanted = kept_history(agent, rows, per_job)
    if wanted == agent:
        return None
    values = {"rows": wanted.history_rows, "per_job": wanted.history_rows_per_job}
    sentence = f"keep {wanted.history_rows} rows of history of all jobs, {wanted.history_rows_per_job} of each"
    found = {"rows": agent.history_rows, "per_job": agent.history_rows_per_job}
    known = agent.history_rows is not None
    drift = _drift("history of SQL Server Agent", values, found) if known else ()
    return Step(sentence, _HISTORY, values, rights=(_SYSADMIN,), drift=drift)
