"""Session-state scripts in today's T-SQL, made of the shipped schema, in the order in which those of ASP.NET work."""

from __future__ import annotations

from aspstate.database import FORMER_TYPES
from aspstate.generation import NAMES
from aspstate.schema import STARTUP, schema

from tests.shipped import definitions

_DATABASE = """
IF DB_ID(N'{name}') IS NULL
    CREATE DATABASE [{name}]
"""
_DROP_TABLE = "IF OBJECT_ID(N'[{place}].dbo.{table}', 'U') IS NOT NULL DROP TABLE [{place}].dbo.{table}\n"
_DROP_PROCEDURE = "IF OBJECT_ID(N'dbo.{procedure}', 'P') IS NOT NULL DROP PROCEDURE dbo.{procedure}\n"
_DROP_TYPE = "IF EXISTS (SELECT 1 FROM sys.types WHERE name = N'{type}') DROP TYPE dbo.{type}\n"
_DELETE_JOB = """
PRINT 'error 14262 is expected where there is no job'
EXEC msdb.dbo.sp_delete_job @job_name = N'{name}_Job_DeleteExpiredSessions'
"""
_JOB = """
DECLARE @job uniqueidentifier
EXEC msdb.dbo.sp_add_job @job_name = N'{name}_Job_DeleteExpiredSessions', @job_id = @job OUTPUT
EXEC msdb.dbo.sp_add_jobstep @job_id = @job, @step_name = N'{name}_JobStep_DeleteExpiredSessions',
    @subsystem = N'TSQL', @command = N'EXECUTE DeleteExpiredSessions', @database_name = N'{name}'
EXEC msdb.dbo.sp_add_jobschedule @job_id = @job, @name = N'{name}_JobSchedule_DeleteExpiredSessions',
    @freq_type = 4, @freq_interval = 1, @freq_subday_type = 4, @freq_subday_interval = 1
EXEC msdb.dbo.sp_add_jobserver @job_id = @job, @server_name = N'(local)'
"""
_CATEGORY = """
PRINT 'error 14261 is expected where there is the category'
EXEC msdb.dbo.sp_add_category @name = N'[Uncategorized (Local)]'
"""
TABLES = ("ASPStateTempSessions", "ASPStateTempApplications")


def install_script(name: str, type_: str = "persisted") -> str:
    """Makes the database, drops what is there of session state in it, and makes all of it anew, and the job."""
    place = "tempdb" if type_ == "temporary" else name
    objects = schema(definitions(type_), type_)
    batches = ["USE master", _DATABASE, _DELETE_JOB]
    if type_ == "temporary":
        batches.append(_DROP_PROCEDURE.format(procedure=STARTUP))
    batches += [f"Use [{name}]", *_drops(place), "SELECT COUNT(*), N'objects' FROM sys.objects"]
    batches += [*objects.types.values(), *objects.procedures.values(), "EXEC dbo.CreateTempTables"]
    if type_ == "temporary":
        batches += ["USE master", objects.startup, f"EXEC sp_procoption N'dbo.{STARTUP}', 'startup', 'on'"]
    return _joined([*batches, _CATEGORY, _JOB], name)


def uninstall_script(name: str, type_: str = "persisted") -> str:
    """Drops the session tables first, as the scripts of ASP.NET 2.0 and later, then the database and the job."""
    batches = ["USE master"]
    if type_ == "temporary":
        batches.append(_DROP_PROCEDURE.format(procedure=STARTUP))
    if type_ == "custom":
        batches += [f"USE [{name}]", *_drops(name)]
    else:
        place = "tempdb" if type_ == "temporary" else name
        batches += ["".join(_DROP_TABLE.format(place=place, table=table) for table in TABLES)]
        batches.append("IF DB_ID(N'{name}') IS NOT NULL\n    DROP DATABASE [{name}]")
    return _joined([*batches, _DELETE_JOB], name)


def _drops(place: str) -> list[str]:
    return [
        "".join(_DROP_TABLE.format(place=place, table=table) for table in TABLES),
        "".join(_DROP_PROCEDURE.format(procedure=procedure) for procedure in NAMES),
        "".join(_DROP_TYPE.format(type=type_) for type_ in FORMER_TYPES),
    ]


def _joined(batches: list[str], name: str) -> str:
    return "".join(f"{batch.replace('{name}', name).strip()}\nGO\n\n" for batch in batches)
