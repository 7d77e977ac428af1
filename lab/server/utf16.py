"""nchar and nvarchar hold UTF-16: a text has one Python character for each unit of it.

T-SQL counts and cuts units, so the two halves of a surrogate pair are two characters here too, and one half alone is
no error.
"""

from __future__ import annotations

import re

_LARGER_THAN_A_UNIT = re.compile("[\U00010000-\U0010ffff]")


def encode(text: str) -> bytes:
    """The bytes of a text, little-endian."""
    return text.encode("utf-16-le", "surrogatepass")


def decode(data: bytes) -> str:
    """The text of bytes, of which there must be an even number."""
    return _LARGER_THAN_A_UNIT.sub(_halves, data.decode("utf-16-le", "surrogatepass"))


def _halves(match: re.Match[str]) -> str:
    code = ord(match[0]) - 0x10000
    return chr(0xD800 + (code >> 10)) + chr(0xDC00 + (code & 0x3FF))
