"""Values and their types: conversion, the type two values meet in, and how values compare.

Python values are those of `lab.server.types`. Nothing here knows of a session.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any

from lab.server import code_page, utf16
from lab.server.engine import unique_ids
from lab.server.engine.datetimes import STYLES_FROM_TEXT, format_datetime, from_days, parse_datetime
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.types import INT, INTEGERS, MAX, SqlType

Converter = Callable[[Any], Any]


class Family(Enum):
    INTEGER = "integer"
    TEXT = "text"
    BINARY = "binary"
    DATETIME = "datetime"
    UNIQUE_ID = "uniqueidentifier"


_FAMILIES = dict.fromkeys(INTEGERS, Family.INTEGER) | {
    "char": Family.TEXT,
    "varchar": Family.TEXT,
    "nchar": Family.TEXT,
    "nvarchar": Family.TEXT,
    "binary": Family.BINARY,
    "varbinary": Family.BINARY,
    "datetime": Family.DATETIME,
    "uniqueidentifier": Family.UNIQUE_ID,
}

RANGES = {
    "bit": (0, 1),
    "tinyint": (0, 255),
    "smallint": (-(2**15), 2**15 - 1),
    "int": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
}
"""Smallest and largest value of each integer type."""

INTEGER_BYTES = {"bit": 1, "tinyint": 1, "smallint": 2, "int": 4, "bigint": 8}


def family(type_: SqlType) -> Family:
    """Which of the four kinds of value a type has."""
    return _FAMILIES[type_.name]


def is_national(type_: SqlType) -> bool:
    """Whether the type is nchar or nvarchar."""
    return type_.name in ("nchar", "nvarchar")


def is_fixed(type_: SqlType) -> bool:
    """Whether the type pads its values: char, nchar and binary."""
    return type_.name in ("char", "nchar", "binary")


def without_padding(type_: SqlType) -> SqlType:
    """char becomes varchar, and so on: what a function that changes the length gives."""
    names = {"char": "varchar", "nchar": "nvarchar", "binary": "varbinary"}
    return SqlType(names.get(type_.name, type_.name), type_.length)


def largest_length(type_: SqlType) -> int:
    """The largest length that is not MAX."""
    return 4000 if is_national(type_) else 8000


# The type in which two values meet


def common_type(left: SqlType | None, right: SqlType | None) -> SqlType:
    """The type of CASE, UNION or a comparison of the two (data type precedence); None is an untyped NULL."""
    if left is None or right is None:
        return left or right or INT
    families = (family(left), family(right))
    if Family.UNIQUE_ID in families:
        if Family.INTEGER in families or Family.DATETIME in families:
            raise unique_ids.clash(left, right)
        return left if families[0] is Family.UNIQUE_ID else right
    if Family.DATETIME in families:
        return left if families[0] is Family.DATETIME else right
    if Family.INTEGER in families:
        whole = [type_ for type_ in (left, right) if family(type_) is Family.INTEGER]
        return max(whole, key=lambda type_: INTEGERS.index(type_.name))
    return _common_string(left, right)


def _common_string(left: SqlType, right: SqlType) -> SqlType:
    both = (left, right)
    length = MAX if any(type_.length == MAX for type_ in both) else max(left.length, right.length)
    fixed = length != MAX and is_fixed(left) and is_fixed(right)
    if family(left) is Family.BINARY and family(right) is Family.BINARY:
        return SqlType("binary" if fixed else "varbinary", length)
    national = "n" if is_national(left) or is_national(right) else ""
    result = SqlType(f"{national}{'char' if fixed else 'varchar'}", length)
    return SqlType(result.name, min(length, largest_length(result)))


# Comparison


def comparison_key(value: Any) -> Any:
    """What two values of one type are compared, sorted, grouped and hashed by; None stays None.

    Text ignores case and trailing blanks. It sorts by code point, which for letters, digits and most signs is the
    order of SQL Server's default collation.
    """
    return value.rstrip(" ").casefold() if isinstance(value, str) else value


# Conversion


def convert(value: Any, source: SqlType | None, target: SqlType, style: int | None = None) -> Any:
    """CONVERT(target, value, style). Text and bytes that are too long are cut.

    Raises 245 or 8114 (not a number), 248, 244, 220 or 8115 (out of range), 241 or 242 (not a date).
    """
    return converter(source, target, style)(value)


def same(value: Any) -> Any:
    """The converter that has nothing to do."""
    return value


def converter(source: SqlType | None, target: SqlType, style: int | None = None) -> Converter:
    """A function that converts values of one type to another, NULL to NULL; it is `same` if that does nothing.

    Raises "not supported" for a pair of types, or a style, that is unknown; the function raises as `convert`.
    """
    if source is None or source == target:
        return same
    maker = _MAKERS.get((family(source), family(target)))
    if maker is None:
        raise unsupported(f"conversion of {source.name} to {target.name}")
    change = maker(source, target, style)
    if change is same:
        return same
    return lambda value: None if value is None else change(value)


def implicit_converter(source: SqlType | None, target: SqlType) -> Converter:
    """The converter for an assignment, comparison or argument; raises 257 where CONVERT must be written."""
    if source is not None and (family(source), family(target)) in _ONLY_EXPLICIT:
        text = (
            f"Implicit conversion from data type {source.name} to {target.name} is not allowed."
            " Use the CONVERT function to run this query."
        )
        raise SqlError(257, text)
    return converter(source, target)


def column_converter(source: SqlType | None, target: SqlType, table: str, column: str) -> Converter:
    """The converter for a value that goes into a column: it raises 2628 instead of cutting, but cuts blanks.

    `table` is the full name (`database.schema.table`), for the text of the error.
    """
    change = implicit_converter(source, target)
    if source is None or target.length in (0, MAX):
        return change
    uncut = implicit_converter(source, SqlType(without_padding(target).name, MAX))
    limit = target.length

    def store(value: Any) -> Any:
        whole = uncut(value)
        if whole is not None and len(whole) > limit and (isinstance(whole, bytes) or whole[limit:].strip(" ")):
            raise _truncated(table, column, whole[:limit])
        return change(value)

    return store


_ONLY_EXPLICIT = {
    (Family.TEXT, Family.BINARY),
    (Family.DATETIME, Family.INTEGER),
    (Family.DATETIME, Family.BINARY),
}


def _truncated(table: str, column: str, start: str | bytes) -> SqlError:
    shown = start if isinstance(start, str) else ""
    text = (
        f"String or binary data would be truncated in table '{table}', column '{column}'. Truncated value: '{shown}'."
    )
    return SqlError(2628, text)


def overflow(type_name: str) -> SqlError:
    """8115 for a value that does not fit the type."""
    return SqlError(8115, f"Arithmetic overflow error converting expression to data type {type_name}.")


def checked_integer(value: int, type_: SqlType) -> int:
    """The value itself, if the integer type can hold it; raises 8115."""
    low, high = RANGES[type_.name]
    if not low <= value <= high:
        raise overflow(type_.name)
    return value


def _no_style(style: int | None) -> None:
    if style not in (None, 0):
        raise unsupported(f"CONVERT with style {style}")


def _fit(value: str, target: SqlType) -> str:
    """Cut or pad a text to the type's length."""
    if target.length == MAX:
        return value
    return value[: target.length].ljust(target.length) if is_fixed(target) else value[: target.length]


