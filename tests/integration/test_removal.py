"""Removing session state from a server that is in use, or becomes so at the last moment."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.database import read
from aspstate.dropping import ATTEMPTS
from aspstate.errors import AspstateError, CannotConnect, Refused, explain
from aspstate.instance import read_holders
from aspstate.login import Login
from aspstate.removal import Wishes, apply_absent, plan_absent, read_usage
from aspstate.server import Server, connect

from tests.integration.conftest import SCHEMAS, current, install, remove, wait_until_nobody_is_in
from tests.integration.lab_login import OwnLab, own_lab

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
ACCESS = "SELECT user_access_desc FROM sys.databases WHERE name = %(name)s"


def test_live_sessions_keep_the_database_and_expired_ones_do_not(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as own:
        Client(own).insert(KEY, b"x", 20)
    wait_until_nobody_is_in(server, installed)
    with pytest.raises(Refused, match=r"holds 1 live session\(s\)"):
        remove(server, installed)
    server.run_in(installed, "UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, -1, GETUTCDATE())")
    remove(server, installed)
    assert not current(server, installed).exists


def test_whoever_is_connected_is_named_and_the_database_stays(server: Server, installed: str, login: Login) -> None:
    with (
        connect(replace(login, database=installed)),
        pytest.raises(Refused, match=rf"is in use.*connected are: .*, aspstate, as {login.user}\."),
    ):
        remove(server, installed, discard=True)
    assert current(server, installed).exists


def test_the_connections_of_expected_clients_are_waited_for(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as own:
        (holder,) = read_holders(server, installed)
        clients = (str(holder.host).lower(),)
        leaving = threading.Timer(1.5, own.close)
        leaving.start()
        remove(server, installed, expected=clients, timeout=20)
        leaving.join()
    assert not current(server, installed).exists


@pytest.mark.parametrize("known_by", ["host", "address"])
def test_expected_clients_that_stay_are_named_and_the_database_stays(
    server: Server, installed: str, login: Login, known_by: str
) -> None:
    with connect(replace(login, database=installed)):
        (holder,) = read_holders(server, installed)
        with pytest.raises(Refused, match=rf"is in use.*connected are: {holder.host} at {holder.address}, aspstate"):
            remove(server, installed, expected=(getattr(holder, known_by),), timeout=1)
    assert current(server, installed).exists
    wait_until_nobody_is_in(server, installed)


def test_expected_clients_that_stay_are_ended_if_that_is_asked(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)):
        (holder,) = read_holders(server, installed)
        remove(server, installed, terminate=True, expected=(str(holder.host),), timeout=1)
    assert not current(server, installed).exists


def test_live_sessions_of_expected_clients_are_counted(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as own:
        Client(own).insert(KEY, b"x", 20)
        (holder,) = read_holders(server, installed)
        with pytest.raises(Refused, match=r"holds 1 live session\(s\)"):
            remove(server, installed, expected=(str(holder.host),), timeout=20)


def test_a_client_with_an_open_transaction_is_named_too(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as own:
        Client(own).insert(KEY, b"x", 20)
        own.run("BEGIN TRANSACTION UPDATE dbo.ASPStateTempSessions SET Flags = 0")
        with pytest.raises(Refused, match=rf"is in use.*aspstate, as {login.user}\."):
            remove(server, installed)
    assert current(server, installed).exists


def test_sessions_in_an_open_transaction_are_not_taken_for_none(server: Server, installed: str, login: Login) -> None:
    with connect(login) as other:
        other.run_in(installed, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")
        other.run("BEGIN TRANSACTION")
        other.run_in(installed, "DELETE dbo.ASPStateTempSessions WITH (TABLOCKX)")
        with pytest.raises(Refused, match="are live is not known: somebody has them locked in an open transaction"):
            remove(server, installed)


def test_a_client_that_comes_in_at_the_last_moment_is_named_and_the_database_stays(
    server: Server, installed: str, login: Login
) -> None:
    now, presence = read(server, installed, "persisted", SCHEMAS["persisted"])
    plan = plan_absent(now, "persisted", read_usage(server, now, presence, "persisted", Wishes()), Wishes())
    with connect(replace(login, database=installed)):
        with pytest.raises(Refused, match=r"is in use.*connected are: "):
            apply_absent(server, plan, Wishes())
        assert current(server, installed) == now


def test_removing_twice_is_removing_once(server: Server, installed: str) -> None:
    assert remove(server, installed).steps
    assert remove(server, installed).steps == ()


def test_removing_type_custom_keeps_the_database_and_what_else_is_in_it(
    server: Server, empty: str, login: Login
) -> None:
    server.run_in(empty, "CREATE TABLE dbo.orders (id int NOT NULL)")
    install(server, empty, "custom")
    with connect(replace(login, database=empty)) as own:
        Client(own).insert(KEY, b"x", 20)
        with pytest.raises(Refused, match=r"holds 1 live session\(s\)"):
            remove(server, empty, "custom")
        assert remove(server, empty, "custom", discard=True).steps
        assert remove(server, empty, "custom").steps == ()
    assert server.run_in(empty, "SELECT name FROM sys.objects WHERE is_ms_shipped = 0").rows == [("orders",)]
    assert server.run_in(empty, "SELECT name FROM sys.types WHERE is_user_defined = 1").rows == []


OWN_USES = {
    "a procedure": ("CREATE PROCEDURE dbo.own @id dbo.tSessionId AS RETURN 0", "DROP PROCEDURE dbo.own"),
    "a table": ("CREATE TABLE dbo.own (id dbo.tSessionId)", "DROP TABLE dbo.own"),
}


@pytest.mark.parametrize(("create", "drop"), OWN_USES.values(), ids=OWN_USES)
def test_what_uses_the_types_of_session_state_is_named_before_anything_is_done(
    server: Server, empty: str, create: str, drop: str
) -> None:
    install(server, empty, "custom")
    server.run_in(empty, create)
    with pytest.raises(Refused, match=r"types of session state are used by dbo\.own, .* nothing was changed"):
        remove(server, empty, "custom")
    assert install(server, empty, "custom").steps == ()
    server.run_in(empty, drop)
    assert remove(server, empty, "custom").steps


def test_removing_type_custom_is_all_or_nothing(server: Server, empty: str) -> None:
    install(server, empty, "custom")
    now, presence = read(server, empty, "custom", SCHEMAS["custom"])
    plan = plan_absent(now, "custom", read_usage(server, now, presence, "custom", Wishes()), Wishes())
    server.run_in(empty, OWN_USES["a procedure"][0])
    before = current(server, empty, "custom")
    with pytest.raises(AspstateError, match="error 3732"):
        apply_absent(server, plan, Wishes())
    assert current(server, empty, "custom") == before


@pytest.mark.parametrize("type_", ["persisted", "custom"])
def test_a_session_that_is_stored_after_they_were_counted_is_kept(
    server: Server, name: str, login: Login, type_: str
) -> None:
    install(server, name, type_)
    now, presence = read(server, name, type_, SCHEMAS[type_])
    plan = plan_absent(now, type_, read_usage(server, now, presence, type_, Wishes()), Wishes())
    with connect(replace(login, database=name)) as own:
        Client(own).insert(KEY, b"x", 20)
    wait_until_nobody_is_in(server, name)
    with pytest.raises(Refused, match=r"were stored in database .* since they were counted, and were kept"):
        apply_absent(server, plan, Wishes())
    assert server.run_in(name, "SELECT SessionId FROM dbo.ASPStateTempSessions").rows == [(KEY,)]
    assert server.run(ACCESS, {"name": name}).row == ("MULTI_USER",)
    remove(server, name, type_, discard=True)


def test_connections_are_ended_on_request(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as one, connect(replace(login, database=installed)) as other:
        one.run("BEGIN TRANSACTION UPDATE dbo.ASPStateTempSessions SET Flags = 0")
        assert remove(server, installed, terminate=True).steps
        for connection in (one, other):
            with pytest.raises(AspstateError):
                connection.run("SELECT 1")
    assert not current(server, installed).exists


def test_ending_connections_ends_no_session(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as one:
        Client(one).insert(KEY, b"x", 20)
        with pytest.raises(Refused, match=r"holds 1 live session\(s\)"):
            remove(server, installed, terminate=True)
        assert Client(one).get(KEY).data == b"x"


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server whose statements can be made slow."""
    with own_lab() as server:
        yield server


