"""Running instructions, and what happens when one fails."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.server.engine import locking, permissions
from lab.server.engine.binder import Binder
from lab.server.engine.frames import Frame, Run
from lab.server.engine.locks import Cancelled
from lab.server.engine.names import NameSpace
from lab.server.engine.program import Instruction, Place
from lab.server.engine.statements import GRAMMAR, KEEP_ERROR, KEEP_ROW_COUNT, STATEMENTS
from lab.server.errors import Reach, SqlError, as_sql_error
from lab.server.sql import ast

STATUS_AFTER_ERROR = -6


class BatchEnded(Exception):
    """Nothing more of the batch runs."""


@dataclass(slots=True)
class _Plan:
    """What an instruction was bound to; good as long as no definition changes, in one database."""

    version: int
    database: Any
    session: Any
    run: Run
    slots: int
    needs: tuple[permissions.Need, ...] = ()

    def fits(self, session: Any) -> bool:
        """Whether it is what binding for the session would give now."""
        here = self.database is session.current and self.session in (None, session)
        return here and self.version == session.engine.schema_version


def run(frame: Frame) -> None:
    """Run a frame's instructions to the end or to RETURN.

    Errors that no TRY of this frame takes are told to the client, or raised if a caller has a TRY. Raises BatchEnded
    and Cancelled.
    """
    instructions, session = frame.code.instructions, frame.session
    at = 0
    while at < len(instructions):
        instruction = instructions[at]
        session.engine.turn.offer()
        session.check_cancelled()
        frame.in_try = instruction.handler is not None
        del frame.caught[instruction.depth :]
        try:
            faults = session.faults
            following = _step(frame, instruction) if faults is None else faults.step(_step, frame, instruction)
        except (BatchEnded, Cancelled):
            raise
        except Exception as problem:  # noqa: BLE001 - whatever goes wrong, the client is told and the connection lives
            following = _failed(frame, instruction, as_sql_error(problem))
        if following is END:
            return
        at = at + 1 if following is None else following.address


END = Place()
"""What RETURN gives in place of the next instruction."""


def _step(frame: Frame, instruction: Instruction) -> Place | None:
    """Run one instruction; where to go on, None for the next one."""
    node = instruction.node
    if node is None:
        return instruction.target
    result = _result(frame, instruction)
    kind = type(node)
    if kind not in KEEP_ERROR:
        frame.session.error_number = 0
    if kind not in KEEP_ROW_COUNT:
        frame.session.row_count = 0
    if instruction.target is not None:
        return None if result else instruction.target
    return END if kind is ast.Return else None


def _result(frame: Frame, instruction: Instruction) -> Any:
    while True:
        plan = bound(frame, instruction)
        if plan.needs and not frame.session.principal.is_sysadmin:
            permissions.check_needs(frame, plan.needs)
        frame.rows = [None] * plan.slots
        try:
            return plan.run(frame)
        except locking.Altered:
            continue


def bound(frame: Frame, instruction: Instruction) -> _Plan:
    """The instruction's plan, bound anew if a definition has changed since."""
    session, plan = frame.session, instruction.plan
    while plan is None or not plan.fits(session):
        plan = _bind(frame, instruction)  # anew if a definition changes while binding waits for another one
    instruction.plan = plan
    return plan


def _bind(frame: Frame, instruction: Instruction) -> _Plan:
    session = frame.session
    version = session.engine.schema_version
    names = NameSpace(session, session.current)
    binder = Binder(GRAMMAR, names, frame.code.variables)
    node = instruction.node
    run_ = STATEMENTS[type(node)](binder, node)
    private, needs = session if names.private else None, tuple(dict.fromkeys(names.needs))
    return _Plan(version, session.current, private, run_, binder.slots, needs)


def _failed(frame: Frame, instruction: Instruction, error: SqlError) -> Place | None:
    """After an error: where to go on. Raises it for a TRY further out, and BatchEnded if the batch is over."""
    session = frame.session
    if not error.located:
        error.line = error.line or instruction.node.line
        error.procedure = frame.code.name.split(".")[-1] if frame.code.object_id else ""
        error.located = True
    if session.options.xact_abort and error.reach in (Reach.STATEMENT, Reach.SCOPE, Reach.THROWN):
        error.reach = Reach.BATCH
    session.error_number, session.row_count = error.number, 0
    if _can_be_caught(frame, instruction, error):
        if error.reach is Reach.BATCH and session.transaction_count:
            session.transaction.doomed = True
        frame.caught[instruction.handler.depth :] = [error]
        return instruction.handler
    if tried_outside(frame) and not error.is_unsupported and error.reach is not Reach.CONNECTION:
        if error.reach is Reach.SCOPE:
            error.reach = Reach.STATEMENT  # it has left the scope that could not bind
        raise error
    return _told(frame, error)


def _can_be_caught(frame: Frame, instruction: Instruction, error: SqlError) -> bool:
    if instruction.handler is None or error.is_unsupported:
        return False
    return error.reach not in (Reach.SCOPE, Reach.CONNECTION)


def tried_outside(frame: Frame) -> bool:
    """Whether a call further out has a TRY that takes an error of this one."""
    caller = frame.caller
    while caller:
        if caller.in_try:
            return True
        caller = caller.caller
    return False


def _told(frame: Frame, error: SqlError) -> Place | None:
    """Tell the client of an error that nobody caught, and end what it ends."""
    session = frame.session
    session.client.error(error)
    frame.status = STATUS_AFTER_ERROR
    if error.reach in (Reach.STATEMENT, Reach.RAISED):
        return None
    if error.reach is Reach.SCOPE:
        return END
    if error.reach is not Reach.THROWN:
        session.roll_back_all()
    raise BatchEnded