def _integer_to_integer(source: SqlType, target: SqlType, style: int | None) -> Converter:
    if target.name == "bit":
        return lambda value: int(value != 0)
    if INTEGERS.index(source.name) <= INTEGERS.index(target.name):
        return same
    low, high = RANGES[target.name]

    def change(value: int) -> int:
        if low <= value <= high:
            return value
        if target.name == "int":
            raise overflow("int")
        raise SqlError(220, f"Arithmetic overflow error for data type {target.name}, value = {value}.")

    return change


_MOST_DIGITS = 19
"""Of a bigint."""

_NUMBER = re.compile(r" *([+-]?) *([0-9]*) *")


def _text_to_integer(source: SqlType, target: SqlType, style: int | None) -> Converter:
    low, high = RANGES[target.name]

    def change(value: str) -> int:
        if target.name == "bit" and value.strip(" ").lower() in ("true", "false"):
            return int(value.strip(" ").lower() == "true")
        match = _NUMBER.fullmatch(value)
        if match is None or (match[1] and not match[2]):
            raise _not_a_number(value, source, target)
        digits = match[2].lstrip("0") or "0"
        if len(digits) > _MOST_DIGITS:
            raise _number_too_large(value, source, target)
        number = int(match[1] + digits)
        if target.name == "bit":
            return int(number != 0)
        if not low <= number <= high:
            raise _number_too_large(value, source, target)
        return number

    return change


def _not_a_number(value: str, source: SqlType, target: SqlType) -> SqlError:
    if target.name == "bigint":
        return SqlError(8114, f"Error converting data type {source.name} to bigint.", reach=Reach.BATCH)
    text = f"Conversion failed when converting the {source.name} value '{value}' to data type {target.name}."
    return SqlError(245, text, reach=Reach.BATCH)


def _number_too_large(value: str, source: SqlType, target: SqlType) -> SqlError:
    if target.name == "bigint":
        return overflow("bigint")
    start = f"The conversion of the {source.name} value '{value}' overflowed an"
    if target.name == "int":
        return SqlError(248, f"{start} int column.", reach=Reach.BATCH)
    column = f"INT{INTEGER_BYTES[target.name]}"
    return SqlError(244, f"{start} {column} column. Use a larger integer column.", reach=Reach.BATCH)


def _binary_to_integer(source: SqlType, target: SqlType, style: int | None) -> Converter:
    if target.name == "bit":
        raise unsupported(f"conversion of {source.name} to bit")
    size = INTEGER_BYTES[target.name]
    signed = target.name != "tinyint"

    def change(value: bytes) -> int:
        return int.from_bytes(value[-size:].rjust(size, b"\0"), "big", signed=signed)

    return change


