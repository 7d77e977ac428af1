"""The connection: what comes back, and what is said when nothing does."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest
from aspstate.errors import CannotConnect, ConnectionLost, Refused, SqlServerError
from aspstate.login import Login
from aspstate.server import APPLICATION_OPTIONS, OPERATOR_OPTIONS, Server, connect

from tests.integration.cutting_proxy import losing


def test_every_result_set_and_every_printed_line_comes_back(server: Server) -> None:
    result = server.run(
        "PRINT 'one' SELECT 1, N'é😀' PRINT 'two' SELECT 2 AS a UNION ALL SELECT 3 SELECT 4 WHERE 1 = 0"
    )
    assert result.sets == ([(1, "é😀")], [(2,), (3,)], [])
    assert result.printed == ("one", "two")


# a str, bytes, numbers, NULL, and what would end a string or start a placeholder
@pytest.mark.parametrize("value", ["it's", "100%", "%(x)s", "", "😀", b"\x00'%", b"\xff" * 100, 0, -5, 2**31 - 1, None])
def test_values_arrive_as_they_are(server: Server, value: object) -> None:
    assert server.run("SELECT %(value)s", {"value": value}).row == (value,)


def test_a_value_of_several_megabytes_arrives_whole(server: Server) -> None:
    value = bytes(range(256)) * 12_000
    result = server.run("DECLARE @v varbinary(max) = %(value)s SELECT @v, DATALENGTH(@v)", {"value": value})
    assert result.row == (value, len(value))


def test_an_error_has_number_severity_state_procedure_and_line(server: Server, empty: str) -> None:
    server.run_in(empty, "CREATE PROCEDURE dbo.fails AS\nBEGIN\n  RAISERROR('no %s', 17, 3, 'luck')\nEND")
    with pytest.raises(SqlServerError) as failed:
        server.run_in(empty, "SELECT 1\nEXEC dbo.fails")
    error = failed.value.error
    assert (error.number, error.severity, error.state, error.procedure, error.line, error.text) == (
        50000,
        17,
        3,
        "fails",
        3,
        "no luck",
    )
    assert str(failed.value).startswith(f"{server.address} answered error 50000 (severity 17, state 3, fails line 3)")


# a text that looks like the driver's own remarks, and none at all
@pytest.mark.parametrize("text", ["DB-Lib error message x", ""])
def test_an_error_keeps_its_number_whatever_its_text(server: Server, text: str) -> None:
    with pytest.raises(SqlServerError) as failed:
        server.run("RAISERROR(%(text)s, 16, 1)", {"text": text})
    assert failed.value.error.number == 50000


def test_an_error_after_a_result_set_is_not_lost(server: Server) -> None:
    with pytest.raises(SqlServerError, match="error 8134"):
        server.run("SELECT 1 SELECT 2 SELECT 1 / 0")
    assert server.run("SELECT 3").row == (3,)


def test_another_database_is_used_without_being_entered(server: Server, installed: str) -> None:
    assert server.run_in(installed, "SELECT DB_NAME(), @a, @b", "@a int, @b sysname", {"a": 7, "b": "x'y"}).row == (
        installed,
        7,
        "x'y",
    )
    assert server.run("SELECT DB_NAME()").row == ("master",)


@pytest.mark.parametrize("options", [OPERATOR_OPTIONS, APPLICATION_OPTIONS], ids=["operator", "application"])
def test_the_set_options_are_those_of_the_client_it_stands_for(login: Login, options: tuple[str, ...]) -> None:
    with connect(login, options) as server:
        (bits,) = server.run("SELECT @@OPTIONS").row
    cursor_close_on_commit, arithabort = 4, 64
    # ANSI_WARNINGS, ANSI_PADDING, ANSI_NULLS, QUOTED_IDENTIFIER, ANSI_NULL_DFLT_ON, CONCAT_NULL_YIELDS_NULL
    always_on = 8 | 16 | 32 | 256 | 1024 | 4096
    assert bits & always_on == always_on
    assert not bits & cursor_close_on_commit
    assert bool(bits & arithabort) == (options is OPERATOR_OPTIONS)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def babbling_port() -> Iterator[int]:
    """A port where something answers that is not SQL Server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            while True:
                try:
                    with listener.accept()[0] as client:
                        client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                except OSError:
                    return

        thread = threading.Thread(target=babble)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def _refusal(login: Login) -> str:
    """The message of a connect that must fail, in a process of its own: see `server` on failed logins."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_message, login).result()


def _message(login: Login) -> str:
    try:
        connect(login).close()
    except CannotConnect as refused:
        return str(refused)
    return "connected"


def test_a_wrong_password_names_server_and_login_and_not_the_password(login: Login) -> None:
    message = _refusal(replace(login, password="wr0ng-secret"))
    assert message.startswith(f"{login.address} refused the login '{login.user}'")
    assert "18456" in message
    assert "check login_user and login_password" in message
    assert "wr0ng-secret" not in message


def test_an_unknown_login_is_refused_like_a_wrong_password(login: Login) -> None:
    assert "18456" in _refusal(replace(login, user="nobody"))


def test_an_unknown_database_is_named(login: Login) -> None:
    message = _refusal(replace(login, database="no_such_database"))
    assert "no_such_database" in message
    assert "4060" in message


def test_a_driver_that_does_not_encrypt_what_it_is_asked_to_is_refused(
    login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymssql._mssql.VERSION", (2, 4, 2))
    with pytest.raises(Refused, match=r"pymssql 2\.4\.2 does not encrypt.*install 2\.4\.3 or later"):
        connect(login)


def test_a_missing_driver_says_where_it_belongs(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymssql", None)
    with pytest.raises(Refused, match=r"pymssql is not installed where this module runs.*connection: local"):
        connect(login)


def test_a_port_where_nothing_listens(login: Login) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    message = _refusal(replace(login, host="127.0.0.1", port=port))
    assert message.startswith(f"cannot connect to 127.0.0.1:{port}: nothing listens on port {port}; check login_port")


def test_a_name_that_does_not_resolve(login: Login) -> None:
    message = _refusal(replace(login, host="no-such-host.invalid"))
    assert "the name no-such-host.invalid cannot be resolved; check login_host" in message


def test_a_server_that_never_answers_is_given_up_after_login_timeout(login: Login, silent_port: int) -> None:
    message = _refusal(replace(login, host="127.0.0.1", port=silent_port, login_timeout=1))
    assert f"cannot connect to 127.0.0.1:{silent_port}: something listens there, but the login failed" in message


def test_something_else_on_the_port(login: Login, babbling_port: int) -> None:
    message = _refusal(replace(login, host="127.0.0.1", port=babbling_port, login_timeout=2))
    assert "check that login_port is SQL Server's" in message


@pytest.mark.controls_server
def test_required_encryption_is_not_given_up(login: Login) -> None:
    message = _refusal(replace(login, encrypt="require"))
    assert "both sides agree on login_encrypt" in message


def test_a_statement_that_takes_too_long_is_a_lost_connection(login: Login) -> None:
    with (
        connect(replace(login, query_timeout=1)) as server,
        pytest.raises(ConnectionLost, match="within query_timeout, 1 s"),
    ):
        server.run("WAITFOR DELAY '00:00:10'")


@pytest.mark.parametrize("after_answer", [False, True])
def test_a_connection_that_breaks_says_so(login: Login, after_answer: bool) -> None:
    with (
        losing(login, 8, after_answer=after_answer) as (through_proxy, _),
        connect(through_proxy) as server,
        pytest.raises(ConnectionLost, match=f"to {server.address} was lost"),
    ):
        for _ in range(20):
            server.run("SELECT 1")
