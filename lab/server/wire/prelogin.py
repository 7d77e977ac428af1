"""PRELOGIN: the first exchange, in which client and server agree on encryption."""

from __future__ import annotations

import struct
from enum import IntEnum

from lab.server.wire.packets import ProtocolError
from lab.server.wire.reader import Reader

_VERSION, _ENCRYPTION, _INSTANCE, _THREAD, _MARS = range(5)
_END = 0xFF


class Encryption(IntEnum):
    """What a client or server says of encryption."""

    LOGIN_ONLY = 0x00
    ON = 0x01
    NOT_SUPPORTED = 0x02
    REQUIRED = 0x03


def requires_encryption(body: bytes) -> bool:
    """Whether the client goes on only if everything is encrypted."""
    wish = _options(body).get(_ENCRYPTION, b"")
    return wish[:1] in (bytes([Encryption.ON]), bytes([Encryption.REQUIRED]))


def answer(version: tuple[int, int, int, int]) -> bytes:
    """The server's PRELOGIN: its version, no encryption, the instance the client named, no MARS."""
    options = {
        _VERSION: struct.pack(">BBHH", *version),
        _ENCRYPTION: bytes([Encryption.NOT_SUPPORTED]),
        _INSTANCE: b"\0",
        _THREAD: b"",
        _MARS: b"\0",
    }
    position = 5 * len(options) + 1
    head, data = b"", b""
    for token, value in options.items():
        head += struct.pack(">BHH", token, position + len(data), len(value))
        data += value
    return head + bytes([_END]) + data


def _options(body: bytes) -> dict[int, bytes]:
    """The options of a PRELOGIN by their token."""
    reader = Reader(body)
    options = {}
    while (token := reader.number("B")) != _END:
        offset, length = struct.unpack(">HH", reader.take(4))
        if offset + length > len(body):
            raise ProtocolError("a PRELOGIN option lies outside its message")
        options[token] = body[offset : offset + length]
    return options
