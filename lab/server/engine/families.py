"""The kinds of value, and what the types of each can hold."""

from __future__ import annotations

from enum import Enum

from lab.server.errors import SqlError
from lab.server.types import INTEGERS, SqlType


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
    "image": Family.BINARY,
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
    """Which of the kinds of value a type has."""
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


def overflow(type_name: str) -> SqlError:
    """8115 for a value that does not fit the type."""
    return SqlError(8115, f"Arithmetic overflow error converting expression to data type {type_name}.")


def checked_integer(value: int, type_: SqlType) -> int:
    """The value itself, if the integer type can hold it; raises 8115."""
    low, high = RANGES[type_.name]
    if not low <= value <= high:
        raise overflow(type_.name)
    return value
