"""SET options: what a session has, and the few that change what it does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from lab.server.engine.binder import Binder
from lab.server.engine.frames import Frame, Run
from lab.server.errors import unsupported
from lab.server.interface import Column
from lab.server.sql import ast

_NO_LIMIT = (-1, 2**31 - 1)


@dataclass
class Options:
    """The SET options of a session; lock_timeout is in milliseconds, -1 for ever."""

    nocount: bool = False
    xact_abort: bool = False
    quoted_identifier: bool = True
    ansi_nulls: bool = True
    arithabort: bool = False
    cursor_close_on_commit: bool = False
    lock_timeout: int = -1
    deadlock_priority: int = 0
    textsize: int = -1

    def cut(self, columns: tuple[Column, ...], rows: list[tuple[Any, ...]]) -> Iterable[tuple[Any, ...]]:
        """Rows of a SELECT as TEXTSIZE allows them: it counts bytes, of (max) columns only."""
        if self.textsize in _NO_LIMIT:
            return rows
        limits = [_limit(column, self.textsize) for column in columns]
        return (
            tuple(
                value if limit is None or value is None else value[:limit]
                for value, limit in zip(row, limits, strict=True)
            )
            for row in rows
        )


def _limit(column: Column, textsize: int) -> int | None:
    if column.type.length != -1:
        return None
    return textsize // 2 if column.type.name == "nvarchar" else textsize


_KEPT = {
    "NOCOUNT": "nocount",
    "XACT_ABORT": "xact_abort",
    "QUOTED_IDENTIFIER": "quoted_identifier",
    "ANSI_NULLS": "ansi_nulls",
    "ARITHABORT": "arithabort",
    "CURSOR_CLOSE_ON_COMMIT": "cursor_close_on_commit",
    "LOCK_TIMEOUT": "lock_timeout",
    "DEADLOCK_PRIORITY": "deadlock_priority",
    "TEXTSIZE": "textsize",
}

_WITHOUT_EFFECT = frozenset(
    {
        "ANSI_NULL_DFLT_ON",
        "ANSI_PADDING",
        "ANSI_WARNINGS",
        "CONCAT_NULL_YIELDS_NULL",
        "DATEFORMAT",
        "IMPLICIT_TRANSACTIONS",
        "LANGUAGE",
        "NUMERIC_ROUNDABORT",
        "TRANSACTION ISOLATION LEVEL",
    }
)
"""The parser lets only the value pass that is in force anyway, or one that changes nothing here."""


# bit: the attribute that says whether it is set, or None for an option that is always ON here; as documented for
# https://learn.microsoft.com/sql/database-engine/configure-windows/configure-the-user-options-server-configuration-option
_BITS = {
    4: "cursor_close_on_commit",
    8: None,  # ANSI_WARNINGS
    16: None,  # ANSI_PADDING
    32: "ansi_nulls",
    64: "arithabort",
    256: "quoted_identifier",
    512: "nocount",
    1024: None,  # ANSI_NULL_DFLT_ON
    4096: None,  # CONCAT_NULL_YIELDS_NULL
    16384: "xact_abort",
}


def bits(options: Options) -> int:
    """@@OPTIONS."""
    return sum(bit for bit, attribute in _BITS.items() if attribute is None or getattr(options, attribute))


def set_option(binder: Binder, node: ast.SetOption) -> Run:
    """SET name value."""
    if node.name in _WITHOUT_EFFECT:
        return lambda frame: None
    if node.name not in _KEPT:
        raise unsupported(f"SET {node.name}", node.line)
    attribute, value = _KEPT[node.name], node.value
    if attribute == "textsize" and value == 0:
        value = 4096

    def run(frame: Frame) -> None:
        setattr(frame.session.options, attribute, value)

    return run
