"""What a client sees when its session is ended from outside, or its database is closed to it."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import pymssql
import pytest
from pymssql import _mssql

from lab.tests.raw_client import RawClient
from lab.tests.server_process import ServerProcess


@pytest.fixture
def dba(lab_server: ServerProcess) -> Iterator[pymssql.Connection]:
    """A connection to which a database `wire_kill` belongs."""
    with lab_server.connect() as connection:
        connection.cursor().execute("CREATE DATABASE wire_kill")
        yield connection
        connection.cursor().execute("USE master; DROP DATABASE wire_kill")


def spid(connection: pymssql.Connection) -> int:
    """@@SPID."""
    cursor = connection.cursor()
    cursor.execute("SELECT @@SPID")
    return cursor.fetchone()[0]


def test_killed_client_loses_its_connection(lab_server: ServerProcess, dba: pymssql.Connection) -> None:
    victim = lab_server.connect()
    dba.cursor().execute(f"KILL {spid(victim)}")
    with pytest.raises((pymssql.Error, _mssql.MSSQLException)):
        victim.cursor().execute("SELECT 1")


def test_killed_client_sees_the_end_of_the_stream_at_once(lab_server: ServerProcess, dba: pymssql.Connection) -> None:
    with RawClient(lab_server.host, lab_server.port) as client:
        client.login(password=lab_server.password)
        number = int.from_bytes(client.batch("SELECT CONVERT(int, @@SPID)")[-17:-13], "little")
        dba.cursor().execute(f"KILL {number}")
        assert client.receive() == b""


def test_single_user_turns_others_away_and_multi_user_lets_them_in(
    lab_server: ServerProcess, dba: pymssql.Connection
) -> None:
    inside = lab_server.connect(database="wire_kill")
    dba.cursor().execute("USE wire_kill; ALTER DATABASE wire_kill SET SINGLE_USER WITH ROLLBACK IMMEDIATE")
    with pytest.raises((pymssql.Error, _mssql.MSSQLException)):
        inside.cursor().execute("SELECT 1")
    with RawClient(lab_server.host, lab_server.port) as client:
        refused = client.login("wire_kill", password=lab_server.password)
    assert refused.index(struct.pack("<i", 4060)) < refused.index(struct.pack("<i", 18456))
    dba.cursor().execute("ALTER DATABASE wire_kill SET MULTI_USER")
    lab_server.connect(database="wire_kill").close()


def test_two_errors_of_one_statement_both_reach_the_client(lab_server: ServerProcess) -> None:
    with RawClient(lab_server.host, lab_server.port) as client:
        client.login(password=lab_server.password)
        reply = client.batch("ALTER DATABASE absent SET MULTI_USER")
    assert reply.index(struct.pack("<i", 5011)) < reply.index(struct.pack("<i", 5069))
    assert reply.count(bytes.fromhex("fd0200")) == 1
