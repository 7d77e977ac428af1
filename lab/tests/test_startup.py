"""Startup procedures: how they are marked, what the catalog says, and when they run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pymssql
import pytest

from lab.server.engine.startup import StartupProcedures
from lab.server.errors import UNSUPPORTED
from lab.tests.recorder import log_in, ok, open_engine, run
from lab.tests.server_process import ServerProcess

MARK = "EXEC master.sys.sp_procoption N'dbo.Startup', 'startup', '{}'"
MARKED = "SELECT OBJECTPROPERTY(OBJECT_ID('dbo.Startup'), 'ExecIsStartup')"
SCAN = "SELECT name, value, value_in_use FROM sys.configurations WHERE configuration_id = 1547"
SOON = 10


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(
        session,
        "CREATE DATABASE d",
        "CREATE TABLE d.dbo.log (said sysname)",
        "EXEC [master].sys.sp_executesql N'CREATE PROCEDURE dbo.Startup AS INSERT d.dbo.log VALUES (DB_NAME())'",
    )
    return session


def reopened(session, folder):
    """A session on the same folder after the engine was left as a kill leaves it."""
    os.close(session.engine._log._file)
    return log_in(open_engine(folder))


def run_startup(session) -> list[str]:
    """Run the startup procedures of a session's engine to their ends; what is in the log then."""
    startup = StartupProcedures(session.engine)
    startup.start()
    startup.wait()
    return [row[0] for row in ok(session, "SELECT said FROM d.dbo.log").rows]


@pytest.mark.parametrize(("on", "off"), [("on", "off"), ("true", "false"), ("ON", "False")])
def test_mark_is_seen_and_outlives_restart_and_alter(session, tmp_path, on, off):
    ok(session, MARK.format(on), MARK.format(on))
    assert ok(session, MARKED).value == 1
    assert ok(session, SCAN).rows == [("scan for startup procs", 1, 0)]
    session = reopened(session, tmp_path)
    assert ok(session, SCAN).rows == [("scan for startup procs", 1, 1)]
    ok(session, "ALTER PROCEDURE dbo.Startup AS INSERT d.dbo.log VALUES ('altered')")
    session = reopened(session, tmp_path)
    assert ok(session, MARKED).value == 1
    ok(session, MARK.format(off))
    assert ok(session, MARKED).value == 0
    assert ok(session, SCAN).rows == [("scan for startup procs", 0, 1)]
    assert ok(reopened(session, tmp_path), SCAN).rows == [("scan for startup procs", 0, 0)]


def test_a_dropped_procedure_has_no_mark_when_it_is_made_again(session):
    ok(session, MARK.format("on"), "DROP PROCEDURE dbo.Startup")
    assert ok(session, SCAN).rows == [("scan for startup procs", 0, 0)]
    ok(session, "CREATE PROCEDURE dbo.Startup AS RETURN 0")
    assert ok(session, MARKED).value == 0


def test_the_option_stays_on_until_the_last_mark_goes(session):
    ok(session, "CREATE PROCEDURE second AS RETURN 0", MARK.format("on"), "EXEC sp_procoption second, startup, [on]")
    ok(session, MARK.format("off"))
    assert ok(session, SCAN).rows == [("scan for startup procs", 1, 0)]
    ok(session, "EXEC sp_procoption second, startup, 'off'")
    assert ok(session, SCAN).rows == [("scan for startup procs", 0, 0)]


def test_it_can_be_marked_from_another_database(session):
    ok(
        session,
        "USE d",
        "EXEC [master].sys.sp_executesql N'EXEC sys.sp_procoption N''dbo.Startup'', ''startup'', ''on'''",
    )
    assert ok(session, "USE master " + MARKED).value == 1


WRONG = {
    "EXEC sp_procoption 'dbo.nix', 'startup', 'on'": 15009,
    "EXEC sp_procoption 'nix.dbo.Startup', 'startup', 'on'": 15009,
    "EXEC sp_procoption NULL, 'startup', 'on'": 15009,
    "EXEC sp_procoption 'dbo.t', 'startup', 'on'": 15009,
    "EXEC sp_procoption 'd.dbo.other', 'startup', 'on'": 15398,
    "USE d EXEC sp_procoption 'dbo.other', 'startup', 'on'": 15398,
    "EXEC sp_procoption 'guest.g', 'startup', 'on'": 15398,
    "EXEC sp_procoption 'dbo.takes', 'startup', 'on'": 15399,
    "EXEC sp_procoption 'dbo.Startup', 'autostart', 'on'": 15600,
    "EXEC sp_procoption 'dbo.Startup', NULL, 'on'": 15600,
    "EXEC sp_procoption 'dbo.Startup', 'startup', 'yes'": 15129,
    "EXEC sp_procoption 'dbo.Startup', 'startup', NULL": 15129,
    "EXEC sp_procoption 'dbo.Startup', 'startup'": 201,
    "BEGIN TRAN EXEC sp_procoption 'dbo.Startup', 'startup', 'on'": 15002,
    "SELECT OBJECTPROPERTY(1, 'IsProcedure')": UNSUPPORTED,
}


