"""SQL Server Agent: which jobs run and when, as whom, and what msdb says of that afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from lab.server.engine.agent.agent import Agent
from lab.server.engine.agent.due import Timing, as_duration
from lab.tests.jobs import EVERY_MINUTE, add_job
from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

SOON = 10
MINUTE = 0.1
NEVER = EVERY_MINUTE + ", @active_end_date = 20000102, @active_start_date = 20000101"
HISTORY = "SELECT step_id, step_name, run_status, message FROM msdb.dbo.sysjobhistory ORDER BY instance_id"


@pytest.fixture
def session(tmp_path) -> Iterator:
    engine = open_engine(tmp_path)
    engine.agent = Agent(engine, MINUTE)
    session = log_in(engine)
    ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE log (said nvarchar(200))")
    yield session
    engine.agent.stop()
    assert [one for one in engine.sessions if one is not session and one.login_name.startswith("NT SERVICE")] == []


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def runs(session, name: str = "j") -> int:
    query = f"""SELECT COUNT(*) FROM msdb.dbo.sysjobhistory AS h JOIN msdb.dbo.sysjobs AS j ON j.job_id = h.job_id
        WHERE j.name = '{name}' AND h.step_id = 0"""  # noqa: S608
    return ok(session, query).value


def run_once(session, command: str, **options: str) -> list[tuple]:
    """Run a job by request; its history."""
    session.engine.agent.start()
    add_job(session, "j", command, schedule=NEVER, **options)
    ok(session, "EXEC msdb.dbo.sp_start_job 'j'")
    until(lambda: runs(session) == 1)
    return ok(session, HISTORY).rows


def test_a_due_job_runs_each_minute_and_never_twice_at_once(session):
    command = "INSERT log VALUES ('in') WAITFOR DELAY '00:00:00.25' INSERT log VALUES ('out')"
    add_job(session, "j", command, database="d")
    session.engine.agent.start()
    until(lambda: runs(session) >= 3)
    session.engine.agent.stop()
    said = [row[0] for row in ok(session, "SELECT said FROM log").rows]
    assert said[: len(said) // 2 * 2] == ["in", "out"] * (len(said) // 2)
    assert len(said) >= 6


@pytest.mark.parametrize(
    "without",
    [
        "sp_update_job @job_name = 'j', @enabled = 0",
        "sp_update_schedule @name = 'schedule of j', @enabled = 0",
        "sp_delete_jobserver @job_name = 'j'",
        "sp_detach_schedule @job_name = 'j', @schedule_name = 'schedule of j'",
        "sp_update_schedule @name = 'schedule of j', @active_start_date = 20000101, @active_end_date = 20000102",
    ],
)
def test_what_keeps_a_job_from_running(session, without):
    add_job(session, "j")
    ok(session, f"EXEC msdb.dbo.{without}")
    add_job(session, "other")
    session.engine.agent.start()
    until(lambda: runs(session, "other") >= 2)
    assert runs(session) == 0


def test_a_job_of_an_open_transaction_is_not_started_and_blocks_no_other(session):
    other = log_in(session.engine)
    ok(other, "BEGIN TRANSACTION")
    add_job(other, "j")
    add_job(session, "other")
    session.engine.agent.start()
    query = "SELECT COUNT(*) FROM msdb.dbo.sysjobhistory WITH (READPAST)"
    until(lambda: ok(session, query).value >= 4)
    ok(other, "COMMIT")
    until(lambda: runs(session) >= 1)


def test_history_of_success(session):
    before = datetime.now().replace(microsecond=0)
    rows = run_once(session, "PRINT 'hello' SELECT 1 RAISERROR('soft', 10, 1)", database="d")
    step, job = rows
    assert step == (
        1,
        "step",
        1,
        "Executed as user: NT SERVICE\\SQLSERVERAGENT. hello [SQLSTATE 01000] (Message 0)  soft [SQLSTATE 01000]"
        " (Message 50000).  The step succeeded.",
    )
    assert job == (
        0,
        "(Job outcome)",
        1,
        "The job succeeded.  The Job was invoked by User sa.  The last step to run was step 1 (step).",
    )
    ran = "SELECT run_date, run_time, run_duration, server FROM msdb.dbo.sysjobhistory WHERE step_id = 0"
    [(date, clock, duration, server)] = ok(session, ran).rows
    assert before <= datetime.strptime(f"{date}{clock:06}", "%Y%m%d%H%M%S") <= datetime.now()
    assert (duration, server) == (0, ok(session, "SELECT CONVERT(nvarchar(128), SERVERPROPERTY('ServerName'))").value)
    last = "SELECT {}last_run_outcome, last_run_date, last_run_time, last_run_duration FROM msdb.dbo.{}"
    for prefix, table, first in (("", "sysjobsteps", ()), ("last_outcome_message, ", "sysjobservers", (job[3],))):
        assert ok(session, last.format(prefix, table)).rows == [(*first, 1, date, clock, 0)]
    activity = """SELECT s.agent_start_date, a.run_requested_date, a.start_execution_date, a.stop_execution_date,
        h.step_id FROM msdb.dbo.sysjobactivity AS a JOIN msdb.dbo.syssessions AS s ON s.session_id = a.session_id
        JOIN msdb.dbo.sysjobhistory AS h ON h.instance_id = a.job_history_id"""
    [(*moments, step_id)] = ok(session, activity).rows
    assert moments == sorted(moments)
    assert step_id == 0


def test_history_of_failure_has_the_error_and_nothing_more_runs(session):
    step, job = run_once(session, "INSERT log VALUES (N'one') SELECT 1/0 INSERT log VALUES (N'two')", database="d")
    assert step[2:] == (
        0,
        "Executed as user: NT SERVICE\\SQLSERVERAGENT. Divide by zero error encountered. [SQLSTATE 42000] (Error 8134)"
        ".  The step failed.",
    )
    assert job[2] == 0
    assert job[3].startswith("The job failed.  The Job was invoked by User sa.")
    assert ok(session, "SELECT sql_message_id, sql_severity FROM msdb.dbo.sysjobhistory WHERE step_id = 1").rows == [
        (8134, 16)
    ]
    assert ok(session, "SELECT said FROM log").rows == [("one",)]


@pytest.mark.parametrize(
    ("command", "database", "words"),
    [
        ("SELECT 1", "nix", 'Cannot open database "nix"'),
        ("EXECUTE DeleteExpiredSessions", "d", "Could not find stored procedure 'DeleteExpiredSessions'."),
        ("SELECT 1 FROM", "d", "(Error 102)"),
    ],
)
def test_a_step_that_cannot_run(session, command, database, words):
    step, job = run_once(session, command, database=database)
    assert (step[2], job[2]) == (0, 0)
    assert words in step[3]


def test_the_owner_of_a_job_is_who_runs_it(session):
    create_login(session, "app")
    ok(session, "CREATE USER app FOR LOGIN app GRANT INSERT ON log TO app", "USE msdb CREATE USER app FOR LOGIN app")
    ok(session, "ALTER ROLE SQLAgentUserRole ADD MEMBER app USE d")
    app = enter(session.engine, "app", "d")
    session.engine.agent.start()
    add_job(app, "j", "REVERT INSERT log SELECT SUSER_SNAME() SELECT said FROM log", database="d", schedule=NEVER)
    ok(app, "EXEC msdb.dbo.sp_start_job 'j'")
    until(lambda: runs(session) == 1)
    assert ok(session, "SELECT said FROM log").rows == [("app",)]
    step = ok(session, HISTORY).rows[0]
    assert step[3].startswith("Executed as user: app. The SELECT permission was denied")


def test_without_its_owner_a_job_fails(session):
    create_login(session, "app")
    add_job(session, "j", schedule=NEVER, more=", @owner_login_name = 'app'")
    ok(session, "DROP LOGIN app")
    session.engine.agent.start()
    ok(session, "EXEC msdb.dbo.sp_start_job 'j'")
    until(lambda: runs(session) == 1)
    [job] = ok(session, HISTORY).rows
    assert job[:3] == (0, "(Job outcome)", 0)
    assert "does not have server access" in job[3]


def test_double_quotes_are_strings_for_the_agent(session):
    run_once(
        session, 'INSERT log VALUES ("quoted") INSERT log VALUES (CONVERT(varchar(9), @@OPTIONS & 256))', database="d"
    )
    assert ok(session, "SELECT said FROM log").rows == [("quoted",), ("0",)]


def test_steps_follow_what_they_say(session):
    add_job(session, "j", "SELECT 1/0", database="d", schedule=NEVER)
    ok(
        session,
        "EXEC msdb.dbo.sp_update_jobstep @job_name = 'j', @step_id = 1, @on_fail_action = 4, @on_fail_step_id = 3",
        "EXEC msdb.dbo.sp_add_jobstep @job_name = 'j', @step_name = 'two', @command = 'SELECT 2'",
        "EXEC msdb.dbo.sp_add_jobstep @job_name = 'j', @step_name = 'three', @command = 'SELECT 3'",
    )
    session.engine.agent.start()
    ok(session, "EXEC msdb.dbo.sp_start_job 'j'")
    until(lambda: runs(session) == 1)
    assert [row[:3] for row in ok(session, HISTORY).rows] == [(1, "step", 0), (3, "three", 1), (0, "(Job outcome)", 1)]


def test_a_running_job_is_not_started_again(session):
    session.engine.agent.start()
    add_job(session, "j", "INSERT log VALUES ('in') WAITFOR DELAY '01:00'", database="d", schedule=NEVER)
    answer = run(session, "EXEC msdb.dbo.sp_start_job @job_name = 'j'")
    assert answer.messages == [(14243, 0, "Job 'j' started successfully.")]
    until(lambda: ok(session, "SELECT COUNT(*) FROM log WITH (READPAST)").value == 1)
    program = "SELECT login_name FROM sys.dm_exec_sessions WHERE program_name LIKE 'SQLAgent - TSQL JobStep (Job 0x%'"
    assert ok(session, program).rows == [("NT SERVICE\\SQLSERVERAGENT",)]
    refused = run(session, "EXEC msdb.dbo.sp_start_job 'j'")
    assert refused.numbers == [22022]
    assert "refused because the job is already running from a request by User sa" in refused.errors[0].text
    activity = "SELECT stop_execution_date, job_history_id FROM msdb.dbo.sysjobactivity"
    assert ok(session, activity).rows == [(None, None)]


def test_a_stopped_agent_runs_nothing_and_its_jobs_end(session):
    agent = session.engine.agent
    agent.start()
    add_job(session, "j", "WAITFOR DELAY '01:00'", schedule=NEVER)
    ok(session, "EXEC msdb.dbo.sp_start_job 'j'")
    until(lambda: ok(session, "SELECT COUNT(*) FROM msdb.dbo.sysjobactivity").value == 1)
    state = "SELECT status_desc FROM sys.dm_server_services WHERE servicename LIKE 'SQL Server Agent%'"
    assert ok(session, state).value == "Running"
    agent.stop()
    assert ok(session, state).value == "Stopped"
    assert runs(session) == 1
    assert run(session, "EXEC msdb.dbo.sp_start_job 'j'").numbers == [22022]
    agent.start()
    assert ok(session, "SELECT COUNT(*) FROM msdb.dbo.syssessions").value == 2


@pytest.mark.parametrize(("limits", "most"), [((7, 4), 4), ((5, 5), 5)])
def test_no_more_history_is_kept_than_asked_for(session, limits, most):
    both = "@jobhistory_max_rows = {}, @jobhistory_max_rows_per_job = {}".format(*limits)
    ok(session, f"EXEC msdb.dbo.sp_set_sqlagent_properties {both}")
    for name in ("j", "k"):
        add_job(session, name)
    session.engine.agent.start()
    until(lambda: (ok(session, "SELECT MAX(instance_id) FROM msdb.dbo.sysjobhistory").value or 0) > 20)
    session.engine.agent.stop()
    counts = "SELECT job_id, COUNT(*) FROM msdb.dbo.sysjobhistory GROUP BY job_id"
    found = [count for _, count in ok(session, counts).rows]
    assert max(found) <= most
    assert sum(found) <= limits[0]


def test_jobs_of_several_threads_and_a_deleted_one(session):
    for number in range(4):
        add_job(session, f"j{number}", "INSERT log VALUES ('x')", database="d")
    session.engine.agent.start()
    until(lambda: all(runs(session, f"j{number}") for number in range(4)))
    ok(session, "EXEC msdb.dbo.sp_delete_job @job_name = 'j0'")
    count = ok(session, "SELECT COUNT(*) FROM log").value
    until(lambda: ok(session, "SELECT COUNT(*) FROM log").value > count)
    assert threading.active_count() < 12


def timing(**values: int) -> Timing:
    schedule = {
        "freq_subday_type": 4,
        "freq_subday_interval": 10,
        "active_start_date": 20260101,
        "active_end_date": 99991231,
        "active_start_time": 3000,
        "active_end_time": 235959,
    }
    return Timing.of(schedule | values, 60)


NEXT = [
    ({}, "2026-03-04 00:00", "2026-03-04 00:30"),
    ({}, "2026-03-04 00:30", "2026-03-04 00:40"),
    ({}, "2026-03-04 12:34:56", "2026-03-04 12:40"),
    ({}, "2025-03-04 12:34:56", "2026-01-01 00:30"),
    ({"active_end_time": 124000}, "2026-03-04 12:40", "2026-03-05 00:30"),
    ({"active_end_date": 20260304}, "2026-03-04 23:50", None),
    ({"freq_subday_type": 8, "freq_subday_interval": 5}, "2026-03-04 06:00", "2026-03-04 10:30"),
]


@pytest.mark.parametrize(("values", "now", "expected"), NEXT)
def test_when_a_schedule_is_due(values, now, expected):
    found = timing(**values).after(datetime.fromisoformat(now))
    assert found == (expected and datetime.fromisoformat(expected))


def test_durations_are_numbers_of_hours_minutes_and_seconds():
    assert [as_duration(seconds) for seconds in (0.9, 61, 3600 * 25 + 5)] == [0, 101, 250005]
