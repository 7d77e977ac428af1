"""KILL."""

from __future__ import annotations

from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.frames import Frame, Run
from lab.server.engine.permissions import require_kill
from lab.server.errors import SqlError
from lab.server.sql import ast

LAST_SPID = 32767


def _kill(binder: Binder, node: ast.Kill) -> Run:
    number = node.session_id

    def run(frame: Frame) -> None:
        session = frame.session
        require_kill(session)
        if session.transaction_count:
            raise SqlError(6115, "KILL command cannot be used inside user transactions.")
        if not 1 <= number <= LAST_SPID:
            text = f"Process ID {number} is not a valid process ID. Choose a number between 1 and {LAST_SPID}."
            raise SqlError(6101, text)
        if number == session.spid:
            raise SqlError(6104, "Cannot use KILL to kill your own process.")
        found = next((one for one in session.engine.sessions if one.spid == number), None)
        if found is None:
            raise SqlError(6106, f"Process ID {number} is not an active process ID.")
        if not found.is_user:
            raise SqlError(6107, "Only user processes can be killed.", severity=14)
        found.end()

    return run


KILLING: Grammar = {ast.Kill: _kill}
