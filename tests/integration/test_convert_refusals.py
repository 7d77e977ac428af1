"""Conversions that cannot go well are refused, with why and what to do; who is in the way of a switch is waited for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from aspstate import conversion_steps
from aspstate.client import Client
from aspstate.conversion import COPYING, NOT_BEGUN, SWITCHED
from aspstate.conversion_steps import must_be_alone
from aspstate.errors import Refused
from aspstate.server import Server, connect

from tests.integration.conftest import install, remove, wait_until_nobody_is_in
from tests.integration.converting import Route, key, rows
from tests.integration.expiring import APPLOCK, transaction
from tests.integration.lab_login import OwnLab, let_in, own_lab

pytestmark = pytest.mark.controls_server

IN_PLACE, TO_SHOP = Route("persisted", "temporary"), Route("persisted", "custom")


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


@pytest.fixture
def server(lab: OwnLab) -> Iterator[Server]:
    """Session state of type persisted with a session, and a database Shop."""
    with connect(lab.login) as connection:
        connection.run("CREATE DATABASE Shop")
        install(connection, "ASPState", "persisted")
        insert(lab, "ASPState", 1)
        yield connection
    with connect(lab.login) as connection:
        for name in ("ASPState", "Shop"):
            wait_until_nobody_is_in(connection, name)
            connection.run(f"IF DB_ID(N'{name}') IS NOT NULL DROP DATABASE {name}")
        remove(connection, "ASPState", "temporary", discard=True)


def insert(lab: OwnLab, database: str, number: int, size: int = 10) -> None:
    with connect(replace(lab.login, database=database)) as own:
        Client(own).insert(key(number), bytes(size), 20)


def full(server: Server, lab: OwnLab) -> None:
    server.run("ALTER DATABASE Shop MODIFY FILE (NAME = Shop, FILEGROWTH = 0)")
    insert(lab, "ASPState", 2, 9_000_000)


def edited(server: Server, lab: OwnLab) -> None:
    server.run_in("ASPState", "ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 7")


def theirs(server: Server, lab: OwnLab) -> None:
    install(server, "Shop", "custom")
    insert(lab, "Shop", 3)


def left_in_tempdb(server: Server, lab: OwnLab) -> None:
    server.run("CREATE TABLE tempdb.dbo.ASPStateTempSessions (SessionId nvarchar(88) PRIMARY KEY, Expires datetime)")
    server.run("INSERT tempdb.dbo.ASPStateTempSessions VALUES (N'x', DATEADD(minute, 9, GETUTCDATE()))")


def nothing(server: Server, lab: OwnLab) -> None:
    """As it is."""


REFUSED: dict[str, tuple[Callable[[Server, OwnLab], None], Route, str, str]] = {
    "no room": (full, TO_SHOP, "switch", r"need about \d+ MB in database Shop, whose data files have room for \d MB"),
    "another schema": (edited, TO_SHOP, "switch", r"TempResetTimeout is missing or differs.*site\.yml first"),
    "somebody's sessions": (theirs, TO_SHOP, "prepare", "Shop: it has live sessions, which are not copies"),
    "somebody's tables": (left_in_tempdb, IN_PLACE, "prepare", "tempdb: it has live sessions, which are not copies"),
    "nothing to finish": (nothing, TO_SHOP, "finish", "nothing to finish before they are in Shop"),
    "another type than is there": (nothing, Route("custom", "temporary"), "switch", "of type persisted or custom, not"),
    "another type than was meant": (
        nothing,
        Route("temporary", "custom"),
        "switch",
        "of type persisted or custom, not",
    ),
}


@pytest.mark.parametrize(("damage", "route", "phase", "said"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_and_nothing_has_changed(
    lab: OwnLab,
    server: Server,
    damage: Callable[[Server, OwnLab], None],
    route: Route,
    phase: str,
    said: str,
) -> None:
    damage(server, lab)
    before = server.run_in("ASPState", "SELECT * FROM dbo.ASPStateTempSessions").rows
    with pytest.raises(Refused, match=said) as refused:
        route.run(server, phase)
    assert re.search("nothing was (changed|touched)", str(refused.value))
    assert server.run_in("ASPState", "SELECT * FROM dbo.ASPStateTempSessions").rows == before


def test_whether_a_disk_has_room_is_not_known(lab: OwnLab, server: Server) -> None:
    insert(lab, "ASPState", 2, 9_000_000)
    (remark,) = TO_SHOP.plan(server).remarks
    assert "whether its disk has room for them to grow is not known" in remark


def test_a_second_conversion_is_refused_while_one_is_going_on(lab: OwnLab, server: Server) -> None:
    with connect(lab.login) as other:
        must_be_alone(other)
        with pytest.raises(Refused, match="another conversion of session state is going on"):
            TO_SHOP.run(server)
    while server.run("SELECT 1 FROM sys.dm_exec_sessions WHERE is_user_process = 1 AND session_id <> @@SPID").rows:
        time.sleep(0.02)
    TO_SHOP.run(server)


def test_the_rights_that_are_missing_are_named(lab: OwnLab, server: Server) -> None:
    login = lab.login_with("VIEW ANY DEFINITION")
    for database in ("ASPState", "Shop"):
        let_in(server, login, database, "SELECT")
    with connect(login) as poor, pytest.raises(Refused) as refused:
        TO_SHOP.run(poor)
    assert "VIEW SERVER STATE" in str(refused.value)
    assert "CONTROL on schema dbo of database ASPState" in str(refused.value)
    assert TO_SHOP.move(server).state == NOT_BEGUN


def test_a_login_that_would_lose_rights_is_named_and_nobody_is_left_behind(lab: OwnLab, server: Server) -> None:
    shop = lab.login_with()
    let_in(server, shop, "ASPState", "EXECUTE")
    with pytest.raises(Refused, match=f"{shop.user} .TempGetAppID|{shop.user} .GetMajorVersion"):
        TO_SHOP.run(server)
    assert TO_SHOP.plan(server, expected_logins=(shop.user,)).plan.steps
    TO_SHOP.run(server, "prepare")
    let_in(server, shop, "Shop", "EXECUTE")
    TO_SHOP.run(server)
    for database in ("ASPState", "Shop"):
        with connect(replace(shop, database=database)) as own:
            assert Client(own).get(key(1)).data == bytes(10)


def test_an_expiry_that_is_going_on_is_waited_for_and_then_named(lab: OwnLab, server: Server) -> None:
    TO_SHOP.run(server, "prepare")
    with (
        transaction(lab.login, "ASPState", APPLOCK),
        pytest.raises(Refused, match=r"a run of DeleteExpiredSessions is going on.*connected are: .*as sa"),
    ):
        TO_SHOP.run(server)
    assert TO_SHOP.move(server).state == COPYING
    TO_SHOP.run(server)


@pytest.mark.parametrize("route", [IN_PLACE, TO_SHOP], ids=str)
def test_who_has_sessions_locked_is_named_and_the_applications_go_on(
    lab: OwnLab, server: Server, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion_steps, "ATTEMPTS", 1)
    route.run(server, "prepare")
    with transaction(lab.login, "ASPState", "UPDATE dbo.ASPStateTempSessions SET Timeout = 30") as other:
        with pytest.raises(Refused, match=r"locked in an open transaction.*aspstate, as sa.*the applications go on"):
            route.run(server)
        insert(lab, "ASPState", 2)
        other.run("COMMIT")
    assert route.move(server).state == COPYING
    route.run(server)
    assert [row[6] for row in rows(server, route.move(server))] == [30, 20]


@pytest.mark.parametrize("route", [IN_PLACE, TO_SHOP], ids=str)
def test_a_request_that_has_entered_the_old_procedure_is_not_lost(lab: OwnLab, server: Server, route: Route) -> None:
    route.run(server, "prepare")
    lab.fail(match=r"^update dbo\.ASPStateTempSessions", nth=1, action="stall", seconds=1)
    with connect(replace(lab.login, database="ASPState")) as slow:
        lab.faults.unlink()
        with ThreadPoolExecutor(1) as pool:
            request = pool.submit(Client(slow).update, key(1), b"new", 20, 1, 10)
            deadline = time.monotonic() + 10
            while not server.run("SELECT 1 FROM sys.dm_exec_requests WHERE session_id <> @@SPID").rows:
                assert time.monotonic() < deadline
            route.run(server)
            request.result()
    assert [row[8] for row in rows(server, route.move(server))] == [b"new"]


def test_an_old_database_that_is_still_used_stays_and_forwards(lab: OwnLab, server: Server) -> None:
    TO_SHOP.run(server)
    with connect(replace(lab.login, database="ASPState")) as late:
        with pytest.raises(Refused, match="not finished: database ASPState forwards to Shop, and is still in use"):
            TO_SHOP.run(server, "finish")
        assert Client(late).get(key(1)).data == bytes(10)
    assert TO_SHOP.move(server).state == SWITCHED
    wait_until_nobody_is_in(server, "ASPState")
    TO_SHOP.run(server, "finish")
