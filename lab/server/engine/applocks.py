"""Application locks: sp_getapplock and sp_releaseapplock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.server.engine import locks
from lab.server.errors import SqlError, unsupported

MODES = {"IntentShared": "IS", "Shared": "S", "Update": "U", "IntentExclusive": "IX", "Exclusive": "X"}
"""Names of the lock modes, and ours."""

_BY_NAME = {name.casefold(): ours for name, ours in MODES.items()}

GRANTED, GRANTED_AFTER_WAITING, TIMEOUT, DEADLOCK, WRONG = 0, 1, -1, -3, -999


@dataclass(eq=False)
class Resource:
    """What an application gave a name; the name counts to the letter, unlike others."""

    database_id: int
    name: str
    lock: locks.Lock | None = None
    counts: dict[Any, int] = field(default_factory=dict)
    """How often each owner has taken it; it must give it back as often."""


def get(
    session: Any, resource: str | None, mode: str | None, owner: str | None, timeout: int | None, principal: str | None
) -> int:
    """sp_getapplock; the timeout is in milliseconds, -1 or None for LOCK_TIMEOUT's."""
    _check_principal(principal)
    ours = _BY_NAME.get((mode or "").casefold())
    if ours is None or not resource or (timeout is not None and timeout < -1):
        return WRONG
    holder = _holder(session, owner)
    thing = session.engine.application_lock(session.current.database_id, resource[:255])
    seconds = session.lock_timeout if timeout is None or timeout == -1 else timeout / 1000
    count = thing.counts.get(holder, 0) if thing in holder.held else 0
    waits = thing.lock is not None and locks.is_blocked(thing, session, ours)
    try:
        locks.acquire(session.engine.turn, holder, thing, ours, seconds)
    except locks.LockTimeout:
        return TIMEOUT
    except SqlError as error:
        if error.number != 1205:
            raise
        return DEADLOCK
    thing.counts[holder] = count + 1
    return GRANTED_AFTER_WAITING if waits else GRANTED


def release(session: Any, resource: str | None, owner: str | None, principal: str | None) -> int:
    """sp_releaseapplock; raises 1223 for a lock that is not held."""
    _check_principal(principal)
    holder = _holder(session, owner)
    thing = session.engine.application_lock(session.current.database_id, (resource or "")[:255])
    if thing not in holder.held:
        text = (
            f"Cannot release the application lock (Database Principal: 'public', Resource: '{resource}') because it is"
            " not currently held."
        )
        raise SqlError(1223, text)
    thing.counts[holder] -= 1
    if not thing.counts[holder]:
        locks.release(holder, thing)
    return GRANTED


def _check_principal(principal: str | None) -> None:
    if principal is None or principal.casefold() != "public":
        raise unsupported(f"application lock of the principal {principal}")


def _holder(session: Any, owner: str | None) -> locks.Owner:
    """The session, or its transaction."""
    if (owner or "").casefold() == "session":
        return session
    if (owner or "").casefold() != "transaction":
        raise unsupported(f"application lock with the owner {owner}")
    if not session.transaction_count:
        text = "You attempted to acquire a transactional application lock without an active transaction."
        raise SqlError(1228, text)
    return session.transaction
