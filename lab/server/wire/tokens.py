"""The tokens of a reply, each as bytes. `wide` means TDS 7.2 or later, where counts and line numbers are larger."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from lab.server import utf16
from lab.server.errors import SqlError, unsupported
from lab.server.interface import Column
from lab.server.types import MAX, SqlType
from lab.server.wire.datatypes import COLLATION, LARGE, Encoder, encoder, type_info

_COLUMNS, _ROW, _RETURN_STATUS, _RETURN_VALUE = 0x81, 0xD1, 0x79, 0xAC
_ERROR, _INFO, _LOGIN_ACK, _ENVIRONMENT = 0xAA, 0xAB, 0xAD, 0xE3

_DATABASE, _PACKET_SIZE, _COLLATION, _RESET = 1, 4, 7, 18

_MORE, _FAILED, _COUNT, _ATTENTION = 0x01, 0x02, 0x10, 0x20
_SELECT = 0xC1
_NULLABLE, _OUTPUT = 0x01, 0x01
_T_SQL = 1

LONGEST_MESSAGE = 8000
"""Characters; the length of the token itself has only two bytes."""


class DoneKind(IntEnum):
    """Which of the three DONE tokens: of a batch, of a procedure called by RPC, of a statement inside it."""

    BATCH = 0xFD
    PROCEDURE = 0xFE
    IN_PROCEDURE = 0xFF


@dataclass(frozen=True)
class Done:
    """The end of a statement, request or attention, but for whether more follows."""

    kind: DoneKind
    rows: int | None = None
    select: bool = False
    failed: bool = False
    attention: bool = False

    def encode(self, wide: bool, more: bool) -> bytes:
        """The token."""
        status = _MORE * more | _FAILED * self.failed | _COUNT * (self.rows is not None) | _ATTENTION * self.attention
        layout = "<BHHQ" if wide else "<BHHI"
        return struct.pack(layout, self.kind, status, _SELECT * self.select, self.rows or 0)


def columns(described: Sequence[Column], wide: bool) -> bytes:
    """COLMETADATA."""
    parts = [struct.pack("<BH", _COLUMNS, len(described))]
    for column in described:
        described_type = type_info(column.type, wide)
        # Columns of type text, ntext and image name their table, to wide clients in parts: one empty name does.
        table = (b"\1\0\0" if wide else b"\0\0") if described_type[0] in LARGE.values() else b""
        flags = struct.pack("<H", _NULLABLE * column.nullable)
        parts.append(_user_type(wide) + flags + described_type + table + _short_text(column.name))
    return b"".join(parts)


def row(encoders: Sequence[Encoder], values: Sequence[Any]) -> bytes:
    """ROW; `encoders` are those of the columns' types."""
    cells = [encode(value) for encode, value in zip(encoders, values, strict=True)]
    return bytes([_ROW]) + b"".join(cells)


def message(told: SqlError, server: str, wide: bool) -> bytes:
    """ERROR, which drivers raise; up to severity 10 INFO, where 10 goes out as 0, as drivers expect."""
    token, severity = (_ERROR, told.severity) if told.severity > 10 else (_INFO, told.severity % 10)
    body = struct.pack("<iBB", told.number, told.state & 0xFF, severity) + _text(told.text[:LONGEST_MESSAGE])
    body += _short_text(server) + _short_text(told.procedure)
    line = struct.pack("<I", told.line) if wide else struct.pack("<H", min(told.line, 0xFFFF))
    return _counted(token, body + line)


def return_status(status: int) -> bytes:
    """RETURNSTATUS."""
    return struct.pack("<Bi", _RETURN_STATUS, status)


def return_value(ordinal: int, name: str, type_: SqlType, value: Any, wide: bool) -> bytes:
    """RETURNVALUE: an OUTPUT parameter."""
    if not wide and type_.length == MAX:
        type_ = _bounded(type_, value)
    head = struct.pack("<BH", _RETURN_VALUE, ordinal) + _short_text(name) + bytes([_OUTPUT])
    flags = struct.pack("<H", _NULLABLE)
    return head + _user_type(wide) + flags + type_info(type_, wide) + encoder(type_, wide)(value)


def login_ack(tds_version: int, program: str, version: tuple[int, int, int, int]) -> bytes:
    """LOGINACK: the TDS version in use, the program's name and its version."""
    major, minor, build, _ = version
    body = bytes([_T_SQL]) + struct.pack(">I", tds_version) + _short_text(program)
    return _counted(_LOGIN_ACK, body + struct.pack(">BBH", major, minor, build))


def database_changed(new: str, old: str) -> bytes:
    """ENVCHANGE of the database."""
    return _environment(_DATABASE, _short_text(new) + _short_text(old))


def packet_size_changed(new: int, old: int) -> bytes:
    """ENVCHANGE of the packet size, in force from the next message on."""
    return _environment(_PACKET_SIZE, _short_text(str(new)) + _short_text(str(old)))


def collation() -> bytes:
    """ENVCHANGE of the collation, from which clients take the code page of char and varchar."""
    return _environment(_COLLATION, bytes([len(COLLATION)]) + COLLATION + b"\0")


def connection_reset() -> bytes:
    """ENVCHANGE that says that RESETCONNECTION was obeyed."""
    return _environment(_RESET, b"\0\0")


def _bounded(type_: SqlType, value: Any) -> SqlType:
    """What stands for a (max) type, which RETURNVALUE has only in wide form."""
    length = 4000 if type_.name == "nvarchar" else 8000
    if value is not None and len(value) > length:
        raise unsupported(f"OUTPUT parameter of more than {length} characters or bytes before TDS 7.2")
    return SqlType(type_.name, length)


def _environment(kind: int, values: bytes) -> bytes:
    return _counted(_ENVIRONMENT, bytes([kind]) + values)


def _counted(token: int, body: bytes) -> bytes:
    return struct.pack("<BH", token, len(body)) + body


def _user_type(wide: bool) -> bytes:
    return bytes(4 if wide else 2)


def _text(value: str) -> bytes:
    data = utf16.encode(value)
    return struct.pack("<H", len(data) // 2) + data


def _short_text(value: str) -> bytes:
    """A text whose length is one byte; longer ones are cut."""
    data = utf16.encode(value[:255])
    return bytes([len(data) // 2]) + data
