"""Cursors."""

from __future__ import annotations

import pytest

from lab.server.errors import UNSUPPORTED
from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path), "tempdb")
    ok(session, "CREATE TABLE t (a int PRIMARY KEY, b varchar(9))", "INSERT t VALUES (1, 'x'), (2, 'y'), (3, NULL)")
    return session


LOOP = """
    OPEN c
    FETCH NEXT FROM c INTO @a, @b
    WHILE @@FETCH_STATUS = 0
    BEGIN
        PRINT CONVERT(varchar(9), @a) + ISNULL(@b, '-')
        FETCH NEXT FROM c INTO @a, @b
    END
    CLOSE c DEALLOCATE c"""
KINDS = ("", "LOCAL", "LOCAL FORWARD_ONLY READ_ONLY", "LOCAL FAST_FORWARD", "FORWARD_ONLY STATIC READ_ONLY")


@pytest.mark.parametrize("kind", KINDS)
def test_row_after_row(session, kind):
    declared = f"DECLARE @a int, @b nvarchar(9) DECLARE c CURSOR {kind} FOR SELECT a, b FROM t ORDER BY a DESC"  # noqa: S608
    answer = ok(session, declared + LOOP)
    assert answer.printed == ["3-", "2y", "1x"]
    assert ok(session, "SELECT @@FETCH_STATUS").value == -1


def test_expired_rows_are_deleted_one_by_one(session):
    ok(
        session,
        """CREATE PROCEDURE purge AS
        SET NOCOUNT ON
        CREATE TABLE #expired (a int NOT NULL PRIMARY KEY)
        INSERT #expired SELECT a FROM t WHERE a < 3
        DECLARE @a int
        DECLARE expired CURSOR LOCAL FORWARD_ONLY READ_ONLY FOR SELECT a FROM #expired
        OPEN expired
        FETCH NEXT FROM expired INTO @a
        WHILE @@FETCH_STATUS = 0
        BEGIN
            DELETE t WHERE a = @a
            FETCH NEXT FROM expired INTO @a
        END
        CLOSE expired
        DEALLOCATE expired
        DROP TABLE #expired
        RETURN 0""",
        "EXEC purge EXEC purge",
    )
    assert ok(session, "SELECT a FROM t").rows == [(3,)]


def test_variables_are_those_of_the_declaration_and_rows_those_of_open(session):
    answer = ok(
        session,
        """DECLARE @a int = 1, @n int = 0 DECLARE c CURSOR LOCAL FOR SELECT a FROM t WHERE a > @a
        SET @a = 7 INSERT t VALUES (4, 'z') OPEN c DELETE t WHERE a = 4
        FETCH FROM c INTO @a WHILE @@FETCH_STATUS = 0 BEGIN SET @n = @n * 10 + @a FETCH FROM c INTO @a END
        PRINT CONVERT(varchar(9), @n)""",
    )
    assert answer.printed == ["234"]


def test_a_local_cursor_ends_with_its_scope_and_another_stays(session):
    ok(session, "EXEC ('DECLARE c CURSOR LOCAL FOR SELECT a FROM t DECLARE g CURSOR FOR SELECT a FROM t OPEN g')")
    assert run(session, "OPEN c").numbers == [16916]
    assert ok(session, "DECLARE @a int FETCH NEXT FROM g INTO @a SELECT @a, @@ROWCOUNT").rows == [(1, 1)]
    assert run(session, "DECLARE g CURSOR FOR SELECT 1").numbers == [16915]
    session.reset()
    assert run(session, "OPEN g").numbers == [16916]


C = "DECLARE @a int DECLARE c CURSOR LOCAL FOR SELECT a FROM t "
ERRORS = {
    "OPEN c": 16916,
    "CLOSE c": 16916,
    "DEALLOCATE c": 16916,
    "DECLARE @a int FETCH NEXT FROM c INTO @a": 16916,
    C + "DECLARE c CURSOR LOCAL FOR SELECT 1": 16915,
    C + "FETCH NEXT FROM c INTO @a": 16917,
    C + "CLOSE c": 16917,
    C + "OPEN c OPEN c": 16905,
    C + "OPEN c FETCH NEXT FROM c INTO @a, @a": 16924,
    C + "OPEN c CLOSE c FETCH NEXT FROM c INTO @a": 16917,
    C + "OPEN c FETCH NEXT FROM c": UNSUPPORTED,
    C + "OPEN c FETCH PRIOR FROM c INTO @a": UNSUPPORTED,
    C + "SET CURSOR_CLOSE_ON_COMMIT ON OPEN c": UNSUPPORTED,
    "DECLARE c SCROLL CURSOR FOR SELECT a FROM t": UNSUPPORTED,
    "DECLARE c CURSOR GLOBAL FOR SELECT a FROM t": UNSUPPORTED,
    "DECLARE c CURSOR DYNAMIC FOR SELECT a FROM t": UNSUPPORTED,
    "DECLARE c CURSOR FOR SELECT a FROM t FOR UPDATE": UNSUPPORTED,
    "DECLARE c CURSOR FOR SELECT a FROM nix": 208,
    "OPEN @c": UNSUPPORTED,
}


@pytest.mark.parametrize(("text", "number"), ERRORS.items(), ids=ERRORS)
def test_refused(session, text, number):
    assert run(session, text).numbers == [number]
