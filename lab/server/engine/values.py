"""The type two values meet in, how values compare, and which conversion is for what.

Python values are those of `lab.server.types`. Nothing here knows of a session.
"""

from __future__ import annotations

from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.conversions import MAKERS, Converter, same
from lab.server.engine.families import Family, family, is_fixed, is_national, largest_length, without_padding
from lab.server.errors import SqlError, unsupported
from lab.server.types import IMAGE, INT, INTEGERS, MAX, SqlType

# The type in which two values meet


def common_type(left: SqlType | None, right: SqlType | None) -> SqlType:
    """The type of CASE, UNION or a comparison of the two (data type precedence); None is an untyped NULL."""
    if left is None or right is None:
        return left or right or INT
    if IMAGE in (left, right):
        refuse_image(left, right)
        return IMAGE
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


def converter(source: SqlType | None, target: SqlType, style: int | None = None) -> Converter:
    """A function that converts values of one type to another, NULL to NULL; it is `same` if that does nothing.

    Raises "not supported" for a pair of types, or a style, that is unknown. What the function raises: 245 or 8114 (not
    a number), 248, 244, 220 or 8115 (out of range), 241 or 242 (not a date). It cuts text and bytes that are too long.
    """
    if source is None or source == target:
        return same
    refuse_image(source, target)
    maker = MAKERS.get((family(source), family(target)))
    if maker is None:
        raise unsupported(f"conversion of {source.name} to {target.name}")
    change = maker(source, target, style)
    if change is same:
        return same
    return lambda value: None if value is None else change(value)


def refuse_image(source: SqlType, target: SqlType) -> None:
    """Raises "not supported" where image meets a type that is not binary."""
    if IMAGE in (source, target) and {family(source), family(target)} != {Family.BINARY}:
        raise unsupported(f"conversion of {source.name} to {target.name}")


def implicit_converter(source: SqlType | None, target: SqlType) -> Converter:
    """The converter for an assignment, comparison or argument; raises 257 where CONVERT must be written."""
    if source is not None:
        refuse_image(source, target)
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
