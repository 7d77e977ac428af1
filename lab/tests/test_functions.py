"""The functions that need no session."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.engine.functions import FUNCTIONS
from lab.server.engine.values import implicit_converter
from lab.server.errors import SqlError
from lab.server.types import BIGINT, DATETIME, INT, MAX, NVARCHAR_MAX, VARBINARY_MAX, SqlType

CHAR = SqlType("char", 10)
VARCHAR = SqlType("varchar", 10)
NVARCHAR = SqlType("nvarchar", 10)
VARBINARY = SqlType("varbinary", 10)
VARCHAR_MAX = SqlType("varchar", MAX)
PART = SqlType("varchar", 6)
MOMENT = datetime(2026, 1, 1, 12, 30)


def call(name: str, *arguments: tuple[Any, SqlType | None]) -> tuple[Any, SqlType]:
    """What a function gives, and of which type: bound, converted and called as the engine does it."""
    operation = FUNCTIONS[name].bind(tuple(type_ for _, type_ in arguments))
    converted = [
        implicit_converter(type_, operand)(value)
        for (value, type_), operand in zip(arguments, operation.operands, strict=True)
    ]
    return operation.call(*converted), operation.result


def number(value: int) -> tuple[int, SqlType]:
    return value, INT


CALLS = [
    ("LEN", [("ab  ", CHAR)], 2, INT),
    ("LEN", [("  ab", NVARCHAR)], 4, INT),
    ("LEN", [("ab", VARCHAR_MAX)], 2, BIGINT),
    ("LEN", [(-123, INT)], 4, INT),
    ("DATALENGTH", [("ab  ", VARCHAR)], 4, INT),
    ("DATALENGTH", [("ab", NVARCHAR)], 4, INT),
    ("DATALENGTH", [("ab", NVARCHAR_MAX)], 4, BIGINT),
    ("DATALENGTH", [(b"abc", VARBINARY)], 3, INT),
    ("DATALENGTH", [(5, SqlType("tinyint"))], 1, INT),
    ("DATALENGTH", [(MOMENT, DATETIME)], 8, INT),
    ("SUBSTRING", [("abcdef", VARCHAR), number(2), number(3)], "bcd", VARCHAR),
    ("SUBSTRING", [("abcdef", VARCHAR), number(0), number(3)], "ab", VARCHAR),
    ("SUBSTRING", [("abcdef", VARCHAR), number(9), number(3)], "", VARCHAR),
    ("SUBSTRING", [(b"abc", VARBINARY_MAX), number(2), number(9)], b"bc", VARBINARY_MAX),
    ("LEFT", [("abc", NVARCHAR), number(2)], "ab", NVARCHAR),
    ("RIGHT", [("abc", CHAR), number(2)], "bc", VARCHAR),
    ("RIGHT", [("abc", VARCHAR), number(0)], "", VARCHAR),
    ("LOWER", [("AbC", NVARCHAR)], "abc", NVARCHAR),
    ("UPPER", [("straße", NVARCHAR)], "STRAßE", NVARCHAR),
    ("RTRIM", [(" a  ", CHAR)], " a", VARCHAR),
    ("REPLACE", [("aXbx", VARCHAR), ("x", VARCHAR), (r"\1", VARCHAR)], r"a\1b\1", SqlType("varchar", 8000)),
    ("REPLACE", [("abc", VARCHAR), ("", VARCHAR), ("x", NVARCHAR)], "abc", SqlType("nvarchar", 4000)),
    ("ASCII", [("€x", NVARCHAR)], 128, INT),
    ("ASCII", [("", VARCHAR)], None, INT),
    ("CHARINDEX", [(" - ", VARCHAR), ("SQL - 11.0", NVARCHAR)], 4, INT),
    ("CHARINDEX", [("B", NVARCHAR), ("abcb", VARCHAR_MAX), number(3)], 4, BIGINT),
    ("CHARINDEX", [("b", VARCHAR), ("abcb", VARCHAR), number(-5)], 2, INT),
    ("CHARINDEX", [("", VARCHAR), ("a", VARCHAR)], 0, INT),
    ("CHARINDEX", [("x", VARCHAR), ("a", VARCHAR)], 0, INT),
    ("CHAR", [number(128)], "€", SqlType("char", 1)),
    ("CHAR", [number(256)], None, SqlType("char", 1)),
    ("NCHAR", [number(0x20AC)], "€", SqlType("nchar", 1)),
    ("REPLICATE", [("ab", VARCHAR), number(3)], "ababab", SqlType("varchar", 8000)),
    ("REPLICATE", [("ab", VARCHAR), number(-1)], None, SqlType("varchar", 8000)),
    ("QUOTENAME", [("a]b", NVARCHAR)], "[a]]b]", SqlType("nvarchar", 258)),
    ("QUOTENAME", [("it's", NVARCHAR), ("'", VARCHAR)], "'it''s'", SqlType("nvarchar", 258)),
    ("QUOTENAME", [("a", NVARCHAR), ("x", VARCHAR)], None, SqlType("nvarchar", 258)),
    ("QUOTENAME", [("a" * 129, NVARCHAR_MAX)], None, SqlType("nvarchar", 258)),
    ("PARSENAME", [("16.0.1000.6", NVARCHAR), number(4)], "16", SqlType("nvarchar", 128)),
    ("PARSENAME", [("db..[a.]]b]", NVARCHAR), number(1)], "a.]b", SqlType("nvarchar", 128)),
    ("PARSENAME", [("db..t", NVARCHAR), number(2)], None, SqlType("nvarchar", 128)),
    ("PARSENAME", [("a.b.c.d.e", NVARCHAR), number(1)], None, SqlType("nvarchar", 128)),
    ("PARSENAME", [("[a", NVARCHAR), number(1)], None, SqlType("nvarchar", 128)),
    ("ISNULL", [(None, VARCHAR), ("0123456789abc", NVARCHAR_MAX)], "0123456789", VARCHAR),
    ("ISNULL", [("x", VARCHAR), (5, INT)], "x", VARCHAR),
    ("ISNULL", [(None, None), (5, INT)], 5, INT),
    ("DATEADD", [("minute", PART), number(5), (MOMENT, DATETIME)], MOMENT + timedelta(minutes=5), DATETIME),
    ("DATEDIFF", [("day", PART), ("20251231", VARCHAR), (MOMENT, DATETIME)], 1, INT),
]


@pytest.mark.parametrize(("name", "arguments", "result", "type_"), CALLS)
def test_functions_give_the_value_and_type_that_sql_server_documents(
    name: str, arguments: list[tuple[Any, SqlType]], result: Any, type_: SqlType
) -> None:
    assert call(name, *arguments) == (result, type_)


TAKES_TEXT = sorted(set(FUNCTIONS) - {"CHAR", "NCHAR", "GETDATE", "GETUTCDATE", "ISNULL"})


@pytest.mark.parametrize("name", [*TAKES_TEXT, "CHAR", "NCHAR"])
def test_null_as_any_argument_gives_null(name: str) -> None:
    function = FUNCTIONS[name]
    for missing in range(function.minimum):
        types = tuple(None if place == missing else INT for place in range(function.minimum))
        values = [None if place == missing else 1 for place in range(function.minimum)]
        assert function.bind(types).call(*values) is None


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("SUBSTRING", [("abc", VARCHAR), number(1), number(-1)], 537),
        ("LEFT", [("abc", VARCHAR), number(-1)], 537),
        ("RIGHT", [("abc", VARCHAR), number(-1)], 536),
        ("LEFT", [("abc", VARCHAR), ("x", VARCHAR)], 245),
    ],
)
def test_wrong_arguments_have_the_servers_number(name: str, arguments: list[tuple[Any, SqlType]], error: int) -> None:
    with pytest.raises(SqlError) as caught:
        call(name, *arguments)
    assert caught.value.number == error


@pytest.mark.parametrize(("name", "zone"), [("GETDATE", None), ("GETUTCDATE", UTC)])
def test_the_clock_is_local_or_utc_and_rounded(name: str, zone: Any) -> None:
    now = datetime.now(zone).replace(tzinfo=None)
    told, type_ = call(name)
    assert type_ == DATETIME
    assert abs(told - now) < timedelta(seconds=5)
    assert told.microsecond // 1000 % 10 in (0, 3, 7)


@given(st.text(max_size=128))
def test_a_quoted_name_is_parsed_back(name: str) -> None:
    quoted, _ = call("QUOTENAME", (name, NVARCHAR_MAX))
    assert call("PARSENAME", (quoted, NVARCHAR_MAX), number(1))[0] == (name or None)


def test_replicate_is_cut_at_8000_bytes_unless_max() -> None:
    assert len(call("REPLICATE", ("abc", NVARCHAR), number(10_000))[0]) == 4000
    assert len(call("REPLICATE", ("abc", VARCHAR_MAX), number(10_000))[0]) == 30_000
