"""From the written name of a type to a built-in SqlType."""

from __future__ import annotations

from lab.server.errors import SqlError, unsupported
from lab.server.sql.scope import parse_error
from lab.server.types import DATETIME, IMAGE, INTEGERS, MAX, SYSNAME, UNIQUE_ID, SqlType

LENGTH_IN_DECLARATION = 1
"""The length of char, varbinary and so on where none is written, in DECLARE, parameters and columns."""

LENGTH_IN_CONVERT = 30
"""The same in CONVERT and CAST."""

_LARGEST = {"char": 8000, "varchar": 8000, "nchar": 4000, "nvarchar": 4000, "binary": 8000, "varbinary": 8000}
_WITH_MAX = ("varchar", "nvarchar", "varbinary")
_PLAIN = {"sysname": SYSNAME, "datetime": DATETIME, "image": IMAGE, "uniqueidentifier": UNIQUE_ID} | {
    name: SqlType(name) for name in INTEGERS
}
_SYNONYMS = {"integer": "int", "character": "char"}
_NOT_SUPPORTED = """
    cursor date datetime2 datetimeoffset dec decimal double float geography geometry hierarchyid json money
    national ntext numeric real rowversion smalldatetime smallmoney sql_variant table text time timestamp xml
"""


def builtin_type(name: str, length: int | None, default_length: int, line: int) -> SqlType | None:
    """The type called `name` (any case), or None if no built-in type is: it may be an alias type.

    Raises "not supported" for a type that SQL Server has, 1001 or 2717 for a wrong length and 2716 for a length where
    there can be none.
    """
    lower = name.lower()
    lower = _SYNONYMS.get(lower, lower)
    if lower in _NOT_SUPPORTED.split():
        raise unsupported(name, line)
    if lower in _LARGEST:
        return SqlType(lower, _checked_length(lower, default_length if length is None else length, line))
    plain = _PLAIN.get(lower)
    if plain is not None and length is not None:
        raise no_width(lower, line)
    return plain


def no_width(name: str, line: int) -> SqlError:
    """2716."""
    return parse_error(
        2716, f"Column, parameter, or variable: Cannot specify a column width on data type {name}.", line
    )


def _checked_length(name: str, length: int, line: int) -> int:
    if length == MAX and name in _WITH_MAX:
        return MAX
    if length == 0:
        raise parse_error(1001, f"Line {line}: Length or precision specification 0 is invalid.", line)
    if not 0 < length <= _LARGEST[name]:
        text = f"The size ({length}) given to the type '{name}' exceeds the maximum allowed ({_LARGEST[name]})."
        raise parse_error(2717, text, line)
    return length
