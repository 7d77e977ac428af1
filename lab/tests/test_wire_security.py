"""Logins of one's own over the wire."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pymssql
import pytest

from lab.tests.server_process import ServerProcess

pytestmark = pytest.mark.controls_server

PASSWORD = f"Aa1-{secrets.token_urlsafe(12)}"


def rows(server: ServerProcess, text: str, **options: str) -> list[tuple]:
    """The rows of a query."""
    with server.connect(**options) as connection:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchall()


def test_a_login_its_sid_and_its_limits_last(start_lab_server: Callable[[], ServerProcess]) -> None:
    server = start_lab_server()
    with server.connect() as connection:
        for text in (
            f"CREATE LOGIN app WITH PASSWORD = N'{PASSWORD}'",
            "CREATE DATABASE d",
            "CREATE DATABASE e",
            "USE d",
            "CREATE USER app FOR LOGIN app",
            "CREATE TABLE t (a int)",
            "GRANT SELECT ON t TO app",
        ):
            connection.cursor().execute(text)
    app = {"user": "app", "password": PASSWORD, "database": "d"}
    question = "SELECT SUSER_SNAME(), USER_NAME(), SUSER_SID(), HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'INSERT')"
    (answer,) = rows(server, question, **app)
    name, user, sid, may_insert = answer
    assert (name, user, len(sid), may_insert) == ("app", "app", 16, 0)
    assert rows(server, "SELECT sid FROM sys.server_principals WHERE name = 'app'") == [(sid,)]
    server.kill()
    server = start_lab_server()
    assert rows(server, question, **app) == [answer]
    with pytest.raises(pymssql.OperationalError) as caught:
        rows(server, "INSERT t VALUES (1)", **app)
    assert caught.value.args[0] == 229
    for refused in ({"password": "wrong"}, {"database": "e"}, {"user": "nobody"}):
        with pytest.raises(pymssql.OperationalError) as caught:
            rows(server, "SELECT 1", **{**app, **refused})
        assert "18456" in str(caught.value)
    assert PASSWORD not in server.log.read_text()
