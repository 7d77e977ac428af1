"""How types and values are sent: TYPE_INFO and the bytes of a value.

`wide` means TDS 7.2 or later, which sends the (max) types in chunks; before, they are text, ntext and image. Columns of
type image are sent as such to both.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from lab.server import code_page, utf16
from lab.server.engine.datetimes import EPOCH, round_datetime
from lab.server.errors import unsupported
from lab.server.types import MAX, SqlType

COLLATION = bytes.fromhex("0904d00034")
"""SQL_Latin1_General_CP1_CI_AS as it stands in type descriptions: language 1033, no flags, sort order 52."""

INTN, BITN, DATETIMN, GUID = 0x26, 0x68, 0x6F, 0x24
BIGVARCHR, BIGCHAR, NVARCHAR, NCHAR, BIGVARBIN, BIGBINARY = 0xA7, 0xAF, 0xE7, 0xEF, 0xA5, 0xAD
TEXT, NTEXT, IMAGE = 0x23, 0x63, 0x22

COUNTED = {
    "char": BIGCHAR,
    "varchar": BIGVARCHR,
    "nchar": NCHAR,
    "nvarchar": NVARCHAR,
    "binary": BIGBINARY,
    "varbinary": BIGVARBIN,
}
LARGE = {"varchar": TEXT, "nvarchar": NTEXT, "varbinary": IMAGE}
INTEGER_LAYOUTS = {"tinyint": "B", "smallint": "h", "int": "i", "bigint": "q"}

CHUNKED_LENGTH = 0xFFFF
LARGEST = 0x7FFFFFFF
NULL_COUNT = 0xFFFF
NULL_CHUNKS = 0xFFFFFFFFFFFFFFFF
UNKNOWN_CHUNKS = 0xFFFFFFFFFFFFFFFE
NULL_LARGE = 0xFFFFFFFF

TICKS_A_DAY = 24 * 60 * 60 * 300

Encoder = Callable[[Any], bytes]


def type_info(type_: SqlType, wide: bool) -> bytes:
    """TYPE_INFO of a column or OUTPUT parameter. Raises SqlError for a type that cannot be sent."""
    name = type_.name
    if name in INTEGER_LAYOUTS:
        return bytes([INTN, struct.calcsize(INTEGER_LAYOUTS[name])])
    if name == "bit":
        return bytes([BITN, 1])
    if name == "datetime":
        return bytes([DATETIMN, 8])
    if name == "uniqueidentifier":
        return bytes([GUID, 16])
    if name == "image":
        return struct.pack("<BI", IMAGE, LARGEST)
    if name not in COUNTED:
        raise unsupported(f"result of type {type_}")
    collation = COLLATION if "char" in name else b""
    if type_.length != MAX:
        return struct.pack("<BH", COUNTED[name], max(1, type_.length) * _width(name)) + collation
    if wide:
        return struct.pack("<BH", COUNTED[name], CHUNKED_LENGTH) + collation
    return struct.pack("<BI", LARGE[name], LARGEST) + collation


def encoder(type_: SqlType, wide: bool) -> Encoder:
    """The function that turns a value of the type, None for NULL, into what ROW and RETURNVALUE carry."""
    name = type_.name
    if name in INTEGER_LAYOUTS:
        return _packed(INTEGER_LAYOUTS[name])
    if name == "bit":
        return _packed("B")
    if name == "datetime":
        return _datetime
    if name == "uniqueidentifier":
        return lambda value: b"\0" if value is None else b"\x10" + value
    if name == "image":
        return _large
    if name not in COUNTED:
        raise unsupported(f"result of type {type_}")
    if type_.length != MAX:
        return _after(_text_encoder(name), _counted)
    return _after(_text_encoder(name), _chunked if wide else _large)


def to_ticks(moment: datetime) -> tuple[int, int]:
    """Days since 1900 and 1/300 seconds since midnight."""
    since = moment - EPOCH
    ticks = round((since - timedelta(days=since.days)) / timedelta(seconds=1) * 300)
    return since.days + ticks // TICKS_A_DAY, ticks % TICKS_A_DAY


def from_ticks(days: int, ticks: int) -> datetime:
    """The other way round. Raises OverflowError outside the years 1 to 9999."""
    return round_datetime(EPOCH + timedelta(days=days, microseconds=round(ticks * 10_000 / 3)))


def _width(name: str) -> int:
    """Bytes of one unit of a type's length."""
    return 2 if name in ("nchar", "nvarchar") else 1


def _text_encoder(name: str) -> Encoder:
    if name in ("nchar", "nvarchar"):
        return utf16.encode
    return code_page.encode if "char" in name else bytes


def _after(encode: Encoder, frame: Callable[[bytes | None], bytes]) -> Encoder:
    return lambda value: frame(None if value is None else encode(value))


def _packed(layout: str) -> Encoder:
    form = struct.Struct("<B" + layout)
    size = form.size - 1
    return lambda value: b"\0" if value is None else form.pack(size, value)


def _datetime(value: datetime | None) -> bytes:
    return b"\0" if value is None else struct.pack("<BiI", 8, *to_ticks(value))


def _counted(data: bytes | None) -> bytes:
    return struct.pack("<H", NULL_COUNT) if data is None else struct.pack("<H", len(data)) + data


def _chunked(data: bytes | None) -> bytes:
    """Total length, one chunk, and the chunk of length 0 that ends the value; nothing is sent as no chunk at all."""
    if data is None:
        return struct.pack("<Q", NULL_CHUNKS)
    chunk = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + chunk + struct.pack("<I", 0)


def _large(data: bytes | None) -> bytes:
    """A text pointer of 16 bytes and a timestamp of 8, both made up, before the value."""
    return b"\0" if data is None else b"\x10" + bytes(24) + struct.pack("<I", len(data)) + data
