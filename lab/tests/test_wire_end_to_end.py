"""pymssql against a whole server: what the wire and the engine must agree on."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pymssql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymssql import _mssql

from lab.server.wire.packets import RESET, PacketType
from lab.tests.raw_client import NO_HEADERS, RawClient
from lab.tests.server_process import ServerProcess

SHARED_CONNECTION = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")


@pytest.fixture
def connection(lab_server: ServerProcess) -> Iterator[pymssql.Connection]:
    """A connection of the test's own."""
    with lab_server.connect() as connection:
        yield connection


def rows(connection: pymssql.Connection, text: str, *parameters: object) -> list[tuple]:
    """The rows of a query; its %s and %d are replaced only if there are parameters."""
    cursor = connection.cursor()
    cursor.execute(text, *[parameters] if parameters else [])
    return cursor.fetchall()


@SHARED_CONNECTION
@given(st.text(CHARACTERS, max_size=100))
def test_text_comes_back_as_it_went(connection: pymssql.Connection, text: str) -> None:
    quoted = text.replace("'", "''")
    assert rows(connection, f"SELECT N'{quoted}'") == [(text,)]


@SHARED_CONNECTION
@given(st.binary(max_size=200))
def test_bytes_come_back_as_they_went(connection: pymssql.Connection, data: bytes) -> None:
    assert rows(connection, f"SELECT CONVERT(varbinary(max), 0x{data.hex()})") == [(data,)]


@SHARED_CONNECTION
@given(st.datetimes(datetime(1753, 1, 1), datetime(9999, 12, 31)))
def test_datetime_comes_back_to_the_nearest_tick(connection: pymssql.Connection, moment: datetime) -> None:
    text = moment.isoformat(timespec="milliseconds")
    [(back,)] = rows(connection, f"SELECT CONVERT(datetime, '{text}', 126)")
    assert abs(back - datetime.fromisoformat(text)).total_seconds() <= 0.002


def test_integers_of_every_type_come_back(connection: pymssql.Connection) -> None:
    text = (
        "SELECT CONVERT(bit, 1), CONVERT(tinyint, 255), CONVERT(smallint, -32768), -2147483647,"
        " CONVERT(bigint, 9223372036854775807), CONVERT(int, NULL)"
    )
    assert rows(connection, text) == [(True, 255, -32768, -2147483647, 2**63 - 1, None)]


