"""Logging in: what the client is told, and who is refused."""

from __future__ import annotations

import contextlib
import socket

import pymssql
import pytest

from lab.tests.fake_engine import FakeServer
from lab.tests.raw_client import RawClient


@pytest.mark.parametrize("version", ["7.1", "7.2", "7.3", "7.4"])
def test_every_tds_version_from_7_1_is_spoken(fake_server: FakeServer, version: str) -> None:
    with fake_server.connect(tds_version=version) as connection:
        assert connection._conn.tds_version == float(version)


def test_engine_learns_what_the_client_says_of_itself(fake_server: FakeServer) -> None:
    with fake_server.connect(appname="töst"):
        request = fake_server.engine.sessions[0].request
    assert (request.user, request.program_name, request.library_name) == ("sa", "töst", "DB-Library")
    assert request.host_name and request.host_process_id


def test_wrong_password_is_18456_with_the_users_name(fake_server: FakeServer) -> None:
    with pytest.raises(pymssql.OperationalError) as raised:  # which tells a process the words of its first refusal only
        fake_server.connect(password="wrong")
    assert raised.value.args[0][0] == 18456
    with RawClient(fake_server.host, fake_server.port) as client:
        assert "Login failed for user 'sa'.".encode("utf-16-le") in client.login(password="wrong")


def test_database_that_cannot_be_opened_is_4060_then_18456(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        reply = client.login(database="absent")
        assert client.receive() == b""
    assert 0 < reply.index((4060).to_bytes(4, "little")) < reply.index((18456).to_bytes(4, "little"))


def test_windows_login_is_refused_with_18452(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        reply = client.login(flags=0x80)
        assert (18452).to_bytes(4, "little") in reply
        assert client.receive() == b""


def test_client_that_requires_encryption_is_let_go_at_once(fake_server: FakeServer) -> None:
    with pytest.raises(pymssql.OperationalError):
        fake_server.connect(encryption="require")
    assert fake_server.engine.sessions == []


def test_tds_before_7_1_is_not_answered(fake_server: FakeServer) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        assert client.login(version=0x70000000) == b""


def ended_without_a_word(sock: socket.socket) -> bool:
    """Whether the server ends the connection and says nothing before."""
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:  # what the server did not read is lost
        return True


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x12\x01\x00\x07\x00\x00\x00\x00",
        b"\x12\x01\xff\xff\x00\x00\x00\x00" + bytes(100),
        b"\x10\x01\x00\x10\x00\x00\x00\x00" + bytes(8),
        b"\x12\x01\x00\x0e\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff",
        b"\x01\x01\x00\x08\x00\x00\x00\x00",
    ],
    ids=["http", "length below the header's", "cut off", "short login", "option outside", "batch before login"],
)
def test_garbage_ends_its_connection_and_no_other(fake_server: FakeServer, garbage: bytes) -> None:
    with fake_server.connect() as other:
        with RawClient(fake_server.host, fake_server.port) as client:
            client.socket.sendall(garbage)
            with contextlib.suppress(OSError):  # the server may have hung up before
                client.socket.shutdown(socket.SHUT_WR)
            assert ended_without_a_word(client.socket)
        other.cursor().execute("after")
    assert fake_server.engine.sessions[0].texts[-1] == "after"
    with fake_server.connect():
        assert len(fake_server.engine.sessions) == 2
