"""An engine that says what a test tells it to: the wire above it is the real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pymssql

from lab.server.errors import SqlError
from lab.server.interface import Client, LoginRequest, RpcParameter
from lab.server.product import VERSION

PASSWORD = "Fake-engine-1"


@dataclass
class FakeEngine:
    """`batches` and `procedures` say what answers a text or a procedure; anything else is answered with nothing."""

    batches: dict[str, Callable[[Client], None]] = field(default_factory=dict)
    procedures: dict[str, Callable[[Sequence[RpcParameter], Client], None]] = field(default_factory=dict)
    sessions: list[FakeSession] = field(default_factory=list)
    version: tuple[int, int, int, int] = VERSION

    def login(self, request: LoginRequest) -> FakeSession:
        """Knows `sa`, and a database `absent` that cannot be opened."""
        if (request.user, request.password) != ("sa", PASSWORD):
            raise SqlError(18456, f"Login failed for user '{request.user}'.", severity=14)
        if request.database == "absent":
            text = 'Cannot open database "absent" requested by the login. The login failed.'
            raise SqlError(4060, text, severity=11)
        session = FakeSession(self, request, spid=51 + len(self.sessions))
        self.sessions.append(session)
        return session

    def close(self) -> None:
        """Nothing to do."""


@dataclass
class FakeSession:
    """Remembers what was done to it."""

    engine: FakeEngine
    request: LoginRequest
    spid: int
    database: str = "master"
    texts: list[str] = field(default_factory=list)
    parameters: list[RpcParameter] = field(default_factory=list)
    resets: int = 0
    cancelled: threading.Event = field(default_factory=threading.Event)
    closed: threading.Event = field(default_factory=threading.Event)

    def batch(self, text: str, client: Client) -> None:
        """Answer as the test said. The text `wait` lasts until it is cancelled."""
        self.texts.append(text)
        if text == "wait":
            self.cancelled.wait(30)
            return
        self.engine.batches.get(text, _nothing)(client)

    def rpc(self, procedure: str, parameters: Sequence[RpcParameter], client: Client) -> None:
        """Answer as the test said."""
        self.parameters = list(parameters)
        self.engine.procedures.get(procedure, _nothing)(parameters, client)

    def cancel(self) -> None:
        """Ends `wait`."""
        self.cancelled.set()

    def renew(self) -> None:
        """Forgets a cancel."""
        self.cancelled.clear()

    def reset(self) -> None:
        """Counts."""
        self.resets += 1

    def close(self) -> None:
        """Remembered."""
        self.closed.set()


@dataclass
class FakeServer:
    """The real wire, in this process, over an engine that the test scripts."""

    engine: FakeEngine
    host: str
    port: int

    def connect(self, **options: Any) -> pymssql.Connection:
        """A pymssql connection; options as of pymssql.connect."""
        defaults = {"user": "sa", "password": PASSWORD, "autocommit": True, "login_timeout": 10}
        return pymssql.connect(server=self.host, port=str(self.port), **{**defaults, **options})


def _nothing(*_: Any) -> None:
    return None
