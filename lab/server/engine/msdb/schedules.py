"""The procedures about schedules: made, changed, attached to jobs, detached and deleted."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.msdb import messages, rights, rows
from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.shipped_procedure import raised
from lab.server.errors import unsupported

DAILY, MINUTES, HOURS = 4, 4, 8
FREQUENCIES = (1, 4, 8, 16, 32, 64, 128)
SUBDAY_TYPES = (1, 2, 4, 8)
LAST_DAY = 99991231

_TIMING = (
    "enabled",
    "freq_type",
    "freq_interval",
    "freq_subday_type",
    "freq_subday_interval",
    "freq_relative_interval",
    "freq_recurrence_factor",
    "active_start_date",
    "active_end_date",
    "active_start_time",
    "active_end_time",
)


def add_schedule(session: Any, given: SimpleNamespace) -> None:
    """sp_add_schedule."""
    refusal = raised(14366, "Only members of sysadmin role can modify the owner of a schedule.")
    _insert(session, given, given.schedule_name, rights.owner(session, given.owner_login_name, refusal))


def add_job_schedule(session: Any, given: SimpleNamespace) -> None:
    """sp_add_jobschedule: a schedule that belongs to the job's owner, attached to the job."""
    job = rights.own_job(session, given)
    _insert(session, given, given.name, job["owner_sid"])
    _attach(session, job, given.schedule_id)


def update_schedule(session: Any, given: SimpleNamespace) -> None:
    """sp_update_schedule: what is not given stays."""
    schedule = _own_schedule(session, given.schedule_id, given.name)
    timing = SimpleNamespace(**{name: schedule[name] for name in _TIMING})
    for name in _TIMING:
        if getattr(given, name) is not None:
            setattr(timing, name, getattr(given, name))
    changed = _checked(session, timing)
    if given.new_name is not None:
        changed["name"] = given.new_name
    if given.owner_login_name is not None:
        refusal = raised(14366, "Only members of sysadmin role can modify the owner of a schedule.")
        changed["owner_sid"] = rights.owner(session, given.owner_login_name, refusal)
    rows.update(session, schedule, **changed)


def attach_schedule(session: Any, given: SimpleNamespace) -> None:
    """sp_attach_schedule; nothing if it is attached already."""
    job = rights.own_job(session, given)
    schedule = _schedule(session, given.schedule_id, given.schedule_name)
    if not session.principal.is_sysadmin and schedule["owner_sid"] != job["owner_sid"]:
        text = (
            "The schedule was not attached to the specified job. The schedule owner and the job owner must be the same"
            " or the operation must be performed by a sysadmin."
        )
        raise raised(14377, text)
    if not rows.first(session, "sysjobschedules", job_id=job["job_id"], schedule_id=schedule["schedule_id"]):
        _attach(session, job, schedule["schedule_id"])


def detach_schedule(session: Any, given: SimpleNamespace) -> None:
    """sp_detach_schedule."""
    job = rights.own_job(session, given)
    schedule = _schedule(session, given.schedule_id, given.schedule_name)
    found = rows.first(session, "sysjobschedules", job_id=job["job_id"], schedule_id=schedule["schedule_id"])
    if found is None:
        text = f'The specified schedule name "{schedule["name"]}" is not associated with the job "{job["name"]}".'
        raise raised(14374, text)
    rows.delete(session, [found])
    if given.delete_unused_schedule:
        delete_unused(session, schedule["schedule_id"])


def delete_unused(session: Any, schedule_id: int) -> None:
    """Delete a schedule if no job has it any more."""
    if not rows.find(session, "sysjobschedules", schedule_id=schedule_id):
        rows.delete(session, rows.find(session, "sysschedules", schedule_id=schedule_id))


def _insert(session: Any, given: SimpleNamespace, name: str | None, owner: bytes) -> None:
    if name is None:
        raise unsupported("a schedule without a name")
    given.schedule_id = rows.next_id(session, "sysschedules")
    given.schedule_uid = unique_ids.new_id()
    rows.insert(
        session,
        "sysschedules",
        schedule_id=given.schedule_id,
        schedule_uid=given.schedule_uid,
        name=name,
        owner_sid=owner,
        **_checked(session, given),
    )


