"""A probe of the session database: one session lived through as ASP.NET would, each answer compared.

What ASP.NET does with each answer: see `client`. What it shows for an error: its own messages, from
https://github.com/microsoft/referencesource, System.Web/System.Web.txt (SessionState).
"""

from __future__ import annotations

import secrets
import string
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from .app_id import app_id
from .client import EMPTY_SESSION, SHORT_LIMIT, Client, Item, UnexpectedAnswer, session_key
from .errors import AspstateError, SqlError, SqlServerError
from .server import Server
from .tempdb import CHAIN_NEEDED
from .temporary import read_outside, why_no_tables

RESERVED_APPLICATION = "/lm/w3svc/0/root/__aspstate_probe"
"""Recorded where no application is yet; IIS numbers its sites from 1."""

TIMEOUT = 1
"""Minutes: a probe that is cut off leaves a session that expires on its own."""

READ = "TempGetStateItem3"
LOCK = "TempGetStateItemExclusive3"

_INVALID_OBJECT_NAME = 208
_PERMISSION_DENIED = 229
_PRIMARY_KEY_VIOLATION = 2627

# An application that has EXECUTE alone sees no tables; it may do nothing with them, wherever they are.
_TABLES_IN = """
SELECT CASE
    WHEN OBJECT_ID(N'dbo.ASPStateTempApplications', 'U') IS NOT NULL THEN DB_NAME()
    WHEN OBJECT_ID(N'tempdb.dbo.ASPStateTempApplications', 'U') IS NOT NULL THEN N'tempdb'
    ELSE DB_NAME()
END
"""

_MAY_READ = "SELECT HAS_PERMS_BY_NAME('dbo.ASPStateTempApplications', 'OBJECT', 'SELECT')"
_AN_APPLICATION = """
SELECT RTRIM(AppName), AppId FROM dbo.ASPStateTempApplications WHERE AppName <> @app_name ORDER BY AppName
"""
_MAY_DELETE = "SELECT HAS_PERMS_BY_NAME('dbo.ASPStateTempApplications', 'OBJECT', 'DELETE')"
_APP_NAME = "@app_name varchar(280)"
_FORGET = "DELETE dbo.ASPStateTempApplications WHERE AppName = @app_name"

_NOT_INSTALLED = (
    "Unable to use SQL Server because either ASP.NET version 2.0 Session State is not installed on the SQL server, or "
    "ASP.NET does not have permission to run the dbo.TempGetVersion stored procedure"
)
UNABLE = "Unable to connect to SQL Server session database."
"""What ASP.NET shows for every other error."""

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One call and how long it took, round trip included."""

    procedure: str
    milliseconds: float


@dataclass(frozen=True)
class Report:
    """What a probe did; `residue` says what it could not take away again."""

    application: str
    calls: tuple[Call, ...]
    residue: str = ""


class ProbeFailed(AspstateError):
    """A call did not answer as ASP.NET needs it; `error` is SQL Server's where it has one."""

    def __init__(self, message: str, error: SqlError | None = None) -> None:
        self.error = error
        super().__init__(message)


def probe(server: Server, operator: Server | None = None) -> Report:
    """Live through three sessions, in the database that the connection is in, and compare every answer.

    `operator` is another connection to that database, which looks around and clears up where the first may not. Raises
    ProbeFailed, and ConnectionLost. Of a probe that fails a session may stay, which expires after a minute.
    """
    operator = operator or server
    watch = _Watch(Client(server))
    (tables_in,) = operator.run(_TABLES_IN).row
    existing = _existing_application(operator, tables_in)
    application = existing or RESERVED_APPLICATION
    if not existing:
        _forget(operator, tables_in)  # an earlier probe may have been cut off
    try:
        _start(watch, server, application)
        _live_through(watch, _new_key(application))
        _insert_at_the_limits(watch, application)
    except AspstateError as failure:
        if _of_tempdb(failure, _INVALID_OBJECT_NAME):
            failure.add_note(_why_missing(operator))
        elif _of_tempdb(failure, _PERMISSION_DENIED):
            failure.add_note(CHAIN_NEEDED)
        elif not existing and (residue := _try_to_forget(operator, tables_in)):
            failure.add_note(residue)
        raise
    return Report(application, tuple(watch.calls), "" if existing else _forget(operator, tables_in))


