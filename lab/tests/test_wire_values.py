"""Values of every type, from the engine to pymssql and from parameters to the engine."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pymssql
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.errors import UNSUPPORTED
from lab.server.interface import Client, Column, RpcParameter
from lab.server.types import BIGINT, BIT, DATETIME, IMAGE, INT, MAX, NVARCHAR_MAX, UNIQUE_ID, VARBINARY_MAX, SqlType
from lab.server.wire import datatypes
from lab.server.wire.parameters import read_parameter
from lab.server.wire.reader import Reader
from lab.tests.fake_engine import FakeServer
from lab.tests.raw_client import RawClient

VARCHAR_MAX = SqlType("varchar", MAX)
MOMENT = datetime(2026, 2, 28, 23, 59, 59, 997000)

VALUES = [
    (BIT, 1, True),
    (SqlType("tinyint"), 255, 255),
    (SqlType("smallint"), -32768, -32768),
    (INT, -(2**31), -(2**31)),
    (BIGINT, 2**63 - 1, 2**63 - 1),
    (DATETIME, MOMENT, MOMENT),
    (DATETIME, datetime(1753, 1, 1), datetime(1753, 1, 1)),
    (DATETIME, datetime(9999, 12, 31, 23, 59, 59, 997000), datetime(9999, 12, 31, 23, 59, 59, 997000)),
    (SqlType("char", 3), "a  ", "a  "),
    (SqlType("varchar", 10), "Zoë €", "Zoë €"),
    (SqlType("varchar", 10), "", ""),
    (SqlType("nchar", 3), "Ω  ", "Ω  "),
    (SqlType("nvarchar", 4000), "Ω" * 4000, "Ω" * 4000),
    (SqlType("binary", 3), b"\0\1\xff", b"\0\1\xff"),
    (SqlType("varbinary", 8000), b"\xfe" * 8000, b"\xfe" * 8000),
    (UNIQUE_ID, bytes(range(16)), uuid.UUID(bytes_le=bytes(range(16)))),
    (UNIQUE_ID, None, None),
    (IMAGE, b"", b""),
    (IMAGE, bytes(range(256)) * 78 + b"\0", bytes(range(256)) * 78 + b"\0"),
    (VARCHAR_MAX, "", ""),
    (NVARCHAR_MAX, "Ω" * 100_000, "Ω" * 100_000),
    (VARBINARY_MAX, bytes(range(256)) * 20_000, bytes(range(256)) * 20_000),
]


def select(rows: Sequence[Sequence[Any]], *types: SqlType) -> Callable[[Client], None]:
    """What answers with one result set."""

    def answer(client: Client) -> None:
        client.columns([Column(f"c{number}", type_) for number, type_ in enumerate(types)])
        for row in rows:
            client.row(row)
        client.done(len(rows), select=True)

    return answer


@pytest.mark.parametrize("version", ["7.1", "7.4"])
@pytest.mark.parametrize(("type_", "sent", "expected"), VALUES, ids=[f"{type_}" for type_, _, _ in VALUES])
def test_value_and_null_of_each_type_arrive(
    fake_server: FakeServer, version: str, type_: SqlType, sent: Any, expected: Any
) -> None:
    fake_server.engine.batches["select"] = select([[sent, 1], [None, 2]], type_, INT)
    with fake_server.connect(tds_version=version, charset="UTF-8") as connection:
        cursor = connection.cursor()
        cursor.execute("select")
        assert cursor.fetchall() == [(expected, 1), (None, 2)]


def test_type_that_cannot_be_sent_is_an_error_that_names_it(fake_server: FakeServer) -> None:
    fake_server.engine.batches["select"] = select([], SqlType("sql_variant"))
    with fake_server.connect() as connection:
        cursor = connection.cursor()
        with pytest.raises(pymssql.Error, match="sql_variant") as raised:
            cursor.execute("select")
        assert raised.value.args[0] == UNSUPPORTED


@given(st.integers(0, 300 * 86_400 - 1), st.integers(-53_690, 2_958_463))
def test_ticks_and_datetime_are_one(ticks: int, days: int) -> None:
    assert datatypes.to_ticks(datatypes.from_ticks(days, ticks)) == (days, ticks)


@given(st.datetimes(datetime(1753, 1, 1), datetime(9999, 12, 31)))
def test_datetime_is_sent_to_the_nearest_tick(moment: datetime) -> None:
    assert abs(datatypes.from_ticks(*datatypes.to_ticks(moment)) - moment) <= timedelta(milliseconds=2)


def test_parameters_of_pymssql_reach_the_engine(fake_server: FakeServer) -> None:
    sent = (1, 2**40, True, None, "Zoë €", b"\0\xff", b"")
    with fake_server.connect() as connection:
        connection.cursor().callproc("p", sent)
    assert [(str(each.type), each.value) for each in fake_server.engine.sessions[0].parameters[:6]] == [
        ("int", 1),
        ("bigint", 2**40),
        ("bit", 1),
        ("nvarchar(1)", None),
        ("nvarchar(8)", "Zoë €"),
        ("varbinary(2)", b"\0\xff"),
    ]


def parameter(type_info: str, value: bytes, name: str = "@p", status: int = 0) -> bytes:
    """A parameter as SqlClient sends it; `type_info` is hexadecimal."""
    return bytes([len(name)]) + name.encode("utf-16-le") + bytes([status]) + bytes.fromhex(type_info) + value


COLLATION = "0904d00034"
PARAMETERS = [
    ("int", "38", struct.pack("<i", -5), -5),
    ("bit", "32", b"\1", 1),
    ("bit", "6801", b"\0", None),
    ("tinyint", "2601", b"\1\xff", 255),
    ("smallint", "2602", struct.pack("<Bh", 2, -1), -1),
    ("bigint", "2608", b"\0", None),
    ("datetime", "3d", struct.pack("<iI", -1, 1), datetime(1899, 12, 31, 0, 0, 0, 3000)),
    ("datetime", "6f08", b"\0", None),
    ("datetime", "6f08", struct.pack("<BiI", 8, 0, 300), datetime(1900, 1, 1, 0, 0, 1)),
    ("char(4)", "af0400" + COLLATION, b"\4\0a\x80 \x81", "a€ \x81"),
    ("varchar(280)", "a71801" + COLLATION, b"\2\0ab", "ab"),
    ("nchar(2)", "ef0400" + COLLATION, b"\xff\xff", None),
    ("nvarchar(88)", "e7b000" + COLLATION, b"\2\0\xa9\x03", "Ω"),
    ("binary(2)", "ad0200", b"\2\0\1\2", b"\1\2"),
    ("varbinary(7000)", "a5581b", b"\0\0", b""),
    ("varbinary(max)", "22401f0000", struct.pack("<I", 3) + b"abc", b"abc"),
    ("varbinary(max)", "22401f0000", b"\xff" * 4, None),
    ("varchar(max)", "23ffffff7f" + COLLATION, struct.pack("<I", 2) + b"ab", "ab"),
    ("nvarchar(max)", "63ffffff7f" + COLLATION, struct.pack("<I", 2) + b"a\0", "a"),
    ("varbinary(max)", "a5ffff", b"\xff" * 8, None),
    ("varbinary(max)", "a5ffff", struct.pack("<QI", 0, 0), b""),
    ("varbinary(max)", "a5ffff", struct.pack("<QI3sI3sI", 6, 3, b"abc", 3, b"def", 0), b"abcdef"),
    ("nvarchar(max)", "e7ffff" + COLLATION, b"\xfe" + b"\xff" * 7 + struct.pack("<I2sI", 2, b"a\0", 0), "a"),
]


@pytest.mark.parametrize(("type_", "info", "value", "expected"), PARAMETERS)
def test_each_form_of_parameter_is_read_to_its_end(type_: str, info: str, value: bytes, expected: Any) -> None:
    reader = Reader(parameter(info, value))
    read = read_parameter(reader)
    assert (read.name, str(read.type), read.value, read.output) == ("@p", type_, expected, False)
    assert reader.at_end


def test_output_flag_and_default_flag_are_told_apart() -> None:
    assert read_parameter(Reader(parameter("38", bytes(4), status=1))).output
    assert read_parameter(Reader(parameter("38", bytes(4), status=2))) is None


@pytest.mark.parametrize(
    ("info", "name"),
    [("6d08", "float"), ("6a11", "decimal"), ("6f04", "smalldatetime"), ("f1", "xml")],
)
def test_parameter_of_another_type_is_an_error_and_the_connection_goes_on(
    fake_server: FakeServer, info: str, name: str
) -> None:
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        reply = client.call("p", parameter(info, b"\0"))
        assert name.encode("utf-16-le") in reply
        assert client.batch("after")
    assert fake_server.engine.sessions[0].texts == ["after"]


@pytest.mark.parametrize("cut", range(1, 18))
def test_call_that_is_cut_short_ends_its_connection(fake_server: FakeServer, cut: int) -> None:
    whole = parameter("e7b000" + COLLATION, b"\2\0\xa9\x03")
    with RawClient(fake_server.host, fake_server.port) as client:
        client.login()
        assert client.call("p", whole[:-cut]) == b""


def test_output_values_come_back_in_the_procedures_type(fake_server: FakeServer) -> None:
    def answer(parameters: Sequence[RpcParameter], client: Client) -> None:
        client.return_status(3)
        client.return_value(0, "@a", INT, 7)
        client.return_value(1, "@b", SqlType("nvarchar", 10), "Ω")
        client.return_value(2, "@c", SqlType("varbinary", 7000), b"x" * 7000)
        client.return_value(3, "@d", DATETIME, None)

    fake_server.engine.procedures["p"] = answer
    call = (pymssql.output(int, 1), pymssql.output(str, "a"), pymssql.output(bytes, b"a"), pymssql.output(int, 1))
    with fake_server.connect() as connection:
        cursor = connection.cursor()
        assert cursor.callproc("p", call) == (7, "Ω", b"x" * 7000, None)
        assert cursor.returnvalue == 3


@pytest.mark.parametrize("type_", [VARBINARY_MAX, NVARCHAR_MAX])
@pytest.mark.parametrize("version", ["7.1", "7.4"])
def test_output_value_of_a_max_type_arrives(fake_server: FakeServer, version: str, type_: SqlType) -> None:
    value = b"x" * 4000 if type_ is VARBINARY_MAX else "x" * 4000
    fake_server.engine.procedures["p"] = lambda _, client: client.return_value(0, "@a", type_, value)
    with fake_server.connect(tds_version=version) as connection:
        assert connection.cursor().callproc("p", (pymssql.output(type(value), value[:1]),)) == (value,)


def test_request_and_answer_of_several_megabytes(fake_server: FakeServer) -> None:
    data = bytes(range(256)) * 16_384
    text = f"SELECT 0x{data.hex()}"
    fake_server.engine.batches[text] = select([[data]], VARBINARY_MAX)
    with fake_server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute(text)
        assert cursor.fetchall() == [(data,)]
