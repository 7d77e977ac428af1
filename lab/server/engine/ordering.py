"""ORDER BY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.server.engine import images
from lab.server.engine.binder import Binder
from lab.server.engine.frames import Bound, Frame
from lab.server.engine.sources import Loop
from lab.server.engine.storage import key_part
from lab.server.engine.unique_ids import refuse_order
from lab.server.errors import SqlError
from lab.server.interface import Column
from lab.server.sql import ast
from lab.server.types import UNIQUE_ID, SqlType

Key = tuple[Callable[[Any], Any], bool]
"""What to sort by, and whether downwards."""


@dataclass(frozen=True)
class Item:
    """One column of a result: its name, what it is, and how it was written."""

    name: str
    bound: Bound
    node: ast.Expression


def bind_order(binder: Binder, node: ast.Select, items: list[Item], loop: Loop, first_slot: int) -> Loop:
    """The loop of a SELECT in the order asked for; the slots from `first_slot` on are its own."""
    if not node.order_by:
        return loop
    keys = []
    for item in node.order_by:
        bound = _order_item(binder, node, item, items)
        _refuse_unordered(bound.type)
        keys.append((bound.run, item.descending))
    last_slot = binder.slots

    def run(frame: Frame) -> Iterator[None]:
        found = []
        for _ in loop(frame):
            parts = [key_part(key(frame)) for key, _ in keys]
            found.append((parts, frame.rows[first_slot:last_slot]))
        ordered = _sorted(found, [(_nth(at), descending) for at, (_, descending) in enumerate(keys)])
        for _, rows in ordered:
            frame.rows[first_slot:last_slot] = rows
            yield

    return run


def _nth(at: int) -> Callable[[Any], Any]:
    return lambda found: found[0][at]


def _sorted(found: list[Any], keys: list[Key]) -> list[Any]:
    for key, descending in reversed(keys):
        found.sort(key=key, reverse=descending)
    return found


def _order_item(binder: Binder, node: ast.Select, item: ast.OrderItem, items: list[Item]) -> Bound:
    value = item.value
    if isinstance(value, ast.Literal):
        return items[_ordinal(value, len(items))].bound
    if is_constant(value):
        raise _constant()
    if isinstance(value, ast.ColumnRef) and len(value.parts) == 1:
        named = [one for one in items if one.name.casefold() == value.parts[0].casefold()]
        if len({one.node for one in named}) > 1:
            raise SqlError(209, f"Ambiguous column name '{value.parts[0]}'.", line=item.line)
        if named:
            return named[0].bound
    if node.distinct and all(one.node != value for one in items):
        raise SqlError(
            145, "ORDER BY items must appear in the select list if SELECT DISTINCT is specified.", severity=15
        )
    return binder.bind_value(value)


def _constant() -> SqlError:
    return SqlError(408, "A constant expression was encountered in the ORDER BY list.")


def is_constant(node: ast.Expression) -> bool:
    """Whether an expression is made of literals and operators only."""
    match node:
        case ast.Literal():
            return True
        case ast.Unary():
            return is_constant(node.operand)
        case ast.Binary():
            return is_constant(node.left) and is_constant(node.right)
    return False


def _ordinal(value: ast.Literal, count: int) -> int:
    if not isinstance(value.value, int):
        raise _constant()
    if not 1 <= value.value <= count:
        text = f"The ORDER BY position number {value.value} is out of range of the number of items in the select list."
        raise SqlError(108, text)
    return value.value - 1


def bind_output_order(
    order_by: tuple[ast.OrderItem, ...], columns: tuple[Column, ...]
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """ORDER BY of a UNION, which only knows the columns of the result."""
    keys: list[Key] = []
    for item in order_by:
        keys.append((_output_key(item, columns), item.descending))
    if not keys:
        return iter
    return lambda rows: iter(_sorted(list(rows), keys))


def _output_key(item: ast.OrderItem, columns: tuple[Column, ...]) -> Callable[[Any], Any]:
    value = item.value
    if isinstance(value, ast.Literal):
        at = _ordinal(value, len(columns))
    else:
        names = [column.name.casefold() for column in columns]
        wanted = value.parts[-1].casefold() if isinstance(value, ast.ColumnRef) else None
        if wanted not in names:
            text = (
                "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or EXCEPT"
                " operator."
            )
            raise SqlError(104, text, severity=15)
        at = names.index(wanted)
    _refuse_unordered(columns[at].type)
    return lambda row: key_part(row[at])


def _refuse_unordered(type_: SqlType | None) -> None:
    images.refuse_order(type_)
    if type_ == UNIQUE_ID:
        raise refuse_order("ORDER BY")
