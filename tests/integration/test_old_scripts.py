"""The session-state scripts of tests/scripts: each installs, serves the clients of its time, and uninstalls again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aspstate.agent_job import usual_name
from aspstate.app_id import app_id
from aspstate.batches import split
from aspstate.client import Client, session_key
from aspstate.errors import SqlServerError
from aspstate.expiry_form import LOOP, NO_TEST, ONE_DELETE, form_of
from aspstate.login import Login
from aspstate.probe import probe
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.lab_login import OLDEST, OwnLab, own_lab
from tests.scripts import DIALECTS, FORMS, delete_expired, script

LONG = bytes(range(256)) * 78 + bytes(32)
"""20,000 bytes that end in zeros."""

NOTHING_YET = {"1.1": [], "2.0": [14262, 14261], "4.x": [14262, 14261]}
"""What the first run of an install raises on purpose, batch after batch: no job to delete, the category is there."""

IN_DATABASES = [("1.1", "persisted"), ("2.0", "persisted"), ("2.0", "custom"), ("4.x", "persisted"), ("4.x", "custom")]


def run_script(login: Login, text: str) -> list[int]:
    """Run all batches on one connection; the numbers of the errors."""
    numbers = []
    with connect(replace(login, database="master")) as server:
        for batch in split(text):
            try:
                server.run(batch.text)
            except SqlServerError as error:
                numbers.append(error.error.number)
    return numbers


@dataclass
class OldClient:
    """ASP.NET 1.1's side (`generation` 2), or 1.0's (none), which has the time of the lock in place of its age."""

    server: Server
    generation: str = "2"

    def call(self, procedure: str, **parameters: Any) -> None:
        arguments = ", ".join(f"@{name} = %({name})s" for name in parameters)
        self.server.run(f"EXEC dbo.{procedure} {arguments}", parameters)

    def read(self, procedure: str, key: str) -> tuple[Any, ...]:
        """Locked, the lock's cookie, and the item from wherever it came."""
        lock = "@lockAge = @age" if self.generation else "@lockDate = @date"
        *rows, outputs = self.server.run(
            "DECLARE @short varbinary(7000), @was bit, @age int, @date datetime, @cookie int "
            f"EXEC dbo.{procedure}{self.generation} @id = %(key)s, @itemShort = @short OUTPUT, @locked = @was OUTPUT, "
            f"{lock} OUTPUT, @lockCookie = @cookie OUTPUT SELECT @was, @cookie, @short, COALESCE(@age, @date)",
            {"key": key},
        ).sets
        locked, cookie, short, since = outputs[0]
        assert (since is None) == (locked is None)
        return locked, cookie, rows[0][0][0] if rows else short


def live_through(client: OldClient, key: str) -> None:
    """A session as clients before 2.0 live through it."""
    assert client.read("TempGetStateItem", key) == (None, None, None)
    client.call("TempInsertStateItemLong", id=key, itemLong=LONG, timeout=20)
    assert client.read("TempGetStateItem", key) == (False, 1, LONG)
    assert client.read("TempGetStateItemExclusive", key) == (False, 2, LONG)
    assert client.read("TempGetStateItemExclusive", key) == (True, 2, None)
    assert client.read("TempGetStateItem", key) == (True, 2, None)
    client.call("TempUpdateStateItemShortNullLong", id=key, itemShort=b"\1\0", timeout=20, lockCookie=2)
    assert client.read("TempGetStateItemExclusive", key) == (False, 3, b"\1\0")
    client.call("TempUpdateStateItemLongNullShort", id=key, itemLong=LONG, timeout=20, lockCookie=2)
    assert client.read("TempGetStateItem", key) == (True, 3, None)
    client.call("TempUpdateStateItemLongNullShort", id=key, itemLong=LONG[::-1], timeout=20, lockCookie=3)
    assert client.read("TempGetStateItem", key) == (False, 3, LONG[::-1])
    client.call("TempResetTimeout", id=key)
    client.call("TempRemoveStateItem", id=key, lockCookie=3)
    assert client.read("TempGetStateItem", key) == (None, None, None)


