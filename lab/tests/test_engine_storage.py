"""Rows, indexes and the log against a model: a dict, a copy of it at BEGIN and at SAVE."""

# ruff: noqa: S608 - the statements are made of the model's own numbers

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from lab.server.types import SqlType
from lab.tests.recorder import log_in, ok, open_engine, run

KEYS = st.integers(1, 5)
VALUES = st.none() | st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), KEYS, VALUES),
        st.tuples(st.just("update"), KEYS, VALUES),
        st.tuples(st.just("move"), KEYS, KEYS),
        st.tuples(st.just("delete"), KEYS, VALUES),
        st.tuples(st.sampled_from(("begin", "save", "back to save", "commit", "rollback")), st.none(), st.none()),
    ),
    max_size=25,
)


class Model:
    """What the table should hold."""

    def __init__(self) -> None:
        self.rows: dict[int, int | None] = {}
        self.begun: dict[int, int | None] | None = None
        self.saved: dict[int, int | None] | None = None

    def statement(self, kind: str, key: int | None, value: int | None) -> str | None:
        """Do a step; the T-SQL of it, None where it would be an error or nothing."""
        change = getattr(self, "_" + kind.replace(" ", "_"), None)
        return change(key, value)

    def _insert(self, key, value):
        if key in self.rows:
            return None
        self.rows[key] = value
        return f"INSERT t VALUES ({key}, {_text(value)})"

    def _update(self, key, value):
        if key in self.rows:
            self.rows[key] = value
        return f"UPDATE t SET v = {_text(value)} WHERE id = {key}"

    def _move(self, key, value):
        if key in self.rows and value in self.rows:
            return None
        if key in self.rows:
            self.rows[value] = self.rows.pop(key)
        return f"UPDATE t SET id = {value} WHERE id = {key}"

    def _delete(self, key, value):
        if self.rows.get(key, "no row") == value:
            del self.rows[key]
        return f"DELETE t WHERE id = {key} AND {'v IS NULL' if value is None else f'v = {value}'}"

    def _begin(self, *_):
        if self.begun is not None:
            return None
        self.begun, self.saved = dict(self.rows), None
        return "BEGIN TRAN"

    def _save(self, *_):
        if self.begun is None:
            return None
        self.saved = dict(self.rows)
        return "SAVE TRAN s"

    def _back_to_save(self, *_):
        if self.begun is None or self.saved is None:
            return None
        self.rows = dict(self.saved)
        return "ROLLBACK TRAN s"

    def _commit(self, *_):
        if self.begun is None:
            return None
        self.begun = None
        return "COMMIT"

    def _rollback(self, *_):
        if self.begun is None:
            return None
        self.rows, self.begun = self.begun, None
        return "ROLLBACK"


def _text(value: int | None) -> str:
    return "NULL" if value is None else str(value)


def _check(session, rows: dict[int, int | None]) -> None:
    """The table, asked without an index, by each key and by each value, holds just these rows."""
    assert dict(ok(session, "SELECT id, v FROM t").rows) == rows
    for key in range(1, 6):
        assert ok(session, f"SELECT v FROM t WHERE id = {key}").rows == [(rows[one],) for one in rows if one == key]
    for value in range(4):
        found = sorted(row[0] for row in ok(session, f"SELECT id FROM t WHERE v = {value}").rows)
        assert found == sorted(key for key, held in rows.items() if held == value)
    below = sum(1 for held in rows.values() if held is not None and held < 2)
    assert ok(session, "SELECT COUNT(*) FROM t WHERE v < 2").value == below


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_whatever_is_done_and_undone_indexes_and_log_agree(steps):
    with tempfile.TemporaryDirectory() as folder:
        session = log_in(open_engine(Path(folder)))
        ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (id int NOT NULL PRIMARY KEY, v int NULL)")
        ok(session, "CREATE INDEX by_v ON t (v)")
        model = Model()
        for step in steps:
            text = model.statement(*step)
            if text:
                ok(session, text)
                _check(session, model.rows)
        committed = model.rows if model.begun is None else model.begun
        os.close(session.engine._log._file)
        again = log_in(open_engine(Path(folder)), "d")
        _check(again, committed)
        os.close(again.engine._log._file)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=30), st.binary(max_size=30), st.none() | st.integers(-(2**63), 2**63 - 1))
def test_every_value_comes_back_from_the_log(text, data, number):
    from lab.server.interface import RpcParameter
    from lab.tests.recorder import call

    with tempfile.TemporaryDirectory() as folder:
        session = log_in(open_engine(Path(folder)))
        ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (a nvarchar(max), b varbinary(max), c bigint)")
        answer = call(
            session,
            "sp_executesql",
            RpcParameter("", SqlType("nvarchar", -1), "INSERT t VALUES (@a, @b, @c)"),
            RpcParameter("", SqlType("nvarchar", -1), "@a nvarchar(max), @b varbinary(max), @c bigint"),
            RpcParameter("@a", SqlType("nvarchar", -1), text),
            RpcParameter("@b", SqlType("varbinary", -1), data),
            RpcParameter("@c", SqlType("bigint"), number),
        )
        assert answer.errors == []
        os.close(session.engine._log._file)
        again = log_in(open_engine(Path(folder)), "d")
        assert ok(again, "SELECT a, b, c FROM t").rows == [(text, data, number)]
        os.close(again.engine._log._file)


def test_a_range_of_many_rows_is_whole_and_in_order(tmp_path):
    session = log_in(open_engine(tmp_path), "tempdb")
    ok(session, "CREATE TABLE t (id int NOT NULL PRIMARY KEY)")
    ok(session, "DECLARE @i int = 0 WHILE @i < 1000 BEGIN INSERT t VALUES (@i) SET @i += 1 END")
    assert ok(session, "SELECT id FROM t WHERE id >= 100 AND id < 901").rows == [(i,) for i in range(100, 901)]
    assert ok(session, "DELETE TOP (250) FROM t WHERE id > 400").counts == [250]
    assert ok(session, "SELECT COUNT(*) FROM t WHERE id > 400").value == 349
    assert run(session, "INSERT t VALUES (400)").numbers == [2627]
