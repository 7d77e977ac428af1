"""Procedures and views that are only there for old scripts, and one that is not there any more."""

from __future__ import annotations

import os

import pytest

from lab.server.errors import UNSUPPORTED
from lab.tests.recorder import log_in, ok, open_engine, run

ANN = "CONTOSO\\ann"
TYPES = (
    "SELECT t.name, s.name, t.max_length, t.is_nullable FROM sys.types AS t "
    "JOIN sys.types AS s ON s.user_type_id = t.system_type_id WHERE t.is_user_defined = 1 ORDER BY t.name"
)


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path, windows_principals=(ANN,), version=(11, 0, 7507, 2)))
    ok(session, "CREATE DATABASE d", "USE d", "EXEC sp_addtype tUsed, 'int'", "CREATE TABLE t (a tUsed)")
    return session


def test_sp_addtype_makes_an_alias_type_that_lasts(session, tmp_path):
    ok(
        session,
        "EXEC sp_addtype tId, 'nvarchar(88)', 'NOT NULL'",
        "EXEC sp_addtype @typename = tShort, @phystype = 'varbinary(7000)'",
    )
    ok(session, "EXEC master.dbo.sp_addtype tElsewhere, int, 'null'", "EXECUTE sp_addtype N'tLong', N'image', 'nonull'")
    types = [
        ("tId", "nvarchar", 176, 0),
        ("tLong", "image", 16, 0),
        ("tShort", "varbinary", 7000, 1),
        ("tUsed", "int", 4, 1),
    ]
    assert ok(session, TYPES).rows == types
    os.close(session.engine._log._file)
    assert ok(log_in(open_engine(tmp_path), "d"), TYPES).rows == types
    assert ok(session, "SELECT name FROM master.dbo.systypes WHERE name LIKE 'tE%'").value == "tElsewhere"
    assert ok(session, "SELECT xusertype, length FROM systypes WHERE name = 'TSHORT'").rows[0][1] == 7000


def test_sp_droptype_drops_it_in_the_database_that_it_is_called_in(session):
    ok(
        session,
        "EXEC sp_addtype tId, 'char(32)'",
        "USE master",
        "EXEC d..sp_droptype tId",
        "EXEC [d].sys.sp_addtype tId, bit",
    )
    ok(session, "USE d", "BEGIN TRAN EXEC sp_droptype tId ROLLBACK")
    assert ok(session, TYPES).rows == [("tId", "bit", 1, 1), ("tUsed", "int", 4, 1)]


ERRORS = {
    "EXEC sp_addtype tUsed, int": (219, "'dbo.tUsed'"),
    "EXEC sp_addtype tNew, 'int', 'PERHAPS'": (15600, "sp_addtype"),
    "EXEC sp_addtype tNew, 'int more'": (102, "more"),
    "EXEC sp_addtype tNew, 'varchar(8001)'": (2717, "8001"),
    "EXEC sp_addtype tNew, 'tUsed'": (2715, "tUsed"),
    "EXEC sp_addtype tNew, 'money'": (UNSUPPORTED, "money"),
    "EXEC sp_droptype tNix": (15036, "'tNix'"),
    "EXEC sp_droptype tUsed": (15180, "being used"),
    "EXEC sp_grantlogin 'sa'": (UNSUPPORTED, "sp_grantlogin of sa"),
    "EXEC sp_grantlogin 'CONTOSO\\nobody'": (15401, "CONTOSO\\nobody"),
    "EXEC sp_grantlogin 'somebody'": (15407, "somebody"),
    "BEGIN TRAN EXEC sp_grantlogin 'CONTOSO\\ann'": (UNSUPPORTED, "in a transaction"),
    "EXEC sp_grantdbaccess 'CONTOSO\\ann'": (15007, ANN),
    "EXEC sp_dboption 'd', 'trunc. log on chkpt.', 'true'": (2812, "'sp_dboption'"),
    "EXEC master.dbo.sp_dboption": (2812, "'master.dbo.sp_dboption'"),
    "SELECT 1 FROM syscolumns": (UNSUPPORTED, "syscolumns"),
    "SELECT status FROM systypes": (UNSUPPORTED, "sys.systypes.status"),
}


@pytest.mark.parametrize(("text", "number", "words"), [(text, *why) for text, why in ERRORS.items()], ids=ERRORS)
def test_errors(session, text, number, words):
    before = ok(session, TYPES).rows
    answer = run(session, text)
    assert answer.numbers == [number], [str(error) for error in answer.errors]
    assert words in answer.errors[0].text
    run(session, "ROLLBACK")
    assert ok(session, TYPES).rows == before


def test_the_batch_goes_on_after_what_is_not_there_any_more(session):
    answer = run(session, "EXEC sp_dboption d PRINT 'after' EXEC sp_droptype tUsed PRINT @@ERROR")
    assert (answer.numbers, answer.printed) == ([2812, 15180], ["after", "15180"])


def test_an_account_of_windows_gets_a_login_and_a_user(session):
    ok(session, f"EXEC sp_grantlogin '{ANN}'", f"EXEC sp_grantdbaccess '{ANN}', 'ann'")
    assert ok(session, "SELECT name, type FROM sys.server_principals WHERE name LIKE 'CON%'").rows == [(ANN, "U")]
    assert ok(session, "SELECT name FROM sys.database_principals WHERE type = 'U'").value == "ann"
    assert ok(session, f"EXECUTE AS LOGIN = '{ANN}' SELECT USER_NAME()").value == "ann"


@pytest.mark.parametrize("text", ["EXEC sp_addtype tNew, int", "EXEC sp_droptype tId", f"EXEC sp_grantlogin '{ANN}'"])
def test_they_need_the_rights_of_the_statements_that_they_stand_for(session, text):
    ok(
        session,
        "CREATE TYPE tId FROM int",
        "CREATE LOGIN web WITH PASSWORD = 'x', CHECK_POLICY = OFF",
        "CREATE USER web FOR LOGIN web",
    )
    ok(session, "EXECUTE AS LOGIN = 'web'")
    assert run(session, text).numbers in ([262], [15036], [15247])


def test_xp_msver_tells_the_version_as_a_row_also_to_insert(session):
    row = (2, "ProductVersion", 11 * 65536, "11.0.7507.2")
    assert ok(session, "EXEC master..xp_msver ProductVersion").rows == [row]
    ok(session, "CREATE TABLE #v (at int, name nvarchar(20), number int, words varchar(20))")
    answer = ok(session, "INSERT #v EXEC master.dbo.xp_msver 'productversion' SELECT number / 65536, words FROM #v")
    assert answer.rows == [(11, "11.0.7507.2")]
    assert run(session, "INSERT #v (at) EXEC xp_msver ProductVersion").numbers == [121]
    ok(session, "CREATE TABLE #w (a int)")
    assert run(session, "INSERT #w EXEC xp_msver ProductVersion").numbers == [213]
