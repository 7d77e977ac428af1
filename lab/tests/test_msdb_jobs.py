"""The tables of msdb and its procedures: categories, jobs, steps, schedules and servers."""

from __future__ import annotations

import pytest

from lab.server.engine.msdb.tables import TABLES
from lab.server.errors import UNSUPPORTED
from lab.tests.jobs import EVERY_MINUTE, add_job
from lab.tests.recorder import call, log_in, ok, open_engine, run

COUNTS = "SELECT " + ", ".join(f"(SELECT COUNT(*) FROM msdb.dbo.{name})" for name in TABLES)  # noqa: S608
STEP = ("EXECUTE DeleteExpiredSessions", "tempdb", 1, 2, 5)
SCHEDULE = ("schedule of purge", 1, 4, 1, 4, 1, 99991231, 0, 235959)
EVERY = f"N'x', {EVERY_MINUTE}"


@pytest.fixture
def session(tmp_path):
    return log_in(open_engine(tmp_path), "msdb")


def reopened(session, folder):
    session.close()
    session.engine.close()
    return log_in(open_engine(folder), "msdb")


def test_a_new_server_has_the_tables_and_one_category(session):
    for name, (_, columns) in TABLES.items():
        answer = ok(session, f"SELECT * FROM msdb.dbo.{name}")  # noqa: S608
        assert [column.name for column in answer.sets[0][0]] == list(columns)
    assert ok(session, "SELECT category_id, category_class, category_type, name FROM syscategories").rows == [
        (0, 1, 1, "[Uncategorized (Local)]")
    ]
    assert ok(session, "SELECT OBJECT_ID('msdb.dbo.sysjobs'), OBJECT_ID('dbo.sp_add_job', 'P')").rows[0] != (None, None)
    assert ok(session, "SELECT COUNT(*) FROM sys.objects WHERE is_ms_shipped = 0").value == 0


def test_a_job_with_all_that_belongs_to_it(session):
    add_job(session, "purge", "EXECUTE DeleteExpiredSessions", database="tempdb")
    assert ok(
        session,
        """SELECT j.name, j.enabled, j.start_step_id, j.owner_sid, c.name, s.step_id, s.step_name, s.subsystem,
               s.command, s.database_name, s.on_success_action, s.on_fail_action, s.last_run_outcome,
               k.name, k.enabled, k.freq_type, k.freq_interval, k.freq_subday_type, k.freq_subday_interval,
               k.active_end_date, k.active_start_time, k.active_end_time, v.server_id, v.last_run_outcome
           FROM msdb.dbo.sysjobs AS j JOIN msdb.dbo.syscategories AS c ON c.category_id = j.category_id
           JOIN msdb.dbo.sysjobsteps AS s ON s.job_id = j.job_id
           JOIN msdb.dbo.sysjobschedules AS a ON a.job_id = j.job_id
           JOIN msdb.dbo.sysschedules AS k ON k.schedule_id = a.schedule_id
           JOIN msdb.dbo.sysjobservers AS v ON v.job_id = j.job_id""",
    ).rows == [
        ("purge", 1, 1, b"\1", "[Uncategorized (Local)]", 1, "step", "TSQL", *STEP, *SCHEDULE, 0, 5),
    ]


def test_the_stock_way_with_padded_names_a_binary_id_and_one_transaction(session):
    batch = """
        BEGIN TRANSACTION
        DECLARE @job binary(16), @rc int, @name nchar(200)
        SET @name = N'd' + N'_Job_DeleteExpiredSessions'
        EXECUTE @rc = msdb.dbo.sp_add_category @name = N'[Uncategorized (Local)]'
        EXECUTE @rc = msdb.dbo.sp_delete_job @job_name = @name
        EXECUTE @rc = msdb.dbo.sp_add_job @job_id = @job OUTPUT, @job_name = @name, @owner_login_name = NULL,
            @description = N'text', @category_name = N'[Uncategorized (Local)]', @enabled = 1, @notify_level_email = 0,
            @notify_level_page = 0, @notify_level_netsend = 0, @notify_level_eventlog = 0, @delete_level = 0
        IF (@@ERROR <> 0 OR @rc <> 0) GOTO QuitWithRollback
        EXECUTE @rc = msdb.dbo.sp_add_jobstep @job_id = @job, @step_id = 1, @step_name = @name, @command = N'SELECT 1',
            @database_name = N'master', @server = N'', @database_user_name = N'', @subsystem = N'TSQL',
            @cmdexec_success_code = 0, @flags = 0, @retry_attempts = 0, @retry_interval = 1, @output_file_name = N'',
            @on_success_step_id = 0, @on_success_action = 1, @on_fail_step_id = 0, @on_fail_action = 2
        IF (@@ERROR <> 0 OR @rc <> 0) GOTO QuitWithRollback
        EXECUTE @rc = msdb.dbo.sp_update_job @job_id = @job, @start_step_id = 1
        EXECUTE @rc = msdb.dbo.sp_add_jobschedule @job_id = @job, @name = @name, @enabled = 1, @freq_type = 4,
            @active_start_date = 20001016, @active_start_time = 0, @freq_interval = 1, @freq_subday_type = 4,
            @freq_subday_interval = 1, @freq_relative_interval = 0, @freq_recurrence_factor = 0,
            @active_end_date = 99991231, @active_end_time = 235959
        EXECUTE @rc = msdb.dbo.sp_add_jobserver @job_id = @job, @server_name = N'(local)'
        IF (@@ERROR <> 0 OR @rc <> 0) GOTO QuitWithRollback
        COMMIT TRANSACTION
        GOTO EndSave
        QuitWithRollback:
        IF (@@TRANCOUNT > 0) ROLLBACK TRANSACTION
        EndSave:"""
    assert run(session, batch).numbers == [14261, 14262]
    assert run(session, batch).numbers == [14261]
    assert ok(session, "SELECT name, LEN(name), DATALENGTH(name) FROM sysjobs").rows == [
        ("d_Job_DeleteExpiredSessions", 27, 54)
    ]


