"""Values of uniqueidentifier: 16 bytes in the order in which binary(16) has them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from lab.server.errors import Reach, SqlError, unsupported
from lab.server.types import MAX, SqlType

LENGTH, TEXT_LENGTH = 16, 36

_TEXT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def new_id() -> bytes:
    """NEWID()."""
    return uuid.uuid4().bytes_le


def made_up(name: str) -> bytes:
    """The same id each time for the same name."""
    return uuid.uuid5(uuid.NAMESPACE_OID, name.casefold()).bytes_le


def shown(value: bytes) -> str:
    """As text."""
    return str(uuid.UUID(bytes_le=value)).upper()


def refuse_order(what: str) -> SqlError:
    """SQL Server sorts them from the end, in groups; nobody needs it."""
    return unsupported(f"{what} of uniqueidentifier")


def from_text(source: SqlType, target: SqlType, style: int | None) -> Callable[[str], bytes]:
    """Raises 8169. SQL Server ignores what follows the 36 characters, and takes braces around them."""

    def change(value: str) -> bytes:
        if not _TEXT.fullmatch(value.rstrip(" ")):
            text = "Conversion failed when converting from a character string to uniqueidentifier."
            raise SqlError(8169, text, state=2, reach=Reach.BATCH)
        return uuid.UUID(value.rstrip(" ")).bytes_le

    return change


def to_text(source: SqlType, target: SqlType, style: int | None) -> Callable[[bytes], str]:
    """Raises 8170 if it does not fit."""

    def change(value: bytes) -> str:
        if target.length != MAX and target.length < TEXT_LENGTH:
            raise SqlError(8170, "Insufficient result space to convert uniqueidentifier value to char.", state=2)
        text = shown(value)
        return text.ljust(target.length) if target.name in ("char", "nchar") else text

    return change


def from_binary(source: SqlType, target: SqlType, style: int | None) -> Callable[[bytes], bytes]:
    """Cut or padded."""
    return lambda value: value[:LENGTH].ljust(LENGTH, b"\0")


def to_binary(source: SqlType, target: SqlType, style: int | None) -> Callable[[bytes], bytes]:
    """Cut or padded."""

    def change(value: bytes) -> bytes:
        if target.length == MAX:
            return value
        return value[: target.length].ljust(target.length if target.name == "binary" else 0, b"\0")

    return change


def clash(left: SqlType, right: SqlType) -> SqlError:
    """206."""
    return SqlError(206, f"Operand type clash: {left.name} is incompatible with {right.name}", state=2)


def refuse_as_text(type_: SqlType | None, argument: Any = 1) -> None:
    """Raises 8116 for a function of text."""
    if type_ is not None and type_.name == "uniqueidentifier":
        text = f"Argument data type uniqueidentifier is invalid for argument {argument} of the function."
        raise SqlError(8116, text)
