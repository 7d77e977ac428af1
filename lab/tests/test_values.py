"""Conversion, comparison, operators and dates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.server.engine.datetimes import add_to_datetime, datetime_difference, format_datetime, round_datetime
from lab.server.engine.like import like
from lab.server.engine.operators import binary_operation, unary_operation
from lab.server.engine.values import column_converter, common_type, comparison_key, converter, implicit_converter
from lab.server.errors import UNSUPPORTED, SqlError
from lab.server.types import BIGINT, BIT, DATETIME, INT, MAX, NVARCHAR_MAX, VARBINARY_MAX, SqlType

TINYINT = SqlType("tinyint")
SMALLINT = SqlType("smallint")


def convert(value, source, target, style=None):
    """CONVERT(target, value, style)."""
    return converter(source, target, style)(value)


def char(length: int) -> SqlType:
    return SqlType("char", length)


def varchar(length: int) -> SqlType:
    return SqlType("varchar", length)


def nchar(length: int) -> SqlType:
    return SqlType("nchar", length)


def nvarchar(length: int) -> SqlType:
    return SqlType("nvarchar", length)


def binary(length: int) -> SqlType:
    return SqlType("binary", length)


def varbinary(length: int) -> SqlType:
    return SqlType("varbinary", length)


CONVERSIONS = [
    (None, None, INT, None, None),
    (None, varchar(5), INT, None, None),
    (7, INT, BIT, None, 1),
    (0, INT, BIT, None, 0),
    (300, INT, BIGINT, None, 300),
    (" -7 ", varchar(4), INT, None, -7),
    ("", varchar(1), INT, None, 0),
    ("TRUE", varchar(4), BIT, None, 1),
    (b"\xff\xff\xff\xff", binary(4), INT, None, -1),
    (b"\x09\x00\x00\x00\x05", binary(5), INT, None, 5),
    (b"\x80", binary(1), INT, None, 128),
    (b"\xff", binary(1), TINYINT, None, 255),
    (-1, INT, varchar(5), None, "-1"),
    (12345, INT, varchar(2), None, "*"),
    (5, INT, char(3), None, "5  "),
    ("abc", varchar(3), varchar(2), None, "ab"),
    ("abc", varchar(3), nchar(5), None, "abc  "),
    ("日x", nvarchar(2), varchar(5), None, "?x"),
    ("€", nvarchar(1), varbinary(5), None, b"\xac\x20"),
    ("€", varchar(1), varbinary(5), None, b"\x80"),
    ("0xAB", varchar(4), varbinary(5), 1, b"\xab"),
    ("AbCd", varchar(4), varbinary(1), 2, b"\xab"),
    (b"\xab\xcd", varbinary(2), varchar(30), 1, "0xABCD"),
    (b"\xab\xcd", varbinary(2), varchar(30), 2, "ABCD"),
    (b"A\x80", varbinary(2), varchar(30), None, "A€"),
    (b"A\x00", varbinary(2), nvarchar(30), 0, "A"),
    (1, INT, binary(8), None, b"\0\0\0\0\0\0\0\1"),
    (258, INT, varbinary(8), None, b"\0\0\1\2"),
    (258, INT, binary(1), None, b"\2"),
    (-1, BIGINT, binary(4), None, b"\xff\xff\xff\xff"),
    (b"\1\2\3", varbinary(3), binary(5), None, b"\1\2\3\0\0"),
    (b"\1\2\3", varbinary(3), varbinary(2), None, b"\1\2"),
    (1, INT, DATETIME, None, datetime(1900, 1, 2)),
    ("20260228 23:59:59.998", varchar(21), DATETIME, None, datetime(2026, 2, 28, 23, 59, 59, 997_000)),
    ("2026-02-28T01:02:03", varchar(19), DATETIME, 126, datetime(2026, 2, 28, 1, 2, 3)),
    ("2026-02-28 01:02", varchar(16), DATETIME, 120, datetime(2026, 2, 28, 1, 2)),
    (datetime(2026, 2, 28, 1, 2, 3, 7_000), DATETIME, varchar(30), 121, "2026-02-28 01:02:03.007"),
    (datetime(2026, 2, 28, 1, 2, 3, 7_000), DATETIME, varchar(10), 120, "2026-02-28"),
    (datetime(2026, 2, 28, 1, 2, 3), DATETIME, nvarchar(30), 126, "2026-02-28T01:02:03"),
]


@pytest.mark.parametrize(("value", "source", "target", "style", "result"), CONVERSIONS)
def test_conversion_gives_what_sql_server_documents(
    value: Any, source: SqlType | None, target: SqlType, style: int | None, result: Any
) -> None:
    assert convert(value, source, target, style) == result


FAILURES = [
    ("abc", varchar(3), INT, None, 245, "varchar value 'abc' to data type int"),
    ("1.5", nvarchar(3), SMALLINT, None, 245, "nvarchar value '1.5' to data type smallint"),
    ("-", varchar(1), INT, None, 245, "'-'"),
    ("abc", varchar(3), BIGINT, None, 8114, "varchar to bigint"),
    ("9999999999", varchar(10), INT, None, 248, "overflowed an int column"),
    ("300", varchar(3), TINYINT, None, 244, "INT1"),
    ("9" * 30, varchar(30), BIGINT, None, 8115, "bigint"),
    (2**31, BIGINT, INT, None, 8115, "data type int"),
    (300, INT, TINYINT, None, 220, "tinyint, value = 300"),
    (12345, INT, nvarchar(2), None, 8115, "nvarchar"),
    ("AB", varchar(2), VARBINARY_MAX, 1, 8114, "varchar to varbinary"),
    ("ABC", varchar(3), VARBINARY_MAX, 2, 8114, "varchar to varbinary"),
    ("soon", varchar(4), DATETIME, None, 241, "Conversion failed when converting date"),
    ("20260230", varchar(8), DATETIME, None, 242, "a varchar data type"),
    ("17521231", nvarchar(8), DATETIME, None, 242, "an nvarchar data type"),
    (-99_999_999, INT, DATETIME, None, 8115, "datetime"),
    (datetime(2026, 1, 1), DATETIME, varchar(30), None, UNSUPPORTED, "style 0"),
    (datetime(2026, 1, 1), DATETIME, varchar(30), 112, UNSUPPORTED, "style 112"),
    (datetime(2026, 1, 1), DATETIME, INT, None, UNSUPPORTED, "datetime to int"),
    (b"\1", varbinary(1), varchar(5), 3, UNSUPPORTED, "style 3"),
]


@pytest.mark.parametrize(("value", "source", "target", "style", "number", "words"), FAILURES)
def test_conversion_that_cannot_be_has_the_servers_number(
    value: Any, source: SqlType, target: SqlType, style: int | None, number: int, words: str
) -> None:
    with pytest.raises(SqlError) as caught:
        convert(value, source, target, style)
    assert caught.value.number == number
    assert words in caught.value.text


@pytest.mark.parametrize(("source", "target"), [(varchar(3), varbinary(3)), (DATETIME, INT), (DATETIME, binary(8))])
def test_some_conversions_must_be_written(source: SqlType, target: SqlType) -> None:
    with pytest.raises(SqlError) as caught:
        implicit_converter(source, target)
    assert caught.value.number == 257
    assert f"{source.name} to {target.name}" in caught.value.text


def test_a_column_refuses_what_a_variable_would_cut() -> None:
    store = column_converter(nvarchar(50), varchar(3), "db.dbo.t", "c")
    assert [store(value) for value in (None, "abc", "abc   ")] == [None, "abc", "abc"]
    with pytest.raises(SqlError) as caught:
        store("abcd")
    assert caught.value.number == 2628
    assert "table 'db.dbo.t', column 'c'. Truncated value: 'abc'" in caught.value.text


def test_a_binary_column_refuses_bytes_that_are_too_long_even_zeros() -> None:
    store = column_converter(VARBINARY_MAX, varbinary(2), "db.dbo.t", "c")
    assert store(b"\1\2") == b"\1\2"
    with pytest.raises(SqlError) as caught:
        store(b"\1\2\0")
    assert caught.value.number == 2628


def test_a_fixed_column_pads() -> None:
    assert column_converter(varchar(2), char(4), "t", "c")("ab") == "ab  "
    assert column_converter(INT, binary(4), "t", "c")(1) == b"\0\0\0\1"


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_bigint_survives_text_and_binary(value: int) -> None:
    assert convert(convert(value, BIGINT, varchar(20)), varchar(20), BIGINT) == value
    assert convert(convert(value, BIGINT, binary(8)), binary(8), BIGINT) == value


@given(st.binary(max_size=50))
def test_bytes_survive_text_in_every_style(value: bytes) -> None:
    for style in (0, 1, 2):
        text = convert(value, VARBINARY_MAX, varchar(MAX), style)
        assert convert(text, varchar(MAX), VARBINARY_MAX, style) == value


COMMON = [
    (None, None, INT),
    (None, varchar(3), varchar(3)),
    (TINYINT, BIGINT, BIGINT),
    (varchar(3), INT, INT),
    (varchar(3), DATETIME, DATETIME),
    (varbinary(3), SMALLINT, SMALLINT),
    (char(3), char(5), char(5)),
    (char(3), varchar(2), varchar(3)),
    (varchar(8000), nchar(5), nvarchar(4000)),
    (NVARCHAR_MAX, char(3), NVARCHAR_MAX),
    (binary(3), binary(4), binary(4)),
    (varbinary(3), varchar(2), varchar(3)),
]


@pytest.mark.parametrize(("left", "right", "result"), COMMON)
def test_two_types_meet_in_the_one_of_higher_precedence(left: SqlType, right: SqlType, result: SqlType) -> None:
    assert common_type(left, right) == result
    assert common_type(right, left) == result


def test_text_compares_without_case_or_trailing_blanks() -> None:
    assert comparison_key("ABC  ") == comparison_key("abc")
    assert comparison_key(" abc") != comparison_key("abc")
    assert comparison_key("é") != comparison_key("e")
    assert comparison_key(b"a ") != comparison_key(b"a")


BINARY_OPERATIONS = [
    (7, "/", 2, 3),
    (-7, "/", 2, -3),
    (-7, "%", 3, -1),
    (7, "%", -3, 1),
    (12, "&", 10, 8),
    (12, "|", 3, 15),
    (12, "^", 10, 6),
    (None, "+", 1, None),
    (2**31 - 2, "+", 1, 2**31 - 1),
]


@pytest.mark.parametrize(("left", "operator", "right", "result"), BINARY_OPERATIONS)
def test_integers_calculate_as_in_sql_server(left: int | None, operator: str, right: int, result: int | None) -> None:
    assert binary_operation(operator, INT, INT).call(left, right) == result


@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1).filter(bool))
def test_quotient_and_remainder_belong_together(left: int, right: int) -> None:
    quotient = binary_operation("/", BIGINT, BIGINT).call(left, right)
    remainder = binary_operation("%", BIGINT, BIGINT).call(left, right)
    assert quotient * right + remainder == left
    assert abs(remainder) < abs(right)


@pytest.mark.parametrize(
    ("left", "operator", "right", "type_", "number"),
    [
        (2**31 - 1, "+", 1, INT, 8115),
        (-(2**31), "/", -1, INT, 8115),
        (200, "+", 100, TINYINT, 8115),
        (1, "/", 0, INT, 8134),
        (1, "%", 0, INT, 8134),
    ],
)
def test_overflow_and_division_by_zero_are_errors(
    left: int, operator: str, right: int, type_: SqlType, number: int
) -> None:
    with pytest.raises(SqlError) as caught:
        binary_operation(operator, type_, type_).call(left, right)
    assert caught.value.number == number


@pytest.mark.parametrize(
    ("left", "operator", "right", "operand", "result"),
    [
        (INT, "+", varchar(5), INT, INT),
        (INT, "&", binary(1), INT, INT),
        (BIT, "&", BIT, BIT, BIT),
        (None, "*", SMALLINT, SMALLINT, SMALLINT),
        (varchar(3), "+", varchar(4), varchar(3), varchar(7)),
        (varchar(3), "+", nvarchar(4), nvarchar(3), nvarchar(7)),
        (char(3), "+", char(4), char(3), char(7)),
        (varchar(8000), "+", varchar(1), varchar(8000), varchar(8000)),
        (NVARCHAR_MAX, "+", varchar(1), NVARCHAR_MAX, NVARCHAR_MAX),
        (binary(1), "+", varbinary(2), binary(1), varbinary(3)),
    ],
)
def test_operators_have_types(
    left: SqlType | None, operator: str, right: SqlType, operand: SqlType, result: SqlType
) -> None:
    operation = binary_operation(operator, left, right)
    assert (operation.operands[0], operation.result) == (operand, result)


def test_concatenation_is_cut_at_8000_bytes_unless_max() -> None:
    assert len(binary_operation("+", varchar(8000), varchar(5)).call("a" * 8000, "b")) == 8000
    assert len(binary_operation("+", varchar(MAX), varchar(5)).call("a" * 8000, "b")) == 8001


@pytest.mark.parametrize(
    ("left", "operator", "right", "number"),
    [
        (BIT, "+", BIT, 8117),
        (varchar(1), "-", varchar(1), 8117),
        (varbinary(1), "&", varbinary(1), 402),
        (varchar(1), "+", varbinary(1), 402),
        (DATETIME, "+", INT, UNSUPPORTED),
    ],
)
def test_operators_refuse_types(left: SqlType, operator: str, right: SqlType, number: int) -> None:
    with pytest.raises(SqlError) as caught:
        binary_operation(operator, left, right)
    assert caught.value.number == number


@pytest.mark.parametrize(
    ("operator", "type_", "value", "result"),
    [
        ("-", INT, 5, -5),
        ("-", TINYINT, 5, -5),
        ("+", INT, 5, 5),
        ("~", INT, 1, -2),
        ("~", BIT, 1, 0),
        ("~", TINYINT, 1, 254),
    ],
)
def test_operators_before_a_value(operator: str, type_: SqlType, value: int, result: int) -> None:
    operation = unary_operation(operator, type_)
    assert operation.call(value) == result
    assert operation.call(None) is None


@pytest.mark.parametrize(
    ("text", "pattern", "escape", "matches"),
    [
        ("ABC", "a%", None, True),
        ("abc", "_b_", None, True),
        ("abc", "b%", None, False),
        ("abc  ", "abc", None, True),
        ("a\nb", "a%b", None, True),
        ("50%", "50!%", "!", True),
        ("505", "50!%", "!", False),
        ("b", "[a-c]", None, True),
        ("d", "[^a-c]", None, True),
        ("-", "[-a]", None, True),
        ("[", "[[]", None, True),
        ("a.c", "a.c", None, True),
        ("abc", "a.c", None, False),
        ("a", "[", None, False),
        ("m", "[z-a]", None, False),
        ("a" * 4000, "%a%a%a%a%a%a%b", None, False),
    ],
)
def test_like(text: str, pattern: str, escape: str | None, matches: bool) -> None:
    assert like(pattern, escape)(text) is matches


def matches_one_by_one(text: str, pattern: str) -> bool:
    """LIKE with `%` and `_` only, without regular expressions."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(matches_one_by_one(text[start:], pattern[1:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and matches_one_by_one(text[1:], pattern[1:])


