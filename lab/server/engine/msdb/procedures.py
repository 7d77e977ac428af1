"""Which procedures msdb has, with the parameters of each, and who may execute it from the beginning."""

from __future__ import annotations

from lab.server.engine.database import Database
from lab.server.engine.msdb import jobs, running, schedules, steps
from lab.server.engine.msdb.roles import ROLE_IDS, USER_ROLE
from lab.server.engine.msdb.shipped_procedure import Run, Takes, shipped
from lab.server.engine.principals import GRANT, OBJECT_CLASS
from lab.server.types import BIT, INT, NVARCHAR_MAX, SYSNAME, UNIQUE_ID, SqlType

FIRST_PROCEDURE_ID = 110_000_001

_TINYINT = SqlType("tinyint")
_DESCRIPTION = SqlType("nvarchar", 512)
_JOB = (Takes("@job_id", UNIQUE_ID), Takes("@job_name", SYSNAME))
_ORIGIN = Takes("@originating_server", SYSNAME, fixed=True)
_POST = Takes("@automatic_post", BIT, 1, fixed=True)
_OPERATORS = tuple(Takes(f"@notify_{kind}_operator_name", SYSNAME, fixed=True) for kind in ("email", "netsend", "page"))


def _levels(default: int | None) -> tuple[Takes, ...]:
    """Of sp_add_job 2 and 0, of sp_update_job NULL."""
    others = None if default is None else 0
    names = ("email", "netsend", "page")
    return Takes("@notify_level_eventlog", INT, default), *(Takes(f"@notify_level_{one}", INT, others) for one in names)


def _timing(freq_type: int | None, *, update: bool = False) -> tuple[Takes, ...]:
    zero = None if update else 0
    return (
        Takes("@enabled", _TINYINT, None if update else 1),
        Takes("@freq_type", INT, freq_type),
        Takes("@freq_interval", INT, zero),
        Takes("@freq_subday_type", INT, zero),
        Takes("@freq_subday_interval", INT, zero),
        Takes("@freq_relative_interval", INT, zero),
        Takes("@freq_recurrence_factor", INT, zero),
        Takes("@active_start_date", INT),
        Takes("@active_end_date", INT, None if update else schedules.LAST_DAY),
        Takes("@active_start_time", INT, zero),
        Takes("@active_end_time", INT, None if update else 235959),
    )


def _step(*, update: bool = False) -> tuple[Takes, ...]:
    def default(value: int) -> int | None:
        return None if update else value

    return (
        Takes("@step_id", INT, needed=update),
        Takes("@step_name", SYSNAME, needed=not update),
        Takes("@subsystem", SqlType("nvarchar", 40), None if update else "TSQL"),
        Takes("@command", NVARCHAR_MAX),
        Takes("@additional_parameters", NVARCHAR_MAX, fixed=True),
        Takes("@cmdexec_success_code", INT, default(0), fixed=True),
        Takes("@on_success_action", _TINYINT, default(1)),
        Takes("@on_success_step_id", INT, default(0)),
        Takes("@on_fail_action", _TINYINT, default(2)),
        Takes("@on_fail_step_id", INT, default(0)),
        Takes("@server", SYSNAME, fixed=True),
        Takes("@database_name", SYSNAME),
        Takes("@database_user_name", SYSNAME),
        Takes("@retry_attempts", INT, default(0)),
        Takes("@retry_interval", INT, default(0)),
        Takes("@os_run_priority", INT, default(0), fixed=True),
        Takes("@output_file_name", SYSNAME, fixed=True),
        Takes("@flags", INT, default(0)),
        Takes("@proxy_id", INT, fixed=True),
        Takes("@proxy_name", SYSNAME, fixed=True),
    )


_SCHEDULE = (Takes("@schedule_id", INT), Takes("@schedule_name", SYSNAME))
_NEW_IDS = (Takes("@schedule_uid", UNIQUE_ID, output=True), Takes("@schedule_id", INT, output=True))
_STEP_UID = Takes("@step_uid", UNIQUE_ID, fixed=True)
_SERVER = Takes("@server_name", SYSNAME)

