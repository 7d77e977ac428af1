"""How a value of one type becomes one of another: a function for each pair of kinds."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from lab.server import code_page, utf16
from lab.server.engine import unique_ids
from lab.server.engine.datetimes import STYLES_FROM_TEXT, format_datetime, from_days, parse_datetime
from lab.server.engine.families import INTEGER_BYTES, RANGES, Family, is_fixed, is_national, overflow
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.types import INTEGERS, MAX, SqlType

Converter = Callable[[Any], Any]


def same(value: Any) -> Any:
    """The converter that has nothing to do."""
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


MAKERS: dict[tuple[Family, Family], Callable[[SqlType, SqlType, int | None], Converter]] = {
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
