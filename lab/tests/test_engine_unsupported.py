"""What the engine does not know is an error that names it: nothing passes silently, nothing is made up."""

from __future__ import annotations

import pytest

from lab.server.errors import UNSUPPORTED, SqlError
from lab.server.interface import LoginRequest
from lab.tests.recorder import PASSWORD, log_in, ok, open_engine, run


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    engine = open_engine(tmp_path_factory.mktemp("data"))
    session = log_in(engine, "tempdb")
    ok(session, "CREATE TABLE t (a int, b varchar(9))", "INSERT t VALUES (1, 'x')")
    yield session
    session.close()
    engine.close()


NOT_SUPPORTED = {
    "SELECT NEWSEQUENTIALID()": "NEWSEQUENTIALID",
    "SELECT * FROM sys.objects": "sys.objects",
    "SELECT is_published FROM sys.objects": "sys.objects.is_published",
    "SELECT o.nix FROM sys.objects o": "sys.objects.nix",
    "SELECT 1 FROM sys.dm_os_wait_stats": "sys.dm_os_wait_stats",
    "SELECT 1 FROM INFORMATION_SCHEMA.TABLES": "INFORMATION_SCHEMA.TABLES",
    "SELECT SERVERPROPERTY('ProductVersion')": "sql_variant",
    "SELECT CONVERT(int, SERVERPROPERTY('ProcessID'))": "ProcessID",
    "SELECT CONVERT(int, SESSIONPROPERTY('ARITHABORT'))": "SESSIONPROPERTY",
    "SELECT OBJECT_ID('t', 'V')": "type V",
    "SELECT HAS_PERMS_BY_NAME('x', 'ENDPOINT', 'ALTER')": "ENDPOINT",
    "SELECT HAS_PERMS_BY_NAME('t', 'OBJECT', 'JUGGLE')": "JUGGLE",
    "SELECT HAS_PERMS_BY_NAME(NULL, 'OBJECT', 'SELECT')": "OBJECT",
    "SELECT 1 FROM msdb.dbo.sysalerts": "sysalerts",
    "SELECT 1 FROM sysjobs": "sysjobs",
    "SELECT 1 FROM sysdatabases": "sysdatabases",
    "CREATE TABLE long (a char(8000), b char(61))": "8061",
    "CREATE TABLE long (a nvarchar(451) PRIMARY KEY)": "902",
    "SELECT CONVERT(bigint, 9223372036854775808)": "9223372036854775808",
    f"SELECT {'9' * 5000}": "9999",
    f"DECLARE @a varchar({'9' * 5000})": "9999",
    "EXEC sp_who2": "sp_who2",
    "EXEC msdb.dbo.sp_add_alert 'x'": "sp_add_alert",
    "EXEC sp_add_job 'x'": "sp_add_job",
    "EXEC xp_cmdshell 'dir'": "xp_cmdshell",
    "EXEC sp_getapplock 'r', 'Shared', 'Session', 0, 'someone'": "someone",
    "EXEC sp_getapplock 'r', 'Shared', 'Session', 0, 'dbo'": "dbo",
    "EXEC sp_releaseapplock 'r'": "sp_releaseapplock",
    "EXEC sp_addextendedproperty 'p', 'v'": "extended property",
    "EXEC sp_addextendedproperty 'p', 'v', 'SCHEMA', 'dbo', 'PROCEDURE', 'x'": "extended property",
    "EXEC sp_dropextendedproperty 'p', 'SCHEMA', 'guest', 'TABLE', 'x'": "extended property",
    "SELECT name COLLATE Latin1_General_BIN FROM sys.tables": "Latin1_General_BIN",
    "RAISERROR(50001, 16, 1)": "50001",
    "RAISERROR('%5d', 16, 1, 3)": "%5d",
    "RAISERROR('%u', 16, 1, 3)": "%u",
    "RAISERROR('%I64d', 16, 1, 3)": "%I64d",
    "SELECT 1 FROM a.b.c.d": "a.b.c.d",
    "CREATE TABLE ##g (a int)": "##g",
    "CREATE TABLE model.dbo.x (a int)": "CREATE in model",
    "CREATE DATABASE x COLLATE Latin1_General_BIN": "Latin1_General_BIN",
    "CREATE PROCEDURE #p AS SELECT 1": "#p",
    "DECLARE @a int SELECT DISTINCT @a = a FROM t": "DISTINCT",
    "SELECT a, (SELECT COUNT(*) FROM t u WHERE u.a = t.a) FROM t GROUP BY a": "grouped",
    "DECLARE @s int = 1 SELECT CONVERT(varchar(9), 0x41, @s)": "style",
    "UPDATE t SET a = a OUTPUT inserted.a": "OUTPUT",
    "CREATE VIEW v AS SELECT 1 AS a": "VIEW",
    "MERGE t USING t AS s ON 1 = 0 WHEN MATCHED THEN DELETE": "MERGE",
    "SELECT a FROM t WITH (SERIALIZABLE)": "SERIALIZABLE",
    "SET TRANSACTION ISOLATION LEVEL SNAPSHOT": "SNAPSHOT",
    "GRANT JUGGLE TO x": "GRANT JUGGLE",
    "GRANT SELECT (a) ON t TO x": "columns",
    "GRANT SELECT ON t TO x WITH GRANT OPTION": "WITH GRANT",
    "REVOKE SELECT ON t FROM x CASCADE": "CASCADE",
    "GRANT SELECT ON tempdb.dbo.t TO x": "tempdb.dbo.t",
    "GRANT CONNECT ON ENDPOINT::e TO x": "ENDPOINT",
    "GRANT SELECT ON t TO guest": "guest",
    "GRANT ALL ON t TO x": "ALL",
    "CREATE LOGIN x FROM CERTIFICATE c": "FROM CERTIFICATE",
    "EXECUTE AS LOGIN = 'x' WITH NO REVERT": "EXECUTE AS ... WITH",
    "REVERT WITH COOKIE = @c": "REVERT WITH",
    "ALTER USER x WITH NAME = y": "NAME",
    "CREATE USER x WITHOUT LOGIN": "FOR LOGIN",
    "EXECUTE AS USER = 'x'": "EXECUTE AS",
    "TRUNCATE TABLE t": "TRUNCATE",
    "ALTER TABLE t DROP COLUMN a": "ALTER TABLE",
    "DROP TABLE IF EXISTS t": "IF EXISTS",
    "INSERT t EXEC p": "EXEC p",
    "INSERT t EXEC xp_msver": "EXEC xp_msver",
    "INSERT t EXEC xp_msver 5": "EXEC xp_msver",
    "EXEC xp_msver": "xp_msver",
    "EXEC xp_msver 'PhysicalMemory'": "PhysicalMemory",
}