@pytest.mark.parametrize(("text", "number"), WRONG.items(), ids=WRONG)
def test_what_cannot_be_marked(session, text, number):
    ok(
        session,
        "CREATE TABLE t (a int)",
        "CREATE PROCEDURE takes @a int = 1 AS RETURN 0",
        "CREATE PROCEDURE guest.g AS RETURN 0",
        "USE d",
        "CREATE PROCEDURE other AS RETURN 0",
        "USE master",
    )
    assert run(session, text).numbers == [number]
    assert ok(log_in(session.engine), SCAN).rows == [("scan for startup procs", 0, 0)]


def test_marked_procedures_run_in_master_as_no_users_process(session, tmp_path):
    ok(session, "ALTER PROCEDURE Startup AS INSERT d.dbo.log VALUES (DB_NAME()), (SUSER_SNAME())")
    ok(
        session,
        "CREATE PROCEDURE second AS DECLARE @is bit SELECT @is = is_user_process FROM sys.dm_exec_sessions"
        " WHERE session_id = @@SPID INSERT d.dbo.log VALUES (CONVERT(varchar(1), @is))",
    )
    ok(session, MARK.format("on"), "EXEC sp_procoption second, startup, 'on'")
    assert run_startup(session) == []  # nothing was marked when this one started
    session = reopened(session, tmp_path)
    assert sorted(run_startup(session)) == ["0", "master", "sa"]
    assert session.engine.sessions == [session]


def test_an_error_is_logged_and_ends_the_procedure(session, tmp_path, caplog):
    ok(
        session,
        "ALTER PROCEDURE Startup AS BEGIN TRAN INSERT d.dbo.log VALUES ('undone') PRINT 'hello'"
        " RAISERROR('no luck', 16, 1) COMMIT",
        MARK.format("on"),
    )
    session = reopened(session, tmp_path)
    with caplog.at_level("INFO"):
        assert run_startup(session) == []
    assert "startup procedure [dbo].[Startup]: hello" in caplog.text
    assert "startup procedure [dbo].[Startup], line 1: error 50000: no luck" in caplog.text


def test_a_stop_ends_what_runs(session, tmp_path):
    ok(session, "ALTER PROCEDURE Startup AS WAITFOR DELAY '01:00' INSERT d.dbo.log VALUES ('late')", MARK.format("on"))
    session = reopened(session, tmp_path)
    startup = StartupProcedures(session.engine)
    startup.start()
    deadline = time.monotonic() + SOON
    while not any(one.running for one in session.engine.sessions):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    [spid] = [one.spid for one in session.engine.sessions if not one.is_user]
    assert run(session, f"KILL {spid}").numbers == [6107]
    startup.stop()
    assert ok(session, "SELECT said FROM d.dbo.log").rows == []
    assert session.engine.sessions == [session]


# As a process


def query(connection: pymssql.Connection, text: str) -> list[tuple]:
    """The rows of a query."""
    cursor = connection.cursor()
    cursor.execute(text)
    return cursor.fetchall()


@pytest.mark.controls_server
def test_tempdb_is_filled_anew_at_each_start_and_logins_come_before(
    start_lab_server: Callable[..., ServerProcess],
) -> None:
    server = start_lab_server()
    with server.connect() as connection:
        connection.cursor().execute(
            "EXEC [master].sys.sp_executesql N'CREATE PROCEDURE dbo.Startup AS CREATE TABLE tempdb.dbo.t (a int)'"
        )
        connection.cursor().execute(MARK.format("on"))
    server.stop()
    server = start_lab_server()
    with server.connect() as connection:
        deadline = time.monotonic() + SOON
        while query(connection, "SELECT OBJECT_ID('tempdb.dbo.t')") == [(None,)]:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    server.kill()
    server = start_lab_server("--startup-delay", "3000")
    with server.connect() as connection:
        assert query(connection, "SELECT OBJECT_ID('tempdb.dbo.t')") == [(None,)]
    begun = time.monotonic()
    server.stop()
    assert time.monotonic() - begun < SOON
