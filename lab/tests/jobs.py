"""Jobs for the tests of msdb and of the Agent."""

from __future__ import annotations

from lab.server.engine.session import Session
from lab.tests.recorder import Recorder, ok

EVERY_MINUTE = "@freq_type = 4, @freq_interval = 1, @freq_subday_type = 4, @freq_subday_interval = 1"


def job_batch(name: str, command: str, database: str = "master", schedule: str = EVERY_MINUTE, more: str = "") -> str:
    """What makes a job with one step and one schedule on this server."""
    quoted = command.replace("'", "''")
    return f"""
        DECLARE @id uniqueidentifier
        EXEC msdb.dbo.sp_add_job @job_name = N'{name}', @job_id = @id OUTPUT{more}
        EXEC msdb.dbo.sp_add_jobstep @job_id = @id, @step_name = N'step', @command = N'{quoted}',
            @database_name = N'{database}'
        EXEC msdb.dbo.sp_add_jobschedule @job_id = @id, @name = N'schedule of {name}', {schedule}
        EXEC msdb.dbo.sp_add_jobserver @job_id = @id, @server_name = N'(local)'"""


def add_job(session: Session, name: str, command: str = "SELECT 1", **options: str) -> Recorder:
    """Make such a job."""
    return ok(session, job_batch(name, command, **options))
