"""Logins for the tests of rights."""

from __future__ import annotations

from lab.server.engine.engine import Engine
from lab.server.engine.session import Session
from lab.server.interface import LoginRequest
from lab.tests.recorder import ok

SECRET = "Correct-Horse-9"


def create_login(session: Session, name: str) -> None:
    """A login with the password of all test logins."""
    ok(session, f"CREATE LOGIN [{name}] WITH PASSWORD = N'{SECRET}'")


def enter(engine: Engine, name: str, database: str = "", password: str = SECRET) -> Session:
    """A session of a login."""
    return engine.login(LoginRequest(name, password, database, "test-host", "test-program", 42))