def test_a_rollback_undoes_and_a_restart_keeps(session, tmp_path):
    ok(session, "EXEC sp_add_category 'JOB', 'LOCAL', 'mine'")
    add_job(session, "kept", more=", @category_name = 'mine'")
    before = ok(session, COUNTS).rows
    ok(session, "BEGIN TRANSACTION")
    add_job(session, "undone")
    ok(session, "EXEC sp_delete_job @job_name = 'kept' ROLLBACK")
    assert ok(session, COUNTS).rows == before
    first = ok(session, "SELECT job_id FROM sysjobs").value
    ok(session, "EXEC sp_set_sqlagent_properties @jobhistory_max_rows = 500, @jobhistory_max_rows_per_job = 50")
    session = reopened(session, tmp_path)
    assert ok(session, COUNTS).rows == before
    assert ok(session, "SELECT job_id FROM sysjobs").value == first
    assert ok(session, "EXEC sp_get_sqlagent_properties").rows == [(500, 50)]


def test_compaction_keeps_all_of_it(session, tmp_path, monkeypatch):
    add_job(session, "kept")
    ok(session, "EXEC sp_set_sqlagent_properties @jobhistory_max_rows = -1")
    assert run(session, "REVOKE EXECUTE ON sp_add_job FROM SQLAgentUserRole").numbers == [4617]
    monkeypatch.setattr("lab.server.engine.engine.FEW_RECORDS", -1000)
    before, grants = ok(session, COUNTS).rows, ok(session, "SELECT COUNT(*) FROM sys.database_permissions").value
    for _ in range(2):
        session = reopened(session, tmp_path)
    assert ok(session, COUNTS).rows == before
    assert ok(session, "SELECT COUNT(*) FROM sys.database_permissions").value == grants
    assert ok(session, "EXEC sp_get_sqlagent_properties").rows == [(-1, 0)]


def test_what_is_not_given_stays(session):
    add_job(session, "j")
    ok(session, "EXEC sp_add_category @class = 'job', @type = 'local', @name = 'mine'")
    ok(session, "EXEC sp_update_job @job_name = 'j', @new_name = 'k', @enabled = 0, @category_name = 'mine'")
    query = "SELECT name, enabled, category_id, description, version_number FROM sysjobs"
    assert ok(session, query).rows == [("k", 0, 100, "No description available.", 3)]
    ok(session, "EXEC sp_update_jobstep @job_name = 'k', @step_id = 1, @command = N'SELECT 2'")
    assert ok(session, "SELECT step_name, command, database_name FROM sysjobsteps").rows == [
        ("step", "SELECT 2", "master")
    ]
    ok(session, "EXEC sp_update_schedule @name = 'schedule of j', @new_name = 's', @freq_subday_interval = 5")
    query = "SELECT name, freq_type, freq_subday_type, freq_subday_interval, enabled FROM sysschedules"
    assert ok(session, query).rows == [("s", 4, 4, 5, 1)]


def test_a_step_comes_after_the_others(session):
    add_job(session, "j")
    ok(session, "EXEC sp_add_jobstep @job_name = 'j', @step_name = 'two', @on_success_action = 3")
    assert ok(session, "SELECT step_id, step_name FROM sysjobsteps").rows == [(1, "step"), (2, "two")]


