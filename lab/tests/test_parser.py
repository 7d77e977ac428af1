"""What the parser makes of statements, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.errors import UNSUPPORTED, Reach, SqlError
from lab.server.sql import ast
from lab.server.sql.parser import parse, parse_parameters
from lab.server.types import BIGINT, INT, MAX, SYSNAME, SqlType

ONE = ast.Literal(1, INT)
TWO = ast.Literal(2, INT)
THREE = ast.Literal(3, INT)
A = ast.ColumnRef(("a",))
B = ast.ColumnRef(("b",))
INT_TYPE = ast.TypeName(("int",), INT)


def table(name: str, hints: tuple[str, ...] = ()) -> ast.TableName:
    return ast.TableName(ast.ObjectName((name,)), None, hints)


def statement(text: str, quoted_identifier: bool = True) -> ast.Statement:
    (only,) = parse(text, quoted_identifier).statements
    return only


def value(text: str, quoted_identifier: bool = True) -> ast.Expression:
    """The tree of an expression."""
    return statement(f"SELECT {text}", quoted_identifier).items[0].value


def condition(text: str) -> ast.Condition:
    """The tree of a condition."""
    return statement(f"SELECT 1 WHERE {text}").where


def refused(text: str, quoted_identifier: bool = True) -> SqlError:
    """The error with which the parser refuses a batch."""
    with pytest.raises(SqlError) as caught:
        parse(text, quoted_identifier)
    assert caught.value.reach is Reach.PARSE
    return caught.value


EXPRESSIONS = [
    ("1", ONE),
    ("NULL", ast.Literal(None)),
    ("'é'", ast.Literal("é", SqlType("varchar", 1))),
    ("N'日'", ast.Literal("日", SqlType("nvarchar", 1))),
    ("'日'", ast.Literal("?", SqlType("varchar", 1))),
    ("0xABC", ast.Literal(b"\x0a\xbc", SqlType("varbinary", 2))),
    ('[a b]."c"', ast.ColumnRef(("a b", "c"))),
    ("db..t.c", ast.ColumnRef(("db", "", "t", "c"))),
    ("@@rowcount", ast.SystemVariable("@@ROWCOUNT")),
    ("1 + 2 * 3", ast.Binary("+", ONE, ast.Binary("*", TWO, THREE))),
    ("(1 + 2) * 3", ast.Binary("*", ast.Binary("+", ONE, TWO), THREE)),
    ("1 - 2 & 3", ast.Binary("&", ast.Binary("-", ONE, TWO), THREE)),
    ("1 | 2 * 3", ast.Binary("|", ONE, ast.Binary("*", TWO, THREE))),
    ("1 & ~1", ast.Binary("&", ONE, ast.Unary("~", ONE))),
    ("-a % 2", ast.Binary("%", ast.Unary("-", A), TWO)),
    ("len(a)", ast.FunctionCall("LEN", (A,))),
    ("LEFT(a, 2)", ast.FunctionCall("LEFT", (A, TWO))),
    ("GETDATE()", ast.FunctionCall("GETDATE", ())),
    ("DATEADD(mi, 1, a)", ast.FunctionCall("DATEADD", (ast.Literal("minute", SqlType("varchar", 6)), ONE, A))),
    ("COUNT(*)", ast.Aggregate("COUNT", None)),
    ("COUNT(DISTINCT a)", ast.Aggregate("COUNT", A, True)),
    ("CONVERT(varchar(5), a, 2)", ast.Convert(ast.TypeName(("varchar",), SqlType("varchar", 5)), A, TWO)),
    ("CAST(a AS varchar)", ast.Convert(ast.TypeName(("varchar",), SqlType("varchar", 30)), A)),
    ("CONVERT(bigint, 5000000000)", ast.Convert(ast.TypeName(("bigint",), BIGINT), ast.Literal(5_000_000_000, BIGINT))),
    (
        "CAST(-5000000000 AS bigint)",
        ast.Convert(ast.TypeName(("bigint",), BIGINT), ast.Literal(-5_000_000_000, BIGINT)),
    ),
    ("COALESCE(a, 1)", ast.Case(None, (ast.When(ast.IsNull(A, True), A),), ONE)),
    ("NULLIF(a, 1)", ast.Case(None, (ast.When(ast.Comparison("=", A, ONE), ast.Literal(None)),), A)),
    ("CASE a WHEN 1 THEN 2 END", ast.Case(A, (ast.When(ONE, TWO),), None)),
    ("CASE WHEN a = 1 THEN 2 ELSE 3 END", ast.Case(None, (ast.When(ast.Comparison("=", A, ONE), TWO),), THREE)),
    ("(SELECT 1)", ast.Subquery(ast.Select((ast.SelectItem(ONE),)))),
    ("((SELECT 1))", ast.Subquery(ast.Select((ast.SelectItem(ONE),)))),
    ("timeout + flags", ast.Binary("+", ast.ColumnRef(("timeout",)), ast.ColumnRef(("flags",)))),
]


@pytest.mark.parametrize(("text", "tree"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_expressions_have_the_precedence_and_types_of_t_sql(text: str, tree: ast.Expression) -> None:
    assert value(text) == tree


CONDITIONS = [
    ("a = 1", ast.Comparison("=", A, ONE)),
    ("a != 1", ast.Comparison("<>", A, ONE)),
    ("a !> 1", ast.Comparison("<=", A, ONE)),
    ("a & 1 <> 2", ast.Comparison("<>", ast.Binary("&", A, ONE), TWO)),
    ("(a) = 1", ast.Comparison("=", A, ONE)),
    ("((a = 1))", ast.Comparison("=", A, ONE)),
    ("(a + 1) * 2 = 3", ast.Comparison("=", ast.Binary("*", ast.Binary("+", A, ONE), TWO), THREE)),
    (
        "a = 1 OR b = 2 AND NOT a = 3",
        ast.Or(
            ast.Comparison("=", A, ONE),
            ast.And(ast.Comparison("=", B, TWO), ast.Not(ast.Comparison("=", A, THREE))),
        ),
    ),
    ("a IS NOT NULL", ast.IsNull(A, True)),
    ("a NOT IN (1, 2)", ast.InList(A, (ONE, TWO), True)),
    ("a IN (SELECT 1)", ast.InQuery(A, ast.Select((ast.SelectItem(ONE),)))),
    ("a NOT BETWEEN 1 AND 2 AND b = 1", ast.And(ast.Between(A, ONE, TWO, True), ast.Comparison("=", B, ONE))),
    ("a LIKE b ESCAPE '!'", ast.Like(A, B, ast.Literal("!", SqlType("varchar", 1)))),
    ("NOT EXISTS (SELECT 1)", ast.Not(ast.Exists(ast.Select((ast.SelectItem(ONE),))))),
]


@pytest.mark.parametrize(("text", "tree"), CONDITIONS, ids=[text for text, _ in CONDITIONS])
def test_conditions_have_the_precedence_of_t_sql(text: str, tree: ast.Condition) -> None:
    assert condition(text) == tree


STATEMENTS = [
    ("SELECT TOP 1 a", ast.Select((ast.SelectItem(A),), top=ONE)),
    ("SELECT DISTINCT TOP (1) a AS b", ast.Select((ast.SelectItem(A, "b"),), distinct=True, top=ONE)),
    ("SELECT b = a, a 'x', t.*, *", ast.Select(
        (ast.SelectItem(A, "b"), ast.SelectItem(A, "x"), ast.Star(("t",)), ast.Star()))),
    ("SELECT a FROM t WITH (NOLOCK, ROWLOCK)", ast.Select((ast.SelectItem(A),), table("t", ("NOLOCK", "ROWLOCK")))),
    ("SELECT a FROM t (NOLOCK)", ast.Select((ast.SelectItem(A),), table("t", ("NOLOCK",)))),
    ("SELECT a FROM t x JOIN u ON a = 1 LEFT OUTER JOIN v ON b = 1", ast.Select(
        (ast.SelectItem(A),),
        ast.Join(
            "LEFT",
            ast.Join("INNER", ast.TableName(ast.ObjectName(("t",)), "x"), table("u"), ast.Comparison("=", A, ONE)),
            table("v"),
            ast.Comparison("=", B, ONE),
        ))),
    ("SELECT a FROM t, u", ast.Select((ast.SelectItem(A),), ast.Join("CROSS", table("t"), table("u"), None))),
    ("SELECT a FROM (SELECT 1) AS d (a)", ast.Select(
        (ast.SelectItem(A),), ast.DerivedTable(ast.Select((ast.SelectItem(ONE),)), "d", ("a",)))),
    ("SELECT a FROM t GROUP BY a HAVING COUNT(*) > 1 ORDER BY a DESC, 2", ast.Select(
        (ast.SelectItem(A),), table("t"), None, (A,), ast.Comparison(">", ast.Aggregate("COUNT", None), ONE),
        (ast.OrderItem(A, True), ast.OrderItem(TWO)))),
    ("SELECT 1 UNION ALL SELECT 2 UNION SELECT 3 ORDER BY 1", ast.Union(
        ast.Union(ast.Select((ast.SelectItem(ONE),)), ast.Select((ast.SelectItem(TWO),)), True),
        ast.Select((ast.SelectItem(THREE),)), False, (ast.OrderItem(ONE),))),
    ("INSERT t VALUES (1, DEFAULT), (2, NULL)", ast.Insert(
        table("t"), None, ast.Values(((ONE, ast.DefaultValue()), (TWO, ast.Literal(None)))))),
    ("INSERT INTO t (a, b) SELECT 1, 2", ast.Insert(
        table("t"), ("a", "b"), ast.Select((ast.SelectItem(ONE), ast.SelectItem(TWO))))),
    ("UPDATE TOP (1) t WITH (ROWLOCK) SET a = 1, b += 2 WHERE a = 3", ast.Update(
        table("t", ("ROWLOCK",)),
        (ast.Assignment(None, "a", "=", ONE), ast.Assignment(None, "b", "+", TWO)),
        ast.Comparison("=", A, THREE), ONE)),
    ("DELETE TOP (1) FROM t WHERE a = 1", ast.Delete(table("t"), ast.Comparison("=", A, ONE), ONE)),
    ("DELETE t", ast.Delete(table("t"))),
    ("SET NOCOUNT ON", ast.SetOption("NOCOUNT", True)),
    ("SET LOCK_TIMEOUT -1", ast.SetOption("LOCK_TIMEOUT", -1)),
    ("SET DEADLOCK_PRIORITY LOW", ast.SetOption("DEADLOCK_PRIORITY", -5)),
    ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED", ast.SetOption("TRANSACTION ISOLATION LEVEL", "READ COMMITTED")),
    ("SET LANGUAGE us_english", ast.SetOption("LANGUAGE", "US_ENGLISH")),
    ("IF 1 = 1 PRINT 1; ELSE PRINT 2", ast.If(ast.Comparison("=", ONE, ONE), ast.Print(ONE), ast.Print(TWO))),
    ("WHILE 1 = 1 BEGIN BREAK; CONTINUE END", ast.While(
        ast.Comparison("=", ONE, ONE), ast.Block((ast.Break(), ast.Continue())))),
    ("BEGIN TRY PRINT 1 END TRY BEGIN CATCH THROW END CATCH", ast.TryCatch((ast.Print(ONE),), (ast.Throw(),))),
    ("BEGIN TRY PRINT 1 END TRY BEGIN CATCH END CATCH", ast.TryCatch((ast.Print(ONE),), ())),
    ("THROW 50000, N'x', 1", ast.Throw(
        ast.Literal(50000, INT), ast.Literal("x", SqlType("nvarchar", 1)), ONE)),
    ("RAISERROR(N'%d', 1, 2, -3) WITH NOWAIT, LOG", ast.RaiseError(
        ast.Literal("%d", SqlType("nvarchar", 2)), ONE, TWO, (ast.Literal(-3, INT),), ("NOWAIT", "LOG"))),
    ("RETURN", ast.Return()),
    ("WAITFOR DELAY '00:00:01'", ast.WaitForDelay(ast.Literal("00:00:01", SqlType("varchar", 8)))),
    ("BEGIN TRAN", ast.BeginTransaction()),
    ("COMMIT TRANSACTION x", ast.CommitTransaction("x")),
    ("ROLLBACK", ast.RollbackTransaction()),
    ("SAVE TRAN x", ast.SaveTransaction("x")),
    ("USE [a b]", ast.Use("a b")),
    ("sp_who 1", ast.ExecuteProcedure(ast.ObjectName(("sp_who",)), (ast.Argument(None, ONE),))),
    ("EXECUTE dbo.p @a = DEFAULT, @b = word", ast.ExecuteProcedure(
        ast.ObjectName(("dbo", "p")),
        (ast.Argument("@a", ast.DefaultValue()), ast.Argument("@b", ast.Literal("word", SqlType("nvarchar", 4)))))),
    ("EXEC (N'a' + 'b')", ast.ExecuteString(ast.Binary(
        "+", ast.Literal("a", SqlType("nvarchar", 1)), ast.Literal("b", SqlType("varchar", 1))))),
    ("CREATE DATABASE d COLLATE c", ast.CreateDatabase("d", "c")),
    ("DROP DATABASE d, e", ast.DropDatabase(("d", "e"))),
    ("DROP TABLE d..t, #u", ast.DropTable((ast.ObjectName(("d", "", "t")), ast.ObjectName(("#u",))))),
    ("CREATE UNIQUE CLUSTERED INDEX i ON t (a, b DESC)", ast.CreateIndex(
        "i", ast.ObjectName(("t",)), (ast.KeyColumn("a"), ast.KeyColumn("b", True)), True, True)),
    ("DROP INDEX i ON t", ast.DropIndex("i", ast.ObjectName(("t",)))),
    ("CREATE TYPE dbo.x FROM int NOT NULL", ast.CreateType(ast.ObjectName(("dbo", "x")), INT_TYPE, False)),
    ("DROP TYPE dbo.x", ast.DropType(ast.ObjectName(("dbo", "x")))),
    ("DROP PROC p", ast.DropProcedure((ast.ObjectName(("p",)),))),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tree"), STATEMENTS, ids=[text for text, _ in STATEMENTS])
def test_each_statement_has_its_tree(text: str, tree: ast.Statement) -> None:
    assert statement(text) == tree


def test_update_tells_the_three_kinds_of_assignment_apart() -> None:
    update = parse("DECLARE @v int UPDATE t SET @v = a, @v = b = 1, @v += 2, a = DEFAULT").statements[1]
    assert update.assignments == (
        ast.Assignment("@v", None, "=", A),
        ast.Assignment("@v", "b", "=", ONE),
        ast.Assignment("@v", None, "+", TWO),
        ast.Assignment(None, "a", "=", ast.DefaultValue()),
    )


def test_create_table_gathers_keys_and_defaults_and_allows_a_last_comma() -> None:
    created = statement(
        "CREATE TABLE dbo.t (a dbo.tId NOT NULL CONSTRAINT pk PRIMARY KEY, b varchar(max) CONSTRAINT d DEFAULT ('x')"
        " NULL, c sysname, UNIQUE NONCLUSTERED (a, c),)"
    )
    assert created == ast.CreateTable(
        ast.ObjectName(("dbo", "t")),
        (
            ast.ColumnDefinition("a", ast.TypeName(("dbo", "tId")), False),
            ast.ColumnDefinition(
                "b",
                ast.TypeName(("varchar",), SqlType("varchar", MAX)),
                True,
                ast.DefaultConstraint("d", ast.Literal("x", SqlType("varchar", 1)), "('x')"),
            ),
            ast.ColumnDefinition("c", ast.TypeName(("sysname",), SYSNAME)),
        ),
        (
            ast.KeyConstraint("pk", True, (ast.KeyColumn("a"),)),
            ast.KeyConstraint(None, False, (ast.KeyColumn("a"), ast.KeyColumn("c")), False),
        ),
    )


def test_a_procedure_keeps_its_text_with_create_in_place_of_alter() -> None:
    text = "-- head\nalter PROC dbo.p (@a int = -1, @@ver nvarchar(5) OUT) AS\nDECLARE @x int SELECT @@ver"
    procedure = statement(text)
    assert procedure.alter
    assert procedure.definition == text.replace("alter", "CREATE")
    assert procedure.parameters == (
        ast.Parameter("@a", INT_TYPE, ast.Literal(-1, INT)),
        ast.Parameter("@@ver", ast.TypeName(("nvarchar",), SqlType("nvarchar", 5)), None, True),
    )
    assert [declared.name for declared in procedure.variables] == ["@x"]
    assert procedure.body[1] == ast.Select((ast.SelectItem(ast.Variable("@@ver")),))
    assert procedure.body[0].line == 3
    assert parse(text).variables == ()


def test_variables_of_every_block_are_gathered_in_order() -> None:
    batch = parse("DECLARE @a int, @b bit = 1 IF 1 = 1 BEGIN DECLARE @c int END SET @C = 2")
    assert [declared.name for declared in batch.variables] == ["@a", "@b", "@c"]


def test_exec_reads_result_names_and_outputs() -> None:
    batch = parse("DECLARE @rc int, @p sysname EXEC @rc = @p N's', N'@x int OUT', @x = @rc OUTPUT")
    assert batch.statements[1] == ast.ExecuteProcedure(
        ast.Variable("@p"),
        (
            ast.Argument(None, ast.Literal("s", SqlType("nvarchar", 1))),
            ast.Argument(None, ast.Literal("@x int OUT", SqlType("nvarchar", 10))),
            ast.Argument("@x", ast.Variable("@rc"), True),
        ),
        "@rc",
    )


SEVERAL = [
    ("SELECT 1 SELECT 2", [ast.Select, ast.Select]),
    ("DECLARE @a int SET @a = 1 RETURN SELECT 1", [ast.Declare, ast.SetVariable, ast.Return, ast.Select]),
    ("BEGIN TRAN COMMIT ROLLBACK TRANSACTION quit: PRINT 1", [
        ast.BeginTransaction, ast.CommitTransaction, ast.RollbackTransaction, ast.Label, ast.Print]),
    ("EXEC p done: GOTO done", [ast.ExecuteProcedure, ast.Label, ast.Goto]),
    ("DELETE t; THROW", [ast.Delete, ast.Throw]),
    (";;PRINT 1;;", [ast.Print]),
    ("", []),
    ("-- nothing", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kinds"), SEVERAL, ids=[text for text, _ in SEVERAL])
def test_statements_end_without_semicolons(text: str, kinds: list[type]) -> None:
    assert [type(found) for found in parse(text).statements] == kinds


def test_lines_count_from_the_start_of_the_batch() -> None:
    first, second = parse("\nSELECT\n  a,\n  b\nIF 1 = 1\n  PRINT 1").statements
    assert [first.line, first.items[1].line, second.line, second.then.line] == [2, 4, 5, 6]


def test_double_quotes_are_names_or_strings_by_quoted_identifier() -> None:
    assert value('"a"') == A
    assert value('"a"', quoted_identifier=False) == ast.Literal("a", SqlType("varchar", 1))
    on, off = parse('SELECT "a" SET QUOTED_IDENTIFIER OFF SELECT "a"').statements[::2]
    assert isinstance(on.items[0].value, ast.ColumnRef)
    assert isinstance(off.items[0].value, ast.Literal)


def test_parameters_of_sp_executesql_are_declared_for_its_text() -> None:
    parameters = parse_parameters("@a int, @b varchar(5) OUTPUT")
    assert [(parameter.name, parameter.output) for parameter in parameters] == [("@a", False), ("@b", True)]
    assert statement_with("SET @B = @a", parameters).variable == "@B"
    assert parse_parameters("  ") == ()


def statement_with(text: str, parameters: tuple[ast.Parameter, ...]) -> ast.Statement:
    (only,) = parse(text, declared=[parameter.name for parameter in parameters]).statements
    return only


NOT_SUPPORTED = [
    ("MERGE t USING u ON 1 = 1", "MERGE"),
    ("TRUNCATE TABLE t", "TRUNCATE"),
    ("BACKUP DATABASE d TO DISK = 'x'", "BACKUP"),
    ("DBCC CHECKDB", "DBCC"),
    ("KILL 51 WITH STATUSONLY", "STATUSONLY"),
    ("KILL -2", "KILL"),
    ("FETCH PRIOR FROM c INTO @a", "FETCH PRIOR"),
    ("DECLARE c CURSOR SCROLL FOR SELECT 1", "CURSOR"),
    ("DECLARE @t TABLE (a int)", "TABLE"),
    ("DECLARE @c CURSOR", "CURSOR"),
    ("WITH c AS (SELECT 1 AS a) SELECT a FROM c", "WITH c"),
    ("SELECT 1 WITH c AS (SELECT 1) SELECT 2", "WITH c"),
    ("SELECT ROW_NUMBER() OVER (ORDER BY a) FROM t", "OVER"),
    ("SELECT a INTO u FROM t", "SELECT INTO"),
    ("SELECT TOP 5 PERCENT a FROM t", "PERCENT"),
    ("SELECT TOP (5) WITH TIES a FROM t ORDER BY a", "WITH TIES"),
    ("SELECT a FROM t FOR XML RAW", "FOR"),
    ("SELECT a FROM t ORDER BY a FOR JSON AUTO", "FOR"),
    ("SELECT a FROM t OPTION (RECOMPILE)", "OPTION"),
    ("SELECT a FROM t ORDER BY a OFFSET 1 ROWS", "OFFSET"),
    ("SELECT 1 EXCEPT SELECT 2", "EXCEPT"),
    ("SELECT 1 INTERSECT SELECT 2", "INTERSECT"),
    ("SELECT a FROM t CROSS APPLY u", "CROSS APPLY"),
    ("SELECT a FROM t OUTER APPLY u", "OUTER APPLY"),
    ("SELECT a FROM t RIGHT JOIN u ON 1 = 1", "RIGHT"),
    ("SELECT a FROM t FULL JOIN u ON 1 = 1", "FULL"),
    ("SELECT a FROM t INNER HASH JOIN u ON 1 = 1", "HASH JOIN"),
    ("SELECT a FROM t PIVOT (SUM(a) FOR b IN ([1])) p", "PIVOT"),
    ("SELECT a FROM f(1)", "f()"),
    ("SELECT a FROM @t", "@t"),
    ("SELECT a FROM OPENROWSET('x')", "OPENROWSET"),
    ("SELECT a FROM srv.db.dbo.t", "srv.db.dbo.t"),
    ("SELECT a FROM t WITH (SNAPSHOT)", "SNAPSHOT"),
    ("SELECT a FROM t (INDEX = 1)", "INDEX"),
    ("SELECT a FROM t GROUP BY ROLLUP (a)", "ROLLUP"),
    ("SELECT dbo.f(1)", "dbo.f()"),
    ("SELECT a COLLATE Latin1_General_BIN FROM t", "COLLATE"),
    ("SELECT CURRENT_TIMESTAMP", "CURRENT_TIMESTAMP"),
    ("SELECT SYSTEM_USER", "SYSTEM_USER"),
    ("SELECT 1 WHERE CONTAINS(a, 'x')", "CONTAINS"),
    ("SELECT 1 WHERE 1 = ANY (SELECT 1)", "ANY"),
    ("SELECT DATEADD(month, 1, a)", "DATEADD(month, ...)"),
    ("SELECT 1.5", "1.5"),
    ("SELECT 3000000000", "3000000000"),
    ("SELECT @@IDENTITY", "@@IDENTITY"),
    ("SELECT CAST(1 AS decimal(5, 2))", "decimal"),
    ("DECLARE @d datetime2", "datetime2"),
    ("CREATE TABLE t (a xml)", "xml"),
    ("INSERT t EXEC ('p')", "EXEC"),
    ("DECLARE @p sysname INSERT t EXEC @p", "EXEC"),
    ("INSERT t DEFAULT VALUES", "DEFAULT VALUES"),
    ("INSERT t OUTPUT inserted.a VALUES (1)", "OUTPUT"),
    ("UPDATE t SET a = 1 OUTPUT inserted.a", "OUTPUT"),
    ("UPDATE t SET a = 1 FROM t JOIN u ON 1 = 1", "FROM"),
    ("DELETE t OUTPUT deleted.a", "OUTPUT"),
    ("DELETE t FROM t JOIN u ON 1 = 1", "FROM"),
    ("DELETE t WHERE CURRENT OF c", "WHERE CURRENT OF"),
    ("UPDATE STATISTICS t", "STATISTICS"),
    ("SET IDENTITY_INSERT t ON", "SET IDENTITY_INSERT"),
    ("SET ROWCOUNT 5", "SET ROWCOUNT"),
    ("SET ANSI_NULLS OFF", "SET ANSI_NULLS OFF"),
    ("SET IMPLICIT_TRANSACTIONS ON", "SET IMPLICIT_TRANSACTIONS ON"),
    ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT", "SNAPSHOT"),
    ("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED", "READ UNCOMMITTED"),
    ("SET DATEFORMAT dmy", "SET DATEFORMAT DMY"),
    ("SET LANGUAGE Deutsch", "SET LANGUAGE DEUTSCH"),
    ("SET NOCOUNT, XACT_ABORT ON", "SET NOCOUNT, ..."),
    ("BEGIN DISTRIBUTED TRAN", "BEGIN DISTRIBUTED"),
    ("RAISERROR(50001, 16, 1)", "RAISERROR(50001, ...)"),
    ("WAITFOR TIME '10:00'", "WAITFOR TIME"),
    ("EXECUTE AS USER = 'x'", "EXECUTE AS"),
    ("EXEC p WITH RECOMPILE", "WITH RECOMPILE"),
    ("EXEC ('x') AT srv", "AT"),
    ("CREATE VIEW v AS SELECT 1 AS a", "CREATE VIEW"),
    ("CREATE FUNCTION f() RETURNS int AS BEGIN RETURN 1 END", "CREATE FUNCTION"),
    ("CREATE TRIGGER r ON t AFTER INSERT AS PRINT 1", "CREATE TRIGGER"),
    ("CREATE OR ALTER PROCEDURE p AS PRINT 1", "CREATE OR ALTER"),
    ("CREATE PROCEDURE p WITH RECOMPILE AS PRINT 1", "WITH RECOMPILE"),
    ("CREATE PROCEDURE p @t dbo.tt READONLY AS PRINT 1", "READONLY"),
    ("DROP PROCEDURE IF EXISTS p", "DROP PROCEDURE IF EXISTS"),
    ("DROP TABLE IF EXISTS t", "DROP TABLE IF EXISTS"),
    ("ALTER TABLE t DROP COLUMN a", "ALTER TABLE"),
    ("ALTER DATABASE d SET READ_ONLY", "READ_ONLY"),
    ("ALTER DATABASE d ADD FILE (NAME = x)", "ADD"),
    ("CREATE DATABASE d ON (NAME = x)", "ON"),
    ("CREATE TYPE x AS TABLE (a int)", "TABLE"),
    ("CREATE TABLE t (a int IDENTITY(1, 2))", "IDENTITY(1, 2)"),
    ("CREATE TABLE t (a AS 1)", "AS"),
    ("CREATE TABLE t (a int CHECK (a > 1))", "CHECK"),
    ("CREATE TABLE t (a int CONSTRAINT c REFERENCES u)", "REFERENCES"),
    ("CREATE TABLE t (a int) ON [PRIMARY]", "ON"),
    ("SELECT TRY_CAST(a AS int) FROM t", "TRY_CAST"),
    ("SELECT IIF(1 = 1, 1, 2)", "IIF"),
    ("SELECT STDEV(DISTINCT a) FROM t", "STDEV"),
    ("CREATE TABLE t (a int NOT FOR REPLICATION)", "FOR"),
    ("CREATE TABLE t (a int FILESTREAM)", "FILESTREAM"),
    ("CREATE TABLE t (a int INDEX i)", "INDEX"),
    ("CREATE TABLE t (a int) AS NODE", "AS"),
    ("CREATE PROCEDURE p;2 AS PRINT 1", "; number"),
    ("CREATE TABLE t (a int PRIMARY KEY WITH (FILLFACTOR = 5))", "WITH"),
    ("CREATE INDEX i ON t (a) INCLUDE (b)", "INCLUDE"),
    ("CREATE INDEX i ON t (a) WHERE a > 1", "WHERE"),
]


@pytest.mark.parametrize(("text", "quoted"), NOT_SUPPORTED, ids=[text for text, _ in NOT_SUPPORTED])
def test_known_t_sql_out_of_scope_is_refused_by_name(text: str, quoted: str) -> None:
    error = refused(f"PRINT 1;\n{text}" if not text.startswith("CREATE PROC") else text)
    assert error.number == UNSUPPORTED
    assert quoted in error.text
    assert error.line == (1 if text.startswith("CREATE PROC") else 2)


MALFORMED = [
    ("SELECT", 102, "SELECT"),
    ("SELECT FROM t", 156, "FROM"),
    ("SELECT a,, b", 102, ","),
    ("SELECT (1", 102, "1"),
    ("SELECT 1 2", 102, "2"),
    ("SELECT 'a' 'b' 'c'", 102, "c"),
    ("SELECT a = b = c", 102, "="),
    ("SELECT (1 = 1)", 102, ")"),
    ("SELECT 1 WHERE 1", 4145, "1"),
    ("SELECT 1 WHERE a = 1 + (b = 2)", 102, ")"),
    ("SELECT * FROM t WHERE", 102, "WHERE"),
    ("SELECT * FROM (SELECT 1)", 102, ")"),
    ("PRINT 1 SELEC 1", 102, "SELEC"),
    ("UPDATE t a = 1", 102, "a"),
    ("INSERT INTO t (a) VALUES", 102, "VALUES"),
    ("INSERT INTO t (a) VALUES (1, 2)", 110, "fewer"),
    ("INSERT INTO t (a, b) VALUES (1)", 109, "more"),
    ("INSERT INTO t VALUES (1), (1, 2)", 10709, "same"),
    ("IF 1 = 1", 102, "1"),
    ("IF 1 = 1 PRINT 1 ELSE", 102, "ELSE"),
    ("BEGIN END", 156, "END"),
    ("BEGIN PRINT 1", 102, "1"),
    ("PRINT 1 END", 156, "END"),
    ("BEGIN TRY PRINT 1 END TRY", 102, "TRY"),
    ("BEGIN TRY END TRY BEGIN CATCH END CATCH", 156, "END"),
    ("PRINT 1 THROW", 102, "THROW"),
    ("CASE", 156, "CASE"),
    ("SELECT CASE END", 156, "END"),
    ("SELECT @a", 137, '"@a"'),
    ("SET @a = 1", 137, '"@a"'),
    ("SELECT @@nonsense", 137, '"@@nonsense"'),
    ("DECLARE @a int = 1, @b int = @a", 137, '"@a"'),
    ("SET @a = 1 DECLARE @a int", 137, '"@a"'),
    ("DECLARE @a int, @A bit", 134, "'@A'"),
    ("DECLARE @a int DECLARE @a int", 134, "'@a'"),
    ("GOTO nowhere", 133, "'nowhere'"),
    ("GOTO x BEGIN TRY x: PRINT 1 END TRY BEGIN CATCH END CATCH", 1026, "TRY"),
    ("GOTO x BEGIN TRY PRINT 1 END TRY BEGIN CATCH x: PRINT 1 END CATCH", 1026, "CATCH"),
    ("BEGIN TRY GOTO x END TRY BEGIN CATCH x: PRINT 1 END CATCH", 1026, "CATCH"),
    ("CREATE TYPE d.dbo.x FROM int", 166, "database name"),
    ("DROP TYPE d.dbo.x", 166, "database name"),
    ("SELECT 1 WHERE EXISTS (SELECT a FROM t ORDER BY a)", 1033, "unless TOP"),
    ("x: x: PRINT 1", 132, "'x'"),
    ("BREAK", 135, "WHILE"),
    ("CONTINUE", 136, "WHILE"),
    ("RETURN 1", 178, "RETURN"),
    ("DECLARE @a int SELECT @a = 1, 2", 141, "data-retrieval"),
    ("DECLARE @a int SELECT @a = 1 UNION SELECT 2", 10734, "UNION"),
    ("DECLARE @a int SELECT 1 WHERE EXISTS (SELECT @a = 1)", 102, "="),
    ("SELECT [] FROM t", 1038, "empty"),
    ("EXEC p @a = 1, 2", 119, "number 2"),
    ("EXEC p 1 OUTPUT", 179, "OUTPUT"),
    ("EXEC (1)", 102, "1"),
    ("PRINT 1 CREATE PROCEDURE p AS PRINT 1", 111, "first statement"),
    ("CREATE PROCEDURE a.b.c AS PRINT 1", 166, "database name"),
    ("CREATE PROCEDURE p AS", 102, "AS"),
    ("CREATE PROCEDURE p AS USE d", 154, "USE"),
    ("CREATE PROCEDURE p @a int, @a int AS PRINT 1", 134, "'@a'"),
    ("CREATE PROCEDURE p AS PRINT @x", 137, '"@x"'),
    ("CREATE TABLE t (a varchar(0))", 1001, "0"),
    ("CREATE TABLE t (a varchar(8001))", 2717, "8001"),
    ("CREATE TABLE t (a nvarchar(4001))", 2717, "4000"),
    ("CREATE TABLE t (a int(5))", 2716, "int"),
    ("CREATE TABLE t (a dbo.tId(5))", 2716, "dbo.tId"),
    ("CREATE TABLE t ()", 102, ")"),
    ("CREATE TABLE t (a int NULL NULL)", 156, "NULL"),
    ("SET NOCOUNT MAYBE", 102, "MAYBE"),
    ("SELECT CAST(1 AS int", 102, "int"),
    ("RAISERROR 50001 'x'", 102, "50001"),
    ("READTEXT t @a 0 1", 102, "t"),
    ("READTEXT a.b.c.d.e 0x 0 1", 102, "e"),
    ("DECLARE @a image", 2739, "image"),
    ("CREATE PROCEDURE p AS DECLARE @a image", 2739, "image"),
    ("SELECT COALESCE(1)", 102, ")"),
]


@pytest.mark.parametrize(("text", "number", "words"), MALFORMED, ids=[text for text, _, _ in MALFORMED])
def test_a_malformed_batch_is_refused_with_the_servers_number(text: str, number: int, words: str) -> None:
    error = refused(text)
    assert error.number == number
    assert words in error.text


def test_very_deep_nesting_is_an_error_of_its_own() -> None:
    assert refused(f"SELECT {'(' * 10_000}1{')' * 10_000}").number == 191


WORDS = """
    SELECT FROM WHERE t a @v 1 'x' ( ) , ; = + * BEGIN END TRY CATCH IF ELSE SET EXEC DECLARE int NOT NULL IN CASE WHEN
    THEN AND UPDATE INSERT DELETE VALUES CREATE TABLE PROCEDURE AS ORDER BY TOP RETURN GOTO : . UNION
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=12))
def test_any_words_at_all_are_a_tree_or_an_sql_error(words: list[str]) -> None:
    try:
        assert isinstance(parse(" ".join(words)), ast.Batch)
    except SqlError as error:
        assert error.number == UNSUPPORTED or error.severity == 15
        assert error.reach is Reach.PARSE


SCHEMA = sorted((Path(__file__).parents[2] / "roles/aspstate_database/files/schema").glob("*.sql"))


@pytest.mark.parametrize("file", SCHEMA, ids=[file.stem for file in SCHEMA])
def test_every_file_of_the_session_schema_is_parsed(file: Path) -> None:
    assert parse(file.read_text(encoding="utf-8")).statements
