"""What sessions that work at the same time do to each other."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab.tests.recorder import log_in, ok, open_engine, run

SOON = 10
"""Seconds after which a test that waits for something has failed."""


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    ok(
        session,
        "CREATE DATABASE d",
        "USE d",
        "CREATE TABLE t (id int NOT NULL PRIMARY KEY, n int NOT NULL)",
        "CREATE INDEX by_n ON t (n)",
        "INSERT t VALUES (1, 10), (2, 20), (3, 30)",
    )
    session.close()
    yield engine
    for session in list(engine.sessions):
        session.close()
    engine.close()


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


@pytest.fixture
def first(engine):
    return log_in(engine, "d")


@pytest.fixture
def second(engine):
    return log_in(engine, "d")


def waiting(session, pool: ThreadPoolExecutor, text: str) -> Future:
    """Run a batch in a thread; comes back once it waits for a lock."""
    answer = pool.submit(run, session, text)
    deadline = time.monotonic() + SOON
    while session.request is None:
        assert not answer.done(), answer.result()
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return answer


WAITERS = {
    "a reader of the row": ("SELECT n FROM t WHERE id = 1", [(11,)]),
    "a reader of all rows": ("SELECT SUM(n) FROM t", [(61,)]),
    "a reader through another index": ("SELECT n FROM t WHERE n < 15", [(11,)]),
    "a writer of the row": ("UPDATE t SET n = n + 1 WHERE id = 1 SELECT n FROM t WHERE id = 1", [(12,)]),
}


@pytest.mark.parametrize(("text", "rows"), WAITERS.values(), ids=WAITERS)
def test_others_wait_for_an_uncommitted_change(first, second, pool, text, rows):
    ok(first, "BEGIN TRAN UPDATE t SET n = 11 WHERE id = 1")
    answer = waiting(second, pool, text)
    ok(first, "COMMIT")
    assert answer.result(SOON).rows == rows


def test_after_a_rollback_they_see_what_was(first, second, pool):
    ok(first, "BEGIN TRAN DELETE t WHERE id = 1 UPDATE t SET n = 99 WHERE id = 2 INSERT t VALUES (4, 40)")
    answer = waiting(second, pool, "SELECT id, n FROM t ORDER BY id")
    ok(first, "ROLLBACK")
    assert answer.result(SOON).rows == [(1, 10), (2, 20), (3, 30)]


def test_a_reader_who_looks_for_the_old_key_waits_too(first, second, pool):
    ok(first, "BEGIN TRAN UPDATE t SET n = 11 WHERE id = 1")
    answer = waiting(second, pool, "SELECT id FROM t WHERE n = 10")
    ok(first, "ROLLBACK")
    assert answer.result(SOON).rows == [(1,)]


def test_other_rows_are_free(first, second):
    ok(first, "BEGIN TRAN UPDATE t SET n = 11 WHERE id = 1")
    assert ok(second, "SELECT n FROM t WHERE id = 2").value == 20
    ok(second, "UPDATE t SET n = 21 WHERE id = 2")


def test_the_condition_is_tested_again_after_the_wait(first, second, pool):
    ok(first, "BEGIN TRAN UPDATE t SET n = 0 WHERE id = 1")
    answer = waiting(second, pool, "UPDATE t SET n = -1 WHERE id = 1 AND n = 10")
    ok(first, "COMMIT")
    assert answer.result(SOON).counts == [0]
    assert ok(second, "SELECT n FROM t WHERE id = 1").value == 0


def test_an_insert_waits_to_know_whether_its_key_is_free(first, second, pool):
    ok(first, "BEGIN TRAN INSERT t VALUES (4, 40)")
    answer = waiting(second, pool, "INSERT t VALUES (4, 41)")
    ok(first, "COMMIT")
    assert answer.result(SOON).numbers == [2627]
    ok(first, "BEGIN TRAN DELETE t WHERE id = 4")
    answer = waiting(second, pool, "INSERT t VALUES (4, 42)")
    ok(first, "COMMIT")
    assert answer.result(SOON).errors == []


def test_lock_timeout(first, second):
    ok(first, "BEGIN TRAN UPDATE t SET n = 11 WHERE id = 1")
    start = time.monotonic()
    answer = run(second, "SET LOCK_TIMEOUT 60 SELECT n FROM t PRINT 'after'")
    assert (answer.numbers, answer.printed) == ([1222], ["after"])
    assert time.monotonic() - start >= 0.06
    assert run(second, "SET LOCK_TIMEOUT 0 UPDATE t SET n = 1").numbers == [1222]


def test_readpast_leaves_locked_rows_out(first, second):
    ok(first, "BEGIN TRAN UPDATE t SET n = 11 WHERE id = 1")
    assert ok(second, "SELECT id FROM t WITH (READPAST) ORDER BY id").rows == [(2,), (3,)]
    assert ok(second, "DELETE TOP (9) FROM t WITH (ROWLOCK, READPAST)").counts == [2]
    ok(first, "ROLLBACK")
    assert ok(first, "SELECT id FROM t").rows == [(1,)]


HINTS = {
    "TABLOCKX": ("SELECT n FROM t WITH (TABLOCKX, HOLDLOCK) WHERE id = 9", "SELECT n FROM t WHERE id = 2"),
    "HOLDLOCK": ("SELECT n FROM t WITH (HOLDLOCK) WHERE id = 9", "INSERT t VALUES (9, 9)"),
    "UPDLOCK": ("SELECT n FROM t WITH (UPDLOCK) WHERE id = 1", "SELECT n FROM t WITH (UPDLOCK) WHERE id = 1"),
    "XLOCK": ("SELECT n FROM t WITH (XLOCK) WHERE id = 1", "SELECT n FROM t WHERE id = 1"),
    "HOLDLOCK, the same to change": (
        "SELECT n FROM t WITH (HOLDLOCK) WHERE id = 9",
        "UPDATE t WITH (HOLDLOCK) SET n = 0 WHERE id = 1",
    ),
    "HOLDLOCK, TABLOCK to insert": ("SELECT n FROM t WITH (HOLDLOCK)", "INSERT t WITH (TABLOCK) VALUES (9, 9)"),
    "UPDLOCK and HOLDLOCK of what is missing": (
        "SELECT n FROM t WITH (UPDLOCK, HOLDLOCK) WHERE id = 9",
        "SELECT n FROM t WITH (UPDLOCK, HOLDLOCK) WHERE id = 9",
    ),
}


UNCOMMITTED = {
    "a change": ("UPDATE t SET n = 11 WHERE id = 1", [(1, 11), (2, 20), (3, 30)]),
    "a new row": ("INSERT t VALUES (4, 40)", [(1, 10), (2, 20), (3, 30), (4, 40)]),
    "a row that is going": ("DELETE t WHERE id = 1", [(2, 20), (3, 30)]),
    "a table that is locked": ("SELECT 1 FROM t WITH (TABLOCKX)", [(1, 10), (2, 20), (3, 30)]),
}


@pytest.mark.parametrize("kind", UNCOMMITTED)
@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, n FROM t WITH (NOLOCK) ORDER BY id",
        "SELECT id, n FROM t WITH (READUNCOMMITTED) WHERE n > 0 ORDER BY id",
    ],
)
def test_nolock_reads_what_others_have_not_committed_and_does_not_wait(first, second, kind: str, query: str) -> None:
    change, rows = UNCOMMITTED[kind]
    ok(first, "BEGIN TRANSACTION " + change)
    ok(second, "SET LOCK_TIMEOUT 0")
    assert ok(second, query).rows == rows
    ok(first, "ROLLBACK TRANSACTION")
    assert ok(second, "SELECT COUNT(*) FROM t WITH (NOLOCK)").value == 3


def test_nolock_keeps_nobody_waiting(first, second) -> None:
    ok(first, "BEGIN TRANSACTION SELECT id, n FROM t WITH (NOLOCK)")
    ok(second, "SET LOCK_TIMEOUT 0", "DELETE t", "DROP TABLE t")


@pytest.mark.parametrize(("lock", "wait"), HINTS.values(), ids=HINTS)
def test_hints_that_lock(first, second, pool, lock, wait):
    ok(first, f"BEGIN TRAN {lock}")
    answer = waiting(second, pool, wait)
    ok(first, "COMMIT")
    assert answer.result(SOON).errors == []


def test_a_deadlock_has_one_victim_and_the_other_goes_on(first, second, pool):
    ok(first, "BEGIN TRAN UPDATE t SET n = 1 WHERE id = 1")
    ok(second, "BEGIN TRAN UPDATE t SET n = 2 WHERE id = 2")
    answer = waiting(first, pool, "UPDATE t SET n = 1 WHERE id = 2")
    loser = run(second, "UPDATE t SET n = 2 WHERE id = 1 PRINT 'after'")
    assert (loser.numbers, loser.printed) == ([1205], [])
    assert answer.result(SOON).errors == []
    assert ok(second, "SELECT @@TRANCOUNT").value == 0
    ok(first, "COMMIT")
    assert ok(second, "SELECT id, n FROM t ORDER BY id").rows == [(1, 1), (2, 1), (3, 30)]


def test_deadlock_priority_chooses_the_victim(first, second, pool):
    ok(first, "SET DEADLOCK_PRIORITY LOW BEGIN TRAN UPDATE t SET n = 1 WHERE id = 1")
    ok(second, "BEGIN TRAN UPDATE t SET n = 2 WHERE id = 2")
    answer = waiting(first, pool, "UPDATE t SET n = 1 WHERE id = 2")
    ok(second, "UPDATE t SET n = 2 WHERE id = 1 COMMIT")
    assert answer.result(SOON).numbers == [1205]


def test_cancel_ends_a_wait_and_undoes_the_statement_only(first, second, pool):
    ok(first, "BEGIN TRAN UPDATE t SET n = 11 WHERE id = 2")
    ok(second, "BEGIN TRAN UPDATE t SET n = 0 WHERE id = 3")
    answer = waiting(second, pool, "UPDATE t SET n = 5 PRINT 'after'")
    second.cancel()
    assert (answer.result(SOON).errors, answer.result().printed) == ([], [])
    assert ok(second, "SELECT @@TRANCOUNT").value == 1
    ok(first, "ROLLBACK")
    assert ok(second, "SELECT n FROM t ORDER BY id").rows == [(10,), (20,), (0,)]


def crossed(source: str, times: int) -> str:
    """A query of more rows than anyone waits for."""
    return " ".join(("SELECT 1 FROM", ", ".join(f"{source} t{number}" for number in range(times)), "WHERE 1 = 0"))


LONG = {
    "delay": "WAITFOR DELAY '00:01:00'",
    "loop": "WHILE 1 = 1 SET NOCOUNT ON",
    "views": crossed("sys.types", 9),
    "derived tables": crossed("(SELECT 1 a UNION ALL SELECT 2)", 40),
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_cancel_ends_what_runs(first, pool, text):
    answer = pool.submit(run, first, text)
    while not first.running:
        time.sleep(0.002)
    first.cancel()
    assert answer.result(SOON).errors == []


def test_waitfor_lets_others_work(first, second, pool):
    answer = pool.submit(run, first, "WAITFOR DELAY '00:00:30'")
    while not first.running:
        time.sleep(0.002)
    ok(second, "UPDATE t SET n = 0")
    assert not answer.done()
    first.cancel()
    assert answer.result(SOON).errors == []


def test_waitfor_waits(first):
    start = time.monotonic()
    assert ok(first, "DECLARE @d char(12) = '00:00:00.120' WAITFOR DELAY @d SELECT 1").value == 1
    assert time.monotonic() - start >= 0.12


def test_closing_a_session_rolls_back_and_frees(first, second, pool):
    ok(first, "BEGIN TRAN DELETE t")
    answer = waiting(second, pool, "SELECT COUNT(*) FROM t")
    first.close()
    first.close()
    assert answer.result(SOON).value == 3


def test_definitions_that_are_not_committed_make_others_wait(first, second, pool):
    ok(first, "BEGIN TRAN CREATE TABLE u (a int) INSERT u VALUES (1)")
    answer = waiting(second, pool, "SELECT COUNT(*) FROM u")
    ok(first, "COMMIT")
    assert answer.result(SOON).value == 1


def test_of_two_that_race_for_a_row_exactly_one_wins(engine):
    """1,000 rounds: each session takes the lock as a read of a session does."""
    log = log_in(engine, "d")
    ok(log, "CREATE TABLE s (id int NOT NULL PRIMARY KEY, locked bit NOT NULL)")
    ok(log, "INSERT s VALUES (1, 0)")
    racers, rounds = 2, 1000
    gate = threading.Barrier(racers)
    winners: list[list[int]] = [[] for _ in range(racers)]
    take = "DECLARE @was bit UPDATE s SET @was = locked, locked = 1 WHERE id = 1 SELECT @was"

    def race(number: int) -> None:
        session = log_in(engine, "d")
        for turn in range(rounds):
            gate.wait(SOON)
            if ok(session, take).value == 0:
                winners[number].append(turn)
            gate.wait(SOON)
            if number == 0:
                ok(session, "UPDATE s SET locked = 0")

    with ThreadPoolExecutor(racers) as pool:
        list(pool.map(race, range(racers)))
    assert sorted(winners[0] + winners[1]) == list(range(rounds))


def test_no_increment_is_lost(engine):
    def work(_: int) -> None:
        session = log_in(engine, "d")
        for _ in range(100):
            ok(session, "UPDATE t SET n = n + 1 WHERE id = 1")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert ok(log_in(engine, "d"), "SELECT n FROM t WHERE id = 1").value == 410


GET = """DECLARE @rc int
         EXEC @rc = sp_getapplock @Resource = N'r', @LockMode = '{}', @LockOwner = '{}', @LockTimeout = {}
         SELECT @rc"""


def test_application_locks_of_a_transaction_end_with_it(first, second, pool):
    ok(first, "BEGIN TRAN")
    ok(second, "BEGIN TRAN")
    for _ in range(2):
        assert ok(first, GET.format("Exclusive", "Transaction", 0)).value == 0
    assert ok(second, GET.format("Shared", "Transaction", 0)).value == -1
    assert ok(second, GET.format("Shared", "Transaction", 50)).value == -1
    answer = waiting(second, pool, GET.format("Shared", "Transaction", 9000))
    ok(first, "COMMIT")
    assert answer.result(SOON).value == 1
    assert ok(first, "BEGIN TRAN " + GET.format("Update", "Transaction", 0)).value == 0
    second.close()
    assert ok(first, GET.format("Exclusive", "Transaction", 0)).value == 0


def test_application_locks_of_a_session_outlive_its_transactions_and_end_with_it(first, second, pool):
    ok(first, "BEGIN TRAN", GET.format("Exclusive", "Session", 0), "ROLLBACK")
    assert ok(second, GET.format("Shared", "Session", 0)).value == -1
    ok(second, "BEGIN TRAN")
    assert ok(second, GET.format("Shared", "Transaction", 0)).value == -1
    answer = waiting(second, pool, GET.format("Shared", "Transaction", 9000))
    first.close()
    assert answer.result(SOON).value == 1


def test_an_application_lock_of_an_unknown_mode_or_owner_is_refused(first):
    assert ok(first, GET.format("Shared", "Nix", 0)).value == -999
    assert ok(first, GET.format("Nix", "Transaction", 0)).value == -999
    assert run(first, GET.format("Shared", "Transaction", 0)).numbers == [1228]


def test_a_database_in_use_is_not_dropped(engine, first):
    other = log_in(engine)
    start = time.monotonic()
    answer = run(other, "DROP DATABASE d PRINT 'after'")
    assert (answer.numbers, answer.printed) == ([3702], ["after"])
    assert time.monotonic() - start < SOON
    assert ok(first, "SELECT COUNT(*) FROM t").value == 3
    assert run(first, "DROP DATABASE d").numbers == [3702]


def test_dropping_waits_a_moment_for_a_client_that_goes(engine, first, pool):
    other = log_in(engine)
    answer = pool.submit(run, other, "DROP DATABASE d")
    time.sleep(0.1)
    first.close()
    assert answer.result(SOON).errors == []


def test_of_two_who_drop_a_database_one_comes_too_late(engine, first, pool):
    answers = [pool.submit(run, log_in(engine), "DROP DATABASE d") for _ in range(2)]
    time.sleep(0.1)
    first.close()
    assert sorted(answer.result(SOON).numbers for answer in answers) in ([[], [3701]], [[], [3702]])


def test_a_database_that_a_transaction_has_changed_is_in_use_too(engine, first):
    ok(first, "USE master BEGIN TRAN UPDATE d.dbo.t SET n = 0")
    assert run(log_in(engine), "DROP DATABASE d").numbers == [3702]
    ok(first, "COMMIT DROP DATABASE d")
