"""INSERT, UPDATE and DELETE: all of a statement or nothing, and UPDATE's variables."""

from __future__ import annotations

import pytest

from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine, "tempdb")
    ok(
        session,
        """CREATE TABLE t (
               id int NOT NULL CONSTRAINT pk PRIMARY KEY,
               name varchar(5) NULL CONSTRAINT df DEFAULT ('new'),
               n int NOT NULL DEFAULT 0,
               code int NULL
           )""",
        "CREATE UNIQUE INDEX ux ON t (n, code)",
    )
    yield session
    session.close()
    engine.close()


def rows(session, order="id"):
    return ok(session, f"SELECT id, name, n, code FROM t ORDER BY {order}").rows  # noqa: S608 - only "id" is given


def test_insert_fills_defaults_and_nulls(session):
    ok(session, "INSERT t (id) VALUES (1)", "INSERT INTO t (n, id, name) VALUES (5, 2, NULL), (6, 3, DEFAULT)")
    assert rows(session) == [(1, "new", 0, None), (2, None, 5, None), (3, "new", 6, None)]


def test_identity_counts_and_never_gives_a_number_twice(session):
    ok(
        session,
        "CREATE TABLE i (name varchar(9), id smallint IDENTITY (1, 1) PRIMARY KEY)",
        "INSERT i VALUES ('a'), ('b')",
    )
    ok(
        session,
        "BEGIN TRAN INSERT i (name) SELECT name FROM i ROLLBACK",
        "DELETE i WHERE id = 2",
        "INSERT i VALUES ('e')",
    )
    assert ok(session, "SELECT id, name FROM i").rows == [(1, "a"), (5, "e")]
    assert run(session, "INSERT i (id, name) VALUES (9, 'x')").numbers == [544]
    assert run(session, "UPDATE i SET id = 9").numbers == [8102]
    assert run(session, "INSERT i VALUES ('x', 9)").numbers == [213]
    assert ok(session, "SELECT name, is_identity FROM sys.columns WHERE name = 'id' AND is_identity = 1").rows == [
        ("id", 1)
    ]


def test_insert_select_reads_before_it_writes(session):
    ok(session, "INSERT t VALUES (1, 'a', 1, 1)", "INSERT t SELECT id + 10, name, n, code + 1 FROM t")
    assert rows(session) == [(1, "a", 1, 1), (11, "a", 1, 2)]


FAILING = {
    "duplicate key": ("INSERT t (id, n) VALUES (2, 90), (1, 91)", 2627, "constraint 'pk'", "(1)"),
    "duplicate in a unique index": ("INSERT t (id, n) VALUES (8, 4), (9, 0)", 2601, "index 'ux'", "(0, <NULL>)"),
    "NULL where none may be": ("INSERT t (id, n) VALUES (8, 4), (9, NULL)", 515, "column 'n'", "INSERT fails"),
    "too long": ("INSERT t (id, name) VALUES (8, 'a'), (9, 'abcdef')", 2628, "column 'name'", "'abcde'"),
    "no conversion": ("INSERT t (id, n) VALUES (8, 'x')", 245, "'x'", "int"),
    "overflow": ("INSERT t (id, n) SELECT 8, 2147483647 + id FROM t", 8115, "int", "overflow"),
    "division by zero": ("INSERT t (id, n) SELECT 8, 1 / n FROM t", 8134, "Divide by zero", "zero"),
    "too few values": ("INSERT t (id, n) VALUES (8)", 109, "more columns", "VALUES"),
    "too many values": ("INSERT t (id) VALUES (8, 1)", 110, "fewer columns", "VALUES"),
    "not as many as the table has": ("INSERT t VALUES (8)", 213, "does not match table definition", "number"),
    "column twice": ("INSERT t (id, id) VALUES (8, 9)", 264, "more than once", "'id'"),
    "unknown column": ("INSERT t (id, nix) VALUES (8, 9)", 207, "Invalid column name", "'nix'"),
    "update to a duplicate": ("UPDATE t SET id = 1 WHERE id = 5", 2627, "constraint 'pk'", "(1)"),
    "update to NULL": ("UPDATE t SET n = NULL", 515, "column 'n'", "UPDATE fails"),
    "update twice": ("UPDATE t SET n = 1, n = 2", 264, "more than once", "'n'"),
    "update of the catalog": ("DELETE sys.objects", 259, "system catalogs", "not allowed"),
}