class _Watch:
    """Times each call and turns what goes wrong into ProbeFailed."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.calls: list[Call] = []

    def call(self, procedure: str, function: Callable[..., T], *arguments: Any) -> T:
        begin = time.perf_counter()
        try:
            return function(*arguments)
        except SqlServerError as error:
            raise ProbeFailed(f"{procedure} failed: {error}; {_shown(procedure)}", error.error) from None
        except UnexpectedAnswer as answer:
            raise ProbeFailed(f"{answer}; {_shown(procedure)}") from None
        finally:
            self.calls.append(Call(procedure, round((time.perf_counter() - begin) * 1000, 2)))

    def lock(self, key: str, cookie: int, data: bytes, *, uninitialized: bool = False) -> None:
        """Take the lock; it must come with this cookie and item."""
        item = self.call(LOCK, self.client.get_exclusive, key)
        self._compare(LOCK, item, Item(False, 0, cookie, uninitialized, data, len(data) > SHORT_LIMIT))

    def read(self, key: str, cookie: int, data: bytes) -> None:
        """Read without locking; how long ago the last lock was does not matter."""
        item = self.call(READ, self.client.get, key)
        age = item.lock_age if item else 0
        self._compare(READ, item, Item(False, age, cookie, False, data, len(data) > SHORT_LIMIT))

    def must_be_gone(self, key: str) -> None:
        """There must be no such session."""
        self._compare(READ, self.call(READ, self.client.get, key), None)

    def _compare(self, procedure: str, answer: Item | None, wanted: Item | None) -> None:
        if answer != wanted:
            raise ProbeFailed(f"{procedure} answered {_brief(answer)}; ASP.NET would need {_brief(wanted)}")


def _shown(procedure: str) -> str:
    """What a user of the application would see for an error of this call."""
    if procedure == "TempGetAppID":
        return "the application would show this error itself"
    return f"the application would only show: {UNABLE!r}"


def _start(watch: _Watch, server: Server, application: str) -> None:
    """The first three calls of every application."""
    if not watch.call("visibility of TempGetVersion", watch.client.is_installed):
        raise ProbeFailed(
            f"login {server.user} does not see dbo.TempGetVersion: session state is not installed in this database, or "
            f"the login has no right on it; the application would show: {_NOT_INSTALLED!r}"
        )
    version = watch.call("GetMajorVersion", watch.client.major_version)
    if version is None or version < 8:
        raise ProbeFailed(f"GetMajorVersion answered {version}; ASP.NET needs 8 or more; {_shown('GetMajorVersion')}")
    found = watch.call("TempGetAppID", watch.client.app_id, application)
    if found != app_id(application):
        raise ProbeFailed(
            f"TempGetAppID answered {found} for {application}, whose hash is {app_id(application)}: sessions would "
            "not be found again after a move to or from another database"
        )


def _of_tempdb(failure: AspstateError, number: int) -> bool:
    """Whether it is this error about a table of type temporary: SQL Server names it with its database."""
    error = getattr(failure, "error", None)
    return error is not None and error.number == number and "tempdb" in error.text


def _why_missing(server: Server) -> str:
    try:
        return f"the session tables are missing in tempdb: {why_no_tables(read_outside(server))}"
    except AspstateError as unknown:
        return f"the session tables are missing in tempdb, and why is not known: {unknown}"


def _existing_application(server: Server, tables_in: str) -> str | None:
    """One whose id is its hash: those of a database that was ASP.NET 1.1's keep the ids that they had."""
    if server.run_in(tables_in, _MAY_READ).row != (1,):
        return None
    rows = server.run_in(tables_in, _AN_APPLICATION, _APP_NAME, {"app_name": RESERVED_APPLICATION}).rows
    return next((name for name, identity in rows if name.isascii() and app_id(name) == identity), None)