def test_a_schedule_is_shared_and_goes_with_its_last_job(session):
    add_job(session, "a")
    ok(session, "EXEC sp_add_job 'b'")
    ok(
        session,
        f"""DECLARE @id int, @uid uniqueidentifier
        EXEC sp_add_schedule {EVERY}, @schedule_id = @id OUTPUT, @schedule_uid = @uid OUTPUT
        EXEC sp_attach_schedule @job_name = 'a', @schedule_id = @id
        EXEC sp_attach_schedule @job_name = 'b', @schedule_name = 'x'
        EXEC sp_attach_schedule @job_name = 'b', @schedule_name = 'x'""",
    )
    ok(session, "EXEC sp_detach_schedule @job_name = 'b', @schedule_name = 'x', @delete_unused_schedule = 1")
    assert ok(session, "SELECT COUNT(*) FROM sysschedules").value == 2
    ok(session, "EXEC sp_delete_job @job_name = 'a'")
    assert ok(session, COUNTS).rows == [(1, 0, 0, 0, 0, 1, 0, 0, 0)]


ERRORS = {
    "EXEC sp_add_category 'JOB', 'LOCAL', '[Uncategorized (Local)]'": (14261, "@name ('[Uncategorized (Local)]')"),
    "EXEC sp_add_category 'TASK', 'LOCAL', 'x'": (14266, "@class"),
    "EXEC sp_add_job 'J '": (14261, "@job_name ('J')"),
    "EXEC sp_add_job 'x', @category_name = 'nix'": (14234, "sp_help_category"),
    "EXEC sp_add_job 'x', @owner_login_name = 'nix'": (14234, "@owner_login_name"),
    "EXEC sp_add_job 'x', @enabled = 2": (14266, "@enabled"),
    "EXEC sp_add_job 'x', @notify_level_eventlog = 4": (14266, "@notify_level_eventlog"),
    f"EXEC sp_add_job N'{'x' * 129}'": (14250, "128"),
    "DECLARE @id uniqueidentifier = NEWID() EXEC sp_add_job 'x', @job_id = @id OUTPUT": (14284, "job ID"),
    "EXEC sp_add_job 'x', @delete_level = 1": (UNSUPPORTED, "@delete_level"),
    "EXEC sp_add_job 'x', @notify_email_operator_name = 'me'": (UNSUPPORTED, "@notify_email_operator_name"),
    "EXEC sp_add_job 'x', @nix = 1": (8145, "@nix"),
    "EXEC sp_add_job": (201, "@job_name"),
    "EXEC sp_update_job @job_name = 'nix'": (14262, "@job_name ('nix')"),
    "EXEC sp_update_job @job_id = '00000000-0000-0000-0000-00000000000A'": (
        14262,
        "00000000-0000-0000-0000-00000000000A",
    ),
    "EXEC sp_update_job": (14294, "@job_id or @job_name"),
    "EXEC sp_update_job @job_id = 0x01, @job_name = 'j'": (14294, "@job_id or @job_name"),
    "EXEC sp_delete_job @job_name = 'nix'": (14262, "@job_name ('nix')"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 'STEP'": (14261, "@step_name"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 's', @step_id = 3": (14266, "@step_id"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 's', @on_success_action = 5": (14266, "@on_success_action"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 's', @subsystem = 'COBOL'": (14234, "@subsystem"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 's', @subsystem = 'CmdExec'": (UNSUPPORTED, "CMDEXEC"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 's', @database_user_name = 'u'": (UNSUPPORTED, "@database_user"),
    "EXEC sp_add_jobstep @job_name = 'j', @step_name = 's', @retry_attempts = 1": (UNSUPPORTED, "@retry_attempts"),
    "EXEC sp_update_jobstep @job_name = 'j', @step_id = 2": (14262, "@step_id ('2')"),
    f"EXEC sp_add_schedule {EVERY.replace('@freq_type = 4', '@freq_type = 3')}": (14266, "@freq_type"),
    f"EXEC sp_add_schedule {EVERY.replace('@freq_type = 4', '@freq_type = 8')}": (UNSUPPORTED, "@freq_type = 8"),
    f"EXEC sp_add_schedule {EVERY.replace('subday_type = 4', 'subday_type = 3')}": (14278, "@freq_subday_type"),
    f"EXEC sp_add_schedule {EVERY.replace('subday_type = 4', 'subday_type = 2')}": (UNSUPPORTED, "@freq_subday_type"),
    f"EXEC sp_add_schedule {EVERY.replace('subday_interval = 1', 'subday_interval = 0')}": (14278, "subday_interval"),
    f"EXEC sp_add_schedule {EVERY.replace('freq_interval = 1', 'freq_interval = 0')}": (14278, "at least 1"),
    f"EXEC sp_add_schedule {EVERY}, @active_start_date = 20260230": (14287, "invalid date"),
    f"EXEC sp_add_schedule {EVERY}, @active_end_time = 240000": (14287, "invalid hour"),
    f"EXEC sp_add_schedule {EVERY}, @active_start_date = 20260202, @active_end_date = 20260201": (14288, "before"),
    "EXEC sp_update_schedule @name = 'nix'": (14262, "@name ('nix')"),
    "EXEC sp_update_schedule @schedule_id = 77": (14262, "@schedule_id ('77')"),
    "EXEC sp_update_schedule": (14373, "@schedule_id or @name"),
    f"EXEC sp_add_schedule {EVERY} EXEC sp_add_schedule {EVERY} EXEC sp_update_schedule @name = 'x'": (14371, '"x"'),
    f"EXEC sp_add_schedule {EVERY} EXEC sp_detach_schedule @job_name = 'j', @schedule_name = 'x'": (14374, '"x"'),
    "EXEC sp_add_jobserver @job_name = 'j'": (14269, "'j'"),
    "EXEC sp_add_jobserver @job_name = 'j', @server_name = 'other'": (UNSUPPORTED, "other"),
    "EXEC sp_delete_jobserver @job_name = 'j' EXEC sp_delete_jobserver @job_name = 'j'": (14270, "'j'"),
    "EXEC sp_delete_jobserver @job_name = 'j' EXEC sp_start_job 'j'": (14256, "sp_add_jobserver"),
    "EXEC sp_start_job 'nix'": (14262, "@job_name ('nix')"),
    "EXEC sp_start_job 'j'": (22022, "not currently running"),
    "EXEC sp_set_sqlagent_properties @jobhistory_max_rows = 0": (14266, "@jobhistory_max_rows"),
    "EXEC sp_set_sqlagent_properties @jobhistory_max_rows_per_job = 1001": (14266, "2..1000"),
    "EXEC sp_set_sqlagent_properties @auto_start = 1": (UNSUPPORTED, "@auto_start"),
    "UPDATE sysjobs SET enabled = 0": (UNSUPPORTED, "sysjobs"),
    "DROP TABLE sysjobs": (UNSUPPORTED, "sysjobs"),
    "CREATE INDEX i ON sysjobs (name)": (UNSUPPORTED, "sysjobs"),
    "DROP PROCEDURE sp_add_job": (UNSUPPORTED, "sp_add_job"),
    "EXEC ('ALTER PROCEDURE sp_add_job AS RETURN')": (UNSUPPORTED, "sp_add_job"),
    "SELECT nix FROM sysjobs": (207, "nix"),
}


@pytest.mark.parametrize(("text", "expected"), ERRORS.items(), ids=[text[:90] for text in ERRORS])
def test_refused(session, text, expected):
    add_job(session, "j")
    before = ok(session, "SELECT name FROM sysjobs").rows
    answer = run(session, text)
    number, words = expected
    assert (answer.numbers[-1], len(answer.errors)) == (number, 1)
    assert words in answer.errors[0].text
    assert ok(session, "SELECT name FROM sysjobs").rows == before


def test_an_error_gives_status_1_goes_on_and_can_be_caught(session):
    failing = "EXEC @rc = sp_delete_job @job_name = 'nix'"
    assert run(session, f"DECLARE @rc int {failing} PRINT CONVERT(varchar(9), @rc)").printed == ["1"]
    assert run(session, f"DECLARE @rc int {failing} IF @@ERROR = 14262 PRINT 'known'").printed == ["known"]
    caught = (
        f"DECLARE @rc int BEGIN TRY {failing} END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_PROCEDURE() END CATCH"
    )
    assert ok(session, caught).rows == [(14262, "sp_delete_job")]
    ok(session, "BEGIN TRANSACTION SET XACT_ABORT ON")
    assert run(session, f"DECLARE @rc int {failing}").numbers == [14262]
    assert ok(session, "SELECT @@TRANCOUNT").value == 1


def test_by_rpc_the_id_comes_back(session):
    from lab.server.interface import RpcParameter
    from lab.server.types import SYSNAME, UNIQUE_ID

    answer = call(
        session,
        "msdb.dbo.sp_add_job",
        RpcParameter("@job_name", SYSNAME, "j"),
        RpcParameter("@job_id", UNIQUE_ID, None, output=True),
    )
    assert answer.status == 0
    assert answer.outputs == {"@job_id": ok(session, "SELECT job_id FROM sysjobs").value}
