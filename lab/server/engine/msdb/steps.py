"""sp_add_jobstep and sp_update_jobstep."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lab.server.engine.msdb import jobs, messages, rights, rows
from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.tables import NEVER_RUN
from lab.server.errors import unsupported

SUCCEED, FAIL, NEXT_STEP, GO_TO_STEP = 1, 2, 3, 4
"""What a step does when it has ended."""

_ACTIONS = (SUCCEED, FAIL, NEXT_STEP, GO_TO_STEP)
_OTHER_SUBSYSTEMS = ("ACTIVESCRIPTING", "CMDEXEC", "POWERSHELL", "SSIS", "ANALYSISCOMMAND", "ANALYSISQUERY")
_KEPT = (
    "step_name",
    "command",
    "on_success_action",
    "on_success_step_id",
    "on_fail_action",
    "on_fail_step_id",
    "database_name",
    "retry_attempts",
    "retry_interval",
    "flags",
)


def add_step(session: Any, given: SimpleNamespace) -> None:
    """sp_add_jobstep: after the others."""
    job = rights.own_job(session, given)
    steps = rows.find(session, "sysjobsteps", job_id=job["job_id"])
    number = given.step_id or len(steps) + 1
    if not 1 <= number <= len(steps) + 1:
        raise messages.not_one_of("@step_id", f"1..{len(steps) + 1}")
    if number <= len(steps):
        raise unsupported(f"@step_id = {number} before other steps")
    if given.step_name is None:
        raise unsupported("a step without a name")
    given.database_name = given.database_name or "master"
    values = _checked(session, given, steps, number)
    rows.insert(
        session,
        "sysjobsteps",
        job_id=job["job_id"],
        step_id=number,
        subsystem="TSQL",
        last_run_outcome=NEVER_RUN,
        last_run_duration=0,
        last_run_date=0,
        last_run_time=0,
        **values,
    )
    jobs.touch(session, job)


def update_step(session: Any, given: SimpleNamespace) -> None:
    """sp_update_jobstep: what is not given stays."""
    job = rights.own_job(session, given)
    steps = rows.find(session, "sysjobsteps", job_id=job["job_id"])
    step = next((one for one in steps if one["step_id"] == given.step_id), None)
    if step is None:
        raise messages.absent("@step_id", given.step_id)
    rows.update(session, step, **_checked(session, given, steps, given.step_id))
    jobs.touch(session, job)


def _checked(session: Any, given: SimpleNamespace, steps: list[Found], number: int) -> dict[str, Any]:
    _check_subsystem(given)
    for name in ("on_success_action", "on_fail_action"):
        if getattr(given, name) is not None:
            messages.check_one_of(f"@{name}", getattr(given, name), _ACTIONS)
    for one in steps:
        if one["step_id"] != number and given.step_name and one["step_name"].casefold() == given.step_name.casefold():
            raise messages.exists("@step_name", given.step_name)
    _refuse_what_does_not_run(given)
    return {name: getattr(given, name) for name in _KEPT if getattr(given, name) is not None}


def _check_subsystem(given: SimpleNamespace) -> None:
    subsystem = (given.subsystem or "TSQL").strip(" ").upper()
    if subsystem in _OTHER_SUBSYSTEMS:
        raise unsupported(f"a step of the subsystem {subsystem}")
    if subsystem != "TSQL":
        raise messages.not_returned("@subsystem", "sp_enum_sqlagent_subsystems")


def _refuse_what_does_not_run(given: SimpleNamespace) -> None:
    """Whatever would change how the step runs, and is not done here."""
    for name, harmless in (("retry_attempts", (None, 0)), ("flags", (None, 0)), ("database_user_name", (None,))):
        if getattr(given, name) not in harmless:
            raise unsupported(f"@{name} = {getattr(given, name)!r}")
