"""The functions of T-SQL that need no session: text, dates, ISNULL and ABS.

A function is bound as an operator is: `FUNCTIONS['LEN'].bind(types)` says to which types the arguments must be
converted, what it gives, and the Python function. A type is None where the argument is an untyped NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lab.server.engine import text_functions as text
from lab.server.engine.datetimes import add_to_datetime, datetime_difference, round_datetime
from lab.server.engine.families import (
    INTEGER_BYTES,
    Family,
    family,
    is_national,
    largest_length,
    overflow,
    without_padding,
)
from lab.server.engine.operators import Operation
from lab.server.engine.unique_ids import new_id, refuse_as_text
from lab.server.types import BIGINT, DATETIME, IMAGE, INT, MAX, NVARCHAR_MAX, SYSNAME, UNIQUE_ID, SqlType

Types = tuple[SqlType | None, ...]


@dataclass(frozen=True)
class Function:
    """A function's name, how many arguments it takes, and how it is bound to their types."""

    name: str
    minimum: int
    maximum: int
    bind: Callable[[Types], Operation]


_WORD = SqlType("varchar", 30)
"""The type of a date part, which the parser has checked."""


def _strict(operands: tuple[SqlType, ...], result: SqlType, call: Callable[..., Any]) -> Operation:
    """An operation that gives NULL if any argument is NULL."""

    def unless_null(*values: Any) -> Any:
        return None if None in values else call(*values)

    return Operation(operands, result, unless_null)


def _text(type_: SqlType | None) -> SqlType:
    """The type in which a text function takes an argument: itself if it is text."""
    refuse_as_text(type_)
    if type_ is None:
        return SqlType("varchar", 1)
    return type_ if family(type_) is Family.TEXT else SqlType("varchar", 8000)


def _whole(type_: SqlType) -> SqlType:
    """The longest type of the same kind that is not (max), unless it is (max) already."""
    variable = without_padding(type_)
    return variable if type_.length == MAX else SqlType(variable.name, largest_length(type_))


def _position(type_: SqlType) -> SqlType:
    """The type of a length or position in a text of that type."""
    return BIGINT if type_.length == MAX else INT


# Text


def _same_text(call: Callable[[str], str]) -> Callable[[Types], Operation]:
    def bind(types: Types) -> Operation:
        type_ = _text(types[0])
        return _strict((type_,), without_padding(type_), call)

    return bind


def _length(types: Types) -> Operation:
    type_ = _text(types[0])
    return _strict((type_,), _position(type_), lambda value: len(value.rstrip(" ")))


def _data_length(types: Types) -> Operation:
    type_ = types[0] or INT
    kind = family(type_)
    if kind is Family.INTEGER:
        size = INTEGER_BYTES[type_.name]
        return _strict((type_,), INT, lambda value: size)
    if kind is Family.DATETIME:
        return _strict((type_,), INT, lambda value: 8)
    if kind is Family.UNIQUE_ID or type_ == IMAGE:
        return _strict((type_,), INT, len)
    if is_national(type_):
        return _strict((type_,), _position(type_), lambda value: 2 * len(value))
    return _strict((type_,), _position(type_), len)


def _substring(types: Types) -> Operation:
    type_ = types[0] if types[0] and family(types[0]) is Family.BINARY else _text(types[0])
    return _strict((type_, INT, INT), without_padding(type_), text.substring)


def _char_index(types: Types) -> Operation:
    found, value = (_text(type_) for type_ in types[:2])
    return _strict((found, value, INT)[: len(types)], _position(value), text.position)


def _part(call: Callable[[str, int], str]) -> Callable[[Types], Operation]:
    def bind(types: Types) -> Operation:
        type_ = _text(types[0])
        return _strict((type_, INT), without_padding(type_), call)

    return bind


def _replace(types: Types) -> Operation:
    national = any(type_ and is_national(type_) for type_ in types)
    operands = tuple(NVARCHAR_MAX if national else SqlType("varchar", MAX) for _ in types)
    first = _text(types[0])
    result = SqlType("nvarchar" if national else "varchar", MAX if first.length == MAX else 4000 if national else 8000)
    limit = None if result.length == MAX else result.length
    return _strict(operands, result, lambda *values: text.replace(*values)[:limit])


def _replicate(types: Types) -> Operation:
    type_ = _text(types[0])
    result = _whole(type_)
    limit = None if result.length == MAX else result.length
    return _strict((type_, INT), result, lambda value, count: text.replicate(value, count, limit))


def _plain(operands: tuple[SqlType, ...], result: SqlType, call: Callable[..., Any]) -> Callable[[Types], Operation]:
    """The binding of a function whose types are always the same; optional arguments may be left out."""
    return lambda types: _strict(operands[: len(types)], result, call)


# NULL and dates


def _is_null(types: Types) -> Operation:
    """ISNULL has the type of its first argument, whatever the second is."""
    type_ = types[0] or types[1] or INT
    return Operation((type_, type_), type_, lambda value, other: other if value is None else value)


def _now() -> datetime:
    return _rounded(datetime.now())


def _utc_now() -> datetime:
    return _rounded(datetime.now(UTC).replace(tzinfo=None))


def _rounded(value: datetime) -> datetime:
    try:
        return round_datetime(value)
    except OverflowError:
        raise overflow("datetime") from None


_ALL = (
    Function("ASCII", 1, 1, _plain((SqlType("varchar", MAX),), INT, text.code)),
    Function("CHAR", 1, 1, _plain((INT,), SqlType("char", 1), text.character)),
    Function("CHARINDEX", 2, 3, _char_index),
    Function("DATALENGTH", 1, 1, _data_length),
    Function("DATEADD", 3, 3, _plain((_WORD, INT, DATETIME), DATETIME, add_to_datetime)),
    Function("DATEDIFF", 3, 3, _plain((_WORD, DATETIME, DATETIME), INT, datetime_difference)),
    Function("GETDATE", 0, 0, _plain((), DATETIME, _now)),
    Function("GETUTCDATE", 0, 0, _plain((), DATETIME, _utc_now)),
    Function("ISNULL", 2, 2, _is_null),
    Function("LEFT", 2, 2, _part(text.left)),
    Function("LEN", 1, 1, _length),
    Function("LOWER", 1, 1, _same_text(text.lower)),
    Function("NEWID", 0, 0, _plain((), UNIQUE_ID, new_id)),
    Function("NCHAR", 1, 1, _plain((INT,), SqlType("nchar", 1), text.national_character)),
    Function("PARSENAME", 2, 2, _plain((NVARCHAR_MAX, INT), SYSNAME, text.parse_name)),
    Function("QUOTENAME", 1, 2, _plain((NVARCHAR_MAX, NVARCHAR_MAX), SqlType("nvarchar", 258), text.quote_name)),
    Function("REPLACE", 3, 3, _replace),
    Function("REPLICATE", 2, 2, _replicate),
    Function("RIGHT", 2, 2, _part(text.right)),
    Function("RTRIM", 1, 1, _same_text(lambda value: value.rstrip(" "))),
    Function("SUBSTRING", 3, 3, _substring),
    Function("UPPER", 1, 1, _same_text(text.upper)),
)

FUNCTIONS = {function.name: function for function in _ALL}
"""By name, in upper case."""
