"""Application locks, of a transaction or of a session: sp_getapplock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.server.engine import locks
from lab.server.errors import SqlError, unsupported

_MODES = {"intentshared": "IS", "shared": "S", "update": "U", "intentexclusive": "IX", "exclusive": "X"}
"""Names of the lock modes, and ours."""

GRANTED, GRANTED_AFTER_WAITING, TIMEOUT, DEADLOCK, WRONG = 0, 1, -1, -3, -999


@dataclass(eq=False)
class Keeper:
    """Owns what a session has locked until it ends, whatever becomes of its transactions."""

    session: Any
    held: dict[Any, str] = field(default_factory=dict)


@dataclass(eq=False)
class Resource:
    """What an application gave a name; the name counts to the letter, unlike others."""

    database_id: int
    name: str
    lock: locks.Lock | None = None


def get(
    session: Any, resource: str | None, mode: str | None, owner: str | None, timeout: int | None, principal: str | None
) -> int:
    """sp_getapplock; the timeout is in milliseconds, -1 or None for LOCK_TIMEOUT's."""
    if principal is None or principal.casefold() != "public":
        raise unsupported(f"application lock of the principal {principal}")
    ours = _MODES.get((mode or "").casefold())
    if ours is None or not resource or (timeout is not None and timeout < -1):
        return WRONG
    of_session = (owner or "").casefold() == "session"
    if not of_session and (owner or "").casefold() != "transaction":
        return WRONG
    if not of_session and not session.transaction_count:
        text = "You attempted to acquire a transactional application lock without an active transaction."
        raise SqlError(1228, text)
    thing = session.engine.application_lock(session.current.database_id, resource[:255])
    seconds = session.lock_timeout if timeout is None or timeout == -1 else timeout / 1000
    waits = thing.lock is not None and locks.is_blocked(thing, session, ours)
    try:
        locks.acquire(session.engine.turn, session.keeper if of_session else session.transaction, thing, ours, seconds)
    except locks.LockTimeout:
        return TIMEOUT
    except SqlError as error:
        if error.number != 1205:
            raise
        return DEADLOCK
    return GRANTED_AFTER_WAITING if waits else GRANTED
