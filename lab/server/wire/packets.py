"""TDS packets: an 8-byte header and a piece of a message. A message is all packets up to the one marked as last."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct(">BBHHBB")  # type, status, length with the header, spid, packet number, window
LAST = 0x01
IGNORE = 0x02
RESET = 0x08
RESET_KEEPING_TRANSACTION = 0x10

DEFAULT_PACKET_SIZE = 4096
SMALLEST_PACKET_SIZE, LARGEST_PACKET_SIZE = 512, 32767


class ProtocolError(Exception):
    """The client does not speak TDS, or breaks its rules: the connection ends without an answer."""


class PacketType(IntEnum):
    """What a message is."""

    BATCH = 0x01
    RPC = 0x03
    REPLY = 0x04
    ATTENTION = 0x06
    BULK_LOAD = 0x07
    TRANSACTION_MANAGER = 0x0E
    LOGIN = 0x10
    PRELOGIN = 0x12


@dataclass(frozen=True)
class Message:
    """A whole message; `status` is that of its first packet together with that of its last."""

    type: PacketType
    status: int
    body: bytes


def read_message(sock: socket.socket, limit: int) -> Message | None:
    """The next message, None at the end of the stream.

    Never reads past the message, so that whoever polls the socket sees an attention that follows it. Raises
    ProtocolError for what is no TDS packet, for a message of more than `limit` bytes and for an end in its middle.
    """
    first = True
    parts: list[bytes] = []
    size = 0
    while True:
        header = _read_exactly(sock, HEADER.size)
        if header is None:
            if first:
                return None
            raise ProtocolError("the stream ended between the packets of a message")
        kind, status, length, _, _, _ = HEADER.unpack(header)
        if first:
            message_type, message_status, first = _packet_type(kind), status, False
        if kind != message_type or length < HEADER.size:
            raise ProtocolError(f"not a TDS packet: {header.hex()}")
        size += length - HEADER.size
        if size > limit:
            raise ProtocolError(f"a message of more than {limit} bytes")
        part = _read_exactly(sock, length - HEADER.size)
        if part is None:
            raise ProtocolError("the stream ended inside a packet")
        parts.append(part)
        if status & LAST:
            return Message(message_type, message_status | status, b"".join(parts))


def write_reply(sock: socket.socket, body: bytes, spid: int = 0, packet_size: int = DEFAULT_PACKET_SIZE) -> None:
    """Send a reply in packets of at most `packet_size` bytes. Raises OSError when the client has gone."""
    room = packet_size - HEADER.size
    packets = bytearray()
    for number, start in enumerate(range(0, len(body), room), start=1):
        part = body[start : start + room]
        status = LAST if start + room >= len(body) else 0
        packets += HEADER.pack(PacketType.REPLY, status, HEADER.size + len(part), spid, number & 0xFF, 0)
        packets += part
    sock.sendall(packets)


def _packet_type(number: int) -> PacketType:
    try:
        return PacketType(number)
    except ValueError:
        raise ProtocolError(f"not a TDS packet: type {number:#04x}") from None


def _read_exactly(sock: socket.socket, size: int) -> bytes | None:
    """`size` bytes; None if the stream ends before the first of them."""
    data = bytearray()
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part and data:
            raise ProtocolError("the stream ended inside a packet")
        if not part:
            return None if size else b""
        data += part
    return bytes(data)
