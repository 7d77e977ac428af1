"""The parameters of an RPC: TYPE_INFO and value as clients send them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from lab.server import code_page
from lab.server.errors import unsupported
from lab.server.interface import RpcParameter
from lab.server.types import BIGINT, BIT, DATETIME, INT, MAX, UNIQUE_ID, VARBINARY_MAX, SqlType
from lab.server.wire import datatypes
from lab.server.wire.packets import ProtocolError
from lab.server.wire.reader import Reader, utf16_text

_OUTPUT, _DEFAULT = 0x01, 0x02

_SMALLINT, _TINYINT = SqlType("smallint"), SqlType("tinyint")
_FIXED = {0x30: (_TINYINT, "B"), 0x32: (BIT, "?"), 0x34: (_SMALLINT, "h"), 0x38: (INT, "i"), 0x7F: (BIGINT, "q")}
_FIXED_DATETIME = 0x3D
_INTEGER_BY_SIZE = {1: (_TINYINT, "B"), 2: (_SMALLINT, "h"), 4: (INT, "i"), 8: (BIGINT, "q")}

_COUNTED_NAMES = {code: name for name, code in datatypes.COUNTED.items()}
_LARGE_TYPES = {
    datatypes.TEXT: SqlType("varchar", MAX),
    datatypes.NTEXT: SqlType("nvarchar", MAX),
    datatypes.IMAGE: VARBINARY_MAX,
}
_LENGTHS_IN_UTF16 = ("nchar", "nvarchar")

_OTHER_TYPES = {
    0x1F: "null",
    0x28: "date",
    0x29: "time",
    0x2A: "datetime2",
    0x2B: "datetimeoffset",
    0x3A: "smalldatetime",
    0x3B: "real",
    0x3C: "money",
    0x3E: "float",
    0x62: "sql_variant",
    0x6A: "decimal",
    0x6C: "numeric",
    0x6D: "float",
    0x6E: "money",
    0x7A: "smallmoney",
    0xF0: "CLR type",
    0xF1: "xml",
    0xF3: "table type",
}


def read_parameter(reader: Reader) -> RpcParameter | None:
    """The next parameter; None if the client leaves it to the procedure's default.

    Raises SqlError for a type that the server does not have.
    """
    name = reader.short_text()
    status = reader.number("B")
    type_, read = _read_type(reader, name)
    value = read(reader)
    if not status & _DEFAULT:
        return RpcParameter(name, type_, value, output=bool(status & _OUTPUT))
    if not name:
        raise unsupported("DEFAULT for a parameter without a name")
    return None


def _read_type(reader: Reader, parameter: str) -> tuple[SqlType, Callable[[Reader], Any]]:
    """The type, and the function that reads a value of it."""
    code = reader.number("B")
    if code in _FIXED:
        type_, layout = _FIXED[code]
        return type_, lambda reader: int(reader.number(layout))
    if code == _FIXED_DATETIME:
        return DATETIME, _read_ticks
    if code in (datatypes.INTN, datatypes.BITN, datatypes.DATETIMN):
        return _read_nullable_type(reader, code)
    if code == datatypes.GUID:
        reader.take(1)
        return UNIQUE_ID, _read_unique_id
    if code in _COUNTED_NAMES:
        return _read_counted_type(reader, _COUNTED_NAMES[code])
    if code in _LARGE_TYPES:
        return _read_large_type(reader, code)
    if code in _OTHER_TYPES:
        raise unsupported(f"parameter {parameter or '(without a name)'} of type {_OTHER_TYPES[code]}")
    raise ProtocolError(f"type {code:#04x} of a parameter is unknown")


def _read_nullable_type(reader: Reader, code: int) -> tuple[SqlType, Callable[[Reader], Any]]:
    """INTN, BITN and DATETIMN: the size belongs to the type, and stands before each value, 0 for NULL."""
    size = reader.number("B")
    if code == datatypes.DATETIMN and size == 8:
        return DATETIME, lambda reader: _read_ticks(reader) if reader.number("B") else None
    if code == datatypes.DATETIMN and size == 4:
        raise unsupported("parameter of type smalldatetime")
    if code == datatypes.BITN and size == 1:
        return BIT, lambda reader: int(reader.number("?")) if reader.number("B") else None
    if code == datatypes.INTN and size in _INTEGER_BY_SIZE:
        return _INTEGER_BY_SIZE[size][0], _read_integer
    raise ProtocolError(f"type {code:#04x} of size {size}")


def _read_integer(reader: Reader) -> int | None:
    """A value of INTN; its own size counts."""
    size = reader.number("B")
    if not size:
        return None
    if size not in _INTEGER_BY_SIZE:
        raise ProtocolError(f"an integer of {size} bytes")
    return reader.number(_INTEGER_BY_SIZE[size][1])


def _read_unique_id(reader: Reader) -> bytes | None:
    size = reader.number("B")
    if size not in (0, 16):
        raise ProtocolError(f"a uniqueidentifier of {size} bytes")
    return bytes(reader.take(size)) if size else None


def _read_ticks(reader: Reader) -> datetime:
    days, ticks = reader.unpack("iI")
    try:
        return datatypes.from_ticks(days, ticks)
    except OverflowError:
        raise ProtocolError(f"a datetime of {days} days") from None


def _read_counted_type(reader: Reader, name: str) -> tuple[SqlType, Callable[[Reader], Any]]:
    size = reader.number("H")
    if name not in ("binary", "varbinary"):
        reader.take(len(datatypes.COLLATION))
    chunked = size == datatypes.CHUNKED_LENGTH
    width = 2 if name in _LENGTHS_IN_UTF16 else 1
    type_ = SqlType(name, MAX if chunked else max(1, size // width))
    return type_, _after(_read_chunks if chunked else _read_counted, _decoder(name))


def _read_large_type(reader: Reader, code: int) -> tuple[SqlType, Callable[[Reader], Any]]:
    reader.take(4)
    if code != datatypes.IMAGE:
        reader.take(len(datatypes.COLLATION))
    type_ = _LARGE_TYPES[code]
    return type_, _after(_read_large, _decoder(type_.name))


def _after(read: Callable[[Reader], bytes | None], decode: Callable[[bytes], Any]) -> Callable[[Reader], Any]:
    def read_value(reader: Reader) -> Any:
        data = read(reader)
        return None if data is None else decode(data)

    return read_value


def _decoder(name: str) -> Callable[[bytes], Any]:
    if name in _LENGTHS_IN_UTF16:
        return utf16_text
    return code_page.decode if "char" in name else bytes


def _read_counted(reader: Reader) -> bytes | None:
    size = reader.number("H")
    return None if size == datatypes.NULL_COUNT else reader.take(size)


def _read_large(reader: Reader) -> bytes | None:
    size = reader.number("I")
    return None if size == datatypes.NULL_LARGE else reader.take(size)


def _read_chunks(reader: Reader) -> bytes | None:
    """A (max) value: its length, which may be unknown, and chunks up to one of length 0."""
    total = reader.number("Q")
    if total == datatypes.NULL_CHUNKS:
        return None
    chunks = []
    while size := reader.number("I"):
        chunks.append(reader.take(size))
    data = b"".join(chunks)
    if total not in (datatypes.UNKNOWN_CHUNKS, len(data)):
        raise ProtocolError(f"a value of {len(data)} bytes was announced with {total}")
    return data
