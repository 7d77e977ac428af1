"""Requests and their answers: result sets, errors, messages, and what ends a request before its time."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Callable, Sequence

import pymssql
import pytest
from pymssql import _mssql

from lab.server.errors import INTERNAL_ERROR, UNSUPPORTED, Reach, SqlError
from lab.server.interface import Client, Column, RpcParameter
from lab.server.types import INT
from lab.server.wire.packets import RESET, PacketType
from lab.tests.fake_engine import FakeServer
from lab.tests.raw_client import RawClient

DUPLICATE = SqlError(2627, "Violation of PRIMARY KEY constraint 'PK'.", 14, 2, procedure="dbo.Insert", line=7)
ATTENTION_DONE = bytes.fromhex("fd20000000") + bytes(8)
LAST_DONE = bytes.fromhex("fd00000000") + bytes(8)


def number(client: Client, value: int) -> None:
    """A result set of one number."""
    client.columns([Column("n", INT)])
    client.row([value])
    client.done(1, select=True)


def test_several_result_sets_come_one_after_the_other(fake_server: FakeServer) -> None:
    def answer(client: Client) -> None:
        number(client, 1)
        client.done(5)
        number(client, 2)

    fake_server.engine.batches["batch"] = answer
    with fake_server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("batch")
        assert cursor.fetchall() == [(1,)]
        assert cursor.nextset()
        assert cursor.fetchall() == [(2,)]
        assert not cursor.nextset()


@pytest.mark.parametrize("count", [0, 3, 70_000])
def test_rows_affected_are_counted(fake_server: FakeServer, count: int) -> None:
    fake_server.engine.batches["update"] = lambda client: client.done(count)
    with fake_server.connect() as connection:
        connection._conn.execute_non_query("update")
        assert connection._conn.rows_affected == count


def test_statement_without_a_count_says_nothing(fake_server: FakeServer) -> None:
    fake_server.engine.batches["update"] = lambda client: client.done(None)
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        assert client.batch("update") == LAST_DONE


def test_error_arrives_with_all_its_parts(fake_server: FakeServer) -> None:
    fake_server.engine.batches["insert"] = lambda client: client.error(DUPLICATE)
    with fake_server.connect() as connection:
        with pytest.raises(_mssql.MSSQLDatabaseException) as raised:
            connection._conn.execute_non_query("insert")
        error = raised.value
        assert (error.number, error.severity, error.state, error.line) == (2627, 14, 2, 7)
        assert error.procname == b"dbo.Insert"
        assert "Violation of PRIMARY KEY constraint 'PK'." in str(error)
        connection.cursor().execute("after")
    assert fake_server.engine.sessions[0].texts[-1] == "after"


def test_text_of_an_error_may_be_long_and_of_any_script(fake_server: FakeServer) -> None:
    text = "Ω\U0001f600" * 900
    fake_server.engine.batches["fail"] = lambda client: client.error(SqlError(50000, text))
    with fake_server.connect() as connection, pytest.raises(pymssql.Error) as raised:
        connection.cursor().execute("fail")
    assert text.encode("utf-8")[:500] in raised.value.args[1]


def test_error_after_a_result_set_is_met_behind_it(fake_server: FakeServer) -> None:
    def answer(client: Client) -> None:
        number(client, 1)
        client.error(DUPLICATE)

    fake_server.engine.batches["batch"] = answer
    with fake_server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("batch")
        assert cursor.fetchone() == (1,)
        with pytest.raises(pymssql.OperationalError, match="Violation of PRIMARY KEY"):
            cursor.nextset()


def test_done_of_a_failed_statement_follows_its_error_and_what_belongs_to_it(fake_server: FakeServer) -> None:
    def answer(client: Client) -> None:
        client.error(DUPLICATE)
        client.message(3621, 10, 0, "The statement has been terminated.")
        client.done(None)
        number(client, 2)

    fake_server.engine.batches["batch"] = answer
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        reply = client.batch("batch")
    failed, terminated = struct.pack("<i", 2627), struct.pack("<i", 3621)
    failed_and_more_follows, columns = bytes.fromhex("fd03000000"), bytes.fromhex("810100")
    places = [reply.index(each) for each in (failed, terminated, failed_and_more_follows, columns)]
    assert places == sorted(places)
    assert reply.endswith(bytes.fromhex("fd1000c100") + struct.pack("<Q", 1))


def test_select_that_fails_in_its_middle_raises_and_the_next_request_works(fake_server: FakeServer) -> None:
    def answer(client: Client) -> None:
        client.columns([Column("n", INT)])
        client.row([1])
        client.error(SqlError(8134, "Divide by zero error encountered."))

    fake_server.engine.batches["select"] = answer
    fake_server.engine.batches["next"] = lambda client: number(client, 3)
    with fake_server.connect() as connection:
        cursor = connection.cursor()
        with pytest.raises(pymssql.Error, match="Divide by zero"):
            cursor.execute("select")
            cursor.fetchall()
        cursor.execute("next")
        assert cursor.fetchall() == [(3,)]


def test_messages_reach_the_handler_and_raise_nothing(fake_server: FakeServer) -> None:
    def answer(client: Client) -> None:
        client.message(0, 0, 1, "héllo", "dbo.Say", 3)
        client.message(50000, 10, 5, "ten")

    fake_server.engine.batches["print"] = answer
    heard = []
    with fake_server.connect() as connection:
        connection._conn.set_msghandler(lambda *arguments: heard.append(arguments))
        connection.cursor().execute("print")
    assert [(state, severity, who, line, text.decode()) for state, severity, _, who, line, text in heard] == [
        (1, 0, b"dbo.Say", 3, "héllo"),
        (5, 0, b"", 0, "ten"),
    ]


def test_database_change_is_noticed_by_the_client(fake_server: FakeServer) -> None:
    fake_server.engine.batches["use"] = lambda client: client.database_changed("ASPState", "master")
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        assert client.batch("use").startswith(b"\xe3\x1f\x00\x01\x08" + "ASPState".encode("utf-16-le"))


def test_error_of_a_call_comes_before_its_end(fake_server: FakeServer) -> None:
    def answer(_: Sequence[RpcParameter], client: Client) -> None:
        client.error(DUPLICATE)
        client.return_status(-4)

    fake_server.engine.procedures["p"] = answer
    with fake_server.connect() as connection:
        with pytest.raises(pymssql.DatabaseError, match="Violation"):
            connection.cursor().callproc("p")
        connection.cursor().execute("after")
    assert fake_server.engine.sessions[0].texts[-1] == "after"


def test_error_of_the_server_itself_is_told_and_the_connection_goes_on(fake_server: FakeServer) -> None:
    fake_server.engine.batches["bug"] = lambda client: client.row([1 / 0])
    with fake_server.connect() as connection:
        with pytest.raises(pymssql.Error, match="the lab server failed: ZeroDivisionError") as raised:
            connection.cursor().execute("bug")
        assert raised.value.args[0] == INTERNAL_ERROR
        connection.cursor().execute("after")
    assert fake_server.engine.sessions[0].texts[-1] == "after"


def test_error_that_ends_the_connection_is_told_before(fake_server: FakeServer) -> None:
    fatal = SqlError(50000, "the end", 20, 1, reach=Reach.CONNECTION)
    fake_server.engine.batches["fatal"] = lambda client: client.error(fatal)
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        assert "the end".encode("utf-16-le") in client.batch("fatal")
        assert client.receive() == b""
    assert fake_server.engine.sessions[0].closed.wait(5)


@pytest.mark.parametrize("kind", [PacketType.BULK_LOAD, PacketType.TRANSACTION_MANAGER])
def test_other_requests_are_named_as_not_supported(fake_server: FakeServer, kind: PacketType) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        assert struct.pack("<i", UNSUPPORTED) in client.ask(kind, bytes(10))
        assert client.batch("after") == LAST_DONE


def test_attention_ends_what_runs_and_is_answered_once(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        client.send(PacketType.BATCH, struct.pack("<I", 4) + "wait".encode("utf-16-le"))
        _until(lambda: fake_server.engine.sessions[0].texts)
        client.send(PacketType.ATTENTION, b"")
        assert client.receive() == LAST_DONE
        assert client.receive() == ATTENTION_DONE
        assert client.batch("after") == LAST_DONE
    assert fake_server.engine.sessions[0].texts == ["wait", "after"]


def test_attention_that_comes_too_late_is_answered_and_cancels_nothing(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        assert client.batch("done") == LAST_DONE
        assert client.ask(PacketType.ATTENTION, b"") == ATTENTION_DONE
    assert not fake_server.engine.sessions[0].cancelled.is_set()


def test_cancel_that_comes_when_a_request_has_just_ended_does_not_hit_the_next(fake_server: FakeServer) -> None:
    session = fake_server.engine.sessions
    fake_server.engine.batches["ended"] = lambda client: session[0].cancel()
    fake_server.engine.batches["next"] = lambda client: client.done(int(session[0].cancelled.is_set()))
    with fake_server.connect() as connection:
        connection._conn.execute_non_query("ended")
        connection._conn.execute_non_query("next")
        assert connection._conn.rows_affected == 0


def test_client_that_goes_while_its_request_runs_cancels_it(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        client.send(PacketType.BATCH, struct.pack("<I", 4) + "wait".encode("utf-16-le"))
        _until(lambda: fake_server.engine.sessions[0].texts)
    assert fake_server.engine.sessions[0].cancelled.wait(5)
    assert fake_server.engine.sessions[0].closed.wait(5)


def test_timeout_of_pymssql_ends_the_request_on_the_server(fake_server: FakeServer) -> None:
    connection = fake_server.connect(timeout=1)
    with pytest.raises(pymssql.OperationalError):
        connection.cursor().execute("wait")
    assert fake_server.engine.sessions[0].cancelled.wait(5)
    assert fake_server.engine.sessions[0].closed.wait(5)


def test_reset_of_a_pooled_connection_comes_before_its_request(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        session = fake_server.engine.sessions[0]
        assert client.batch("first") == LAST_DONE
        assert session.resets == 0
        assert client.batch("second", status=RESET).startswith(b"\xe3\x03\x00\x12\x00\x00")
    assert session.resets == 1


def test_connections_work_at_the_same_time(fake_server: FakeServer) -> None:
    fake_server.engine.batches["select"] = lambda client: number(client, 1)
    connections = [fake_server.connect() for _ in range(50)]
    barrier = threading.Barrier(len(connections))
    answers = []

    def work(connection: pymssql.Connection) -> None:
        barrier.wait(10)
        cursor = connection.cursor()
        cursor.execute("select")
        answers.append(cursor.fetchall())
        connection.close()

    threads = [threading.Thread(target=work, args=(connection,)) for connection in connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers == [[(1,)]] * len(connections)
    assert len({session.spid for session in fake_server.engine.sessions}) == len(connections)


def test_client_that_does_not_read_holds_up_nobody(fake_server: FakeServer) -> None:
    def flood(client: Client) -> None:
        client.columns([Column("n", INT)])
        for value in range(1_000_000):
            client.row([value])
        client.done(1_000_000, select=True)

    fake_server.engine.batches["flood"] = flood
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        client.send(PacketType.BATCH, struct.pack("<I", 4) + "flood".encode("utf-16-le"))
        with fake_server.connect() as other:
            other.cursor().execute("after")
    assert fake_server.engine.sessions[0].closed.wait(30)


def _until(condition: Callable[[], object], seconds: float = 5) -> None:
    """Wait until the condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
