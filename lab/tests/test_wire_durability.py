"""What a client was told is committed survives a kill of the server; what was not, leaves no trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.tests.server_process import ServerProcess

pytestmark = pytest.mark.controls_server

StartServer = Callable[[], ServerProcess]


def query(server: ServerProcess, text: str) -> list[tuple]:
    """The rows of a query."""
    with server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchall()


def execute(server: ServerProcess, *texts: str) -> None:
    """Run batches on one connection."""
    with server.connect() as connection:
        for text in texts:
            connection.cursor().execute(text)


def test_committed_rows_survive_a_kill_and_open_transactions_do_not(start_lab_server: StartServer) -> None:
    server = start_lab_server()
    execute(
        server,
        "CREATE DATABASE d",
        "CREATE TABLE d.dbo.t (a int NOT NULL PRIMARY KEY, b nvarchar(20) NULL, c varbinary(max) NULL)",
        "INSERT d.dbo.t VALUES (1, N'Ω', 0x00FF), (2, NULL, NULL)",
        "BEGIN TRAN; UPDATE d.dbo.t SET b = N'two' WHERE a = 2; COMMIT",
        "DELETE d.dbo.t WHERE a = 7",
    )
    connection = server.connect()
    connection.cursor().execute("BEGIN TRAN; INSERT d.dbo.t VALUES (3, N'never', 0x); DELETE d.dbo.t WHERE a = 1")
    server.kill()
    again = start_lab_server()
    assert query(again, "SELECT a, b, c FROM d.dbo.t ORDER BY a") == [(1, "Ω", b"\0\xff"), (2, "two", None)]


def test_procedures_survive_and_tempdb_does_not(start_lab_server: StartServer) -> None:
    server = start_lab_server()
    execute(
        server,
        "CREATE DATABASE d",
        "USE d",
        "CREATE PROCEDURE dbo.p @a int AS SELECT @a + 1",
        "CREATE TABLE tempdb.dbo.t (a int)",
    )
    server.kill()
    again = start_lab_server()
    assert query(again, "EXEC d.dbo.p 41") == [(42,)]
    assert query(again, "SELECT OBJECT_ID(N'tempdb.dbo.t', 'U')") == [(None,)]


def test_dropped_database_stays_away_and_its_name_is_free(start_lab_server: StartServer) -> None:
    server = start_lab_server()
    execute(server, "CREATE DATABASE d", "CREATE TABLE d.dbo.t (a int)", "DROP DATABASE d", "CREATE DATABASE d")
    server.kill()
    again = start_lab_server()
    assert query(again, "SELECT name FROM sys.databases WHERE name = N'd'") == [("d",)]
    assert query(again, "SELECT OBJECT_ID(N'd.dbo.t')") == [(None,)]


def test_kills_one_after_the_other_add_up_to_no_loss(start_lab_server: StartServer) -> None:
    server = start_lab_server()
    execute(server, "CREATE DATABASE d", "CREATE TABLE d.dbo.t (a int)", "INSERT d.dbo.t VALUES (1)")
    server.kill()
    for number in (2, 3):
        server = start_lab_server()
        with server.connect() as connection:
            connection.cursor().execute("INSERT d.dbo.t VALUES (%d)", (number,))
        server.kill()
    server = start_lab_server()
    assert query(server, "SELECT a FROM d.dbo.t ORDER BY a") == [(1,), (2,), (3,)]


def test_clean_end_keeps_the_same(start_lab_server: StartServer) -> None:
    server = start_lab_server()
    execute(server, "CREATE DATABASE d", "CREATE TABLE d.dbo.t (a int)", "INSERT d.dbo.t VALUES (1)")
    server.stop()
    assert query(start_lab_server(), "SELECT a FROM d.dbo.t") == [(1,)]
