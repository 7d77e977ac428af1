"""Expiring for tests, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from aspstate.expiry import Outcome, expire
from aspstate.expiry_plan import How, plan_expired
from aspstate.login import Login
from aspstate.server import Server, connect

PROJECT = How("project")


def run(server: Server, database: str, how: How = PROJECT, type_: str = "persisted") -> Outcome:
    return expire(server, plan_expired(server, database, type_, how), how)


def rows(server: Server, database: str) -> int:
    return server.run_in(database, "SELECT COUNT(*) FROM dbo.ASPStateTempSessions WITH (NOLOCK)").row[0]


def alter(server: Server, database: str, form: str) -> None:
    server.run_in(database, form.replace("CREATE PROCEDURE", "ALTER PROCEDURE"))


@contextmanager
def transaction(login: Login, database: str, statement: str) -> Iterator[Server]:
    """Somebody else's open transaction."""
    with connect(replace(login, database=database)) as other:
        other.run("BEGIN TRANSACTION " + statement)
        yield other


APPLOCK = (
    "EXEC sys.sp_getapplock @Resource = N'ASPState.DeleteExpiredSessions', @LockMode = 'Exclusive', "
    "@LockOwner = 'Transaction', @LockTimeout = 0"
)
