"""The one lock around all databases: a thread that has the turn may touch them, strictly first come, first served.

Python's own locks let a busy thread take the lock again before one that waits, which made others wait three times as
long.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turn:
    """Not reentrant; whoever waits for something else (a lock, a disk, a delay) gives the turn up meanwhile."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._queue: deque[threading.Lock] = deque()

    def take(self) -> None:
        """Wait for the turn."""
        with self._mutex:
            if not self._taken:
                self._taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._queue.append(gate)
        gate.acquire()

    def give(self) -> None:
        """Hand the turn to the thread that has waited longest."""
        with self._mutex:
            if self._queue:
                self._queue.popleft().release()
            else:
                self._taken = False

    def offer(self) -> None:
        """Let the others that wait go first."""
        if self._queue:
            self.give()
            self.take()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have the turn within the block."""
        self.take()
        try:
            yield
        finally:
            self.give()

    @contextmanager
    def given_up(self) -> Iterator[None]:
        """Be without the turn within the block."""
        self.give()
        try:
            yield
        finally:
            self.take()
