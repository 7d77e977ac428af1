"""Databases that are in use: SINGLE_USER, RESTRICTED_USER, OFFLINE, and KILL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab.server.engine import database_use
from lab.server.errors import UNSUPPORTED, SqlError
from lab.tests.recorder import Recorder, log_in, ok, open_engine, run

SOON = 10
"""Seconds after which a test that waits for something has failed."""

ACCESS = "SELECT user_access_desc FROM sys.databases WHERE name = 'd'"
STATE = "SELECT state, state_desc FROM sys.databases WHERE name = 'd'"


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (a int)", "INSERT t VALUES (1)")
    ok(session, "CREATE PROCEDURE p AS SELECT DB_NAME()")
    session.close()
    yield engine
    for session in list(engine.sessions):
        session.close()
    engine.close()


@pytest.fixture
def dba(engine):
    """A session in master."""
    return log_in(engine)


@pytest.fixture
def other(engine):
    """Another one, in master too."""
    return log_in(engine)


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)


def started(pool: ThreadPoolExecutor, session, text: str) -> Future:
    """Run a batch in a thread; comes back when it runs."""
    answer = pool.submit(run, session, text)
    until(lambda: session.running or answer.done())
    return answer


# SINGLE_USER


def test_the_holder_is_the_session_in_the_database(dba, other):
    ok(dba, "USE d", "ALTER DATABASE d SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    assert ok(dba, ACCESS).value == "SINGLE_USER"
    for text in (
        "USE d",
        "SELECT a FROM d.dbo.t",
        "EXEC d.dbo.p",
        "EXEC d.sys.sp_executesql N'SELECT 1'",
        "SELECT name FROM d.sys.tables",
        "SELECT OBJECT_ID('d.dbo.t')",
        "INSERT d.dbo.t VALUES (2)",
        "CREATE TABLE d.dbo.u (a int)",
    ):
        assert run(other, text).numbers == [924], text
    assert ok(dba, "SELECT a FROM t").rows == [(1,)]
    assert ok(other, "SELECT HAS_DBACCESS('d'), HAS_DBACCESS('master'), HAS_DBACCESS('nix')").rows == [(0, 1, None)]
    assert ok(dba, "SELECT HAS_DBACCESS('d')").value == 1
    ok(dba, "USE master")
    assert ok(other, "SELECT HAS_DBACCESS('d')").value == 1
    assert ok(other, "USE d SELECT a FROM t").rows == [(1,)]
    assert run(dba, "USE d").numbers == [924]


def test_what_was_bound_before_is_refused_too(dba, other):
    texts = ("SELECT a FROM d.dbo.t", "EXEC d.dbo.p", "SELECT name FROM d.sys.tables")
    ok(dba, "ALTER DATABASE d SET SINGLE_USER")
    ok(other, *texts)
    ok(dba, "USE d")
    for text in texts:
        assert run(other, text).numbers == [924], text


def test_a_login_that_wants_a_taken_database_is_refused(engine, dba):
    ok(dba, "USE d ALTER DATABASE d SET SINGLE_USER")
    with pytest.raises(SqlError) as caught:
        log_in(engine, "d")
    assert caught.value.number == 4060
    ok(dba, "USE master")
    log_in(engine, "d")


def test_rollback_immediate_ends_the_others(engine, dba):
    idle, busy = log_in(engine, "d"), log_in(engine)
    ok(busy, "BEGIN TRAN INSERT d.dbo.t VALUES (2)")
    hung_up = []
    idle.hang_up, busy.hang_up = lambda: hung_up.append("idle"), lambda: hung_up.append("busy")
    answer = ok(dba, "ALTER DATABASE d SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    assert [number for number, *_ in answer.messages] == [5060]
    assert sorted(hung_up) == ["busy", "idle"]
    assert engine.sessions == [dba]
    assert ok(dba, "USE d SELECT a FROM t").rows == [(1,)]
    for session in (idle, busy):
        assert run(session, "SELECT 1").numbers == [596]


def test_rollback_immediate_ends_what_runs(engine, dba, pool):
    waiting = started(pool, log_in(engine, "d"), "BEGIN TRAN INSERT t VALUES (2) WAITFOR DELAY '00:01:00'")
    inside = log_in(engine)
    called = started(pool, inside, "EXEC d.sys.sp_executesql N'WAITFOR DELAY ''00:01:00'''")
    ok(dba, "USE d", "ALTER DATABASE d SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    assert (waiting.result(SOON).sets, called.result(SOON).sets) == ([], [])
    assert engine.sessions == [dba]
    assert ok(dba, "SELECT a FROM t").rows == [(1,)]


def test_no_wait_fails_when_others_are_in(engine, dba):
    log_in(engine, "d")
    assert run(dba, "ALTER DATABASE d SET SINGLE_USER WITH NO_WAIT").numbers == [5070, 5069]
    assert ok(dba, ACCESS).value == "MULTI_USER"
    assert len(engine.sessions) == 2


def test_without_termination_it_waits_until_the_others_leave(engine, dba, pool):
    inside = log_in(engine, "d")
    answer = started(pool, dba, "ALTER DATABASE d SET SINGLE_USER")
    log_in(engine, "d").close()  # nothing is closed yet
    assert not answer.done()
    ok(inside, "USE master")
    assert answer.result(SOON).numbers == []
    assert ok(dba, ACCESS).value == "SINGLE_USER"


def test_the_wait_ends_with_the_lock_timeout_and_with_a_cancel(engine, dba, pool):
    log_in(engine, "d")
    assert run(dba, "SET LOCK_TIMEOUT 20 ALTER DATABASE d SET SINGLE_USER").numbers == [1222, 5069]
    ok(dba, "SET LOCK_TIMEOUT -1")
    answer = started(pool, dba, "ALTER DATABASE d SET SINGLE_USER")
    dba.cancel()
    assert answer.result(SOON).numbers == []
    assert ok(dba, ACCESS).value == "MULTI_USER"


def test_an_outsider_changes_nothing_while_the_place_is_taken(dba, other):
    ok(dba, "USE d ALTER DATABASE d SET SINGLE_USER")
    for option in ("MULTI_USER", "MULTI_USER WITH ROLLBACK IMMEDIATE", "RECOVERY SIMPLE", "OFFLINE"):
        assert run(other, f"ALTER DATABASE d SET {option}").numbers == [5064, 5069], option
    assert run(other, "ALTER DATABASE d MODIFY FILE (NAME = d, SIZE = 80MB)").numbers == [5064, 5069]
    ok(dba, "ALTER DATABASE d SET RECOVERY SIMPLE", "ALTER DATABASE d SET MULTI_USER")
    ok(other, "USE d")


def test_an_outsider_makes_it_multi_user_when_nobody_is_in(dba):
    ok(dba, "ALTER DATABASE d SET SINGLE_USER", "ALTER DATABASE d SET MULTI_USER")
    assert ok(dba, ACCESS).value == "MULTI_USER"


def test_the_holder_drops_the_database_from_master(engine, dba, other):
    ok(dba, "USE d ALTER DATABASE d SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    assert run(other, "DROP DATABASE d").numbers == [3702]
    ok(dba, "USE master DROP DATABASE d")
    assert engine.find_database("d") is None


def test_a_stranger_in_the_place_keeps_it_from_being_dropped(dba, other):
    ok(dba, "ALTER DATABASE d SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    ok(other, "USE d")
    assert run(dba, "DROP DATABASE d").numbers == [3702]
    assert ok(dba, f"KILL {other.spid} DROP DATABASE d SELECT DB_ID('d')").value is None


def test_sp_executesql_is_in_both_databases_while_it_runs(engine, dba, other, pool):
    ok(other, "USE d")
    answer = started(pool, other, "EXEC master.sys.sp_executesql N'WAITFOR DELAY ''00:01:00'''")
    until(lambda: other.current.name == "master")
    assert run(dba, "ALTER DATABASE d SET SINGLE_USER WITH NO_WAIT").numbers == [5070, 5069]
    other.cancel()
    answer.result(SOON)


def test_the_state_outlives_a_restart(dba, engine, tmp_path):
    ok(dba, "CREATE DATABASE e", "ALTER DATABASE d SET SINGLE_USER", "ALTER DATABASE e SET OFFLINE")
    dba.close()
    engine.close()
    engine._log.close = lambda: None
    again = open_engine(tmp_path)
    rows = ok(log_in(again), "SELECT name, user_access_desc, state_desc FROM sys.databases WHERE database_id > 4").rows
    assert rows == [("d", "SINGLE_USER", "ONLINE"), ("e", "MULTI_USER", "OFFLINE")]


def test_reset_goes_to_master_if_the_database_is_taken(engine, dba):
    session = log_in(engine, "d")
    ok(session, "USE master")
    ok(dba, "USE d ALTER DATABASE d SET SINGLE_USER")
    session.reset()
    assert session.database == "master"


# RESTRICTED_USER and OFFLINE


def test_restricted_user_puts_out_whom_the_rule_puts_out(engine, dba, monkeypatch):
    session = log_in(engine, "d")
    ok(dba, "ALTER DATABASE d SET RESTRICTED_USER WITH NO_WAIT")
    assert ok(dba, ACCESS).value == "RESTRICTED_USER"
    ok(dba, "SELECT a FROM d.dbo.t")
    ok(dba, "ALTER DATABASE d SET MULTI_USER")
    monkeypatch.setattr(database_use, "may_enter_restricted", lambda *_: False)
    assert run(dba, "ALTER DATABASE d SET RESTRICTED_USER WITH NO_WAIT").numbers == [5070, 5069]
    ok(dba, "ALTER DATABASE d SET RESTRICTED_USER WITH ROLLBACK IMMEDIATE")
    assert session not in engine.sessions
    assert run(dba, "USE d").numbers == [916]


def test_an_offline_database_is_listed_and_closed_to_all(engine, dba):
    log_in(engine, "d")
    assert run(dba, "ALTER DATABASE d SET OFFLINE WITH NO_WAIT").numbers == [5070, 5069]
    ok(dba, "ALTER DATABASE d SET OFFLINE WITH ROLLBACK IMMEDIATE")
    assert ok(dba, STATE).rows == [(6, "OFFLINE")]
    assert ok(dba, "SELECT HAS_DBACCESS('d'), DB_NAME(DB_ID('d'))").rows == [(0, "d")]
    assert ok(dba, "SELECT DISTINCT state_desc FROM sys.master_files WHERE database_id = DB_ID('d')").value == "OFFLINE"
    for text in ("USE d", "SELECT a FROM d.dbo.t", "EXEC d.dbo.p", "SELECT name FROM d.sys.tables"):
        assert run(dba, text).numbers == [942], text
    with pytest.raises(SqlError) as caught:
        log_in(engine, "d")
    assert caught.value.number == 4060
    assert run(dba, "ALTER DATABASE d SET RECOVERY SIMPLE").numbers == [5052, 5069]
    ok(dba, "ALTER DATABASE d SET OFFLINE", "ALTER DATABASE d SET ONLINE", "ALTER DATABASE d SET ONLINE")
    assert ok(dba, STATE).rows == [(0, "ONLINE")]
    assert ok(dba, "SELECT a FROM d.dbo.t").rows == [(1,)]


def test_an_offline_database_can_be_dropped(engine, dba):
    ok(dba, "ALTER DATABASE d SET OFFLINE", "DROP DATABASE d")
    assert engine.find_database("d") is None


def test_offline_from_inside_is_not_supported(dba):
    assert run(dba, "USE d ALTER DATABASE CURRENT SET OFFLINE").numbers == [UNSUPPORTED]
    assert ok(dba, STATE).rows == [(0, "ONLINE")]


def test_nobody_gets_a_database_that_cannot_be_entered(dba, other):
    ok(other, "USE d ALTER DATABASE d SET SINGLE_USER")
    assert run(dba, "ALTER AUTHORIZATION ON DATABASE::d TO sa").numbers == [924]
    ok(other, "USE master ALTER DATABASE d SET OFFLINE")
    assert run(dba, "ALTER AUTHORIZATION ON DATABASE::d TO sa").numbers == [942]


# KILL


def killed(session, number: object) -> Recorder:
    """KILL as it arrives: through EXEC."""
    return run(session, f"DECLARE @text nvarchar(99) = N'KILL {number}' EXEC (@text)")


def test_kill_rolls_back_and_hangs_up(engine, dba, other):
    ok(other, "USE d", "BEGIN TRAN INSERT t VALUES (2)")
    hung_up = []
    other.hang_up = lambda: hung_up.append(1)
    assert killed(dba, other.spid).numbers == []
    assert hung_up == [1]
    assert ok(dba, "SELECT session_id FROM sys.dm_exec_sessions").rows == [(dba.spid,)]
    assert ok(dba, "SELECT a FROM d.dbo.t").rows == [(1,)]


def test_kill_ends_a_wait_for_a_lock(engine, dba, other, pool):
    ok(dba, "USE d BEGIN TRAN UPDATE t SET a = 2")
    answer = pool.submit(
        run, other, "BEGIN TRY UPDATE d.dbo.t SET a = 3 END TRY BEGIN CATCH SELECT 1 END CATCH SELECT 2"
    )
    until(lambda: other.request is not None)
    assert killed(log_in(engine), other.spid).numbers == []
    assert (answer.result(SOON).sets, answer.result(SOON).numbers) == ([], [])
    assert other not in engine.sessions
    ok(dba, "COMMIT")


def test_kill_of_what_cannot_be_killed(dba, other):
    assert killed(dba, dba.spid).numbers == [6104]
    assert killed(dba, 32000).numbers == [6106]
    assert killed(dba, 0).numbers == [6101]
    assert killed(dba, 32768).numbers == [6101]
    assert run(dba, f"BEGIN TRAN KILL {other.spid}").numbers == [6115]
    ok(other, "SELECT 1")


def test_a_session_that_was_killed_between_two_requests_says_so(engine, dba, other):
    killed(dba, other.spid)
    assert run(other, "SELECT 1").numbers == [596]
    other.close()
    assert engine.sessions == [dba]