def old_app_id(server: Server, app_name: str) -> int:
    return server.run(
        "DECLARE @id int EXEC dbo.TempGetAppID @appName = %(name)s, @appId = @id OUTPUT SELECT @id", {"name": app_name}
    ).row[0]


def serves_its_clients(dialect: str, application: Server, tables_in: str) -> None:
    """Each client that the dialect is for lives through a session, and expired ones go."""
    client = Client(application)
    if dialect == "1.1":
        shop = old_app_id(application, "/LM/W3SVC/1/ROOT/shop")
        assert old_app_id(application, "/lm/w3svc/1/root/other") == shop + 1
        assert old_app_id(application, "/lm/w3svc/1/root/SHOP") == shop
    else:
        probe(application)
        shop = client.app_id("/LM/W3SVC/1/ROOT/shop")
        assert shop == app_id("/lm/w3svc/1/root/shop")
    key = session_key("abcdefghijklmnopqrstuvwx", shop)
    for generation in ("", "2"):
        live_through(OldClient(application, generation), key)
    if dialect != "1.1":
        client.insert(key, LONG, 20)
        assert client.get(key).data == LONG
        client.remove(key, 1)
    client.insert(key, LONG, 20)
    client.insert(key[::-1], b"short", 20)
    assert client.major_version() >= 11
    assert expire(application, tables_in, key) == [(key[::-1],)]


def expire(application: Server, tables_in: str, key: str) -> list[tuple[str]]:
    """Let a session expire, have DeleteExpiredSessions run as the job runs it, and tell the keys that are left."""
    past = "UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, -1, GETUTCDATE()) WHERE SessionId = @key"
    application.run_in(tables_in, past, "@key nvarchar(88)", {"key": key})
    application.run("EXECUTE DeleteExpiredSessions")
    return application.run_in(tables_in, "SELECT SessionId FROM dbo.ASPStateTempSessions").rows


@contextmanager
def application_of(login: Login, name: str) -> Iterator[Server]:
    with connect(replace(login, database=name), APPLICATION_OPTIONS) as application:
        yield application


def objects(server: Server, name: str) -> set[str]:
    """Procedures, tables and alias types of a database."""
    query = (
        "SELECT name FROM sys.objects WHERE type IN ('P', 'U') "
        "UNION ALL SELECT name FROM sys.types WHERE is_user_defined = 1"
    )
    return {found for (found,) in server.run_in(name, query).rows}


def jobs(server: Server, name: str) -> list[tuple[str, str, str]]:
    """The database's job: its name, what it runs, and where."""
    query = (
        "SELECT j.name, s.command, s.database_name FROM msdb.dbo.sysjobs AS j "
        "JOIN msdb.dbo.sysjobsteps AS s ON s.job_id = j.job_id WHERE j.name = %(job)s"
    )
    return server.run(query, {"job": usual_name(name)}).rows


@pytest.mark.parametrize(("dialect", "type_"), IN_DATABASES)
def test_a_script_installs_serves_its_clients_and_uninstalls(
    login: Login, server: Server, name: str, dialect: str, type_: str
) -> None:
    assert run_script(login, script(dialect, "install", type_, name)) == NOTHING_YET[dialect]
    assert jobs(server, name) == [(usual_name(name), "EXECUTE DeleteExpiredSessions", name)]
    with application_of(login, name) as application:
        serves_its_clients(dialect, application, name)
    server.run_in(name, "CREATE TABLE dbo.Theirs (a int)")
    assert run_script(login, script(dialect, "uninstall", type_, name)) == []
    assert jobs(server, name) == []
    if type_ == "custom":
        assert objects(server, name) == {"Theirs"}
    else:
        assert server.run("SELECT DB_ID(%(name)s)", {"name": name}).row == (None,)


@pytest.mark.parametrize("dialect", ["2.0", "4.x"])
def test_installing_again_drops_every_session_and_every_grant_without_an_error(
    login: Login, server: Server, name: str, dialect: str
) -> None:
    install = script(dialect, "install", "persisted", name)
    run_script(login, install)
    server.run_in(name, "CREATE ROLE web")
    server.run_in(name, "GRANT EXECUTE ON dbo.TempGetAppID TO web")
    with application_of(login, name) as application:
        Client(application).insert("k", b"x", 20)
    assert run_script(login, install) == [14261]
    with application_of(login, name) as application:
        assert Client(application).get("k") is None
    assert server.run_in(name, "SELECT COUNT(*) FROM sys.database_permissions WHERE class = 1").row == (0,)


