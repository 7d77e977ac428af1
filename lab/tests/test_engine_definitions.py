"""CREATE, ALTER and DROP, and what the catalog says afterwards."""

from __future__ import annotations

import pytest

from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    ok(
        session,
        "CREATE DATABASE d",
        "USE d",
        "CREATE TYPE dbo.tName FROM nvarchar(20) NOT NULL",
        """CREATE TABLE dbo.t (
               id int CONSTRAINT pk_t PRIMARY KEY,
               name tName,
               note varchar(max) NULL,
               made datetime NOT NULL CONSTRAINT df_made DEFAULT (GETUTCDATE()),
               n int NOT NULL CONSTRAINT df_n DEFAULT 0,
               CONSTRAINT uq_t UNIQUE (name, n)
           )""",
        "CREATE INDEX ix ON t (n DESC, made)",
        "CREATE PROCEDURE p @a tName, @b int = 1 OUTPUT AS SELECT 1",
    )
    yield session
    session.close()
    engine.close()


ERRORS = {
    "database exists": ("CREATE DATABASE D", 1801, "Database 'D' already exists"),
    "database is missing": ("DROP DATABASE nix", 3701, "Cannot drop the database 'nix'"),
    "system database": ("DROP DATABASE msdb", 3708, "system database"),
    "USE of nothing": ("USE nix", 911, "Database 'nix' does not exist"),
    "table exists": ("CREATE TABLE T (a int)", 2714, "already an object named 'T'"),
    "name of a constraint": ("CREATE TABLE pk_t (a int)", 2714, "'pk_t'"),
    "constraint exists": ("CREATE TABLE u (a int CONSTRAINT df_n DEFAULT 1)", 2714, "'df_n'"),
    "unknown type": ("CREATE TABLE u (a nix)", 2715, "Cannot find data type nix"),
    "unknown schema": ("CREATE TABLE nix.u (a int)", 2760, '"nix"'),
    "column twice": ("CREATE TABLE u (a int, A int)", 2705, "must be unique"),
    "two primary keys": ("CREATE TABLE u (a int PRIMARY KEY, b int PRIMARY KEY)", 8110, "multiple PRIMARY KEY"),
    "nullable key": ("CREATE TABLE u (a int NULL PRIMARY KEY)", 8111, "nullable column"),
    "key of a long type": ("CREATE INDEX i ON t (note)", 1919, "'note'"),
    "key of nothing": ("CREATE INDEX i ON t (nix)", 1911, "'nix'"),
    "index exists": ("CREATE INDEX IX ON t (n)", 1913, "'IX'"),
    "index of nothing": ("CREATE INDEX i ON nix (n)", 1088, '"nix"'),
    "two clustered": ("CREATE CLUSTERED INDEX i ON t (n)", 1902, "'pk_t'"),
    "duplicates": ("INSERT t (id, name) VALUES (1, 'a'), (2, 'b') CREATE UNIQUE INDEX i ON t (n)", 1505, "(0)"),
    "table is missing": ("DROP TABLE nix", 3701, "Cannot drop the table 'nix'"),
    "table is a procedure": ("DROP TABLE p", 3705, "is a procedure"),
    "procedure is missing": ("DROP PROCEDURE nix", 3701, "Cannot drop the procedure 'nix'"),
    "index is missing": ("DROP INDEX nix ON t", 3701, "Cannot drop the index 't.nix'"),
    "index of a key": ("DROP INDEX pk_t ON t", 3723, "PRIMARY KEY"),
    "default from a query": ("CREATE TABLE u (a int DEFAULT (SELECT 1))", 1046, "Subqueries are not allowed"),
    "two identities": ("CREATE TABLE u (a int IDENTITY, b int IDENTITY)", 2744, "'u'"),
    "identity of text": ("CREATE TABLE u (a varchar(9) IDENTITY)", 2749, "'a'"),
    "nullable identity": ("CREATE TABLE u (a int NULL IDENTITY)", 8147, "'a'"),
    "identity with a default": ("CREATE TABLE u (a int IDENTITY DEFAULT 1)", 1754, "IDENTITY"),
    "type exists": ("CREATE TYPE tNAME FROM int", 219, "tNAME"),
    "type is missing": ("DROP TYPE nix", 218, "'nix'"),
    "type is in use": ("DROP TYPE tName", 3732, "referenced by object 't'"),
}


