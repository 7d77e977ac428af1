"""uniqueidentifier: conversions, comparisons, columns, and what is refused."""

from __future__ import annotations

import pytest

from lab.server.errors import UNSUPPORTED
from lab.tests.recorder import log_in, ok, open_engine, run

TEXT = "00112233-4455-6677-8899-AABBCCDDEEFF"
BYTES = bytes.fromhex("33221100554477668899AABBCCDDEEFF")


@pytest.fixture
def session(tmp_path):
    return log_in(open_engine(tmp_path), "tempdb")


CONVERSIONS = {
    f"CONVERT(uniqueidentifier, '{TEXT}')": BYTES,
    f"CONVERT(binary(16), CONVERT(uniqueidentifier, N'{TEXT.lower()}'))": BYTES,
    f"CONVERT(uniqueidentifier, 0x{BYTES.hex()})": BYTES,
    "CONVERT(uniqueidentifier, 0x01)": b"\1" + bytes(15),
    f"CONVERT(nvarchar(36), CONVERT(uniqueidentifier, 0x{BYTES.hex()}))": TEXT,
    f"CONVERT(char(38), CONVERT(uniqueidentifier, 0x{BYTES.hex()}))": TEXT + "  ",
    "CONVERT(uniqueidentifier, NULL)": None,
    "DATALENGTH(NEWID())": 16,
    "ISNULL(NULL, CONVERT(uniqueidentifier, 0x))": bytes(16),
    f"(SELECT 1 WHERE CONVERT(uniqueidentifier, '{TEXT}') = '{TEXT.lower()}')": 1,
    f"(SELECT 1 WHERE CONVERT(uniqueidentifier, '{TEXT}') IN (NEWID(), 0x{BYTES.hex()}))": 1,
    "(SELECT 1 WHERE NEWID() <> NEWID())": 1,
}


@pytest.mark.parametrize(("text", "value"), CONVERSIONS.items(), ids=CONVERSIONS)
def test_conversions_and_comparisons(session, text, value):
    assert ok(session, f"SELECT {text}").value == value


ERRORS = {
    "SELECT CONVERT(uniqueidentifier, 'x')": 8169,
    f"SELECT CONVERT(uniqueidentifier, '{TEXT}0')": 8169,
    "SELECT CONVERT(varchar(35), NEWID())": 8170,
    "SELECT 1 WHERE NEWID() = 1": 206,
    "SELECT NEWID() + NEWID()": 8117,
    "SELECT MAX(a) FROM (SELECT NEWID() AS a) AS t": 8117,
    "SELECT LEN(NEWID())": 8116,
    "SELECT 1 WHERE NEWID() < NEWID()": UNSUPPORTED,
    "SELECT a FROM (SELECT NEWID() AS a) AS t ORDER BY a": UNSUPPORTED,
    "SELECT NEWID() AS a UNION ALL SELECT NEWID() ORDER BY a": UNSUPPORTED,
    "SELECT CONVERT(int, NEWID())": UNSUPPORTED,
    "DECLARE @a uniqueidentifier(3)": 2716,
}


@pytest.mark.parametrize(("text", "number"), ERRORS.items(), ids=ERRORS)
def test_what_is_refused(session, text, number):
    assert run(session, text).numbers == [number]


def test_a_column_of_it_is_a_key_and_lasts(tmp_path):
    session = log_in(open_engine(tmp_path))
    ok(
        session,
        "CREATE DATABASE d",
        "USE d",
        "CREATE TABLE t (id uniqueidentifier PRIMARY KEY, a int)",
        f"INSERT t VALUES ('{TEXT}', 1), (NEWID(), 2)",  # noqa: S608
    )
    session.close()
    session.engine.close()
    session = log_in(open_engine(tmp_path), "d")
    assert ok(session, f"SELECT a FROM t WHERE id = '{TEXT}'").value == 1  # noqa: S608
    assert run(session, f"INSERT t VALUES (0x{BYTES.hex()}, 3)").numbers == [2627]  # noqa: S608
    query = (
        "SELECT y.name, c.max_length FROM sys.columns AS c JOIN sys.types AS y ON y.user_type_id = c.user_type_id"
        " WHERE c.object_id = OBJECT_ID('t') AND c.name = 'id'"
    )
    assert ok(session, query).rows == [("uniqueidentifier", 16)]
