"""Session state that an old script has made, and clients of its time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from aspstate.batches import split
from aspstate.client import Client, Item
from aspstate.database import Database
from aspstate.errors import SqlServerError
from aspstate.login import Login
from aspstate.server import Server, connect

from tests.integration.conftest import current, remove
from tests.scripts import script

NAMES = {"temporary": "ASPState", "persisted": "ASPState", "custom": "Shop"}
OLD = [
    (dialect, type_) for dialect in ("1.1", "2.0", "4.x") for type_ in NAMES if (dialect, type_) != ("1.1", "custom")
]
EXPECTED = (14261, 14262)
"""Errors of a first run: the category is there, and no job is."""

_READ_11 = """
DECLARE @short varbinary(7000), @isLocked bit, @age int, @cookie int
EXEC dbo.{procedure}2 @id = %(id)s, @itemShort = @short OUTPUT, @locked = @isLocked OUTPUT, @lockAge = @age OUTPUT,
    @lockCookie = @cookie OUTPUT
SELECT @short, @isLocked, @age, @cookie
"""
ROWS = """
SELECT RTRIM(SessionId), Created, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked, SessionItemShort,
       CONVERT(varbinary(max), SessionItemLong)
FROM dbo.ASPStateTempSessions
ORDER BY SessionId
"""


class Client11(Client):
    """ASP.NET 1.1: its two ways to read, and no flags."""

    def get(self, session_id: str) -> Item | None:
        return self._read_11("TempGetStateItem", session_id)

    def get_exclusive(self, session_id: str) -> Item | None:
        return self._read_11("TempGetStateItemExclusive", session_id)

    def _read_11(self, procedure: str, session_id: str) -> Item | None:
        sets = self._server.run(_READ_11.replace("{procedure}", procedure), {"id": session_id}).sets
        *rows, ((short, locked, age, cookie),) = sets
        if locked is None:
            return None
        data = rows[0][0][0] if rows else short
        return Item(bool(locked), age, cookie, False, None if locked else data, bool(rows))


def client_of(dialect: str, server: Server) -> Client:
    """The client of a dialect's time."""
    return Client11(server) if dialect == "1.1" else Client(server)


def run_script(login: Login, dialect: str, verb: str, type_: str, form: str | None = None) -> None:
    """Run a script of `tests/scripts` as sqlcmd would, on a connection of its own."""
    with connect(login) as server:
        for batch in split(script(dialect, verb, type_, NAMES[type_], form)):
            try:
                server.run(batch.text)
            except SqlServerError as error:
                if error.error.number not in EXPECTED:
                    raise


@dataclass(frozen=True)
class Scripted:
    """Session state of one dialect and type, on a server of the test's own."""

    login: Login
    dialect: str
    type: str

    @property
    def name(self) -> str:
        """The database with the procedures."""
        return NAMES[self.type]

    def make(self, form: str | None = None) -> None:
        """From nothing, by the script."""
        self.remove()
        with connect(self.login) as server:
            if self.type == "custom":
                server.run("IF DB_ID(N'Shop') IS NULL EXEC (N'CREATE DATABASE Shop')")
        run_script(self.login, self.dialect, "install", self.type, form)

    def remove(self) -> None:
        """Whatever is there."""
        with connect(self.login) as server:
            for type_, name in NAMES.items():
                now = current(server, name, type_)
                if (now.type == "temporary") is (type_ == "temporary"):
                    remove(server, name, type_, discard=True, leftovers=True)

    def application(self) -> Server:
        """A connection to the database with the procedures."""
        return connect(replace(self.login, database=self.name))

    def current(self, server: Server) -> Database:
        return current(server, self.name, self.type)

    def rows(self) -> list[tuple[Any, ...]]:
        """All sessions as they are in the table."""
        with connect(self.login) as server:
            return server.run_in(self.current(server).tables_in, ROWS).rows


def keys(count: int, application: str, first: str = "s") -> Iterable[str]:
    """So many keys of an application's sessions."""
    return (f"{first}{number:023}{application}" for number in range(count))
