"""What is on the disk when the server, or the process, ends: every commit, and of the rest nothing."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lab.server.engine.engine import LOG_FILE
from lab.server.engine.log import Log
from lab.tests.recorder import call, log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(
        session,
        "CREATE DATABASE d",
        "USE d",
        "CREATE TABLE t (id int NOT NULL PRIMARY KEY, v varchar(max), d datetime)",
    )
    return session


def reopened(session, folder: Path):
    """A session in the same database after the engine was left as a kill leaves it."""
    os.close(session.engine._log._file)
    return log_in(open_engine(folder), "d")


def test_commits_last_and_the_rest_does_not(session, tmp_path):
    ok(session, "INSERT t VALUES (1, 'é', '20240101 10:00:00.003'), (2, NULL, NULL), (3, 'x', NULL)")
    ok(session, "BEGIN TRAN UPDATE t SET v = 'new' WHERE id = 2 DELETE t WHERE id = 3 COMMIT")
    before = ok(session, "SELECT * FROM t ORDER BY id").rows
    ok(session, "BEGIN TRAN INSERT t VALUES (4, 'no', NULL) CREATE TABLE u (a int)")
    run(session, "ROLLBACK BEGIN TRAN DELETE t")
    session = reopened(session, tmp_path)
    assert ok(session, "SELECT * FROM t ORDER BY id").rows == before
    assert ok(session, "SELECT name FROM sys.tables").rows == [("t",)]


def test_definitions_last(session, tmp_path):
    ok(session, "CREATE TYPE tId FROM nvarchar(88) NOT NULL", "SET QUOTED_IDENTIFIER OFF")
    ok(session, 'CREATE PROCEDURE p @id tId, @n int = 3 OUTPUT AS SET @n += 1 SELECT "q"')
    ok(session, "SET QUOTED_IDENTIFIER ON", "CREATE UNIQUE INDEX ux ON t (d)", "CREATE TABLE gone (a int)")
    ok(session, "DROP TABLE gone", "CREATE DATABASE e", "DROP DATABASE e", "ALTER PROCEDURE p @id tId AS SELECT 'q2'")
    queries = (
        "SELECT name, object_id, schema_id, parent_object_id, type, create_date, modify_date FROM sys.objects",
        "SELECT name, index_id, type_desc, is_unique FROM sys.indexes",
        "SELECT name, user_type_id, max_length FROM sys.parameters",
        "SELECT name, user_type_id FROM sys.types",
        "SELECT definition, uses_quoted_identifier FROM sys.sql_modules",
        "SELECT name, database_id FROM sys.databases",
    )
    before = [ok(session, query).rows for query in queries]
    session = reopened(session, tmp_path)
    assert [ok(session, query).rows for query in queries] == before
    assert ok(session, "EXEC p 'a'").value == "q2"
    new_id = ok(session, "CREATE TABLE later (a int) SELECT OBJECT_ID('later')").value
    assert new_id not in [row[1] for row in before[0]]


def test_identity_goes_on_where_it_was(session, tmp_path):
    ok(session, "CREATE TABLE i (id int IDENTITY, a int)", "INSERT i VALUES (0), (0)", "DELETE i WHERE id = 2")
    ok(session, "CREATE INDEX ix ON i (a)")
    session = reopened(session, tmp_path)
    ok(session, "INSERT i VALUES (1)", "DELETE i")
    engine = session.engine
    session.close()
    engine.close()
    session = log_in(open_engine(tmp_path), "d")
    assert ok(session, "INSERT i VALUES (2) SELECT id, a FROM i").rows == [(4, 2)]


def test_tempdb_is_empty_after_a_start(session, tmp_path):
    ok(session, "CREATE TABLE tempdb.dbo.x (a int)", "INSERT tempdb.dbo.x VALUES (1)", "CREATE TABLE #y (a int)")
    size = (tmp_path / LOG_FILE).stat().st_size
    ok(session, "INSERT tempdb..x VALUES (2)", "INSERT #y VALUES (2)")
    assert (tmp_path / LOG_FILE).stat().st_size == size
    session = reopened(session, tmp_path)
    assert ok(session, "SELECT COUNT(*) FROM tempdb.sys.tables").value == 0


def test_a_torn_end_is_cut_off_wherever_it_is_torn(session, tmp_path):
    ok(session, "INSERT t VALUES (1, 'a', NULL)")
    whole = (tmp_path / LOG_FILE).read_bytes()
    ok(session, "INSERT t VALUES (2, 'b', NULL), (3, 'c', NULL)")
    longer = (tmp_path / LOG_FILE).read_bytes()
    for end in range(len(whole), len(longer)):
        (tmp_path / LOG_FILE).write_bytes(longer[:end])
        session = reopened(session, tmp_path)
        assert ok(session, "SELECT id FROM t").rows == [(1,)]
        assert (tmp_path / LOG_FILE).read_bytes() == whole
    ok(session, "INSERT t VALUES (9, 'again', NULL)")
    session = reopened(session, tmp_path)
    assert ok(session, "SELECT id FROM t").rows == [(1,), (9,)]


def test_the_halves_of_a_surrogate_pair_stay_what_they_are(session, tmp_path):
    ok(session, "CREATE TABLE n (a nvarchar(9))", "INSERT n VALUES (NCHAR(55357) + NCHAR(56832)), (NCHAR(55357))")
    session = reopened(session, tmp_path)
    answer = ok(session, "SELECT a, LEN(a), DATALENGTH(a) FROM n")
    assert answer.rows == [("\ud83d\ude00", 2, 4), ("\ud83d", 1, 2)]


def test_a_record_whose_bytes_changed_ends_the_log(session, tmp_path):
    ok(session, "INSERT t VALUES (1, 'a', NULL)")
    whole = (tmp_path / LOG_FILE).read_bytes()
    ok(session, "INSERT t VALUES (2, 'b', NULL)")
    damaged = bytearray((tmp_path / LOG_FILE).read_bytes())
    damaged[-3] ^= 1
    (tmp_path / LOG_FILE).write_bytes(damaged)
    session = reopened(session, tmp_path)
    assert ok(session, "SELECT id FROM t").rows == [(1,)]
    assert (tmp_path / LOG_FILE).read_bytes() == whole


def test_a_long_history_is_made_short_at_the_end_and_nothing_is_lost(session, tmp_path):
    ok(session, "INSERT t VALUES (1, 'a', NULL), (2, 'b', '20240101')", "CREATE PROCEDURE p AS SELECT 1")
    ok(session, "DECLARE @i int = 0 WHILE @i < 1500 BEGIN UPDATE t SET v = 'x' + v WHERE id = 1 SET @i += 1 END")
    before = ok(session, "SELECT * FROM t ORDER BY id").rows
    size = (tmp_path / LOG_FILE).stat().st_size
    engine = session.engine
    session.close()
    engine.close()
    assert (tmp_path / LOG_FILE).stat().st_size < size / 10
    session = log_in(open_engine(tmp_path), "d")
    assert ok(session, "SELECT * FROM t ORDER BY id").rows == before
    assert ok(session, "EXEC p").value == 1


def test_without_a_disk_nothing_is_committed(session, monkeypatch):
    ok(session, "INSERT t VALUES (1, 'a', NULL)")

    def full(self):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Log, "sync", full)
        answer = run(session, "INSERT t VALUES (2, 'b', NULL)")
        assert answer.numbers == [59998]
        assert "No space left" in answer.errors[0].text
    assert ok(session, "SELECT id FROM t").rows == [(1,)]
    assert run(session, "INSERT t VALUES (2, 'b', NULL)").numbers == [59998]


CHILD = """
import sys
from pathlib import Path
from lab.tests.recorder import log_in, ok, open_engine

