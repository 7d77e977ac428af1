"""What a statement had looked at has changed while it waited: it must look again, and never see what is gone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from lab.tests.logins import create_login
from lab.tests.recorder import log_in, ok, open_engine, run

SOON = 10
"""Seconds after which a test that waits for something has failed."""


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "l")
    create_login(session, "m")
    ok(session, "CREATE DATABASE d CREATE DATABASE e", "CREATE PROCEDURE q AS PRINT 'q'")
    ok(session, "USE e CREATE TABLE s (a int) INSERT s VALUES (7)")
    ok(session, "USE d CREATE TABLE t (a int) INSERT t VALUES (1) CREATE TABLE u (a int) INSERT u VALUES (1)")
    ok(session, "CREATE INDEX i ON t (a) CREATE TYPE ty FROM int CREATE USER l FOR LOGIN l")
    session.close()
    yield engine
    for session in list(engine.sessions):
        session.close()
    engine.close()


@pytest.fixture
def pool():
    with ThreadPoolExecutor() as pool:
        yield pool


def waiting(engine, pool: ThreadPoolExecutor, database: str, text: str) -> Future:
    """Run a batch in a session of its own; comes back once it waits for a lock."""
    session = log_in(engine, database)
    answer = pool.submit(run, session, text)
    deadline = time.monotonic() + SOON
    while session.request is None:
        assert not answer.done(), answer.result()
        assert time.monotonic() < deadline
        threading.Event().wait(0.002)
    return answer


CHANGES = "BEGIN TRAN CREATE TABLE other (a int)"
LOCKS = "BEGIN TRAN SELECT a FROM t WITH (TABLOCKX)"

SECOND_LOOKS = {
    # database, what the first session does, what the second and third wait with, the errors of each
    "a user whose DROP is rolled back": (
        "d",
        "BEGIN TRAN DROP USER l",
        ["CREATE USER l FOR LOGIN m"],
        "ROLLBACK",
        [[15023]],
    ),
    "an owner who is a user after all": (
        "d",
        "BEGIN TRAN DROP USER l",
        ["ALTER AUTHORIZATION ON DATABASE::d TO l"],
        "ROLLBACK",
        [[15110]],
    ),
    "a table made twice": ("d", CHANGES, ["CREATE TABLE n (a int)"] * 2, "COMMIT", [[], [2714]]),
    "a type dropped twice": ("d", CHANGES, ["DROP TYPE ty"] * 2, "COMMIT", [[], [218]]),
    "an index made twice": ("d", LOCKS, ["CREATE INDEX j ON t (a)"] * 2, "COMMIT", [[], [1913]]),
    "an index dropped twice": ("d", LOCKS, ["DROP INDEX i ON t"] * 2, "COMMIT", [[], [3701]]),
    "an index of a table that goes": ("d", LOCKS, ["DROP TABLE t", "CREATE INDEX j ON t (a)"], "COMMIT", [[], [1088]]),
}


@pytest.mark.parametrize(("database", "first", "texts", "end", "numbers"), SECOND_LOOKS.values(), ids=SECOND_LOOKS)
def test_a_definition_that_waited_looks_again(engine, pool, database, first, texts, end, numbers):
    holder = log_in(engine, database)
    ok(holder, first)
    answers = [waiting(engine, pool, database, text) for text in texts]
    ok(holder, end)
    assert sorted(answer.result(SOON).numbers for answer in answers) == numbers


def test_a_procedure_that_was_dropped_does_not_come_back_with_its_mark(engine, pool):
    holder = log_in(engine)
    ok(holder, CHANGES)
    texts = ("EXEC sp_procoption 'q', 'startup', 'on'", "DROP PROCEDURE q")
    answers = [waiting(engine, pool, "master", text) for text in texts]
    ok(holder, "COMMIT")
    assert [answer.result(SOON).numbers for answer in answers] in ([[], []], [[15009], []])
    assert run(holder, "SELECT name FROM sys.procedures").rows == []


READS = {
    "while it was bound": ("e", CHANGES, "SELECT t.a FROM d.dbo.u JOIN e.dbo.s ON 1 = 1", "DROP TABLE d.dbo.u"),
    "while it waited for another table": ("d", LOCKS, "SELECT t.a FROM t JOIN u ON u.a = t.a", "DROP TABLE d.dbo.u"),
    "with its database": ("d", LOCKS, "SELECT t.a FROM t LEFT JOIN e.dbo.s ON s.a = t.a", "DROP DATABASE e"),
}


@pytest.mark.parametrize(("database", "first", "text", "drop"), READS.values(), ids=READS)
def test_no_statement_reads_a_table_that_was_dropped(engine, pool, database, first, text, drop):
    holder, other = log_in(engine, database), log_in(engine)
    ok(holder, first)
    answer = waiting(engine, pool, "master" if database == "e" else database, text.replace("t.a", "1", 1))
    ok(other, drop)
    ok(holder, "COMMIT")
    assert answer.result(SOON).numbers == [208]
