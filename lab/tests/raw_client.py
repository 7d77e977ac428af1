"""A TDS client that sends what it is told to: for requests that pymssql does not make, and for bytes that are none."""

from __future__ import annotations

import socket
import struct

from lab.server.wire.packets import LAST, PacketType
from lab.tests.fake_engine import PASSWORD

NO_HEADERS = struct.pack("<I", 4)


class RawClient:
    """A connection; `login` first where the test is about requests."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=10)

    def __enter__(self) -> RawClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def login(self, database: str = "", version: int = 0x74000004, flags: int = 0, password: str = PASSWORD) -> bytes:
        """Log in as sa, without PRELOGIN; the reply. `flags` are those of the second option byte."""
        return self.ask(PacketType.LOGIN, login7(database, version, flags, password))

    def batch(self, text: str, status: int = 0) -> bytes:
        """The reply to a batch."""
        return self.ask(PacketType.BATCH, NO_HEADERS + text.encode("utf-16-le"), status)

    def call(self, procedure: str, parameters: bytes) -> bytes:
        """The reply to a remote procedure call."""
        return self.ask(PacketType.RPC, NO_HEADERS + text(procedure) + b"\0\0" + parameters)

    def ask(self, kind: int, body: bytes, status: int = 0) -> bytes:
        """Send a message; the whole reply."""
        self.send(kind, body, status)
        return self.receive()

    def send(self, kind: int, body: bytes, status: int = 0) -> None:
        """Send a message of one packet."""
        self.socket.sendall(struct.pack(">BBHHBB", kind, LAST | status, 8 + len(body), 0, 1, 0) + body)

    def receive(self) -> bytes:
        """The next message, empty at the end of the stream."""
        body = b""
        while header := self.socket.recv(8, socket.MSG_WAITALL):
            body += self.socket.recv(struct.unpack(">H", header[2:4])[0] - 8, socket.MSG_WAITALL)
            if header[1] & LAST:
                break
        return body


def text(value: str) -> bytes:
    """A text behind its length."""
    return struct.pack("<H", len(value)) + value.encode("utf-16-le")


def login7(database: str = "", version: int = 0x74000004, flags: int = 0, password: str = PASSWORD) -> bytes:
    """The body of a LOGIN7 message."""
    scrambled = bytes(((byte & 0x0F) << 4 | byte >> 4) ^ 0xA5 for byte in password.encode("utf-16-le"))
    fields = [b"", "sa".encode("utf-16-le"), scrambled, *[b""] * 5, database.encode("utf-16-le")]
    offsets, data = b"", b""
    for field in fields:
        offsets += struct.pack("<HH", 94 + len(data), len(field) // 2)
        data += field
    fixed = struct.pack("<5I4BiI", version, 4096, 0, 1, 0, 0, flags, 0, 0, 0, 0)
    body = fixed + offsets + bytes(22) + data
    return struct.pack("<I", 4 + len(body)) + body
