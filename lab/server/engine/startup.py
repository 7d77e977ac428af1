"""Runs the startup procedures of master, each in a session of its own, while clients are served already."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from lab.server.errors import SqlError
from lab.server.types import SqlType

STOP_SECONDS = 5
"""How long a procedure that runs may take to notice that the server ends."""

log = logging.getLogger(__name__)


class StartupProcedures:
    """Those that are marked when the delay is over, if any was marked when the server started."""

    def __init__(self, engine: Any, delay: float = 0) -> None:
        """`delay` is in seconds."""
        self._engine = engine
        self._delay = delay
        self._stopping = threading.Event()
        self._sessions: list[Any] = []
        self._threads: list[threading.Thread] = []
        self._starter = threading.Thread(target=self._start_all, name="startup", daemon=True)

    def start(self) -> None:
        """Begin, in threads of their own."""
        if self._engine.startup_scan:
            self._starter.start()

    def wait(self) -> None:
        """Until all of them have ended."""
        if self._starter.ident is not None:
            self._starter.join()
        for thread in self._threads:
            thread.join()

    def stop(self) -> None:
        """End the delay and what runs."""
        self._stopping.set()
        if self._starter.ident is not None:
            self._starter.join()
        for session in self._sessions:
            session.cancel()
        for thread in self._threads:
            thread.join(STOP_SECONDS)

    def _start_all(self) -> None:
        if self._stopping.wait(self._delay):
            return
        with self._engine.turn.taken():
            names = self._engine.startup_procedures()
        for name in names:
            session = self._engine.system_session()
            thread = threading.Thread(target=_run, args=(session, name), name=name, daemon=True)
            self._sessions.append(session)
            self._threads.append(thread)
            thread.start()


def _run(session: Any, name: str) -> None:
    try:
        session.rpc(name, (), ServerLog(session, name))
    finally:
        session.close()


class ServerLog:
    """Implements `interface.Client`: what a startup procedure says goes to the server's log, and an error ends it."""

    def __init__(self, session: Any, name: str) -> None:
        self._session = session
        self._name = name

    def columns(self, columns: Sequence[Any]) -> None:
        """Nobody reads them."""

    def row(self, values: Sequence[Any]) -> None:
        """Nobody reads it."""

    def done(self, rows: int | None, *, select: bool = False) -> None:
        """Nobody counts."""

    def message(self, number: int, severity: int, state: int, text: str, procedure: str = "", line: int = 0) -> None:
        """To the log."""
        log.info("startup procedure %s: %s", self._name, text)

    def error(self, error: SqlError) -> None:
        """To the log; nothing more of the procedure runs."""
        log.error("startup procedure %s, line %d: error %d: %s", self._name, error.line, error.number, error.text)
        self._session.cancel()

    def database_changed(self, new: str, old: str) -> None:
        """Nobody is told."""

    def return_status(self, status: int) -> None:
        """Nobody is told."""

    def return_value(self, ordinal: int, name: str, type_: SqlType, value: Any) -> None:
        """There are no parameters."""