def _attach(session: Any, job: Found, schedule_id: int) -> None:
    """The Agent puts the next run in."""
    job_id = job["job_id"]
    rows.insert(session, "sysjobschedules", schedule_id=schedule_id, job_id=job_id, next_run_date=0, next_run_time=0)


def _schedule(session: Any, id_: int | None, name: str | None, parameter: str = "@schedule_name") -> Found:
    """By its id or its name; raises 14373, 14371, and 14262 also for one that is not the session's own."""
    if (id_ is None) is (name is None):
        raise raised(14373, f"Supply either @schedule_id or {parameter} to identify the schedule.")
    found = rows.find(session, "sysschedules", **({"schedule_id": id_} if name is None else {"name": name}))
    found = [one for one in found if rights.owns(session, one) or rights.is_in_role(session, rights.READER_ROLE)]
    if not found:
        raise messages.absent("@schedule_id" if name is None else parameter, id_ if name is None else name)
    if len(found) > 1:
        text = (
            f'There are two or more schedules named "{name}". Specify @schedule_id instead of {parameter} to uniquely'
            " identify the schedule."
        )
        raise raised(14371, text)
    return found[0]


def _own_schedule(session: Any, id_: int | None, name: str | None) -> Found:
    schedule = _schedule(session, id_, name, "@name")
    if not rights.owns(session, schedule):
        text = "Only owner of a job schedule or members of sysadmin role can modify or delete the job schedule."
        raise raised(14394, text)
    return schedule


# When it runs


def _checked(session: Any, given: SimpleNamespace) -> dict[str, Any]:
    """The columns that say when it runs; raises 14266, 14278, 14287 and 14288."""
    messages.check_one_of("@enabled", given.enabled, (0, 1))
    _check_frequency(given)
    today = session.engine.now()
    if given.active_start_date in (None, 0):
        given.active_start_date = today.year * 10_000 + today.month * 100 + today.day
    given.active_end_date = given.active_end_date or LAST_DAY
    for name in ("active_start_date", "active_end_date"):
        _check_date(f"@{name}", getattr(given, name))
    for name in ("active_start_time", "active_end_time"):
        _check_time(f"@{name}", getattr(given, name))
    if given.active_end_date < given.active_start_date:
        raise raised(14288, "@active_end_date cannot be before @active_start_date.")
    return {name: getattr(given, name) for name in _TIMING}


def _check_frequency(given: SimpleNamespace) -> None:
    if given.freq_type not in FREQUENCIES:
        raise messages.not_one_of("@freq_type", ", ".join(hex(one) for one in FREQUENCIES))
    if given.freq_type != DAILY:
        raise unsupported(f"@freq_type = {given.freq_type}")
    if given.freq_subday_type not in (0, *SUBDAY_TYPES):
        valid = ", ".join(hex(one) for one in SUBDAY_TYPES)
        raise _invalid(f"The specified '@freq_subday_type' is invalid (valid values are: {valid}).")
    if given.freq_subday_type not in (MINUTES, HOURS):
        raise unsupported(f"@freq_subday_type = {given.freq_subday_type}")
    if given.freq_subday_interval < 1:
        raise _invalid("The specified '@freq_subday_interval' is invalid.")
    if given.freq_interval < 1:
        raise _invalid("@freq_interval must be at least 1 for a daily job.")
    if given.freq_interval > 1:
        raise unsupported(f"@freq_interval = {given.freq_interval}")
    if given.freq_relative_interval:
        raise unsupported(f"@freq_relative_interval = {given.freq_relative_interval}")
    given.freq_recurrence_factor = 0


def _invalid(reason: str) -> Exception:
    return raised(14278, f"The schedule for this job is invalid (reason: {reason}).")


def _check_date(parameter: str, value: int) -> None:
    try:
        date(value // 10_000, value // 100 % 100, value % 100)
    except ValueError:
        raise raised(14287, f"The '{parameter}' supplied has an invalid date.") from None


def _check_time(parameter: str, value: int | None) -> None:
    value = -1 if value is None else value
    parts = {"hour": (value // 10_000, 24), "minute": (value // 100 % 100, 60), "second": (value % 100, 60)}
    for part, (number, limit) in parts.items():
        if not 0 <= number < limit:
            raise raised(14287, f"The '{parameter}' supplied has an invalid {part}.")
