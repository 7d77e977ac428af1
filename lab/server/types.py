"""SQL types, shared by the parser, the engine and the wire.

Python values: int for bit, tinyint, smallint, int and bigint; str for the character types; bytes for the binary
ones, image and uniqueidentifier; a naive datetime.datetime (already rounded to 1/300 s) for datetime; None for NULL.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX = -1
"""Length of varchar(max), nvarchar(max) and varbinary(max)."""


@dataclass(frozen=True)
class SqlType:
    """A built-in type. `length` is in characters for character types and in bytes for binary ones."""

    name: str
    length: int = 0

    def __str__(self) -> str:
        if self.name not in SIZED:
            return self.name
        return f"{self.name}({'max' if self.length == MAX else self.length})"


INTEGERS = ("bit", "tinyint", "smallint", "int", "bigint")
SIZED = ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary")

BIT = SqlType("bit")
INT = SqlType("int")
BIGINT = SqlType("bigint")
DATETIME = SqlType("datetime")
UNIQUE_ID = SqlType("uniqueidentifier")
SYSNAME = SqlType("nvarchar", 128)
NVARCHAR_MAX = SqlType("nvarchar", MAX)
VARBINARY_MAX = SqlType("varbinary", MAX)
IMAGE = SqlType("image", MAX)
