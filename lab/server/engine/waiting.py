"""WAITFOR DELAY."""

from __future__ import annotations

import re

from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.frames import Frame, Run
from lab.server.errors import SqlError
from lab.server.sql import ast
from lab.server.types import NVARCHAR_MAX

_DELAY = re.compile(r"\s*(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,3}))?)?\s*")


def _wait(binder: Binder, node: ast.WaitForDelay) -> Run:
    delay = binder.bind_as(node.delay, NVARCHAR_MAX).run

    def run(frame: Frame) -> None:
        frame.session.sleep(seconds(delay(frame) or ""))

    return run


def seconds(text: str) -> float:
    """The seconds of 'hh:mm[:ss[.mmm]]', less than a day; raises 148."""
    match = _DELAY.fullmatch(text)
    if match:
        hours, minutes, whole = (int(match[part] or 0) for part in (1, 2, 3))
        if hours < 24 and minutes < 60 and whole < 60:
            return hours * 3600 + minutes * 60 + whole + int((match[4] or "").ljust(3, "0") or 0) / 1000
    raise SqlError(148, f"Incorrect time syntax in time string '{text}' used with WAITFOR.", severity=15)


WAITING: Grammar = {ast.WaitForDelay: _wait}
