"""char and varchar hold code page 1252, as under the collation SQL_Latin1_General_CP1_CI_AS."""

from __future__ import annotations

_TO_TEXT = tuple(bytes((code,)).decode("cp1252", "ignore") or chr(code) for code in range(256))
_TO_CODE = {character: code for code, character in enumerate(_TO_TEXT)}
_UNKNOWN = ord("?")


def encode(text: str) -> bytes:
    """The bytes of a text; `?` for each character that the code page has not."""
    if text.isascii():
        return text.encode("ascii")
    return bytes(_TO_CODE.get(character, _UNKNOWN) for character in text)


def decode(data: bytes) -> str:
    """The text of bytes; each of the 256 is a character."""
    return "".join(map(_TO_TEXT.__getitem__, data))


def narrow(text: str) -> str:
    """A text as char and varchar keep it."""
    return text if text.isascii() else decode(encode(text))
