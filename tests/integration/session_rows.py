"""Sessions for tests to be looked at, and the look."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aspstate.client import Client
from aspstate.login import Login
from aspstate.server import Server, connect
from aspstate.session_check import Question, check

SHOP, SHOP_END = "/lm/w3svc/1/root", "2014c0f1"

_PUT = """
INSERT dbo.ASPStateTempSessions
    (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked, SessionItemShort, Flags)
VALUES (%(key)s, DATEADD(second, %(expires)s, GETUTCDATE()), DATEADD(second, -%(lock)s, GETUTCDATE()), GETDATE(), 1, 20,
    %(locked)s, %(item)s, %(flags)s)
"""


def put(
    server: Server, database: str, name: str, *, expires: int = 1200, lock: int = 0, locked: int = 0, flags: int = 0
) -> None:
    """A session that expires in so many seconds, with its last lock so many seconds ago."""
    values = {"expires": expires, "lock": lock, "locked": locked, "flags": flags, "key": name, "item": bytes(100)}
    declare = "@key nvarchar(88), @expires int, @lock int, @locked bit, @flags int, @item varbinary(7000)"
    statement = _PUT
    for each in values:
        statement = statement.replace(f"%({each})s", f"@{each}")
    server.run_in(database, statement, declare, values)


def key(name: str, end: str = SHOP_END) -> str:
    return name.ljust(24, "a") + end


def record(login: Login, database: str, *names: str) -> None:
    """Applications that have started once."""
    with connect(replace(login, database=database)) as own:
        for name in names:
            Client(own).app_id(name)


def look(server: Server, database: str, **question: Any) -> dict[str, Any]:
    return check(server, Question(database, **{"agent_job": False, **question}))


def ids(answer: dict[str, Any]) -> list[str]:
    """What was found, but for what expired before the start: a server of these tests has not run for long."""
    return [each["id"] for each in answer["findings"] if each["id"] != "ASP404"]