def _live_through(watch: _Watch, key: str) -> None:
    """One session from its first request to Session.Abandon(), with a second request in its way."""
    client, short, long = watch.client, _data(SHORT_LIMIT), _data(SHORT_LIMIT + 1)

    watch.must_be_gone(key)
    watch.call("TempInsertUninitializedItem", client.insert_uninitialized, key, TIMEOUT)
    watch.lock(key, 2, EMPTY_SESSION, uninitialized=True)
    _must_be_locked(watch, key, 2)
    watch.call("TempReleaseStateItemExclusive", client.release, key, 2)

    watch.lock(key, 3, EMPTY_SESSION)
    watch.call("TempUpdateStateItemShort", client.update, key, short, TIMEOUT, 3, len(EMPTY_SESSION))
    watch.lock(key, 4, short)
    watch.call("TempUpdateStateItemLongNullShort", client.update, key, long, TIMEOUT, 4, len(short))
    watch.read(key, 4, long)
    watch.lock(key, 5, long)
    watch.call("TempUpdateStateItemLong", client.update, key, long[::-1], TIMEOUT, 5, len(long))
    watch.lock(key, 6, long[::-1])
    watch.call("TempUpdateStateItemShortNullLong", client.update, key, short, TIMEOUT, 6, len(long))
    watch.read(key, 6, short)

    # a request that lost its lock must not overwrite
    watch.call("TempUpdateStateItemShort", client.update, key, EMPTY_SESSION, TIMEOUT, 5, len(short))
    watch.call("TempResetTimeout", client.reset_timeout, key)
    watch.lock(key, 7, short)
    watch.call("TempRemoveStateItem", client.remove, key, 7)
    watch.must_be_gone(key)


def _must_be_locked(watch: _Watch, key: str, cookie: int) -> None:
    item = watch.call(LOCK, watch.client.get_exclusive, key)
    if item is None or not item.locked or item.lock_cookie != cookie or item.lock_age < 0:
        raise ProbeFailed(f"{LOCK} answered {_brief(item)} for a session that another request has, cookie {cookie}")


def _insert_at_the_limits(watch: _Watch, application: str) -> None:
    """A new session on either side of the limit, and one that two requests make at once."""
    client = watch.client
    for kind, length in (("Short", SHORT_LIMIT), ("Long", SHORT_LIMIT + 1)):
        key, data = _new_key(application), _data(length)
        watch.call(f"TempInsertStateItem{kind}", client.insert, key, data, TIMEOUT)
        watch.read(key, 1, data)
        _must_be_refused(watch, f"TempInsertStateItem{kind}", key, data)
        watch.call("TempRemoveStateItem", client.remove, key, 1)
        watch.must_be_gone(key)


def _must_be_refused(watch: _Watch, procedure: str, key: str, data: bytes) -> None:
    try:
        watch.call(procedure, watch.client.insert, key, data, TIMEOUT)
    except ProbeFailed as failure:
        if failure.error is None or failure.error.number != _PRIMARY_KEY_VIOLATION:
            raise
    else:
        raise ProbeFailed(f"{procedure} took the same session twice; ASP.NET needs error {_PRIMARY_KEY_VIOLATION}")


def _forget(server: Server, tables_in: str) -> str:
    """Take the reserved application away again; says what stays where that is not allowed."""
    if server.run_in(tables_in, _MAY_DELETE).row == (1,):
        server.run_in(tables_in, _FORGET, _APP_NAME, {"app_name": RESERVED_APPLICATION})
        return ""
    return f"application {RESERVED_APPLICATION} stays recorded: login {server.user} may not delete it"


def _try_to_forget(server: Server, tables_in: str) -> str:
    """The same after a failure, which must not be hidden by another."""
    try:
        return _forget(server, tables_in)
    except AspstateError as error:
        return f"application {RESERVED_APPLICATION} may stay recorded: {error}"


def _new_key(application: str) -> str:
    """A key as ASP.NET makes it: 24 characters of a-z and 0-5, and the application's id."""
    letters = string.ascii_lowercase + "012345"
    return session_key("".join(secrets.choice(letters) for _ in range(24)), app_id(application))


def _data(length: int) -> bytes:
    """Every byte value, and zeros at the end: a column with ANSI_PADDING OFF would cut them."""
    return (bytes(range(256)) * (length // 256 + 1))[: length - 8] + bytes(8)


def _brief(item: Item | None) -> str:
    if item is None:
        return "no session"
    if item.locked:
        return f"a lock with cookie {item.lock_cookie}, {item.lock_age} s old"
    what = "nothing" if item.data is None else f"{len(item.data)} bytes {'as a row' if item.was_row else '@itemShort'}"
    return f"cookie {item.lock_cookie}, {'uninitialized' if item.uninitialized else 'initialized'}, {what}"
