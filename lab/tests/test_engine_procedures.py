"""Procedures, sp_executesql and EXEC (text): arguments, OUTPUT, scopes; and the same called by RPC."""

from __future__ import annotations

import pytest

from lab.server.interface import RpcParameter
from lab.server.types import INT, NVARCHAR_MAX, SqlType
from lab.tests.recorder import call, log_in, ok, open_engine, run

VARCHAR_20 = SqlType("varchar", 20)


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    ok(
        session,
        "CREATE DATABASE d",
        "USE d",
        """CREATE PROCEDURE add_up @a int, @b int = 10, @sum int = NULL OUTPUT
           AS SET NOCOUNT ON SET @sum = @a + @b SELECT @a AS a RETURN 7""",
    )
    yield session
    session.close()
    engine.close()


CALLS = {
    "positional": ("add_up 1, 2, @s OUTPUT", 3),
    "named in any order": ("dbo.add_up @sum = @s OUTPUT, @b = 5, @a = 1", 6),
    "a default": ("d.dbo.add_up 1, @sum = @s OUTPUT", 11),
    "DEFAULT": ("d..add_up 1, DEFAULT, @s OUTPUT", 11),
    "OUTPUT not asked for": ("add_up 1, 2, @s", None),
    "converted": ("add_up '4', 2, @s OUTPUT", 6),
}


@pytest.mark.parametrize(("text", "expected"), CALLS.values(), ids=CALLS)
def test_calls(session, text, expected):
    answer = ok(session, f"DECLARE @s int, @rc int EXEC @rc = {text} SELECT @s, @rc")
    assert answer.sets[-1][1] == [(expected, 7)]


def test_the_first_word_of_a_batch_is_a_call(session):
    assert ok(session, "add_up 1").rows == [(1,)]


WRONG = {
    "missing": ("add_up", 201, "expects parameter '@a', which was not supplied"),
    "unknown": ("add_up 1, @nix = 2", 8145, "@nix is not a parameter for procedure add_up."),
    "too many": ("add_up 1, 2, 3, 4", 8144, "too many arguments"),
    "twice": ("add_up 1, @a = 2", 8143, "supplied multiple times"),
    "no number": ("add_up 'x'", 8114, "Error converting data type varchar to int."),
    "no OUTPUT": ("add_up @b = 1, @a = @v OUTPUT", 8162, "not declared as an OUTPUT parameter"),
    "missing, of a text": ("sp_executesql N'SELECT @a', N'@a int'", 8178, "'@a', which was not supplied"),
    "missing, of the system's": ("sp_getapplock 'r'", 201, "'@LockMode'"),
    "no OUTPUT, of the system's": (
        "sp_getapplock @LockOwner = @v OUTPUT, @Resource = 'r', @LockMode = 'Shared'",
        8162,
        "OUTPUT",
    ),
    "no procedure": ("nix", 2812, "Could not find stored procedure 'nix'."),
    "no database": ("nix.dbo.add_up 1", 2812, "nix.dbo.add_up"),
}


@pytest.mark.parametrize(("text", "number", "words"), WRONG.values(), ids=WRONG)
def test_wrong_calls(session, text, number, words):
    answer = run(session, f"DECLARE @v int EXEC {text} PRINT 'after'")
    assert answer.numbers == [number]
    assert words in answer.errors[0].text


def test_what_a_procedure_sets_ends_with_it(session):
    ok(session, "CREATE PROCEDURE p AS SET NOCOUNT ON SET XACT_ABORT ON CREATE TABLE #x (a int) INSERT #x VALUES (1)")
    ok(session, "CREATE TABLE t (a int)", "EXEC p")
    assert ok(session, "INSERT t VALUES (1)").counts == [1]
    assert run(session, "SELECT * FROM #x").numbers == [208]


def test_a_procedure_sees_the_caller_s_temporary_table(session):
    ok(session, "CREATE PROCEDURE p AS INSERT #x VALUES (7)")
    assert ok(session, "CREATE TABLE #x (a int) EXEC p SELECT a FROM #x").value == 7


def test_a_procedure_may_be_made_before_its_table_and_follows_its_changes(session):
    ok(session, "CREATE PROCEDURE p AS SELECT * FROM later")
    assert run(session, "EXEC p").numbers == [208]
    ok(session, "CREATE TABLE later (a int)", "INSERT later VALUES (1)")
    assert ok(session, "EXEC p").rows == [(1,)]
    ok(session, "DROP TABLE later", "CREATE TABLE later (b varchar(3), a int)", "INSERT later VALUES ('x', 2)")
    assert ok(session, "EXEC p").rows == [("x", 2)]


def test_a_procedure_works_in_its_own_database(session):
    ok(session, "CREATE PROCEDURE p AS SELECT DB_NAME()")
    answer = ok(session, "USE master EXEC d.dbo.p SELECT DB_NAME()")
    assert [rows for _, rows in answer.sets] == [[("d",)], [("master",)]]


