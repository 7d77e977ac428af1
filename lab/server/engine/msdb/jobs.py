"""sp_add_category, sp_add_job, sp_update_job, sp_delete_job, sp_add_jobserver and sp_delete_jobserver."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.msdb import messages, rights, rows, schedules
from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.shipped_procedure import raised
from lab.server.engine.msdb.tables import JOB_CLASS, LOCAL_TYPE, NEVER_RUN, UNCATEGORIZED
from lab.server.errors import unsupported
from lab.server.product import SERVER_NAME

LOCAL_SERVER_ID = 0
LEVELS = range(4)
"""Never, when it succeeds, when it fails, always."""

_CATEGORY_CLASSES, _CATEGORY_TYPES = ("JOB", "ALERT", "OPERATOR"), ("LOCAL", "MULTI-SERVER", "NONE")
_LEVEL_NAMES = (
    "notify_level_eventlog",
    "notify_level_email",
    "notify_level_netsend",
    "notify_level_page",
    "delete_level",
)


def add_category(session: Any, given: SimpleNamespace) -> None:
    """sp_add_category: of local jobs."""
    class_, type_ = given.__dict__["class"].upper(), given.type.upper()
    if class_ not in _CATEGORY_CLASSES:
        raise messages.not_one_of("@class", ", ".join(_CATEGORY_CLASSES))
    if type_ not in _CATEGORY_TYPES:
        raise messages.not_one_of("@type", ", ".join(_CATEGORY_TYPES))
    if (class_, type_) != ("JOB", "LOCAL"):
        raise unsupported(f"a category of class {class_} and type {type_}")
    if given.name is None:
        raise unsupported("a category without a name")
    if rows.first(session, "syscategories", category_class=JOB_CLASS, name=given.name):
        raise messages.exists("@name", given.name)
    used = max(one["category_id"] for one in rows.find(session, "syscategories"))
    rows.insert(
        session,
        "syscategories",
        category_id=max(used, _LAST_BUILT_IN_CATEGORY) + 1,
        category_class=JOB_CLASS,
        category_type=LOCAL_TYPE,
        name=given.name,
    )


_LAST_BUILT_IN_CATEGORY = 99


def add_job(session: Any, given: SimpleNamespace) -> None:
    """sp_add_job."""
    text = "Only a member of the sysadmin server role can add a job for a different owner with @owner_login_name."
    owner = rights.owner(session, given.owner_login_name, raised(14515, text))
    if given.job_id is not None:
        raise raised(14284, "Cannot specify a job ID for a new job. An ID will be assigned by the procedure.")
    if given.job_name is None:
        raise unsupported("a job without a name")
    _refuse_known(session, given.job_name, "@job_name")
    category = given.category_name
    if category is None and given.category_id is not None:
        found = rows.first(session, "syscategories", category_id=given.category_id)
        category = found["name"] if found else str(given.category_id)
    given.job_id, now = unique_ids.new_id(), session.engine.now()
    rows.insert(
        session,
        "sysjobs",
        job_id=given.job_id,
        originating_server_id=LOCAL_SERVER_ID,
        name=given.job_name,
        enabled=_enabled(given),
        description=given.description or "No description available.",
        start_step_id=_start_step(given),
        category_id=_category(session, category or UNCATEGORIZED),
        owner_sid=owner,
        date_created=now,
        date_modified=now,
        version_number=1,
        **_levels(given),
    )


def update_job(session: Any, given: SimpleNamespace) -> None:
    """sp_update_job: what is not given stays."""
    job = rights.own_job(session, given)
    changed: dict[str, Any] = {}
    if given.new_name is not None:
        if given.new_name.casefold() != job["name"].casefold():
            _refuse_known(session, given.new_name, "@new_name")
        changed["name"] = given.new_name
    if given.owner_login_name is not None:
        refusal = raised(14242, "Only a system administrator can reassign ownership of a job.")
        changed["owner_sid"] = rights.owner(session, given.owner_login_name, refusal)
    if given.category_name is not None:
        changed["category_id"] = _category(session, given.category_name)
    if given.enabled is not None:
        changed["enabled"] = _enabled(given)
    if given.start_step_id is not None:
        changed["start_step_id"] = _start_step(given)
    if given.description is not None:
        changed["description"] = given.description
    touch(session, job, **changed, **_levels(given))


def touch(session: Any, job: Found, **changed: Any) -> None:
    """Note that a job was changed."""
    version = job["version_number"] + 1
    rows.update(session, job, date_modified=session.engine.now(), version_number=version, **changed)


def delete_job(session: Any, given: SimpleNamespace) -> None:
    """sp_delete_job: with its steps, its history, and the schedules that no other job has."""
    job = rights.own_job(session, given)
    job_id = job["job_id"]
    attached = rows.find(session, "sysjobschedules", job_id=job_id)
    tables = ["sysjobsteps", "sysjobservers", "sysjobactivity"]
    for name in [*tables, "sysjobhistory"] if given.delete_history else tables:
        rows.delete(session, rows.find(session, name, job_id=job_id))
    rows.delete(session, [*attached, job])
    if given.delete_unused_schedule:
        for one in attached:
            schedules.delete_unused(session, one["schedule_id"])


def add_job_server(session: Any, given: SimpleNamespace) -> None:
    """sp_add_jobserver: only for this server."""
    job = rights.own_job(session, given)
    _check_server(given)
    if rows.first(session, "sysjobservers", job_id=job["job_id"]):
        raise raised(14269, f"Job '{job['name']}' is already targeted at server '{SERVER_NAME}'.")
    rows.insert(
        session,
        "sysjobservers",
        job_id=job["job_id"],
        server_id=LOCAL_SERVER_ID,
        last_run_outcome=NEVER_RUN,
        last_run_date=0,
        last_run_time=0,
        last_run_duration=0,
    )


def delete_job_server(session: Any, given: SimpleNamespace) -> None:
    """sp_delete_jobserver."""
    job = rights.own_job(session, given)
    _check_server(given)
    found = rows.find(session, "sysjobservers", job_id=job["job_id"])
    if not found:
        raise raised(14270, f"Job '{job['name']}' is not currently targeted at server '{SERVER_NAME}'.")
    rows.delete(session, found)


def _check_server(given: SimpleNamespace) -> None:
    name = given.server_name or "(local)"
    if name.casefold() not in ("(local)", SERVER_NAME.casefold()):
        raise unsupported(f"@server_name = {name!r}")


def _refuse_known(session: Any, name: str, parameter: str) -> None:
    if rows.first(session, "sysjobs", name=name):
        raise messages.exists(parameter, name)


def _category(session: Any, name: str) -> int:
    found = rows.first(session, "syscategories", category_class=JOB_CLASS, name=name)
    if found is None:
        raise messages.not_returned("@category_name", "sp_help_category")
    return found["category_id"]


def _enabled(given: SimpleNamespace) -> int:
    messages.check_one_of("@enabled", given.enabled, (0, 1))
    return given.enabled


def _start_step(given: SimpleNamespace) -> int:
    if given.start_step_id is None or given.start_step_id < 1:
        raise messages.not_one_of("@start_step_id", "1..n")
    return given.start_step_id


def _levels(given: SimpleNamespace) -> dict[str, int]:
    levels = {name: getattr(given, name) for name in _LEVEL_NAMES if getattr(given, name) is not None}
    for name, value in levels.items():
        messages.check_one_of(f"@{name}", value, LEVELS)
    for name in ("notify_level_email", "notify_level_netsend", "notify_level_page", "delete_level"):
        if levels.get(name):
            raise unsupported(f"@{name} = {levels[name]}")
    return levels
