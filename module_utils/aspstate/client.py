"""The stored procedures called as ASP.NET calls them (System.Web 2.0 to 4.8, sqlSessionState mode).

Names, parameters and the choice between the short and the long procedures are those of SqlSessionStateStore in
https://github.com/microsoft/referencesource, System.Web/State/sqlstateclientmanager.cs. Every call is a transaction of
its own, as there. An OUTPUT value comes back through a SELECT, since pymssql loses it when a procedure returns rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .app_id import suffix
from .server import Server

SHORT_LIMIT = 7000
"""Bytes of the longest item that goes to the short procedures."""

EMPTY_SESSION = bytes.fromhex("140000000000ff")
"""A session without items and with a timeout of 20 minutes, as ASP.NET serializes it."""

_VISIBLE = "SELECT name FROM sysobjects WHERE type = 'P' AND name = 'TempGetVersion'"

_MAJOR_VERSION = """
DECLARE @version int
EXEC dbo.GetMajorVersion @@ver = @version OUTPUT
SELECT @version
"""

_APP_ID = """
DECLARE @id int
EXEC dbo.TempGetAppID @appName = %(app_name)s, @appId = @id OUTPUT
SELECT @id
"""

_READ = """
DECLARE @short varbinary(7000), @isLocked bit, @age int, @cookie int, @flags int
EXEC dbo.{procedure} @id = %(id)s, @itemShort = @short OUTPUT, @locked = @isLocked OUTPUT, @lockAge = @age OUTPUT,
    @lockCookie = @cookie OUTPUT, @actionFlags = @flags OUTPUT
SELECT @short, @isLocked, @age, @cookie, @flags
"""


@dataclass(frozen=True)
class Item:
    """What a read answers for a session that is there.

    `locked` is whether another request has it; then `data` is None and `lock_age` (seconds) and `lock_cookie` are the
    lock's. `uninitialized` is set once, for the first reader of a session that nobody has filled. `was_row` tells
    whether `data` came as a row, as only a long item may, or as @itemShort.
    """

    locked: bool
    lock_age: int
    lock_cookie: int
    uninitialized: bool
    data: bytes | None
    was_row: bool = False


class UnexpectedAnswer(Exception):
    """A procedure answered in a way that ASP.NET's client cannot read; the text says what it cannot."""


class Client:
    """ASP.NET's side of the conversation, over an open connection to the session database."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def is_installed(self) -> bool:
        """Whether TempGetVersion is visible to this login: all that ASP.NET asks to know that."""
        return bool(self._server.run(_VISIBLE).rows)

    def major_version(self) -> int | None:
        """GetMajorVersion; ASP.NET needs 8 or more."""
        return self._server.run(_MAJOR_VERSION).row[0]

    def app_id(self, app_name: str) -> int | None:
        """TempGetAppID, which records an application that it has not seen."""
        return self._server.run(_APP_ID, {"app_name": app_name}).row[0]

    def get(self, session_id: str) -> Item | None:
        """TempGetStateItem3: read without locking. None where there is no such session."""
        return self._read("TempGetStateItem3", session_id)

    def get_exclusive(self, session_id: str) -> Item | None:
        """TempGetStateItemExclusive3: read and lock."""
        return self._read("TempGetStateItemExclusive3", session_id)

    def release(self, session_id: str, cookie: int) -> None:
        """TempReleaseStateItemExclusive: give the lock back unchanged."""
        self._call("TempReleaseStateItemExclusive", id=session_id, lockCookie=cookie)

    def insert_uninitialized(self, session_id: str, timeout: int) -> None:
        """TempInsertUninitializedItem, with an empty session; timeout in minutes, as everywhere here."""
        self._call("TempInsertUninitializedItem", id=session_id, itemShort=EMPTY_SESSION, timeout=timeout)

    def insert(self, session_id: str, data: bytes, timeout: int) -> None:
        """TempInsertStateItemShort or Long, by the length of `data`."""
        kind, item = _item(data)
        self._call(f"TempInsertStateItem{kind}", id=session_id, **item, timeout=timeout)

    def update(self, session_id: str, data: bytes, timeout: int, cookie: int, original_length: int) -> None:
        """One of the four TempUpdateStateItem procedures, by the length of `data` now and before; ends the lock."""
        kind, item = _item(data)
        was_long = original_length > SHORT_LIMIT
        other = {("Short", True): "NullLong", ("Long", False): "NullShort"}.get((kind, was_long), "")
        self._call(f"TempUpdateStateItem{kind}{other}", id=session_id, **item, timeout=timeout, lockCookie=cookie)

    def remove(self, session_id: str, cookie: int) -> None:
        """TempRemoveStateItem: Session.Abandon()."""
        self._call("TempRemoveStateItem", id=session_id, lockCookie=cookie)

    def reset_timeout(self, session_id: str) -> None:
        """TempResetTimeout: a request that did not need the session."""
        self._call("TempResetTimeout", id=session_id)

    def _call(self, procedure: str, **parameters: Any) -> None:
        arguments = ", ".join(f"@{name} = %({name})s" for name in parameters)
        self._server.run(f"EXEC dbo.{procedure} {arguments}", parameters)

    def _read(self, procedure: str, session_id: str) -> Item | None:
        *row_sets, outputs = self._server.run(_READ.replace("{procedure}", procedure), {"id": session_id}).sets
        return _as_item(procedure, [row for rows in row_sets for row in rows], outputs[0])


def session_key(session_id: str, app_id: int) -> str:
    """The key of a session in the table: its id as in the cookie, and the application's id."""
    return session_id + suffix(app_id)


def _item(data: bytes) -> tuple[str, dict[str, bytes]]:
    return ("Long", {"itemLong": data}) if len(data) > SHORT_LIMIT else ("Short", {"itemShort": data})


def _as_item(procedure: str, rows: list[tuple[Any, ...]], outputs: tuple[Any, ...]) -> Item | None:
    short, locked, age, cookie, flags = outputs
    if locked is None:
        return None
    if any(row[0] is None for row in rows):
        raise UnexpectedAnswer(f"{procedure} returned a row with NULL")
    if cookie is None or (locked and age is None) or (not locked and flags is None):
        raise UnexpectedAnswer(f"{procedure} left @lockCookie, @lockAge or @actionFlags NULL for a session it found")
    data = rows[0][0] if rows else short
    if not locked and data is None:
        raise UnexpectedAnswer(f"{procedure} returned no item for a session that is not locked")
    return Item(bool(locked), age or 0, cookie, bool((flags or 0) & 1), None if locked else data, bool(rows))