_FOR_ALL: dict[str, tuple[Run, tuple[Takes, ...]]] = {
    "sp_add_job": (
        jobs.add_job,
        (
            Takes("@job_name", SYSNAME, needed=True),
            Takes("@enabled", _TINYINT, 1),
            Takes("@description", _DESCRIPTION),
            Takes("@start_step_id", INT, 1),
            Takes("@category_name", SYSNAME),
            Takes("@category_id", INT),
            Takes("@owner_login_name", SYSNAME),
            *_levels(2),
            *_OPERATORS,
            Takes("@delete_level", INT, 0),
            Takes("@job_id", UNIQUE_ID, output=True),
            _ORIGIN,
        ),
    ),
    "sp_update_job": (
        jobs.update_job,
        (
            *_JOB,
            Takes("@new_name", SYSNAME),
            Takes("@enabled", _TINYINT),
            Takes("@description", _DESCRIPTION),
            Takes("@start_step_id", INT),
            Takes("@category_name", SYSNAME),
            Takes("@owner_login_name", SYSNAME),
            *_levels(None),
            *_OPERATORS,
            Takes("@delete_level", INT),
            _POST,
        ),
    ),
    "sp_delete_job": (
        jobs.delete_job,
        (*_JOB, _ORIGIN, Takes("@delete_history", BIT, 1), Takes("@delete_unused_schedule", BIT, 1)),
    ),
    "sp_add_jobstep": (steps.add_step, (*_JOB, *_step(), _STEP_UID)),
    "sp_update_jobstep": (steps.update_step, (*_JOB, *_step(update=True))),
    "sp_add_jobschedule": (
        schedules.add_job_schedule,
        (
            *_JOB,
            Takes("@name", SYSNAME, needed=True),
            *_timing(1),
            Takes("@schedule_id", INT, output=True),
            _POST,
            Takes("@schedule_uid", UNIQUE_ID, output=True),
        ),
    ),
    "sp_add_schedule": (
        schedules.add_schedule,
        (
            Takes("@schedule_name", SYSNAME, needed=True),
            *_timing(0),
            Takes("@owner_login_name", SYSNAME),
            *_NEW_IDS,
            _ORIGIN,
        ),
    ),
    "sp_update_schedule": (
        schedules.update_schedule,
        (
            Takes("@schedule_id", INT),
            Takes("@name", SYSNAME),
            Takes("@new_name", SYSNAME),
            *_timing(None, update=True),
            Takes("@owner_login_name", SYSNAME),
            _POST,
        ),
    ),
    "sp_attach_schedule": (schedules.attach_schedule, (*_JOB, *_SCHEDULE, _POST)),
    "sp_detach_schedule": (
        schedules.detach_schedule,
        (*_JOB, *_SCHEDULE, Takes("@delete_unused_schedule", BIT, 0), _POST),
    ),
    "sp_add_jobserver": (jobs.add_job_server, (*_JOB, _SERVER, _POST)),
    "sp_delete_jobserver": (jobs.delete_job_server, (*_JOB, _SERVER)),
    "sp_start_job": (
        running.start_job,
        (
            Takes("@job_name", SYSNAME),
            Takes("@job_id", UNIQUE_ID),
            Takes("@error_flag", INT, 1, fixed=True),
            Takes("@server_name", SYSNAME, fixed=True),
            Takes("@step_name", SYSNAME),
            Takes("@output_flag", INT, 1, fixed=True),
        ),
    ),
    "sp_get_sqlagent_properties": (running.get_properties, ()),
}
"""What SQLAgentUserRole, and so the two other roles, may execute."""

_FOR_ADMINISTRATORS: dict[str, tuple[Run, tuple[Takes, ...]]] = {
    "sp_add_category": (
        jobs.add_category,
        (
            Takes("@class", SqlType("varchar", 8), "JOB"),
            Takes("@type", SqlType("varchar", 12), "LOCAL"),
            Takes("@name", SYSNAME, needed=True),
        ),
    ),
    "sp_set_sqlagent_properties": (
        running.set_properties,
        (
            Takes("@auto_start", INT, fixed=True),
            Takes("@sqlserver_restart", INT, fixed=True),
            Takes("@jobhistory_max_rows", INT),
            Takes("@jobhistory_max_rows_per_job", INT),
        ),
    ),
}


def put_procedures(database: Database) -> None:
    """Put them into msdb; ids are given in this order, so new ones belong at the end."""
    for number, (name, (run, takes)) in enumerate((_FOR_ADMINISTRATORS | _FOR_ALL).items()):
        procedure = shipped(name, FIRST_PROCEDURE_ID + number, database.created, run, takes)
        database.put(procedure)
        if name in _FOR_ALL:
            key = (OBJECT_CLASS, procedure.object_id, ROLE_IDS[USER_ROLE], "EXECUTE")
            database.security.set_grant(key, GRANT)