@pytest.mark.parametrize(("dialect", "minutes"), [("1.1", 20), ("2.0", 20), ("4.x", 50)])
def test_an_update_with_another_timeout_counts_from_the_old_one_before_4(
    login: Login, server: Server, name: str, dialect: str, minutes: int
) -> None:
    run_script(login, script(dialect, "install", "persisted", name))
    with application_of(login, name) as application:
        client = Client(application)
        for data in (b"short", LONG):
            client.insert("k", data, 20)
            client.update("k", data, 50, 1, len(data))
            crossed = LONG if data == b"short" else b"short"
            client.insert("crossed", data, 20)
            client.update("crossed", crossed, 50, 1, len(data))
            left = "SELECT DATEDIFF(minute, GETUTCDATE(), Expires), Timeout FROM dbo.ASPStateTempSessions"
            assert application.run(left).rows == [(minutes, 50)] * 2
            application.run("DELETE dbo.ASPStateTempSessions")


KINDS = {"1.1": ONE_DELETE, "2.0": ONE_DELETE, "kb973849": NO_TEST, "4.0": LOOP, "4.x": LOOP}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_delete_expired_sessions_is_what_it_is_and_deletes_what_has_expired(
    login: Login, server: Server, name: str, form: str
) -> None:
    run_script(login, script("2.0", "install", "persisted", name))
    server.run_in(name, "DROP PROCEDURE dbo.DeleteExpiredSessions")
    server.run_in(name, delete_expired(form, name=name))
    assert form_of(delete_expired(form)).kind == KINDS[form]
    assert ("SessionID" in delete_expired(form)) == (form == "4.0")
    with application_of(login, name) as application:
        for key in ("live", "gone"):
            Client(application).insert(key, LONG, 20)
        assert expire(application, name, "gone") == [("live",)]


@pytest.fixture
def lab() -> Iterator[OwnLab]:
    """A server that a test may restart, and in which the names of type temporary are free."""
    with own_lab(*OLDEST) as server:
        yield server


def wait_for_tables(server: Server) -> None:
    """Logins may come before the startup procedure has ended."""
    deadline = time.monotonic() + 20
    while len(objects(server, "tempdb")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.controls_server
@pytest.mark.parametrize("dialect", DIALECTS)
def test_type_temporary_comes_back_after_a_restart_without_its_sessions(lab: OwnLab, dialect: str) -> None:
    assert run_script(lab.login, script(dialect, "install", "temporary")) == NOTHING_YET[dialect]
    with application_of(lab.login, "ASPState") as application:
        serves_its_clients(dialect, application, "tempdb")
    lab.restart()
    with application_of(lab.login, "ASPState") as application:
        wait_for_tables(application)
        assert OldClient(application).read("TempGetStateItem", "k") == (None, None, None)
        serves_its_clients(dialect, application, "tempdb")
    assert run_script(lab.login, script(dialect, "uninstall", "temporary")) == []
    with connect(lab.login) as server:
        assert server.run("SELECT DB_ID('ASPState'), OBJECT_ID('master.dbo.ASPState_Startup')").row == (None, None)
        assert objects(server, "tempdb") == set()
        assert jobs(server, "ASPState") == []


@pytest.mark.controls_server
def test_an_uninstall_while_somebody_is_connected_leaves_procedures_without_tables(lab: OwnLab) -> None:
    run_script(lab.login, script("2.0", "install", "temporary"))
    with application_of(lab.login, "ASPState"):
        assert run_script(lab.login, script("2.0", "uninstall", "temporary")) == [3702]
    with connect(lab.login) as server:
        assert "TempGetAppID" in objects(server, "ASPState")
        assert objects(server, "tempdb") == set()
        assert jobs(server, "ASPState") == []