@pytest.mark.parametrize(("text", "number", "words"), ERRORS.values(), ids=ERRORS)
def test_errors(session, text, number, words):
    before = ok(session, "SELECT name FROM sys.objects UNION ALL SELECT name FROM sys.indexes").rows
    answer = run(session, text)
    assert answer.numbers == [number]
    assert words in answer.errors[0].text
    assert ok(session, "SELECT name FROM sys.objects UNION ALL SELECT name FROM sys.indexes").rows == before


@pytest.mark.parametrize(
    ("text", "number"),
    [("CREATE PROCEDURE p AS SELECT 1", 2714), ("ALTER PROCEDURE nix AS SELECT 1", 208)],
)
def test_errors_of_procedures(session, text, number):
    assert run(session, text).numbers == [number]


CATALOG = {
    "columns": (
        """SELECT c.name, u.name, y.name, c.max_length, c.is_nullable
           FROM sys.columns c JOIN sys.types y ON y.user_type_id = c.system_type_id
           JOIN sys.types u ON u.user_type_id = c.user_type_id
           WHERE c.object_id = OBJECT_ID(N'dbo.t', 'U') ORDER BY c.column_id""",
        [
            ("id", "int", "int", 4, 0),
            ("name", "tName", "nvarchar", 40, 0),
            ("note", "varchar", "varchar", -1, 1),
            ("made", "datetime", "datetime", 8, 0),
            ("n", "int", "int", 4, 0),
        ],
    ),
    "indexes": (
        """SELECT name, type_desc, is_unique, is_primary_key, is_unique_constraint FROM sys.indexes
           WHERE object_id = OBJECT_ID('t') ORDER BY index_id""",
        [("pk_t", "CLUSTERED", 1, 1, 0), ("uq_t", "NONCLUSTERED", 1, 0, 1), ("ix", "NONCLUSTERED", 0, 0, 0)],
    ),
    "index columns": (
        """SELECT c.name, k.key_ordinal, k.is_descending_key FROM sys.index_columns k
           JOIN sys.indexes i ON i.object_id = k.object_id AND i.index_id = k.index_id
           JOIN sys.columns c ON c.object_id = k.object_id AND c.column_id = k.column_id
           WHERE i.name = 'ix' ORDER BY k.key_ordinal""",
        [("n", 1, 1), ("made", 2, 0)],
    ),
    "key constraints": (
        "SELECT name, type FROM sys.key_constraints WHERE parent_object_id = OBJECT_ID('t') ORDER BY name",
        [("pk_t", "PK"), ("uq_t", "UQ")],
    ),
    "default constraints": (
        "SELECT name, parent_column_id, definition FROM sys.default_constraints ORDER BY name",
        [("df_made", 4, "(getutcdate())"), ("df_n", 5, "((0))")],
    ),
    "parameters": (
        """SELECT p.name, p.parameter_id, y.name, p.is_output
           FROM sys.parameters p JOIN sys.types y ON y.user_type_id = p.user_type_id
           WHERE p.object_id = OBJECT_ID('p') ORDER BY p.parameter_id""",
        [("@a", 1, "tName", 0), ("@b", 2, "int", 1)],
    ),
    "objects": (
        "SELECT name, type FROM sys.objects ORDER BY name",
        [("df_made", "D "), ("df_n", "D "), ("p", "P "), ("pk_t", "PK"), ("t", "U "), ("uq_t", "UQ")],
    ),
    "the view of old": ("SELECT name FROM sysobjects WHERE xtype = 'U' AND id = OBJECT_ID('t')", [("t",)]),
    "alias types": (
        "SELECT name, max_length, is_nullable FROM sys.types WHERE is_user_defined = 1",
        [("tName", 40, 0)],
    ),
    "schemas": ("SELECT schema_id FROM sys.tables", [(1,)]),
    "another database": ("SELECT COUNT(*) FROM [master].sys.tables", [(0,)]),
    "databases": (
        "SELECT name FROM sys.databases ORDER BY database_id",
        [("master",), ("tempdb",), ("model",), ("msdb",), ("d",)],
    ),
    "sessions": (
        """SELECT host_name, program_name, host_process_id, DB_NAME(database_id) FROM sys.dm_exec_sessions
           WHERE session_id = @@SPID""",
        [("test-host", "test-program", 42, "d")],
    ),
}