@given(st.text("ab", max_size=8), st.text("ab%_", max_size=6))
def test_like_is_what_it_says_of_each_character(text: str, pattern: str) -> None:
    assert like(pattern)(text) is matches_one_by_one(text, pattern)


def test_like_takes_one_character_as_escape() -> None:
    with pytest.raises(SqlError) as caught:
        like("a", "xx")
    assert caught.value.number == 506


@given(st.text(max_size=10))
def test_any_pattern_can_be_matched(pattern: str) -> None:
    assert like(pattern)("abc") in (True, False)


MOMENTS = st.datetimes(datetime(1753, 1, 1), datetime(9999, 12, 31, 23, 59, 59))


@given(MOMENTS)
def test_rounding_is_to_the_nearest_300th_of_a_second_and_stays(moment: datetime) -> None:
    rounded = round_datetime(moment)
    assert rounded.microsecond // 1000 % 10 in (0, 3, 7)
    assert abs(rounded - moment) <= timedelta(microseconds=2_000)
    assert round_datetime(rounded) == rounded


@given(MOMENTS.map(round_datetime))
def test_a_datetime_survives_its_text(moment: datetime) -> None:
    assert convert(format_datetime(moment, 121), varchar(30), DATETIME) == moment
    assert convert(format_datetime(moment, 126), varchar(30), DATETIME) == moment


def test_dateadd_and_datediff_count_boundaries() -> None:
    late, soon = datetime(2026, 1, 1, 23, 59, 59, 997_000), datetime(2026, 1, 2)
    assert [datetime_difference(part, late, soon) for part in ("day", "hour", "minute", "second", "millisecond")] == [
        1, 1, 1, 1, 3,
    ]  # fmt: skip
    assert datetime_difference("second", soon, late) == -1
    assert add_to_datetime("minute", -20, soon) == datetime(2026, 1, 1, 23, 40)


@pytest.mark.parametrize(
    ("run", "number"),
    [
        (lambda: add_to_datetime("day", 10**9, datetime(2026, 1, 1)), 517),
        (lambda: add_to_datetime("day", -200_000, datetime(2026, 1, 1)), 517),
        (lambda: datetime_difference("millisecond", datetime(1900, 1, 1), datetime(2026, 1, 1)), 535),
    ],
)
def test_dates_overflow(run: Any, number: int) -> None:
    with pytest.raises(SqlError) as caught:
        run()
    assert caught.value.number == number
