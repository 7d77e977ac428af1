"""What clients ask for: the text of a batch, and remote procedure calls."""

from __future__ import annotations

from dataclasses import dataclass

from lab.server.errors import unsupported
from lab.server.interface import RpcParameter
from lab.server.wire.packets import ProtocolError
from lab.server.wire.parameters import read_parameter
from lab.server.wire.reader import Reader, utf16_text

_BY_NUMBER = 0xFFFF
_WITH_RECOMPILE = 0x01
_NEXT_CALL = (0x80, 0xFE, 0xFF)

_NUMBERED_PROCEDURES = {
    1: "sp_cursor",
    2: "sp_cursoropen",
    3: "sp_cursorprepare",
    4: "sp_cursorexecute",
    5: "sp_cursorprepexec",
    6: "sp_cursorunprepare",
    7: "sp_cursorfetch",
    8: "sp_cursoroption",
    9: "sp_cursorclose",
    10: "sp_executesql",
    11: "sp_prepare",
    12: "sp_execute",
    13: "sp_prepexec",
    14: "sp_prepexecrpc",
    15: "sp_unprepare",
}


@dataclass(frozen=True)
class Call:
    """A remote procedure call. Parameters that the client leaves to their default are not in it."""

    procedure: str
    parameters: tuple[RpcParameter, ...]


def parse_batch(body: bytes, wide: bool) -> str:
    """The text of a batch."""
    return utf16_text(_without_headers(body, wide).rest())


def parse_call(body: bytes, wide: bool) -> Call:
    """Decode an RPC request. Raises SqlError for what the server does not have, ProtocolError for nonsense."""
    reader = _without_headers(body, wide)
    procedure = _procedure(reader)
    options = reader.number("H")
    if options & ~_WITH_RECOMPILE:
        raise unsupported(f"RPC option {options:#06x}")
    parameters = []
    while not reader.at_end:
        if reader.peek() in _NEXT_CALL:
            raise unsupported("several procedure calls in one request")
        parameters.append(read_parameter(reader))
    return Call(procedure, tuple(given for given in parameters if given is not None))


def _procedure(reader: Reader) -> str:
    """The procedure's name as sent, or that of its number."""
    length = reader.number("H")
    if length != _BY_NUMBER:
        return utf16_text(reader.take(2 * length))
    number = reader.number("H")
    if number not in _NUMBERED_PROCEDURES:
        raise ProtocolError(f"there is no procedure number {number}")
    return _NUMBERED_PROCEDURES[number]


def _without_headers(body: bytes, wide: bool) -> Reader:
    """A reader behind ALL_HEADERS, which exist from TDS 7.2 on and say nothing that a server without MARS needs."""
    reader = Reader(body)
    if wide:
        length = reader.number("I")
        if length < 4:
            raise ProtocolError(f"headers of {length} bytes")
        reader.take(length - 4)
    return reader
