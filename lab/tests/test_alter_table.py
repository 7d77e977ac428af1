"""ALTER TABLE, and sp_rename of types: the rows stay, others wait, and all of it is part of a transaction."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.tests.recorder import log_in, ok, open_engine, run

SETUP = (
    "CREATE DATABASE d",
    "USE d",
    "CREATE TYPE dbo.tId FROM char(4) NOT NULL",
    "CREATE TABLE dbo.t (id char(4) NOT NULL CONSTRAINT PK_t PRIMARY KEY, v int CONSTRAINT DF_v DEFAULT (1), w int)",
    "CREATE INDEX by_v ON dbo.t (v)",
    "CREATE PROCEDURE dbo.p @id dbo.tId AS SELECT v FROM dbo.t WHERE id = @id",
    "INSERT dbo.t (id, v) VALUES ('a', 1)",
    "INSERT dbo.t (id, v) VALUES ('b', 2)",
)
WIDEN = (
    "ALTER TABLE dbo.t DROP CONSTRAINT PK_t",
    "ALTER TABLE dbo.t ALTER COLUMN id nvarchar(88) NOT NULL",
    "ALTER TABLE dbo.t ADD CONSTRAINT PK_new PRIMARY KEY (id)",
    "ALTER TABLE dbo.t ADD flags int NOT NULL CONSTRAINT DF_flags DEFAULT (0)",
)
ROWS = "SELECT RTRIM(id), v FROM d.dbo.t ORDER BY id"
COLUMNS = "SELECT name FROM d.sys.columns WHERE object_id = OBJECT_ID('d.dbo.t') ORDER BY column_id"
SOON = 10


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(session, *SETUP)
    return session


def fails(session, number: int, statement: str) -> None:
    assert [error.number for error in run(session, statement).errors] == [number]


def must_be_wide(session) -> None:
    assert ok(session, ROWS).rows == [("a", 1), ("b", 2)]
    assert ok(session, COLUMNS).rows == [("id",), ("v",), ("w",), ("flags",)]
    assert ok(session, "SELECT id FROM d.dbo.t WHERE id = N'b' AND flags = 0").rows == [("b   ",)]
    assert ok(session, "EXEC d.dbo.p 'a'").rows == [(1,)]
    fails(session, 2627, "INSERT d.dbo.t (id) VALUES (N'a')")


def test_a_table_gets_other_columns_and_another_key_and_keeps_its_rows(session, tmp_path):
    ok(session, *WIDEN)
    must_be_wide(session)
    ok(session, "INSERT dbo.t (id) VALUES (REPLICATE(N'x', 88))", "DELETE dbo.t WHERE LEN(id) > 4")
    session.engine.close()
    must_be_wide(log_in(open_engine(tmp_path)))


def test_a_rollback_takes_all_of_it_back(session):
    ok(session, "BEGIN TRANSACTION", *WIDEN, "INSERT dbo.t (id, flags) VALUES (N'c', 1)", "ROLLBACK")
    assert ok(session, ROWS).rows == [("a", 1), ("b", 2)]
    assert ok(session, COLUMNS).rows == [("id",), ("v",), ("w",)]
    ok(session, "INSERT dbo.t (id, v) VALUES ('c', 3)")
    fails(session, 2627, "INSERT dbo.t (id, v) VALUES ('a', 3)")


def test_who_waits_for_the_table_goes_on_with_the_new_one(session):
    other = log_in(session.engine)
    ok(other, "USE d", "UPDATE dbo.t SET v = v WHERE id = 'a'")
    ok(session, "BEGIN TRANSACTION", "SELECT COUNT(*) FROM dbo.t WITH (TABLOCKX)")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ok, other, "UPDATE dbo.t SET v = 7 WHERE id = 'a'")
        time.sleep(0.2)
        ok(session, *WIDEN, "COMMIT")
        waiting.result(SOON)
    assert ok(session, "SELECT v, flags FROM dbo.t WHERE id = N'a'").rows == [(7, 0)]


def test_who_waits_goes_on_with_the_old_one_after_a_rollback(session):
    other, ready = log_in(session.engine), threading.Event()
    ok(other, "USE d", "UPDATE dbo.t SET v = v WHERE id = 'a'")
    ok(session, "BEGIN TRANSACTION", "SELECT COUNT(*) FROM dbo.t WITH (TABLOCKX)")

    def wait() -> None:
        ready.set()
        ok(other, "UPDATE dbo.t SET v = 7 WHERE id = 'a'")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        ready.wait(SOON)
        time.sleep(0.2)
        ok(session, *WIDEN, "ROLLBACK")
        waiting.result(SOON)
    assert ok(session, ROWS).rows == [("a", 7), ("b", 2)]


REFUSED = {
    "ALTER TABLE dbo.nix ADD x int": 1088,
    "ALTER TABLE dbo.t ADD v int": 2705,
    "ALTER TABLE dbo.t ADD x int NOT NULL": 4901,
    "ALTER TABLE dbo.t ALTER COLUMN nix int": 4924,
    "ALTER TABLE dbo.t ALTER COLUMN id nvarchar(88) NOT NULL": 5074,
    "ALTER TABLE dbo.t ALTER COLUMN w int NOT NULL": 515,
    "ALTER TABLE dbo.t DROP CONSTRAINT nix": 3728,
    "ALTER TABLE dbo.t ADD CONSTRAINT PK_2 PRIMARY KEY (v)": 1779,
    "ALTER TABLE dbo.t DROP CONSTRAINT PK_t ALTER TABLE dbo.t ADD PRIMARY KEY (w)": 8111,
    "ALTER TABLE dbo.t ADD UNIQUE (w)": 1505,
    "ALTER TABLE dbo.t DROP COLUMN w": 59999,
    "ALTER TABLE dbo.t ADD x int, y int": 59999,
    "ALTER TABLE dbo.t DROP CONSTRAINT DF_v": 59999,
    "ALTER TABLE dbo.t ALTER COLUMN v bigint": 59999,
    "ALTER TABLE dbo.t NOCHECK CONSTRAINT ALL": 59999,
    "EXEC sp_rename 'dbo.nix', 'new', 'USERDATATYPE'": 15225,
    "EXEC sp_rename 'dbo.tId', 'tId', 'USERDATATYPE'": 15335,
    "EXEC sp_rename 'dbo.t', 'u'": 59999,
}


@pytest.mark.parametrize("statement", REFUSED)
def test_what_cannot_be_is_refused_and_changes_nothing(session, statement):
    fails(session, REFUSED[statement], f"SET XACT_ABORT ON BEGIN TRANSACTION {statement} COMMIT")
    ok(session, "IF @@TRANCOUNT > 0 ROLLBACK")
    assert ok(session, ROWS).rows == [("a", 1), ("b", 2)]
    assert ok(session, COLUMNS).rows == [("id",), ("v",), ("w",)]


def test_a_type_in_use_gets_another_name_and_makes_place_for_a_new_one(session, tmp_path):
    ok(
        session,
        "BEGIN TRANSACTION",
        "EXEC sys.sp_rename N'dbo.tId', N'tId_former', 'USERDATATYPE'",
        "CREATE TYPE dbo.tId FROM nvarchar(88) NOT NULL",
        "ALTER PROCEDURE dbo.p @id dbo.tId AS SELECT DATALENGTH(@id)",
        "DROP TYPE dbo.tId_former",
        "COMMIT",
    )
    session.engine.close()
    session = log_in(open_engine(tmp_path))
    assert ok(session, "EXEC d.dbo.p N'aaaaaa'").rows == [(12,)]
    types = "SELECT name, max_length FROM d.sys.types WHERE is_user_defined = 1"
    assert ok(session, types).rows == [("tId", 176)]


def test_a_type_that_was_renamed_has_its_name_again_after_a_rollback(session):
    ok(session, "BEGIN TRANSACTION", "EXEC sp_rename 'tId', 'tFormer', 'USERDATATYPE'", "ROLLBACK")
    assert ok(session, "SELECT name FROM sys.types WHERE is_user_defined = 1").rows == [("tId",)]
