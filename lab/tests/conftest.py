"""Servers for the tests: real ones, and the real wire over an engine that the test scripts."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.server.engine import database_statements
from lab.server.listener import Listener
from lab.tests import server_process
from lab.tests.fake_engine import FakeEngine, FakeServer
from lab.tests.server_process import ServerProcess


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server for all tests that need no server to themselves."""
    folder = tmp_path_factory.mktemp("lab_server")
    server = server_process.start(folder / "data", secrets.token_urlsafe(12), folder / "log")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """DROP DATABASE in an engine of the test's own process waits for idle sessions, but not as long."""
    monkeypatch.setattr(database_statements, "CLOSING_SECONDS", 0.5)


@pytest.fixture
def start_lab_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers that the test may stop or kill, one after the other on the same data; ends what still runs."""
    password = secrets.token_urlsafe(12)
    started: list[ServerProcess] = []

    def start(*options: str) -> ServerProcess:
        started.append(server_process.start(tmp_path / "data", password, tmp_path / "log", *options))
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def fake_server() -> Iterator[FakeServer]:
    """A listener over a fake engine. Afterwards all its sessions are closed."""
    engine = FakeEngine()
    listener = Listener("127.0.0.1", 0, engine)
    listener.start()
    host, port = listener.address.rsplit(":", 1)
    yield FakeServer(engine, host, int(port))
    listener.stop()
    assert all(session.closed.is_set() for session in engine.sessions)
