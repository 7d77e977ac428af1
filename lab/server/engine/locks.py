"""Locks on rows, tables, names and application resources; waits, time limits and deadlocks.

Anything with an attribute `lock` can be locked. All functions here are called with the engine's turn.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from lab.server.engine.turn import Turn
from lab.server.errors import Reach, SqlError

COMPATIBLE = {
    "IS": frozenset(("IS", "S", "U", "IX", "SIX")),
    "S": frozenset(("IS", "S", "U")),
    "U": frozenset(("IS", "S")),
    "IX": frozenset(("IS", "IX")),
    "SIX": frozenset(("IS",)),
    "X": frozenset(),
}
"""Mode: the modes that others may have at the same time."""

_COVERS = {
    "IS": frozenset(("IS",)),
    "S": frozenset(("IS", "S")),
    "U": frozenset(("IS", "S", "U")),
    "IX": frozenset(("IS", "IX")),
    "SIX": frozenset(("IS", "S", "IX", "SIX")),
    "X": frozenset(COMPATIBLE),
}


class Cancelled(Exception):
    """The client wants the request ended, or has gone."""


class LockTimeout(Exception):
    """The lock was not to be had in time."""


class Waiter(Protocol):
    """A session, as far as waiting goes."""

    wake: threading.Event
    cancelled: bool
    deadlock_priority: int
    request: Request | None

    def cost(self) -> int:
        """How much work a rollback of its transaction would throw away."""


class Owner(Protocol):
    """A transaction; it has the locks in `held`."""

    session: Waiter
    held: dict[Any, str]


class Lockable(Protocol):
    """A thing to lock."""

    lock: Lock | None


@dataclass(slots=True)
class Lock:
    """Who has a thing, and who waits for it, in that order."""

    granted: dict[Owner, str] = field(default_factory=dict)
    waiting: list[Request] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Request:
    """One wait for a lock."""

    owner: Owner
    thing: Lockable
    mode: str
    granted: bool = False
    victim: bool = False


def combined(held: str | None, wanted: str) -> str:
    """The weakest mode that covers both."""
    if held is None or held in _COVERS[wanted]:
        return wanted
    if wanted in _COVERS[held]:
        return held
    return "SIX" if {held, wanted} == {"S", "IX"} else "X"


def is_blocked(thing: Lockable, session: Waiter, mode: str) -> bool:
    """Whether another session has the thing in a mode that does not go with this one."""
    lock = thing.lock
    return lock is not None and any(
        owner.session is not session and mode not in COMPATIBLE[held] for owner, held in lock.granted.items()
    )


def acquire(turn: Turn, owner: Owner, thing: Lockable, mode: str, timeout: float | None) -> None:
    """Have the thing locked, waiting at most `timeout` seconds (None: for ever).

    Raises LockTimeout, Cancelled, and SqlError 1205 for the victim of a deadlock.
    """
    held = owner.held.get(thing)
    if held is not None and mode in _COVERS[held]:
        return
    if thing.lock is None:
        thing.lock = Lock()
    request = Request(owner, thing, combined(held, mode))
    if _grantable(thing.lock, request, thing.lock.waiting):
        _grant(thing.lock, request)
        return
    if timeout == 0:
        raise LockTimeout
    _wait(turn, request, timeout)


def release(owner: Owner, thing: Lockable) -> None:
    """Give a lock back; whoever can have it now gets it."""
    del owner.held[thing]
    del thing.lock.granted[owner]
    _serve(thing)


def release_all(owner: Owner) -> None:
    """Give back all that an owner has."""
    for thing in list(owner.held):
        release(owner, thing)


def _grantable(lock: Lock, request: Request, before: list[Request]) -> bool:
    """A lock that is only made stronger does not queue behind those who wait for its owner."""
    session, mode = request.owner.session, request.mode
    others = (held for owner, held in lock.granted.items() if owner.session is not session)
    if any(mode not in COMPATIBLE[held] for held in others):
        return False
    return request.owner in lock.granted or all(mode in COMPATIBLE[earlier.mode] for earlier in before)


def _grant(lock: Lock, request: Request) -> None:
    lock.granted[request.owner] = request.owner.held[request.thing] = request.mode
    request.granted = True


def _serve(thing: Lockable) -> None:
    lock = thing.lock
    for request in list(lock.waiting):
        before = lock.waiting[: lock.waiting.index(request)]
        if _grantable(lock, request, before):
            lock.waiting.remove(request)
            _grant(lock, request)
            request.owner.session.wake.set()
    if not lock.granted and not lock.waiting:
        thing.lock = None


def _wait(turn: Turn, request: Request, timeout: float | None) -> None:
    session = request.owner.session
    deadline = None if timeout is None else time.monotonic() + timeout
    request.thing.lock.waiting.append(request)
    session.request = request
    try:
        _choose_victims(request)
        while not request.granted:
            session.wake.clear()
            if session.cancelled:
                raise Cancelled
            if request.victim:
                raise _deadlock(session)
            remaining = None if deadline is None else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                raise LockTimeout
            with turn.given_up():
                session.wake.wait(remaining)
    finally:
        session.request = None
        if not request.granted:
            request.thing.lock.waiting.remove(request)
            _serve(request.thing)


def _deadlock(session: Waiter) -> SqlError:
    text = (
        f"Transaction (Process ID {getattr(session, 'spid', 0)}) was deadlocked on lock resources with another process"
        " and has been chosen as the deadlock victim. Rerun the transaction."
    )
    return SqlError(1205, text, severity=13, state=51, reach=Reach.BATCH)


def blocker(waiter: Waiter) -> Waiter | None:
    """One of the sessions that a session waits for."""
    return next(_blockers(waiter), None)


# Deadlocks


def _choose_victims(request: Request) -> None:
    """As long as the new request closes a circle, end the wait of that session in it which loses least."""
    while not request.victim and (circle := _circle(request)):
        newest_first = sorted(circle, key=lambda waiter: waiter is not request.owner.session)
        victim = min(newest_first, key=lambda waiter: (waiter.deadlock_priority, waiter.cost()))
        victim.request.victim = True
        victim.wake.set()


def _circle(request: Request) -> list[Waiter]:
    """The sessions that wait for each other, beginning with the one of the request; empty if they do not."""
    start = request.owner.session

    def search(waiter: Waiter, path: list[Waiter]) -> list[Waiter]:
        for blocker in _blockers(waiter):
            if blocker is start:
                return path
            if blocker not in path and (found := search(blocker, [*path, blocker])):
                return found
        return []

    return search(start, [start])


def _blockers(waiter: Waiter) -> Iterator[Waiter]:
    """Whom a session waits for; nobody, if its wait has been ended already."""
    request = waiter.request
    if request is None or request.granted or request.victim:
        return
    lock = request.thing.lock
    for owner, held in lock.granted.items():
        if owner.session is not waiter and request.mode not in COMPATIBLE[held]:
            yield owner.session
    if request.owner in lock.granted:
        return
    for earlier in lock.waiting[: lock.waiting.index(request)]:
        if earlier.owner.session is not waiter and request.mode not in COMPATIBLE[earlier.mode]:
            yield earlier.owner.session
