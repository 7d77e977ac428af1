"""image: what cannot be done with its values, the pointers to them, and READTEXT.

A pointer (16 bytes) names a row and a column. It is worth something as long as the row is there, as in SQL Server. What
is asked of image is little: columns and parameters, assignment from and to binary types, IS NULL, DATALENGTH, TEXTPTR.
"""

from __future__ import annotations

import struct
from typing import Any

from lab.server.engine import locking
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.frames import Bound, Frame, Run
from lab.server.engine.storage import Row, Table
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.interface import Column
from lab.server.sql import ast
from lab.server.types import IMAGE, INT, SqlType

_POINTER = struct.Struct(">HIQH")
_POINTER_TYPE = SqlType("varbinary", _POINTER.size)


def refuse_in_function(name: str, types: tuple[SqlType | None, ...], line: int) -> None:
    """Raises "not supported" for any function but DATALENGTH; TEXTPTR is bound on its own."""
    if IMAGE in types and name != "DATALENGTH":
        raise unsupported(f"{name} of image", line)


def refuse_order(type_: SqlType | None) -> None:
    """306 for ORDER BY and GROUP BY."""
    if type_ == IMAGE:
        text = (
            "The text, ntext, and image data types cannot be compared or sorted, except when using IS NULL or LIKE"
            " operator."
        )
        raise SqlError(306, text, state=2)


def refuse_distinct(types: list[SqlType | None]) -> None:
    """421."""
    if IMAGE in types:
        text = "The image data type cannot be selected as DISTINCT because it is not comparable."
        raise SqlError(421, text)


def refuse_union(types: list[SqlType | None]) -> None:
    """5335."""
    if IMAGE in types:
        text = (
            "The data type image cannot be used as an operand to the UNION, INTERSECT or EXCEPT operators because it is"
            " not comparable."
        )
        raise SqlError(5335, text)


def text_pointer(binder: Binder, node: ast.FunctionCall) -> Bound:
    """TEXTPTR: of a column of the table that an UPDATE changes; NULL for a value that is NULL."""
    (argument,) = node.arguments
    place = binder.scope.place(argument) if isinstance(argument, ast.ColumnRef) else None
    if place is None or binder.changing is None or binder.scope.outer:
        raise unsupported("TEXTPTR of anything but a column that UPDATE changes", node.line)
    table, (slot, ordinal) = binder.changing, place
    if table.columns[ordinal].type != IMAGE:
        name = table.columns[ordinal].type.name
        raise SqlError(8116, f"Argument data type {name} is invalid for argument 1 of textptr function.")

    def run(frame: Frame) -> bytes | None:
        if frame.rows[slot][ordinal] is None:
            return None
        return _POINTER.pack(table.database_id, table.object_id, frame.changing.id, ordinal)

    return Bound(_POINTER_TYPE, run, uses=frozenset((slot,)))


def _read_text(binder: Binder, node: ast.ReadText) -> Run:
    """READTEXT; raises 207, 7133 (no pointer), 7123 (a pointer to nothing) and 7124 (past the end)."""
    table = binder.names.table(node.table)
    binder.names.need("SELECT", table)
    ordinal = table.ordinal(node.column)
    if ordinal is None:
        raise SqlError(207, f"Invalid column name '{node.column}'.", reach=Reach.SCOPE, line=node.line)
    column = table.columns[ordinal]
    if column.type != IMAGE:
        raise unsupported(f"READTEXT of {column.type.name}", node.line)
    pointer = binder.bind_as(node.pointer, _POINTER_TYPE).run
    offset, size = binder.bind_as(node.offset, INT).run, binder.bind_as(node.size, INT).run
    columns = (Column(column.name, IMAGE),)

    def run(frame: Frame) -> None:
        session = frame.session
        with session.statement():
            value = _pointed(session, table, ordinal, pointer(frame))
            part = _part(value, offset(frame), size(frame))
        session.row_count = 1
        session.client.columns(columns)
        for row in session.options.cut(columns, [(part,)]):
            session.client.row(row)
        session.client.done(1, select=True)

    return run


def _pointed(session: Any, table: Table, ordinal: int, pointer: bytes | None) -> bytes:
    if pointer is None:
        raise SqlError(7133, "NULL textptr (text, ntext, or image pointer) passed to READTEXT function.")
    *place, row_id, at = _POINTER.unpack(pointer.ljust(_POINTER.size, b"\0"))
    row = table.rows.get(row_id) if (*place, at) == (table.database_id, table.object_id, ordinal) else None
    found: list[Row] = list(locking.readable(session, table, lambda: [row] if row else []))
    if not found or found[0].values[ordinal] is None:
        raise SqlError(7123, f"Invalid text, ntext, or image pointer value 0x{pointer.hex()}.")
    return found[0].values[ordinal]


def _part(value: bytes, offset: int | None, size: int | None) -> bytes:
    if not size or size < 0 or offset is None or offset < 0:
        raise unsupported(f"READTEXT from {offset}, {size} bytes")  # of 0 bytes SQL Server reads 4,096
    if offset + size > len(value):
        text = (
            "The offset and length specified in the READTEXT command is greater than the actual data length of"
            f" {len(value)}."
        )
        raise SqlError(7124, text)
    return value[offset : offset + size]


IMAGES: Grammar = {ast.ReadText: _read_text}