@contextmanager
def clients_that_come_back(login: Login, how_many: int = 3) -> Iterator[None]:
    """Web servers: each connects to the database and works there, and connects again when it was thrown out."""
    done = threading.Event()

    def come_back() -> None:
        while not done.is_set():
            try:
                with connect(login) as connection:
                    while not done.wait(0.05):
                        connection.run("SELECT 1")
            except AspstateError:
                done.wait(0.01)

    threads = [threading.Thread(target=come_back) for _ in range(how_many)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.2)
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join(30)


def come_late(login: Login) -> None:
    """Enter while the database waits for its DROP, and stay for a moment that nobody may cut short."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with connect(replace(login, database="master")) as looking:
                while looking.run(ACCESS, {"name": "ASPState"}).row == ("MULTI_USER",):
                    time.sleep(0.01)
            with connect(login) as connection:
                connection.run("WAITFOR DELAY '00:00:01'")
                return
        except CannotConnect:
            time.sleep(0.01)


def slow_drops(lab: OwnLab, how_many: int) -> None:
    """Between SINGLE_USER and DROP DATABASE, a client has time to take the one place: so many times."""
    slow = {"match": "^DROP DATABASE", "action": "stall", "seconds": 0.5, "program": "aspstate"}
    lab.faults.write_text(json.dumps([{**slow, "nth": nth} for nth in range(1, how_many + 1)]))


@pytest.mark.controls_server
@pytest.mark.parametrize(("type_", "lost"), [("persisted", 0), ("temporary", 2), ("persisted", ATTEMPTS)])
def test_against_clients_that_come_back_it_is_dropped_or_they_are_named_and_let_in(
    lab: OwnLab, type_: str, lost: int
) -> None:
    lab.faults.unlink(missing_ok=True)
    with connect(lab.login) as server:
        install(server, "ASPState", type_)
    slow_drops(lab, lost)
    with connect(lab.login) as server, clients_that_come_back(replace(lab.login, database="ASPState")):
        if lost < ATTEMPTS:
            remove(server, "ASPState", type_, terminate=True)
            assert not current(server, "ASPState", type_).exists
        else:
            with pytest.raises(Refused) as refused:
                remove(server, "ASPState", type_, terminate=True)
            assert f"after {ATTEMPTS} attempts to end their connections; connected are: " in str(refused.value)
            assert "aspstate, as sa" in str(refused.value)
            assert "everybody may enter it again" in explain(refused.value)
            assert server.run(ACCESS, {"name": "ASPState"}).row == ("MULTI_USER",)
    lab.faults.unlink()
    with connect(lab.login) as server:
        wait_until_nobody_is_in(server, "ASPState")
        assert bool(remove(server, "ASPState", type_).steps) == (lost == ATTEMPTS)


@pytest.mark.controls_server
def test_without_consent_nobody_is_ended_and_everybody_is_let_in_again(lab: OwnLab) -> None:
    lab.faults.unlink(missing_ok=True)
    with connect(lab.login) as server:
        install(server, "ASPState")
    slow_drops(lab, 1)
    with connect(lab.login) as server:
        late = threading.Thread(target=come_late, args=(replace(lab.login, database="ASPState"),))
        late.start()
        with pytest.raises(Refused, match=r"is in use .* connected are: "):
            remove(server, "ASPState")
        late.join()
        assert server.run(ACCESS, {"name": "ASPState"}).row == ("MULTI_USER",)
    lab.faults.unlink()
    with connect(lab.login) as server:
        wait_until_nobody_is_in(server, "ASPState")
        remove(server, "ASPState")