@pytest.mark.parametrize(("text", "quoted"), NOT_SUPPORTED.items(), ids=NOT_SUPPORTED)
def test_not_supported_is_said_by_name_and_changes_nothing(session, text, quoted):
    answer = run(session, text)
    assert answer.numbers == [UNSUPPORTED], [str(error) for error in answer.errors]
    assert quoted in answer.errors[0].text
    assert ok(session, "SELECT a, b FROM t").rows == [(1, "x")]


def test_everything_that_a_view_has_can_be_read(session):
    from lab.server.engine.catalog import VIEWS

    for view in VIEWS.values():
        names = ", ".join(f"[{column.name}]" for column in view.columns)
        columns, rows = ok(session, f"SELECT {names} FROM sys.{view.name}").sets[0]  # noqa: S608 - from the table of views
        assert len(columns) == len(view.columns)
        assert all(len(row) == len(columns) for row in rows)


REFUSED = {
    "wrong password": (LoginRequest("sa", "nix"), 18456, "Login failed for user 'sa'."),
    "other user": (LoginRequest("me", PASSWORD), 18456, "Login failed for user 'me'."),
    "no database": (LoginRequest("sa", PASSWORD, "nix"), 4060, 'Cannot open database "nix"'),
}


@pytest.mark.parametrize(("request_", "number", "words"), REFUSED.values(), ids=REFUSED)
def test_logins_that_are_refused(session, request_, number, words):
    with pytest.raises(SqlError) as caught:
        session.engine.login(request_)
    assert caught.value.number == number
    assert words in caught.value.text