def test_alter_replaces_the_body_and_keeps_the_id(session):
    before = ok(session, "SELECT object_id, create_date FROM sys.procedures").rows
    ok(session, "ALTER PROCEDURE dbo.add_up AS SELECT 'new'")
    assert ok(session, "EXEC add_up").value == "new"
    assert ok(session, "SELECT object_id, create_date FROM sys.procedures").rows == before


def test_quoted_identifier_is_that_of_the_creation(session):
    ok(session, "SET QUOTED_IDENTIFIER OFF", 'CREATE PROCEDURE p AS SELECT "text"', "SET QUOTED_IDENTIFIER ON")
    assert ok(session, "EXEC p").value == "text"
    text = "SELECT uses_quoted_identifier FROM sys.sql_modules WHERE object_id = OBJECT_ID('p')"
    assert ok(session, text).value == 0


EXECUTED = {
    "without parameters": "EXEC sp_executesql N'SELECT 5'",
    "with parameters": "EXEC sys.sp_executesql N'SELECT @a + @b', N'@a int, @b int', 2, @b = 3",
    "with OUTPUT": "DECLARE @r int EXEC sp_executesql N'SET @x = 5', N'@x int OUTPUT', @x = @r OUTPUT SELECT @r",
    "by a name in a variable": "DECLARE @p nvarchar(99) = N'[d].sys.sp_executesql' EXEC @p N'SELECT 5'",
    "a text": "DECLARE @n varchar(9) = '5' EXEC ('SELECT CONVERT(int, ' + @n + ')')",
    "a padded text": "DECLARE @s nchar(4000) SET @s = N'SELECT 5' EXEC (@s)",
}


@pytest.mark.parametrize("text", EXECUTED.values(), ids=EXECUTED)
def test_texts_run(session, text):
    assert ok(session, text).value == 5


def test_sp_executesql_runs_in_the_database_it_is_named_with(session):
    answer = ok(session, "EXEC [master].sys.sp_executesql N'SELECT DB_NAME()' SELECT DB_NAME()")
    assert [rows for _, rows in answer.sets] == [[("master",)], [("d",)]]


def test_a_text_has_a_scope_of_its_own(session):
    answer = run(session, "DECLARE @a int EXEC ('USE master CREATE TABLE #x (a int) SELECT @a') SELECT DB_NAME()")
    assert answer.numbers == [137]
    answer = ok(session, "EXEC ('USE master CREATE TABLE #x (a int)') SELECT DB_NAME()")
    assert answer.value == "d"
    assert run(session, "SELECT * FROM #x").numbers == [208]


def test_sp_executesql_wants_unicode(session):
    assert run(session, "EXEC sp_executesql 'SELECT 1'").numbers == [214]


def test_rpc_gives_rows_then_status_then_outputs(session):
    answer = call(
        session,
        "dbo.add_up",
        RpcParameter("@sum", VARCHAR_20, None, output=True),
        RpcParameter("@a", VARCHAR_20, "5"),
    )
    assert answer.events == ["columns", "done", "status", "output"]
    assert (answer.status, answer.outputs, answer.ordinals) == (7, {"@sum": 15}, {"@sum": 2})
    assert answer.output_types == {"@sum": INT}


def test_rpc_of_sp_executesql(session):
    answer = call(
        session,
        "sp_executesql",
        RpcParameter("", NVARCHAR_MAX, "SET @b = @a * 2"),
        RpcParameter("", NVARCHAR_MAX, "@a int, @b int OUTPUT"),
        RpcParameter("@a", INT, 4),
        RpcParameter("@b", INT, None, output=True),
    )
    assert (answer.errors, answer.status, answer.outputs, answer.ordinals) == ([], 0, {"@b": 8}, {"@b": 3})


RPC_ERRORS = {
    "unknown procedure": ("nix", (), 2812),
    "not supported": ("sp_who", (), 59999),
    "missing": ("add_up", (), 201),
    "unknown parameter": ("add_up", (RpcParameter("@x", INT, 1),), 8145),
    "too many": ("add_up", (RpcParameter("", INT, 1),) * 4, 8144),
    "no number": ("add_up", (RpcParameter("@a", VARCHAR_20, "x"),), 8114),
}


@pytest.mark.parametrize(("procedure", "parameters", "number"), RPC_ERRORS.values(), ids=RPC_ERRORS)
def test_rpc_errors(session, procedure, parameters, number):
    answer = call(session, procedure, *parameters)
    assert (answer.numbers, answer.status) == ([number], None)


def test_rpc_after_a_statement_error_goes_on_to_its_status(session):
    ok(session, "CREATE PROCEDURE p @o int OUTPUT AS RAISERROR('x', 16, 1) SET @o = 1")
    answer = call(session, "p", RpcParameter("@o", INT, None, output=True))
    assert (answer.numbers, answer.outputs) == ([50000], {"@o": 1})
    assert answer.status < 0
