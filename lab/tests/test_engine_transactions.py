"""BEGIN, COMMIT, ROLLBACK, SAVE; doomed transactions."""

from __future__ import annotations

import pytest

from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine, "tempdb")
    ok(session, "CREATE TABLE t (id int NOT NULL PRIMARY KEY, n int)", "INSERT t VALUES (1, 1), (2, 2)")
    yield session
    session.close()
    engine.close()


def rows(session):
    return ok(session, "SELECT id, n FROM t ORDER BY id").rows


def test_rollback_undoes_everything_in_every_index(session):
    ok(session, "CREATE INDEX by_n ON t (n)")
    ok(session, "BEGIN TRAN DELETE t WHERE id = 1 UPDATE t SET n = 7, id = 3 INSERT t VALUES (9, 9) ROLLBACK")
    assert rows(session) == [(1, 1), (2, 2)]
    assert ok(session, "SELECT id FROM t WHERE n = 2").rows == [(2,)]
    assert ok(session, "SELECT id FROM t WHERE n IN (7, 9) OR id IN (3, 9)").rows == []


def test_only_the_outermost_commit_counts_and_any_rollback_ends_all(session):
    text = "BEGIN TRAN BEGIN TRAN DELETE t COMMIT SELECT @@TRANCOUNT ROLLBACK SELECT @@TRANCOUNT"
    assert [found for _, found in ok(session, text).sets] == [[(1,)], [(0,)]]
    assert rows(session) == [(1, 1), (2, 2)]


def test_a_savepoint_keeps_what_was_before(session):
    ok(session, "BEGIN TRAN UPDATE t SET n = 5 WHERE id = 1 SAVE TRAN s DELETE t ROLLBACK TRAN s COMMIT")
    assert rows(session) == [(1, 5), (2, 2)]


def test_a_savepoint_may_be_used_twice_and_ends_those_after_it(session):
    ok(session, "BEGIN TRAN SAVE TRAN a DELETE t WHERE id = 1 SAVE TRAN b DELETE t ROLLBACK TRAN a")
    assert run(session, "ROLLBACK TRAN b").numbers == [6401]
    ok(session, "DELETE t ROLLBACK TRAN a COMMIT")
    assert rows(session) == [(1, 1), (2, 2)]


def test_names_of_transactions(session):
    ok(session, "DECLARE @n varchar(10) = 'whole' BEGIN TRAN @n DELETE t ROLLBACK TRAN whole")
    assert rows(session) == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    ("text", "number"),
    [("COMMIT", 3902), ("ROLLBACK", 3903), ("SAVE TRAN s", 628), ("BEGIN TRAN ROLLBACK TRAN nix", 6401)],
)
def test_what_has_no_transaction(session, text, number):
    assert run(session, text).numbers == [number]


def test_a_transaction_lives_across_batches(session):
    ok(session, "BEGIN TRAN", "DELETE t", "ROLLBACK")
    assert len(rows(session)) == 2


def test_ddl_is_part_of_a_transaction(session):
    ok(session, "BEGIN TRAN CREATE TABLE u (a int) INSERT u VALUES (1) DROP TABLE t ROLLBACK")
    assert run(session, "SELECT 1 FROM u").numbers == [208]
    assert len(rows(session)) == 2


@pytest.mark.parametrize(("text", "number"), [("CREATE DATABASE d", 226), ("DROP DATABASE d", 574)])
def test_databases_are_not_made_or_dropped_in_a_transaction(session, text, number):
    answer = run(session, f"BEGIN TRAN {text} PRINT @@TRANCOUNT ROLLBACK")
    assert (answer.numbers, answer.printed) == ([number], ["1"])


DOOM = "BEGIN TRAN BEGIN TRY SELECT CONVERT(int, 'x') AS x END TRY BEGIN CATCH {} END CATCH"


def test_a_conversion_error_in_try_dooms_the_transaction(session):
    assert ok(session, DOOM.format("SELECT XACT_STATE() ROLLBACK SELECT XACT_STATE()")).sets[0][1] == [(-1,)]
    assert ok(session, "BEGIN TRAN SELECT XACT_STATE() ROLLBACK").value == 1


@pytest.mark.parametrize("text", ["DELETE t", "COMMIT", "CREATE TABLE u (a int)", "SAVE TRAN s"])
def test_a_doomed_transaction_neither_writes_nor_commits(session, text):
    assert run(session, DOOM.format(f"{text}")).numbers == [3930]
    assert ok(session, "SELECT @@TRANCOUNT").value == 0


def test_a_doomed_transaction_ends_with_the_batch(session):
    answer = run(session, DOOM.format("PRINT 'caught'"))
    assert (answer.numbers, answer.printed) == ([3998], ["caught"])
    assert ok(session, "SELECT @@TRANCOUNT").value == 0


def test_xact_abort_dooms_in_try(session):
    text = """SET XACT_ABORT ON
              BEGIN TRAN
              BEGIN TRY INSERT t VALUES (1, 1) END TRY
              BEGIN CATCH PRINT XACT_STATE() ROLLBACK END CATCH"""
    assert ok(session, text).printed == ["-1"]


def test_a_procedure_that_leaves_another_count_is_told(session):
    ok(session, "CREATE PROCEDURE p AS BEGIN TRAN")
    answer = run(session, "EXEC p ROLLBACK PRINT @@TRANCOUNT")
    assert (answer.numbers, answer.printed) == ([266], ["0"])


def test_reset_ends_everything_that_a_request_left(session):
    ok(session, "CREATE TABLE #x (a int) SET XACT_ABORT ON SET NOCOUNT ON USE master BEGIN TRAN DELETE tempdb..t")
    session.reset()
    assert (session.database, ok(session, "SELECT @@TRANCOUNT").value) == ("tempdb", 0)
    assert len(rows(session)) == 2
    assert run(session, "SELECT * FROM #x").numbers == [208]
    assert ok(session, "UPDATE t SET n = n").counts == [2]
