"""Reads the numbers, texts and counted bytes of a message, from its start to its end."""

from __future__ import annotations

import struct

from lab.server import utf16
from lab.server.wire.packets import ProtocolError


class Reader:
    """A position in the bytes of a message. Every method raises ProtocolError where the message is too short."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def at_end(self) -> bool:
        """Whether all has been read."""
        return self._position >= len(self._data)

    def peek(self) -> int:
        """The next byte, which stays to be read."""
        byte = self.number("B")
        self._position -= 1
        return byte

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._position + size
        if end > len(self._data):
            raise ProtocolError(f"the message ends {end - len(self._data)} bytes too soon")
        taken = self._data[self._position : end]
        self._position = end
        return taken

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._position)

    def unpack(self, layout: str) -> tuple:
        """Numbers in the layout of `struct`, little-endian."""
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))

    def number(self, layout: str) -> int:
        """One number in the layout of `struct`, little-endian."""
        return self.unpack(layout)[0]

    def short_text(self) -> str:
        """A text whose length in characters is one byte."""
        return utf16_text(self.take(2 * self.number("B")))

    def text(self) -> str:
        """A text whose length in characters is two bytes."""
        return utf16_text(self.take(2 * self.number("H")))


def utf16_text(data: bytes) -> str:
    """The text of UTF-16 that a client sent."""
    if len(data) % 2:
        raise ProtocolError("a UTF-16 text of an odd number of bytes")
    return utf16.decode(data)