@pytest.mark.parametrize(("text", "rows"), CATALOG.values(), ids=CATALOG)
def test_catalog(session, text, rows):
    assert [
        tuple(v.rstrip() if text.count("key_constraints") and isinstance(v, str) else v for v in row)
        for row in ok(session, text).rows
    ] == rows


FUNCTIONS = {
    "OBJECT_ID('[dbo].[t]')": "id of t",
    "OBJECT_ID(N'd.dbo.t', N'U')": "id of t",
    "OBJECT_ID('d..t')": "id of t",
    "OBJECT_ID('t', 'P')": None,
    "OBJECT_ID('nix')": None,
    "OBJECT_ID('nix.dbo.t')": None,
    "DB_NAME(DB_ID('D'))": "d",
    "DB_ID('nix')": None,
    "SCHEMA_ID('DBO')": 1,
    "HAS_DBACCESS('nix')": None,
    "HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT')": 1,
    "HAS_PERMS_BY_NAME('dbo.nix', 'OBJECT', 'SELECT')": None,
    "HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')": 1,
    "SUSER_SNAME()": "sa",
    "USER_NAME()": "dbo",
    "HOST_NAME()": "test-host",
    "APP_NAME()": "test-program",
    "CONVERT(varchar(128), SERVERPROPERTY('ProductVersion'))": "16.0.1000.6",
    "CONVERT(int, SERVERPROPERTY('EngineEdition'))": 3,
    "@@OPTIONS": 8 + 16 + 32 + 256 + 1024 + 4096,
    "XACT_STATE()": 0,
    "ERROR_MESSAGE()": None,
}


@pytest.mark.parametrize(("expression", "expected"), FUNCTIONS.items(), ids=FUNCTIONS)
def test_functions_of_the_session(session, expression, expected):
    if expected == "id of t":
        expected = ok(session, "SELECT object_id FROM sys.tables").value
    assert ok(session, f"SELECT {expression}").value == expected


def test_alter_is_stored_with_create(session):
    ok(session, "-- first\nALTER  PROC p AS SELECT 2")
    assert ok(session, "SELECT definition FROM sys.sql_modules").value == "-- first\nCREATE  PROC p AS SELECT 2"


def test_an_alias_type_without_null_makes_columns_not_null(session):
    assert run(session, "INSERT t (id, name) VALUES (1, NULL)").numbers == [515]


def test_use_tells_the_client(session):
    answer = ok(session, "USE [master] SELECT DB_NAME()")
    assert (answer.databases, answer.messages) == (["master"], [(5701, 0, "Changed database context to 'master'.")])
    assert session.database == "master"


def test_a_dropped_database_takes_everything_along(session):
    ok(session, "USE master DROP DATABASE d", "CREATE DATABASE d", "USE d")
    assert ok(session, "SELECT COUNT(*) FROM sys.objects").value == 0


def test_a_dropped_type_or_procedure_is_gone(session):
    ok(session, "DROP PROCEDURE p DROP TABLE t DROP TYPE tName")
    assert ok(session, "SELECT COUNT(*) FROM sys.types WHERE is_user_defined = 1").value == 0
    assert run(session, "EXEC p").numbers == [2812]


def test_a_dropped_index_no_longer_refuses(session):
    ok(session, "CREATE UNIQUE INDEX one ON t (n)", "INSERT t (id, name) VALUES (1, 'a')")
    assert run(session, "INSERT t (id, name) VALUES (2, 'b')").numbers == [2601]
    ok(session, "DROP INDEX one ON t", "INSERT t (id, name) VALUES (2, 'b')")


def test_temporary_tables_are_the_session_s_own(session):
    other = log_in(session.engine)
    ok(session, "CREATE TABLE #x (a int PRIMARY KEY)", "INSERT #x VALUES (1)")
    assert run(other, "SELECT * FROM #x").numbers == [208]
    ok(other, "CREATE TABLE #x (b varchar(3))", "INSERT #x VALUES ('two')")
    assert ok(session, "SELECT * FROM #x").rows == [(1,)]
    assert ok(other, "SELECT * FROM #x").rows == [("two",)]
    assert ok(session, "SELECT OBJECT_ID('tempdb..#x')").value is not None
    ok(session, "DROP TABLE #x")
    assert ok(session, "SELECT OBJECT_ID('tempdb..#x')").value is None
