"""LOGIN7: what a client says of itself."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from lab.server.interface import LoginRequest
from lab.server.wire.packets import DEFAULT_PACKET_SIZE, LARGEST_PACKET_SIZE, SMALLEST_PACKET_SIZE, ProtocolError
from lab.server.wire.reader import utf16_text

TDS_7_1 = 0x71000000
TDS_7_2 = 0x72000000
TDS_7_4 = 0x74000004

_FIXED = struct.Struct("<6I4BiI")
_FIELD = struct.Struct("<2H")
_HOST, _USER, _PASSWORD, _PROGRAM, _SERVER, _EXTENSION, _LIBRARY, _LANGUAGE, _DATABASE = range(9)
_INTEGRATED = 0x80


@dataclass(frozen=True)
class Login:
    """A decoded LOGIN7. `tds_version` is what both sides know, `packet_size` what the server will use."""

    request: LoginRequest
    tds_version: int
    packet_size: int
    integrated: bool
    """Whether the client wants to log in as a Windows user."""

    @property
    def wide(self) -> bool:
        """Whether the client speaks TDS 7.2 or later."""
        return self.tds_version >= TDS_7_2


def parse(body: bytes) -> Login:
    """Decode LOGIN7. Raises ProtocolError for a message out of shape and for TDS before 7.1."""
    if len(body) < _FIXED.size + 9 * _FIELD.size:
        raise ProtocolError("LOGIN7 is too short")
    _, version, packet_size, _, process_id, _, _, options, _, _, _, _ = _FIXED.unpack_from(body)
    if version < TDS_7_1:
        raise ProtocolError(f"TDS version {version:#010x} is too old")
    request = LoginRequest(
        user=utf16_text(_field(body, _USER)),
        password=utf16_text(_clear(_field(body, _PASSWORD))),
        database=utf16_text(_field(body, _DATABASE)),
        host_name=utf16_text(_field(body, _HOST)),
        program_name=utf16_text(_field(body, _PROGRAM)),
        host_process_id=process_id,
        library_name=utf16_text(_field(body, _LIBRARY)),
    )
    size = min(max(packet_size or DEFAULT_PACKET_SIZE, SMALLEST_PACKET_SIZE), LARGEST_PACKET_SIZE)
    return Login(request, min(version, TDS_7_4), size, integrated=bool(options & _INTEGRATED))


def _field(body: bytes, index: int) -> bytes:
    """The bytes of one of the texts; the message has an offset and a number of characters for each."""
    offset, characters = _FIELD.unpack_from(body, _FIXED.size + index * _FIELD.size)
    if offset + 2 * characters > len(body):
        raise ProtocolError("a text of LOGIN7 lies outside its message")
    return body[offset : offset + 2 * characters]


def _clear(scrambled: bytes) -> bytes:
    """Undo the scrambling of the password: each byte XOR A5, then its halves swapped."""
    return bytes(((byte ^ 0xA5) & 0x0F) << 4 | (byte ^ 0xA5) >> 4 for byte in scrambled)
