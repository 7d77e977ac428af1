"""DROP of many objects in one transaction, as an uninstall does it: all of it or nothing, whatever happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pymssql
import pytest

from lab.tests.recorder import log_in, ok, open_engine, run
from lab.tests.server_process import ServerProcess

SETUP = (
    "CREATE DATABASE d",
    "USE d",
    "CREATE TYPE dbo.tId FROM nvarchar(88) NOT NULL",
    "CREATE TABLE dbo.t (id dbo.tId PRIMARY KEY, v int)",
    "CREATE PROCEDURE dbo.p @id dbo.tId AS SELECT v FROM dbo.t WHERE id = @id",
    "INSERT t VALUES ('a', 1)",
)
DROPS = "DROP PROCEDURE dbo.p DROP TABLE dbo.t DROP TYPE dbo.tId"
BEGIN = "SET XACT_ABORT ON BEGIN TRANSACTION"
THERE = "SELECT name FROM d.sys.objects WHERE type IN ('U', 'P') ORDER BY name"
ALL, NONE = [("p",), ("t",)], []
SOON = 10


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(session, *SETUP)
    return session


def whole(session) -> bool:
    """Whether everything is there and works, or else nothing is."""
    there = ok(session, THERE).rows
    types = ok(session, "SELECT COUNT(*) FROM d.sys.types WHERE is_user_defined = 1").value
    assert (there, types) in ((ALL, 1), (NONE, 0))
    if there:
        assert ok(session, "EXEC d.dbo.p 'a'").rows == [(1,)]
    return bool(there)


def test_all_is_dropped_at_the_commit(session):
    ok(session, f"{BEGIN} {DROPS} COMMIT")
    assert not whole(session)


FAILURES = {
    "a statement that fails": f"{BEGIN} {DROPS} SELECT 1 / 0 COMMIT",
    "a missing object": f"{BEGIN} {DROPS} DROP PROCEDURE dbo.nix COMMIT",
    "a type in use by a column": f"{BEGIN} DROP PROCEDURE dbo.p DROP TYPE dbo.tId COMMIT",
    "a type in use by a parameter": f"{BEGIN} DROP TABLE dbo.t DROP TYPE dbo.tId COMMIT",
    "a missing table": f"{BEGIN} {DROPS} DELETE nix COMMIT",
    "a THROW": f"{BEGIN} BEGIN TRY {DROPS} SELECT 1 / 0 COMMIT END TRY BEGIN CATCH ROLLBACK; THROW END CATCH",
}


@pytest.mark.parametrize("text", FAILURES.values(), ids=FAILURES)
def test_an_error_leaves_everything(session, text):
    assert len(run(session, text).numbers) == 1
    assert ok(session, "SELECT @@TRANCOUNT").value == 0
    assert whole(session)


@pytest.mark.parametrize("user", ["TABLE dbo.t", "PROCEDURE dbo.p"])
def test_a_type_in_use_is_3732(session, user):
    other = "PROCEDURE dbo.p" if user.startswith("TABLE") else "TABLE dbo.t"
    answer = run(session, f"DROP {other} DROP TYPE dbo.tId")
    assert answer.numbers == [3732]
    assert user.split(".")[1] in answer.errors[0].text


def test_a_lost_connection_leaves_everything(session):
    other = log_in(session.engine)
    ok(session, f"{BEGIN} {DROPS}")
    session.close()
    assert whole(other)


def test_two_who_drop_wait_for_each_other(session):
    other = log_in(session.engine, "d")
    ok(session, f"{BEGIN} {DROPS}")
    assert run(other, "SET LOCK_TIMEOUT 10 DROP TABLE dbo.t").numbers == [1222]
    assert run(other, "SET LOCK_TIMEOUT 10 EXEC dbo.p 'a'").numbers == [1222]
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(run, other, f"SET LOCK_TIMEOUT -1 {BEGIN} {DROPS} COMMIT")
        deadline = time.monotonic() + SOON
        while other.request is None:
            assert time.monotonic() < deadline
            threading.Event().wait(0.002)
        ok(session, "COMMIT")
        assert answer.result(SOON).numbers == [3701]
    assert not whole(session)


def test_a_reader_makes_the_drop_wait(session):
    reader = log_in(session.engine, "d")
    ok(reader, "BEGIN TRAN SELECT v FROM t WITH (HOLDLOCK)")
    assert run(session, f"SET LOCK_TIMEOUT 10 {BEGIN} {DROPS} COMMIT").numbers == [1222]
    ok(reader, "ROLLBACK")
    assert whole(session)
    ok(session, f"{BEGIN} {DROPS} COMMIT")


@pytest.mark.controls_server
@pytest.mark.parametrize("end", ["", "COMMIT"])
def test_a_kill_of_the_server_leaves_all_or_nothing(start_lab_server: Callable[..., ServerProcess], end: str) -> None:
    server = start_lab_server()
    connection = server.connect()
    for text in SETUP:
        connection.cursor().execute(text)
    connection.cursor().execute(f"{BEGIN} {DROPS} {end}")
    server.kill()
    server = start_lab_server()
    with server.connect() as again:
        assert _rows(again, THERE) == (NONE if end else ALL)
        assert _rows(again, "SELECT name FROM d.sys.types WHERE is_user_defined = 1") == ([] if end else [("tId",)])
        if not end:
            assert _rows(again, "EXEC d.dbo.p 'a'") == [(1,)]


def _rows(connection: pymssql.Connection, text: str) -> list[tuple]:
    cursor = connection.cursor()
    cursor.execute(text)
    return cursor.fetchall()
