"""The operators between values: `+ - * / % & | ^` and `- + ~` before one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab.server.engine.families import (
    Family,
    checked_integer,
    family,
    is_fixed,
    is_national,
    largest_length,
    without_padding,
)
from lab.server.engine.values import common_type
from lab.server.errors import SqlError, unsupported
from lab.server.types import IMAGE, INT, MAX, SqlType


@dataclass(frozen=True)
class Operation:
    """An operator for certain types: convert the operands to `operands`, then `call` them; it gives a `result`.

    `call` gives None for a NULL operand. It raises 8115 (overflow) or 8134 (division by zero).
    """

    operands: tuple[SqlType, ...]
    result: SqlType
    call: Callable[..., Any]


_NAMES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_BITWISE = ("&", "|", "^")


def binary_operation(operator: str, left: SqlType | None, right: SqlType | None) -> Operation:
    """The operation `left operator right`; None is the type of an untyped NULL.

    Raises 402 or 8117 for types that the operator does not take.
    """
    if IMAGE in (left, right):
        raise _incompatible(operator, left, right)
    families = {family(type_) for type_ in (left, right) if type_ is not None}
    if Family.DATETIME in families:
        raise unsupported(f"datetime {operator} ...: use DATEADD or DATEDIFF")
    if operator == "+" and families in ({Family.TEXT}, {Family.BINARY}):
        return _concatenation(left or right, right or left)
    if operator in _BITWISE and families != {Family.INTEGER} and families != {Family.INTEGER, Family.BINARY}:
        raise _incompatible(operator, left, right)
    if families and Family.INTEGER not in families:
        raise _incompatible(operator, left, right) if len(families) > 1 else _invalid(operator, left or right)
    result = common_type(left, right)
    if result.name == "bit" and operator not in _BITWISE:
        raise _invalid(operator, result)
    return Operation((result, result), result, _null_in_null_out(_ARITHMETIC[operator], result))


def unary_operation(operator: str, operand: SqlType | None) -> Operation:
    """The operation `operator operand`; raises 8117 for a type that the operator does not take."""
    type_ = operand or INT
    if operator == "+":
        return Operation((type_,), type_, lambda value: value)
    if family(type_) is not Family.INTEGER or (operator == "-" and type_.name == "bit"):
        name = "minus" if operator == "-" else "'~'"
        raise SqlError(8117, f"Operand data type {type_.name} is invalid for {name} operator.")
    if operator == "~":
        return Operation((type_,), type_, lambda value: None if value is None else _complement(value, type_))
    result = SqlType("smallint") if type_.name == "tinyint" else type_
    return Operation((result,), result, lambda value: None if value is None else checked_integer(-value, result))


def _complement(value: int, type_: SqlType) -> int:
    if type_.name == "bit":
        return 1 - value
    return 255 - value if type_.name == "tinyint" else ~value


def _null_in_null_out(function: Callable[[int, int], int], result: SqlType) -> Callable[[Any, Any], Any]:
    def call(left: int | None, right: int | None) -> int | None:
        if left is None or right is None:
            return None
        return checked_integer(function(left, right), result)

    return call


def _divide(left: int, right: int) -> int:
    """Division that cuts towards zero."""
    _refuse_zero(right)
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _modulo(left: int, right: int) -> int:
    """The remainder, with the sign of the dividend."""
    _refuse_zero(right)
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _refuse_zero(divisor: int) -> None:
    if divisor == 0:
        raise SqlError(8134, "Divide by zero error encountered.")


_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": _divide,
    "%": _modulo,
    "&": lambda left, right: left & right,
    "|": lambda left, right: left | right,
    "^": lambda left, right: left ^ right,
}


def _concatenation(left: SqlType, right: SqlType) -> Operation:
    """Text with text, or bytes with bytes; cut at 8,000 bytes unless one of them is (max)."""
    common = common_type(left, right)
    fixed = is_fixed(left) and is_fixed(right)
    length = MAX if MAX in (left.length, right.length) else min(left.length + right.length, largest_length(common))
    result = SqlType((common if fixed else without_padding(common)).name, length)
    cut = None if length == MAX else length

    def call(left_value: Any, right_value: Any) -> Any:
        return None if left_value is None or right_value is None else (left_value + right_value)[:cut]

    return Operation((_as_part(left, common), _as_part(right, common)), result, call)


def _as_part(type_: SqlType, common: SqlType) -> SqlType:
    """The operand's own length in the national type, if the other one is national."""
    if is_national(common) and not is_national(type_):
        return SqlType(f"n{type_.name}", type_.length if type_.length == MAX else min(type_.length, 4000))
    return type_


def _invalid(operator: str, type_: SqlType) -> SqlError:
    return SqlError(8117, f"Operand data type {type_.name} is invalid for {_NAMES[operator]} operator.")


def _incompatible(operator: str, left: SqlType | None, right: SqlType | None) -> SqlError:
    names = [type_.name if type_ else "NULL" for type_ in (left, right)]
    shown = _NAMES.get(operator, f"'{operator}'")
    return SqlError(402, f"The data types {names[0]} and {names[1]} are incompatible in the {shown} operator.")