@pytest.mark.parametrize(("text", "number", "words", "more"), FAILING.values(), ids=FAILING)
def test_a_failing_statement_changes_nothing(session, text, number, words, more):
    ok(session, "INSERT t (id) VALUES (1)", "INSERT t (id, n) VALUES (5, 50)")
    before = rows(session)
    answer = run(session, text)
    assert answer.numbers == [number]
    assert words in answer.errors[0].text
    assert more in answer.errors[0].text
    assert rows(session) == before


def test_keys_are_tested_when_all_rows_have_changed(session):
    ok(session, "INSERT t (id, n) VALUES (1, 1), (2, 2), (3, 3)", "UPDATE t SET id = id + 1")
    assert [row[0] for row in rows(session)] == [2, 3, 4]


def test_a_changed_key_is_found_under_the_new_value_only(session):
    ok(session, "INSERT t (id) VALUES (1)", "UPDATE t SET id = 9")
    assert ok(session, "SELECT COUNT(*) FROM t WHERE id = 1").value == 0
    assert ok(session, "SELECT COUNT(*) FROM t WHERE id = 9").value == 1


UPDATES = {
    "the value before, in whatever order": ("n = 9, @a = n, @b = code", (1, 2, 9, 2)),
    "the value before, when read first": ("@a = n, n = 9, @b = code", (1, 2, 9, 2)),
    "the new value into both": ("@a = n = n + 5, @b = n", (6, 1, 6, 2)),
    "a variable assigned earlier in the list": ("@a = n, @b = @a + 40", (1, 41, 1, 2)),
    "columns see the old row": ("n = code, code = n", (-1, -1, 2, 1)),
    "compound assignment": ("n += 10, code -= 1, @a = n", (1, -1, 11, 1)),
    "variables only": ("@a = n + code", (3, -1, 1, 2)),
}


@pytest.mark.parametrize(("assignments", "expected"), UPDATES.values(), ids=UPDATES)
def test_update_with_variables(session, assignments, expected):
    ok(session, "INSERT t VALUES (1, 'a', 1, 2)")
    declare, show = "DECLARE @a int = -1, @b int = -1", "SELECT @a, @b, n, code FROM t"
    assert ok(session, " ".join((declare, "UPDATE t SET", assignments, "WHERE id = 1", show))).rows == [expected]


def test_update_without_a_row_leaves_variables_alone(session):
    text = "DECLARE @a int = 7 UPDATE t SET @a = n, n = 1 WHERE id = 99 SELECT @a, @@ROWCOUNT"
    assert ok(session, text).rows == [(7, 0)]


def test_top_limits_changes(session):
    ok(session, "INSERT t (id, n) VALUES (1, 1), (2, 2), (3, 3)")
    answer = ok(session, "DECLARE @n int = 2 DELETE TOP (@n) FROM t WHERE n > 0 UPDATE TOP (1) t SET n = 0")
    assert answer.counts == [2, 1]
    assert [row[2] for row in rows(session)] == [0]


def test_counts_and_nocount(session):
    assert ok(session, "INSERT t (id, n) VALUES (1, 1), (2, 2)").counts == [2]
    answer = ok(session, "SET NOCOUNT ON DELETE t SELECT @@ROWCOUNT")
    assert answer.counts == [None, 1]
    assert answer.value == 2


def test_a_deleted_key_is_free_within_the_same_transaction(session):
    ok(session, "INSERT t (id) VALUES (1)")
    ok(session, "BEGIN TRAN DELETE t WHERE id = 1 INSERT t (id, name) VALUES (1, 'again') COMMIT")
    assert rows(session) == [(1, "again", 0, None)]


def test_values_of_megabytes_come_back_whole(session):
    ok(session, "CREATE TABLE big (v varbinary(max))")
    ok(session, "INSERT big SELECT CONVERT(varbinary(max), REPLICATE(CONVERT(varchar(max), 'ab'), 2000000))")
    assert ok(session, "SELECT v FROM big").value == b"ab" * 2_000_000
    assert ok(session, "SELECT DATALENGTH(v) FROM big").value == 4_000_000
