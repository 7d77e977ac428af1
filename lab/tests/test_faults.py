"""Faults on demand: what a client sees, what is left behind, and which files are refused."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pymssql
import pytest
from pymssql import _mssql

from lab.control import ControlError
from lab.own_server import own_server
from lab.server.engine import faults
from lab.server.errors import UNSUPPORTED, SqlError
from lab.server.interface import LoginRequest
from lab.tests.recorder import PASSWORD, call, log_in, ok, open_engine, run
from lab.tests.server_process import ServerProcess

SOON = 10
INSERT = "INSERT t VALUES (1)"


@pytest.fixture
def engine(tmp_path):
    """An engine whose faults are in `tmp_path / "faults"`."""
    engine = open_engine(tmp_path, faults=tmp_path / "faults")
    session = log_in(engine)
    ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (a int)", "CREATE PROCEDURE p AS INSERT t VALUES (7)")
    session.close()
    yield engine
    for session in list(engine.sessions):
        session.close()
    engine.close()


@pytest.fixture
def faulty(engine, tmp_path):
    """Gives a session in d that has these faults; others that log in later have none."""

    def log_in_with(*entries: dict):
        (tmp_path / "faults").write_text(json.dumps(entries))
        session = log_in(engine, "d")
        (tmp_path / "faults").unlink()
        return session

    return log_in_with


def fault(match: str, action: str, nth: int = 1, **more: object) -> dict:
    """One entry of the file."""
    return {"match": match, "nth": nth, "action": action, **more}


def rows(engine) -> list[int]:
    """What is in the table, as another session sees it."""
    session = log_in(engine, "d")
    found = [row[0] for row in ok(session, "SELECT a FROM t").rows]
    session.close()
    return found


DROPS = [
    ("drop_before", INSERT, []),
    ("drop_after", INSERT, [1]),
    ("drop_before", f"BEGIN TRAN {INSERT} COMMIT", []),
    ("drop_after", f"BEGIN TRAN {INSERT} COMMIT", []),
]


@pytest.mark.parametrize(("action", "text", "left"), DROPS)
def test_a_dropped_connection_is_gone_with_its_transaction(engine, faulty, action, text, left):
    session = faulty(fault("insert", action))
    hung_up = []
    session.hang_up = lambda: hung_up.append(1)
    answer = run(session, f"{text} SELECT 1")
    assert (answer.sets, answer.errors, hung_up) == ([], [], [1])
    assert session not in engine.sessions
    assert rows(engine) == left


def test_a_commit_may_be_lost_on_either_side(engine, faulty):
    text = f"BEGIN TRAN {INSERT} COMMIT"
    run(faulty(fault("^commit$", "drop_before")), text)
    assert rows(engine) == []
    run(faulty(fault("^commit$", "drop_after")), text)
    assert rows(engine) == [1]


def test_no_catch_and_no_later_statement_runs_after_a_drop(engine, faulty):
    session = faulty(fault("INSERT", "drop_before"))
    run(session, f"BEGIN TRY {INSERT} END TRY BEGIN CATCH {INSERT} END CATCH {INSERT}")
    assert rows(engine) == []


def test_an_error_takes_the_place_of_the_statement(engine, faulty):
    session = faulty(fault("INSERT", "error", number=1105))
    answer = run(session, "INSERT t VALUES (1) INSERT t VALUES (2)")
    assert [(error.number, error.severity, error.line) for error in answer.errors] == [(1105, 16, 1)]
    assert rows(engine) == [2]
    session = faulty(fault("INSERT", "error", number=1105))
    assert ok(session, f"BEGIN TRY {INSERT} END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH").value == 1105


def test_a_stall_can_be_cancelled_and_runs_in_the_end(engine, faulty):
    ok(faulty(fault("INSERT", "stall", seconds=0.05)), INSERT)
    assert rows(engine) == [1]
    session = faulty(fault("INSERT", "stall", seconds=3000))
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(run, session, INSERT)
        deadline = time.monotonic() + SOON
        while not session.running:
            assert time.monotonic() < deadline
            threading.Event().wait(0.002)
        session.cancel()
        assert answer.result(SOON).errors == []
    assert rows(engine) == [1]


SEEN = {
    "a statement of a batch": ("^INSERT t", "INSERT t VALUES (1)"),
    "white space collapsed": ("^INSERT t VALUES [(]1[)]$", "INSERT\n\t t   VALUES\r\n(1) SELECT 1"),
    "after a comment": ("^INSERT", "-- first\n/* x */ INSERT t VALUES (1)"),
    "in a block": ("^INSERT t VALUES [(]1[)]$", "IF 1 = 1 BEGIN INSERT t VALUES (1) END"),
    "in a procedure": ("^INSERT", "EXEC p"),
    "the call of a procedure": ("^exec p$", "EXEC p"),
    "in dynamic text": ("^INSERT", "DECLARE @t nvarchar(99) = N'INSERT t VALUES (1)' EXEC (@t)"),
    "in sp_executesql": ("^INSERT", "EXEC sys.sp_executesql N'INSERT t VALUES (@a)', N'@a int', 1"),
    "a definition": ("^CREATE TABLE u", "CREATE TABLE u (a int)"),
    "ALTER DATABASE": ("^alter database", "ALTER DATABASE CURRENT SET AUTO_CLOSE ON"),
    "SELECT": ("FROM t$", "SELECT a FROM t"),
}


@pytest.mark.parametrize(("match", "text"), SEEN.values(), ids=SEEN)
def test_statements_that_a_fault_sees(faulty, match, text):
    assert run(faulty(fault(match, "error", number=50123)), text).numbers == [50123]


@pytest.mark.parametrize(
    "text", ["DECLARE @x int = 1", "IF 'x' = 'x' SELECT 1", "BEGIN SELECT 1 END", "WHILE 1 = 0 SELECT 1"]
)
def test_parts_of_a_program_that_it_does_not(faulty, text):
    ok(faulty(fault("DECLARE|IF|BEGIN|WHILE", "error", number=50123)), text)


def test_a_procedure_called_by_rpc_is_seen_inside(engine, faulty):
    assert call(faulty(fault("^INSERT", "error", number=50123)), "p").numbers == [50123]


def test_the_nth_is_counted_in_each_connection_for_itself(engine, tmp_path):
    (tmp_path / "faults").write_text(json.dumps([fault("INSERT", "error", nth=3, number=50123)]))
    first, second = log_in(engine, "d"), log_in(engine, "d")
    ok(first, INSERT, INSERT)
    ok(second, "EXEC p", "SELECT 'insert'")
    assert run(first, "EXEC p").numbers == [50123]
    assert run(second, INSERT).numbers == [50123]
    ok(first, INSERT)


def test_a_program_can_be_singled_out(engine, tmp_path):
    entries = [fault("INSERT", "error", number=50123, program="installer")]
    (tmp_path / "faults").write_text(json.dumps(entries))
    ok(log_in(engine, "d"), INSERT)
    installer = engine.login(LoginRequest("sa", PASSWORD, "d", program_name="installer"))
    assert run(installer, INSERT).numbers == [50123]


WRONG = {
    "no JSON": "{",
    "no list": '{"match": "x"}',
    "no object": "[1]",
    "nothing to match": '[{"nth": 1, "action": "drop_before"}]',
    "no regular expression": '[{"match": "(", "nth": 1, "action": "drop_before"}]',
    "no text to match": '[{"match": 1, "nth": 1, "action": "drop_before"}]',
    "nth 0": '[{"match": "x", "nth": 0, "action": "drop_before"}]',
    "nth true": '[{"match": "x", "nth": true, "action": "drop_before"}]',
    "another action": '[{"match": "x", "nth": 1, "action": "explode"}]',
    "a list as action": '[{"match": "x", "nth": 1, "action": []}]',
    "an error without number": '[{"match": "x", "nth": 1, "action": "error"}]',
    "a number too many": '[{"match": "x", "nth": 1, "action": "stall", "seconds": 1, "number": 1}]',
    "a stall without seconds": '[{"match": "x", "nth": 1, "action": "stall"}]',
    "seconds that are none": '[{"match": "x", "nth": 1, "action": "stall", "seconds": NaN}]',
    "an unknown key": '[{"match": "x", "nth": 1, "action": "drop_after", "when": "now"}]',
    "a program that is none": '[{"match": "x", "nth": 1, "action": "drop_after", "program": 1}]',
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_file_that_is_wrong_refuses_the_login_and_says_why(engine, tmp_path, content):
    (tmp_path / "faults").write_text(content)
    with pytest.raises(faults.FaultsWrong):
        faults.read(tmp_path / "faults")
    with pytest.raises(SqlError) as caught:
        log_in(engine)
    assert caught.value.number == UNSUPPORTED
    assert str(tmp_path / "faults") in caught.value.text
    assert engine.sessions == []


# Over the wire


@pytest.mark.controls_server
def test_client_loses_its_connection_and_the_next_one_sees_what_happened(
    start_lab_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    file = tmp_path / "faults"
    server = start_lab_server("--fault", str(file))
    with server.connect() as connection:
        connection.cursor().execute("CREATE DATABASE d")
    for action, expected in (("drop_before", None), ("drop_after", "x")):
        file.write_text(json.dumps([fault("create table d.dbo.x", action)]))
        with server.connect() as connection, pytest.raises((pymssql.Error, _mssql.MSSQLException)):
            connection.cursor().execute("CREATE TABLE d.dbo.x (a int)")
        file.unlink()
        with server.connect() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT (SELECT name FROM d.sys.tables), COUNT(*) FROM sys.dm_exec_sessions")
            assert cursor.fetchone() == (expected, 1)


@pytest.mark.controls_server
def test_own_server_takes_options_restarts_and_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "faults"
    file.write_text("nonsense")
    with own_server("--engine-edition", "4") as server:
        assert _first(server, "SELECT CONVERT(int, SERVERPROPERTY('EngineEdition'))") == 4
        _first(server, "CREATE DATABASE d SELECT 1")
        server.kill()
        server.restart("--engine-edition", "2")
        assert _first(server, "SELECT CONVERT(int, SERVERPROPERTY('EngineEdition'))") == 2
        assert _first(server, "SELECT DB_ID('d')") == 5
        with pytest.raises(ControlError, match=str(file)):
            server.restart("--fault", str(file))
        file.unlink()
        server.restart("--fault", str(file))
        assert _first(server, "SELECT CONVERT(int, SERVERPROPERTY('EngineEdition'))") == 3


def _first(server, text: str) -> object:
    password = server.home.password()
    with pymssql.connect(
        server=server.host, port=str(server.port), user="sa", password=password, autocommit=True
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchone()[0]
