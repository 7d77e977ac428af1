"""Extended properties of tables: added, seen, taken away; with their transaction, their table and the server's end."""

from __future__ import annotations

import os

import pytest

from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

ADD = "EXEC {}sys.sp_addextendedproperty @name = N'{}', @value = N'v', @level0type = N'SCHEMA', @level0name = N'dbo', "
ADD += "@level1type = N'TABLE', @level1name = N't'"
DROP = ADD.replace("sp_add", "sp_drop").replace("@value = N'v', ", "")
SEEN = """
SELECT name FROM {}.sys.extended_properties
WHERE class = 1 AND major_id = OBJECT_ID(N'{}.dbo.t') AND minor_id = 0 ORDER BY name
"""


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    create_login(session, "l")
    ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (a int)", "CREATE TABLE tempdb.dbo.t (a int)")
    ok(session, "CREATE USER l FOR LOGIN l", "GRANT SELECT ON t TO l")
    return session


def seen(session, database: str = "d") -> list[str]:
    return [name for (name,) in ok(session, SEEN.format(database, database)).rows]


@pytest.mark.parametrize("database", ["d", "tempdb"])
def test_they_come_and_go(session, database):
    where = f"{database}."
    ok(session, ADD.format(where, "p"), ADD.format(where, "q"))
    assert seen(session, database) == ["p", "q"]
    ok(session, DROP.format(where, "p"))
    assert seen(session, database) == ["q"]


def test_a_rollback_undoes_both(session):
    ok(session, ADD.format("", "p"))
    ok(session, f"BEGIN TRAN {DROP.format('', 'p')} {ADD.format('', 'q')} ROLLBACK")
    assert seen(session) == ["p"]


def test_they_go_with_the_table(session):
    ok(session, ADD.format("", "p"), "DROP TABLE t", "CREATE TABLE t (a int)")
    assert seen(session) == []
    assert ok(session, "SELECT COUNT(*) FROM sys.extended_properties").value == 0


def test_they_last_but_those_of_tempdb(session, tmp_path):
    ok(session, ADD.format("", "p"), ADD.format("", "q"), ADD.format("tempdb.", "p"), DROP.format("", "q"))
    for _ in range(2):  # the second time from a log that was written anew
        os.close(session.engine._log._file)
        session = log_in(open_engine(tmp_path), "d")
        assert seen(session) == ["p"]
    ok(session, "CREATE TABLE tempdb.dbo.t (a int)")
    assert seen(session, "tempdb") == []


@pytest.mark.parametrize(
    ("text", "number"),
    {
        "a second one of that name": (ADD.format("", "p"), 15233),
        "none of that name": (DROP.format("", "q"), 15217),
        "no such table": (ADD.format("", "q").replace("N't'", "N'nix'"), 15135),
    }.values(),
)
def test_what_is_wrong_is_said(session, text, number):
    ok(session, ADD.format("", "p"))
    assert run(session, text).numbers == [number]
    assert seen(session) == ["p"]


def test_who_may_not_alter_the_table_may_not_add_one(session):
    other = enter(session.engine, "l", "d")
    assert run(other, ADD.format("", "p")).numbers == [15135]
    ok(session, ADD.format("", "p"))
    assert seen(other) == ["p"]