def _integer_to_text(source: SqlType, target: SqlType, style: int | None) -> Converter:
    _no_style(style)

    def change(value: int) -> str:
        text = str(value)
        if target.length != MAX and len(text) > target.length:
            if is_national(target) or source.name == "bigint":
                raise overflow(target.name)
            text = "*"
        return _fit(text, target)

    return change


def _text_to_text(source: SqlType, target: SqlType, style: int | None) -> Converter:
    narrowing = is_national(source) and not is_national(target)
    roomy = target.length == MAX or 0 < source.length <= target.length
    if roomy and not is_fixed(target):
        return code_page.narrow if narrowing else same
    return lambda value: _fit(code_page.narrow(value) if narrowing else value, target)


def _binary_to_text(source: SqlType, target: SqlType, style: int | None) -> Converter:
    if style == 1:
        return lambda value: _fit("0x" + value.hex().upper(), target)
    if style == 2:
        return lambda value: _fit(value.hex().upper(), target)
    _no_style(style)
    if is_national(target):
        return lambda value: _fit(utf16.decode(value + b"\0" * (len(value) % 2)), target)
    return lambda value: _fit(code_page.decode(value), target)


def _datetime_to_text(source: SqlType, target: SqlType, style: int | None) -> Converter:
    return lambda value: _fit(format_datetime(value, style), target)


def _fit_bytes(value: bytes, target: SqlType) -> bytes:
    """Cut or pad on the right, as between binary types."""
    if target.length == MAX:
        return value
    return value[: target.length].ljust(target.length, b"\0") if is_fixed(target) else value[: target.length]


def _integer_to_binary(source: SqlType, target: SqlType, style: int | None) -> Converter:
    _no_style(style)
    size = INTEGER_BYTES[source.name]
    signed = source.name not in ("bit", "tinyint")

    def change(value: int) -> bytes:
        data = value.to_bytes(size, "big", signed=signed)
        if target.length == MAX:
            return data
        return data[-target.length :].rjust(target.length, b"\0") if is_fixed(target) else data[-target.length :]

    return change


def _text_to_binary(source: SqlType, target: SqlType, style: int | None) -> Converter:
    if style in (1, 2):
        prefix = "0x" if style == 1 else ""
        return lambda value: _fit_bytes(_from_hexadecimal(value, prefix, source, target), target)
    _no_style(style)
    if is_national(source):
        return lambda value: _fit_bytes(utf16.encode(value), target)
    return lambda value: _fit_bytes(code_page.encode(value), target)


def _from_hexadecimal(value: str, prefix: str, source: SqlType, target: SqlType) -> bytes:
    match = re.fullmatch(f"{prefix}((?:[0-9a-f]{{2}})*)", value.rstrip(" "), re.IGNORECASE)
    if match is None:
        raise SqlError(8114, f"Error converting data type {source.name} to {target.name}.", reach=Reach.BATCH)
    return bytes.fromhex(match[1])


def _binary_to_binary(source: SqlType, target: SqlType, style: int | None) -> Converter:
    if not is_fixed(target) and (target.length == MAX or 0 < source.length <= target.length):
        return same
    return lambda value: _fit_bytes(value, target)


def _text_to_datetime(source: SqlType, target: SqlType, style: int | None) -> Converter:
    if style not in STYLES_FROM_TEXT:
        raise unsupported(f"CONVERT with style {style}")

    def change(value: str) -> datetime:
        return parse_datetime(value, source.name)

    return change


def _integer_to_datetime(source: SqlType, target: SqlType, style: int | None) -> Converter:
    _no_style(style)
    return from_days


_MAKERS: dict[tuple[Family, Family], Callable[[SqlType, SqlType, int | None], Converter]] = {
    (Family.INTEGER, Family.INTEGER): _integer_to_integer,
    (Family.TEXT, Family.INTEGER): _text_to_integer,
    (Family.BINARY, Family.INTEGER): _binary_to_integer,
    (Family.INTEGER, Family.TEXT): _integer_to_text,
    (Family.TEXT, Family.TEXT): _text_to_text,
    (Family.BINARY, Family.TEXT): _binary_to_text,
    (Family.DATETIME, Family.TEXT): _datetime_to_text,
    (Family.INTEGER, Family.BINARY): _integer_to_binary,
    (Family.TEXT, Family.BINARY): _text_to_binary,
    (Family.BINARY, Family.BINARY): _binary_to_binary,
    (Family.TEXT, Family.DATETIME): _text_to_datetime,
    (Family.INTEGER, Family.DATETIME): _integer_to_datetime,
    (Family.TEXT, Family.UNIQUE_ID): unique_ids.from_text,
    (Family.UNIQUE_ID, Family.TEXT): unique_ids.to_text,
    (Family.BINARY, Family.UNIQUE_ID): unique_ids.from_binary,
    (Family.UNIQUE_ID, Family.BINARY): unique_ids.to_binary,
}
