"""The tables of msdb, with SQL Server's names of columns; others of their columns are left out."""

from __future__ import annotations

from datetime import datetime

from lab.server.engine.storage import Index, IndexColumn, Table, TableColumn
from lab.server.engine.system_types import USER_TYPE_IDS
from lab.server.types import DATETIME, INT, NVARCHAR_MAX, SYSNAME, UNIQUE_ID, SqlType

FIRST_TABLE_ID = 100_000_001
UNCATEGORIZED = "[Uncategorized (Local)]"
JOB_CLASS, LOCAL_TYPE = 1, 1
"""Of a category."""

NEVER_RUN = 5
"""last_run_outcome of a job or step that has not run."""

_TINYINT = SqlType("tinyint")
_SID = SqlType("varbinary", 85)
_MESSAGE = SqlType("nvarchar", 4000)

_LAST_RUN = {
    "last_run_outcome": INT,
    "last_run_duration": INT,
    "last_run_date": INT,
    "last_run_time": INT,
}

TABLES: dict[str, tuple[tuple[str, ...], dict[str, SqlType]]] = {
    "sysjobs": (
        ("job_id",),
        {
            "job_id": UNIQUE_ID,
            "originating_server_id": INT,
            "name": SYSNAME,
            "enabled": _TINYINT,
            "description": SqlType("nvarchar", 512),
            "start_step_id": INT,
            "category_id": INT,
            "owner_sid": _SID,
            "notify_level_eventlog": INT,
            "notify_level_email": INT,
            "notify_level_netsend": INT,
            "notify_level_page": INT,
            "delete_level": INT,
            "date_created": DATETIME,
            "date_modified": DATETIME,
            "version_number": INT,
        },
    ),
    "sysjobsteps": (
        ("job_id", "step_id"),
        {
            "job_id": UNIQUE_ID,
            "step_id": INT,
            "step_name": SYSNAME,
            "subsystem": SqlType("nvarchar", 40),
            "command": NVARCHAR_MAX,
            "flags": INT,
            "on_success_action": _TINYINT,
            "on_success_step_id": INT,
            "on_fail_action": _TINYINT,
            "on_fail_step_id": INT,
            "server": SYSNAME,
            "database_name": SYSNAME,
            "database_user_name": SYSNAME,
            "retry_attempts": INT,
            "retry_interval": INT,
            "output_file_name": SqlType("nvarchar", 200),
            "proxy_id": INT,
        }
        | _LAST_RUN,
    ),
    "sysschedules": (
        ("schedule_id",),
        {
            "schedule_id": INT,
            "schedule_uid": UNIQUE_ID,
            "name": SYSNAME,
            "owner_sid": _SID,
            "enabled": INT,
            "freq_type": INT,
            "freq_interval": INT,
            "freq_subday_type": INT,
            "freq_subday_interval": INT,
            "freq_relative_interval": INT,
            "freq_recurrence_factor": INT,
            "active_start_date": INT,
            "active_end_date": INT,
            "active_start_time": INT,
            "active_end_time": INT,
        },
    ),
    "sysjobschedules": (
        ("schedule_id", "job_id"),
        {"schedule_id": INT, "job_id": UNIQUE_ID, "next_run_date": INT, "next_run_time": INT},
    ),
    "sysjobservers": (
        ("job_id", "server_id"),
        {
            "job_id": UNIQUE_ID,
            "server_id": INT,
            "last_run_outcome": _TINYINT,
            "last_outcome_message": _MESSAGE,
            "last_run_date": INT,
            "last_run_time": INT,
            "last_run_duration": INT,
        },
    ),
    "syscategories": (
        ("category_id",),
        {"category_id": INT, "category_class": INT, "category_type": _TINYINT, "name": SYSNAME},
    ),
    "sysjobhistory": (
        ("instance_id",),
        {
            "instance_id": INT,
            "job_id": UNIQUE_ID,
            "step_id": INT,
            "step_name": SYSNAME,
            "sql_message_id": INT,
            "sql_severity": INT,
            "message": _MESSAGE,
            "run_status": INT,
            "run_date": INT,
            "run_time": INT,
            "run_duration": INT,
            "server": SYSNAME,
        },
    ),
    "sysjobactivity": (
        ("session_id", "job_id"),
        {
            "session_id": INT,
            "job_id": UNIQUE_ID,
            "run_requested_date": DATETIME,
            "start_execution_date": DATETIME,
            "stop_execution_date": DATETIME,
            "job_history_id": INT,
            "next_scheduled_run_date": DATETIME,
        },
    ),
    "syssessions": (("session_id",), {"session_id": INT, "agent_start_date": DATETIME}),
}
"""By name: the key, and the columns."""

_NULLABLE = (
    "description",
    "command",
    "server",
    "database_name",
    "database_user_name",
    "output_file_name",
    "proxy_id",
    "last_outcome_message",
    "message",
    "run_requested_date",
    "start_execution_date",
    "stop_execution_date",
    "job_history_id",
    "next_scheduled_run_date",
)


def shipped_tables(created: datetime) -> list[Table]:
    """The tables, with the category that jobs without one belong to. They are made at each start, not logged."""
    tables = [_table(name, FIRST_TABLE_ID + number, created) for number, name in enumerate(TABLES)]
    categories = next(table for table in tables if table.name == "syscategories")
    categories.insert((0, JOB_CLASS, LOCAL_TYPE, UNCATEGORIZED))
    return tables


def _table(name: str, object_id: int, created: datetime) -> Table:
    key, columns = TABLES[name]
    described = tuple(
        TableColumn(column, type_, _type_id(type_), column in _NULLABLE) for column, type_ in columns.items()
    )
    table = Table("dbo", name, object_id, described, created, shipped=True)
    parts = tuple(IndexColumn(table.ordinal(column)) for column in key)
    table.add_index(Index(f"PK_{name}", 1, parts, True, True, None))
    return table


def _type_id(type_: SqlType) -> int:
    return USER_TYPE_IDS["sysname" if type_ == SYSNAME else type_.name]
