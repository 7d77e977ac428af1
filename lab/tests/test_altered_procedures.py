"""A procedure that is altered in an open transaction: who calls it waits, who is in it already goes on."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

SOON = 10
ALTER = "BEGIN TRAN EXEC (N'ALTER PROCEDURE p AS SELECT 2')"


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "l")
    ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (a int) INSERT t VALUES (1)")
    ok(session, "CREATE PROCEDURE p AS WAITFOR DELAY '00:00:00.3' SELECT a FROM t")
    ok(session, "CREATE PROCEDURE q AS EXEC p")
    session.close()
    yield engine
    for session in list(engine.sessions):
        session.close()
    engine.close()


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


def begun(session, pool: ThreadPoolExecutor, text: str, *, waits: bool) -> Future:
    """Run a batch in a thread; comes back once it runs, or waits for a lock."""
    answer = pool.submit(run, session, text)
    deadline = time.monotonic() + SOON
    while not session.running or (waits and session.request is None):
        assert not answer.done(), answer.result()
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    return answer


CALLS = ["EXEC p", "EXEC d.dbo.p", "EXEC q", "EXEC sp_executesql N'EXEC p'"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("end", "answer"), [("COMMIT", 2), ("ROLLBACK", 1)])
def test_a_call_waits_and_gets_what_is_then_there(engine, pool, call, end, answer):
    first, second = log_in(engine, "d"), log_in(engine, "d")
    ok(first, ALTER)
    waiting = begun(second, pool, call, waits=True)
    ok(first, end)
    assert waiting.result(SOON).value == answer


def test_what_has_entered_it_before_goes_on_as_it_was(engine, pool):
    first, second = log_in(engine, "d"), log_in(engine, "d")
    inside = begun(second, pool, "EXEC p", waits=False)
    ok(first, ALTER)
    assert inside.result(SOON).value == 1


def test_other_procedures_and_tables_can_be_used_meanwhile(engine):
    first, second = log_in(engine, "d"), log_in(engine, "d")
    ok(first, "BEGIN TRAN EXEC (N'ALTER PROCEDURE q AS SELECT 2')")
    assert ok(second, "EXEC p").value == ok(second, "SELECT a FROM t").value == 1


@pytest.mark.parametrize(
    ("text", "numbers"),
    {
        "SELECT name FROM sys.procedures": [],
        "DROP PROCEDURE p": [],
        "EXEC (N'ALTER PROCEDURE p AS SELECT 3')": [],
    }.items(),
)
def test_the_catalog_and_other_changes_wait_for_it(engine, pool, text, numbers):
    first, second = log_in(engine, "d"), log_in(engine, "d")
    ok(first, ALTER)
    waiting = begun(second, pool, text, waits=True)
    ok(first, "ROLLBACK")
    assert waiting.result(SOON).numbers == numbers


REQUESTS = """
SELECT session_id, status, DB_NAME(database_id), blocking_session_id FROM sys.dm_exec_requests
WHERE session_id <> @@SPID AND start_time <= GETDATE()
"""


def test_requests_are_seen_with_whom_they_wait_for(engine, pool):
    first, second, watcher = log_in(engine, "d"), log_in(engine, "d"), log_in(engine)
    ok(first, ALTER)
    assert ok(watcher, REQUESTS).rows == []
    waiting = begun(second, pool, "EXEC q", waits=True)
    assert ok(watcher, REQUESTS).rows == [(second.spid, "suspended", "d", first.spid)]
    ok(first, "COMMIT")
    waiting.result(SOON)
    waiting = begun(second, pool, "WAITFOR DELAY '00:00:00.3'", waits=False)
    assert ok(watcher, REQUESTS).rows == [(second.spid, "running", "d", 0)]
    other = enter(engine, "l")
    assert ok(other, "SELECT COUNT(*) FROM sys.dm_exec_requests").value == 1
    waiting.result(SOON)