session = log_in(open_engine(Path(sys.argv[1])), "d")
number = ok(session, "SELECT ISNULL(MAX(id), 0) FROM t").value
while True:
    number += 2
    ok(session, f"BEGIN TRAN INSERT t (id) VALUES ({number - 1}) INSERT t (id) VALUES ({number}) COMMIT")
    print(number, flush=True)
"""


def test_kill_9_at_any_moment_keeps_every_commit_and_no_half_one(session, tmp_path):
    os.close(session.engine._log._file)
    dice = random.Random(1)
    for _ in range(6):
        command = [sys.executable, "-c", CHILD, str(tmp_path)]
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        first = child.stdout.readline()
        time.sleep(dice.random() * 0.1)
        child.send_signal(signal.SIGKILL)
        acknowledged = [int(line) for line in [first, *child.stdout.read().split()] if line]
        child.wait()
        after = log_in(open_engine(tmp_path), "d")
        found = [row[0] for row in ok(after, "SELECT id FROM t ORDER BY id").rows]
        os.close(after.engine._log._file)
        assert found == list(range(1, len(found) + 1))
        assert len(found) % 2 == 0
        assert len(found) >= acknowledged[-1]


def test_a_call_s_commit_lasts_too(session, tmp_path):
    ok(session, "CREATE PROCEDURE p AS INSERT t (id) VALUES (5)")
    assert call(session, "p").status == 0
    session = reopened(session, tmp_path)
    assert ok(session, "SELECT id FROM t").rows == [(5,)]