def test_text_is_counted_in_units_of_utf16(connection: pymssql.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT LEN(N'\U0001f600'), LEFT(N'\U0001f600x', 2), CONVERT(varchar(9), N'\U0001f600')")
    assert cursor.fetchall() == [(2, "\U0001f600", "??")]


def test_value_of_several_megabytes_is_stored_and_read(connection: pymssql.Connection) -> None:
    data = bytes(range(256)) * 12_000
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE #big (a varbinary(max) NULL)")
    cursor.execute("INSERT #big VALUES (%s)", (data,))
    assert rows(connection, "SELECT a, DATALENGTH(a) FROM #big") == [(data, len(data))]


def test_statement_and_parameters_of_sp_executesql(connection: pymssql.Connection) -> None:
    text = "EXEC sp_executesql N'SELECT @a + 1, @b', N'@a int, @b nvarchar(10)', @a = 41, @b = N'Ω'"
    assert rows(connection, text) == [(42, "Ω")]


def test_call_returns_status_and_output_values(connection: pymssql.Connection) -> None:
    connection.cursor().execute("CREATE DATABASE wire_call")
    try:
        connection.cursor().execute("USE wire_call")
        connection.cursor().execute(
            "CREATE PROCEDURE dbo.p @a int, @b int OUTPUT, @c nvarchar(10) OUTPUT AS\n"
            "SET @b = @a + 1\nSET @c = @c + N'Ω'\nRETURN 7"
        )
        call = connection._conn.init_procedure("dbo.p")
        call.bind(41, _mssql.SQLINT4, "@a")
        call.bind(0, _mssql.SQLINT4, "@b", output=True)
        call.bind("x", _mssql.SQLVARCHAR, "@c", output=True)
        assert call.execute() == 7
        assert (call.parameters["@b"], call.parameters["@c"]) == (42, "xΩ")
        positional = (41, pymssql.output(int, 0), pymssql.output(str, "y"))
        assert connection.cursor().callproc("dbo.p", positional) == (41, 42, "yΩ")
    finally:
        connection.cursor().execute("USE master")
        connection.cursor().execute("DROP DATABASE wire_call")


def test_call_of_a_missing_procedure_is_2812(connection: pymssql.Connection) -> None:
    with pytest.raises(pymssql.Error, match="Could not find stored procedure") as raised:
        connection.cursor().callproc("dbo.missing")
    assert raised.value.args[0] == 2812


def test_error_knows_procedure_and_line(connection: pymssql.Connection) -> None:
    connection.cursor().execute("CREATE DATABASE wire_error")
    try:
        connection.cursor().execute("USE wire_error")
        connection.cursor().execute(
            "CREATE PROCEDURE dbo.fails AS\nDECLARE @a int\nRAISERROR(N'no %s', 15, 9, N'luck')"
        )
        with pytest.raises(_mssql.MSSQLDatabaseException) as raised:
            connection._conn.execute_non_query("\n\nEXEC dbo.fails")
        error = raised.value
        assert (error.number, error.severity, error.state, error.procname, error.line) == (50000, 15, 9, b"fails", 3)
    finally:
        connection.cursor().execute("USE master")
        connection.cursor().execute("DROP DATABASE wire_error")


def test_print_reaches_the_message_handler(connection: pymssql.Connection) -> None:
    heard = []
    connection._conn.set_msghandler(lambda *arguments: heard.append(arguments[-1].decode()))
    connection.cursor().execute("PRINT N'héllo'")
    assert heard == ["héllo"]


def test_error_after_the_first_result_set(connection: pymssql.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("SELECT 1; SELECT 1 / 0; SELECT 3")
    assert cursor.fetchall() == [(1,)]
    with pytest.raises(pymssql.Error, match="Divide by zero"):
        while cursor.nextset():
            cursor.fetchall()
    assert rows(connection, "SELECT 4") == [(4,)]


def test_rows_affected_follow_nocount(connection: pymssql.Connection) -> None:
    execute = connection._conn.execute_non_query
    execute("CREATE TABLE #counted (a int)")
    execute("INSERT #counted VALUES (1), (2)")
    assert connection._conn.rows_affected == 2
    execute("SET NOCOUNT ON; UPDATE #counted SET a = 3")
    assert connection._conn.rows_affected == -1


def test_use_changes_the_database_and_a_missing_one_does_not(lab_server: ServerProcess) -> None:
    with lab_server.connect(database="tempdb") as connection:
        assert rows(connection, "SELECT DB_NAME()") == [("tempdb",)]
        with pytest.raises(pymssql.Error, match="'missing' does not exist") as raised:
            connection.cursor().execute("USE missing")
        assert raised.value.args[0] == 911
        assert rows(connection, "SELECT DB_NAME()") == [("tempdb",)]


def test_timeout_of_the_client_ends_the_statement_and_the_session(
    lab_server: ServerProcess, connection: pymssql.Connection
) -> None:
    impatient = lab_server.connect(timeout=1)
    [(spid,)] = rows(impatient, "SELECT @@SPID")
    alive = "SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE session_id = %d"
    assert rows(connection, alive, spid) == [(1,)]
    with pytest.raises(pymssql.OperationalError):
        impatient.cursor().execute("WAITFOR DELAY '00:01:00'")
    _until_equal(lambda: rows(connection, alive, spid), [(0,)])


def test_attention_ends_the_statement_and_leaves_the_session_as_it_was(lab_server: ServerProcess) -> None:
    with RawClient(lab_server.host, lab_server.port) as client:
        client.login(password=lab_server.password)
        client.batch("CREATE TABLE #t (a int)")
        client.send(PacketType.BATCH, NO_HEADERS + "WAITFOR DELAY '00:01:00'".encode("utf-16-le"))
        time.sleep(0.2)
        client.send(PacketType.ATTENTION, b"")
        client.receive()
        assert client.receive() == bytes.fromhex("fd20000000") + bytes(8)
        assert struct.pack("<Q", 1) in client.batch("INSERT #t VALUES (1)")
        assert client.batch("WAITFOR DELAY '00:00:00.010'") == bytes.fromhex("fd00000000") + bytes(8)


def test_reset_forgets_temporary_tables_and_the_open_transaction(lab_server: ServerProcess) -> None:
    with RawClient(lab_server.host, lab_server.port) as client:
        client.login(password=lab_server.password)
        client.batch("USE tempdb; CREATE TABLE #t (a int); BEGIN TRAN")
        reply = client.batch("SELECT DB_NAME() + N'/' + CONVERT(nvarchar(5), @@TRANCOUNT)", status=RESET)
        assert "master/0".encode("utf-16-le") in reply
        assert struct.pack("<i", 208) in client.batch("SELECT a FROM #t")


def test_client_that_vanishes_lets_go_of_its_transaction(lab_server: ServerProcess) -> None:
    with lab_server.connect() as owner:
        owner.cursor().execute("CREATE DATABASE wire_vanish")
        owner.cursor().execute("CREATE TABLE wire_vanish.dbo.t (a int NOT NULL PRIMARY KEY)")
        vanishing = lab_server.connect()
        vanishing.cursor().execute("BEGIN TRAN; INSERT wire_vanish.dbo.t VALUES (1)")
        vanishing.close()
        owner.cursor().execute("SET LOCK_TIMEOUT 5000; INSERT wire_vanish.dbo.t VALUES (1)")
        assert rows(owner, "SELECT a FROM wire_vanish.dbo.t") == [(1,)]
        owner.cursor().execute("DROP DATABASE wire_vanish")


def _until_equal(ask: Callable[[], object], expected: object, seconds: float = 5) -> None:
    """Ask until the answer is the expected one."""
    end = time.monotonic() + seconds
    while (answer := ask()) != expected:
        assert time.monotonic() < end, f"still {answer}"
        time.sleep(0.02)
