"""What an error ends: a statement, a scope or the batch; TRY, THROW, RAISERROR; @@ERROR and @@ROWCOUNT."""

from __future__ import annotations

import pytest

from lab.server.errors import Reach
from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine, "tempdb")
    ok(session, "CREATE TABLE t (id int NOT NULL CONSTRAINT pk PRIMARY KEY)", "INSERT t VALUES (1)")
    yield session
    session.close()
    engine.close()


REACHES = {
    # statement, number, printed afterwards in the batch, open transactions afterwards
    "duplicate key ends the statement": ("INSERT t VALUES (1)", 2627, ["after"], 1),
    "NULL ends the statement": ("INSERT t VALUES (NULL)", 515, ["after"], 1),
    "division by zero ends the statement": ("SELECT 1 / 0", 8134, ["after"], 1),
    "RAISERROR ends nothing": ("RAISERROR('x', 16, 1)", 50000, ["after"], 1),
    "a missing procedure ends the statement": ("EXEC nix", 2812, ["after"], 1),
    "a missing table ends the scope": ("SELECT 1 FROM nix", 208, [], 1),
    "a failed conversion ends batch and transaction": ("SELECT CONVERT(int, 'x')", 245, [], 0),
    "THROW ends the batch, not the transaction": ("; THROW 50001, 'x', 1", 50001, [], 1),
    "a text with an error ends the statement": ("EXEC ('SELECT')", 102, ["after"], 1),
}


@pytest.mark.parametrize(("text", "number", "printed", "count"), REACHES.values(), ids=REACHES)
def test_reach(session, text, number, printed, count):
    answer = run(session, f"BEGIN TRAN\n{text}\nPRINT 'after'")
    assert answer.numbers == [number]
    assert answer.printed == printed
    assert ok(session, "SELECT @@TRANCOUNT").value == count


@pytest.mark.parametrize(
    ("text", "number", "printed", "count"),
    [
        ("INSERT t VALUES (1)", 2627, [], 0),
        ("SELECT 1 FROM nix", 208, [], 0),
        ("; THROW 50001, 'x', 1", 50001, [], 0),
        ("RAISERROR('x', 16, 1)", 50000, ["after"], 1),
    ],
)
def test_xact_abort_makes_all_but_raiserror_end_batch_and_transaction(session, text, number, printed, count):
    answer = run(session, f"SET XACT_ABORT ON BEGIN TRAN {text} PRINT 'after'")
    assert (answer.numbers, answer.printed) == ([number], printed)
    assert ok(session, "SELECT @@TRANCOUNT").value == count


@pytest.mark.parametrize("text", ["SELECT 1 +", "SELECT @nix", "PRINT 'a' PRINT 'b", "GOTO nix"])
def test_nothing_runs_of_a_batch_that_cannot_be_parsed(session, text):
    answer = run(session, f"PRINT 'before' {text}")
    assert len(answer.errors) == 1
    assert answer.printed == []


def test_a_procedure_goes_on_after_a_statement_error_and_its_caller_too(session):
    ok(session, "CREATE PROCEDURE p AS INSERT t VALUES (1)\nPRINT 'in p'")
    answer = run(session, "\n\nEXEC p\nPRINT 'after'")
    assert answer.printed == ["in p", "after"]
    assert (answer.errors[0].procedure, answer.errors[0].line) == ("p", 1)


def test_a_missing_table_ends_the_procedure_and_its_caller_goes_on(session):
    ok(session, "CREATE PROCEDURE p AS\nPRINT 'begun'\nSELECT 1 FROM nix\nPRINT 'not reached'")
    answer = run(session, "DECLARE @rc int EXEC @rc = p PRINT 'after' SELECT @rc")
    assert answer.printed == ["begun", "after"]
    assert (answer.errors[0].number, answer.errors[0].procedure, answer.errors[0].line) == (208, "p", 3)
    assert answer.sets[0][1][0][0] < 0


def test_lines_are_those_of_the_batch(session):
    answer = run(session, "PRINT 'a'\n\nINSERT t\nVALUES (1)\nSELECT 1 / 0")
    assert [(error.number, error.line, error.procedure) for error in answer.errors] == [(2627, 3, ""), (8134, 5, "")]


def test_catch_knows_the_error(session):
    ok(session, "CREATE PROCEDURE p AS\n\nINSERT t VALUES (1)")
    text = """BEGIN TRY EXEC p END TRY
              BEGIN CATCH
                  SELECT ERROR_NUMBER(), ERROR_SEVERITY(), ERROR_STATE(), ERROR_PROCEDURE(), ERROR_LINE(), XACT_STATE()
              END CATCH"""
    assert ok(session, text).rows == [(2627, 14, 1, "p", 3, 0)]
    assert ok(session, "SELECT ERROR_NUMBER()").value is None


def test_a_called_procedure_sees_the_error_of_the_catch_around_it(session):
    ok(session, "CREATE PROCEDURE report AS SELECT ERROR_NUMBER()")
    assert ok(session, "BEGIN TRY SELECT 1/0 AS x END TRY BEGIN CATCH EXEC report END CATCH").rows == [(8134,)]


def test_try_skips_the_rest_and_goes_on_after_catch(session):
    text = "BEGIN TRY PRINT 'a' INSERT t VALUES (1) PRINT 'b' END TRY BEGIN CATCH PRINT 'c' END CATCH PRINT 'd'"
    assert ok(session, text).printed == ["a", "c", "d"]


def test_an_error_in_catch_goes_to_the_outer_catch(session):
    text = """BEGIN TRY
                  BEGIN TRY SELECT 1/0 AS x END TRY
                  BEGIN CATCH PRINT ERROR_NUMBER() INSERT t VALUES (1) END CATCH
              END TRY
              BEGIN CATCH PRINT ERROR_NUMBER() END CATCH"""
    assert ok(session, text).printed == ["8134", "2627"]


def test_a_missing_table_is_not_caught_in_its_own_scope_but_by_the_caller(session):
    assert run(session, "BEGIN TRY SELECT 1 FROM nix END TRY BEGIN CATCH PRINT 'no' END CATCH").numbers == [208]
    ok(session, "CREATE PROCEDURE p AS SELECT 1 FROM nix")
    assert ok(session, "BEGIN TRY EXEC p END TRY BEGIN CATCH PRINT ERROR_NUMBER() END CATCH").printed == ["208"]


def test_what_is_not_supported_is_never_caught(session):
    answer = run(session, "BEGIN TRY EXEC sp_who END TRY BEGIN CATCH PRINT 'hidden' END CATCH PRINT 'after'")
    assert (answer.numbers, answer.printed) == ([59999], [])


def test_bare_throw_raises_the_same_error_again(session):
    ok(session, "CREATE PROCEDURE p AS\n\nINSERT t VALUES (1)")
    answer = run(session, "BEGIN TRY EXEC p END TRY BEGIN CATCH PRINT 'seen'; THROW END CATCH PRINT 'after'")
    error = answer.errors[0]
    assert (error.number, error.severity, error.procedure, error.line) == (2627, 14, "p", 3)
    assert answer.printed == ["seen"]


def test_throw_of_one_s_own(session):
    error = run(session, "DECLARE @m nvarchar(50) = N'50 % off' ; THROW 51000, @m, 7").errors[0]
    assert (error.number, error.text, error.severity, error.state) == (51000, "50 % off", 16, 7)


MESSAGES = {
    "text": ("'%s and %d', 16, 1, 'a', 5", "a and 5"),
    "NULL": ("'<%s>', 16, 1, NULL", "<(null)>"),
    "missing": ("'<%s>', 16, 1", "<(null)>"),
    "percent": ("'5%% of %s', 16, 1, 'a'", "5% of a"),
    "a letter follows": ("'%dth', 16, 1, 4", "4th"),
}


@pytest.mark.parametrize(("arguments", "text"), MESSAGES.values(), ids=MESSAGES)
def test_raiserror_fills_in(session, arguments, text):
    assert [error.text for error in run(session, f"RAISERROR({arguments})").errors] == [text]


def test_print_shows_8000_characters_or_4000_national_ones(session):
    answer = ok(session, "PRINT REPLICATE('x', 8000) PRINT REPLICATE(CONVERT(nvarchar(max), 'y'), 5000) PRINT NULL")
    assert answer.printed == ["x" * 8000, "y" * 4000, " "]
    assert run(session, "PRINT (SELECT 1)").numbers == [1046]


def test_declare_with_a_value_is_an_assignment(session):
    text = "SELECT 1/0 DECLARE @a int = 5 SELECT @@ERROR, @@ROWCOUNT"
    assert run(session, text).sets[-1][1] == [(0, 1)]


def test_raiserror_up_to_10_is_information(session):
    answer = ok(session, "RAISERROR('note', 10, 1) WITH NOWAIT RAISERROR('low', 3, 1) SELECT @@ERROR")
    assert answer.messages == [(50000, 0, "note"), (50000, 3, "low")]
    assert answer.value == 0


def test_raiserror_above_18_needs_log_and_from_20_ends_the_connection(session):
    assert run(session, "RAISERROR('x', 19, 1)").numbers == [2754]
    answer = run(session, "BEGIN TRY RAISERROR('x', 20, 1) WITH LOG END TRY BEGIN CATCH END CATCH PRINT 'after'")
    assert (answer.errors[0].number, answer.errors[0].reach, answer.printed) == (50000, Reach.CONNECTION, [])


def test_error_number_and_row_count_are_those_of_the_last_statement(session):
    text = """INSERT t VALUES (2), (3)
              SELECT @@ROWCOUNT AS a
              INSERT t VALUES (1)
              DECLARE @e int
              SELECT @e = @@ERROR
              SELECT @e, @@ERROR
              INSERT t VALUES (1)
              IF @@ERROR = 2627 SELECT @@ERROR
              UPDATE t SET id = id WHERE id > 1
              IF @@ROWCOUNT = 2 PRINT 'two'
              SELECT @@ROWCOUNT"""
    answer = run(session, text)
    assert [rows for _, rows in answer.sets] == [[(2,)], [(2627, 0)], [(0,)], [(0,)]]
    assert answer.printed == ["two"]


def test_goto_handles_errors_the_old_way(session):
    text = """DECLARE @rc int
              BEGIN TRAN
              EXEC @rc = nix
              IF (@@ERROR <> 0 OR @rc <> 0) GOTO QuitWithRollback
              COMMIT TRAN
              GOTO EndSave
              QuitWithRollback:
              IF (@@TRANCOUNT > 0) ROLLBACK TRANSACTION
              PRINT 'rolled back'
              EndSave:"""
    answer = run(session, text)
    assert (answer.numbers, answer.printed) == ([2812], ["rolled back"])


def test_goto_into_and_out_of_blocks(session):
    text = """DECLARE @i int = 0
              again: SET @i = @i + 1
              WHILE 1 = 1 BEGIN IF @i < 3 GOTO again ELSE BREAK END
              GOTO inside
              IF 1 = 0 BEGIN PRINT 'skipped' inside: PRINT @i END"""
    assert ok(session, text).printed == ["3"]


def test_a_python_error_is_told_and_undone_and_the_session_lives(session, monkeypatch):
    from lab.server.engine import changes

    def broken(*_):
        raise ZeroDivisionError("a mistake")

    monkeypatch.setattr(changes, "delete_rows", broken)
    answer = run(session, "DELETE t PRINT 'after'")
    assert answer.numbers == [59998]
    assert "ZeroDivisionError: a mistake" in answer.errors[0].text
    assert ok(session, "SELECT id FROM t").rows == [(1,)]


def test_too_deep_calls_end_the_batch(session):
    ok(session, "CREATE PROCEDURE p AS EXEC p")
    answer = run(session, "EXEC p PRINT 'after'")
    assert (answer.numbers, answer.printed) == ([217], [])
