"""Installing, repairing and removing a session database on a server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.catalog import Procedure
from aspstate.client import Client
from aspstate.database import read
from aspstate.errors import CannotConnect, ConnectionLost, Refused, explain
from aspstate.installation import plan_present, wanted
from aspstate.login import Login
from aspstate.properties import read_logins
from aspstate.removal import Wishes, apply_absent, plan_absent, read_usage
from aspstate.schema import TABLES, normalized
from aspstate.server import Server, connect

from tests.integration.conftest import NO_CHOICES, SCHEMAS, current, install, remove, wait_until_nobody_is_in
from tests.integration.cutting_proxy import losing

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"


def test_what_is_installed_is_what_was_planned(server: Server, name: str) -> None:
    install(server, name)
    now = current(server, name)
    desired = wanted(now, "persisted", SCHEMAS["persisted"])
    assert now.contents.types == desired.contents.types
    assert now.contents.tables == TABLES
    assert now.contents.others == ()
    assert {each: normalized(p.definition) for each, p in now.contents.procedures.items()} == {
        each: normalized(p.definition) for each, p in desired.contents.procedures.items()
    }
    again = plan_present(now, "persisted", SCHEMAS["persisted"], NO_CHOICES, read_logins(server, NO_CHOICES))
    assert (again.steps, again.before) == ((), again.after)


@pytest.mark.parametrize("unusual", ["{} 😀", "{}-Größe %s", "{}.b", 'say "{}"', "{:x<123}"])
def test_an_unusual_name_works(server: Server, name: str, unusual: str) -> None:
    unusual = unusual.format(name)
    try:
        install(server, unusual)
        assert current(server, unusual).exists
    finally:
        remove(server, unusual)
    assert not current(server, unusual).exists


def test_what_differs_is_altered_and_sessions_and_ids_stay(server: Server, installed: str, login: Login) -> None:
    with connect(replace(login, database=installed)) as own:
        client = Client(own)
        client.app_id("/lm/w3svc/1/root")
        client.insert(KEY, bytes(9000), 20)
    identity = "SELECT OBJECT_ID(N'dbo.TempResetTimeout')"
    before = server.run_in(installed, identity).row
    server.run_in(installed, "ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 7")
    server.run_in(installed, "DROP PROCEDURE dbo.TempRemoveStateItem")
    server.run_in(installed, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")

    plan = install(server, installed)

    assert [step.sentence for step in plan.steps] == [
        "create procedure dbo.TempRemoveStateItem",
        "alter procedure dbo.TempResetTimeout",
        "create index Index_Expires (Expires) on dbo.ASPStateTempSessions",
    ]
    assert server.run_in(installed, identity).row == before
    rows = "SELECT SessionId, DATALENGTH(SessionItemLong) FROM dbo.ASPStateTempSessions"
    assert server.run_in(installed, rows).rows == [(KEY, 9000)]
    assert install(server, installed).steps == ()


def test_a_procedure_made_with_quoted_identifier_off_is_made_again(server: Server, installed: str) -> None:
    definition = SCHEMAS["persisted"].procedures["TempGetVersion"].replace("CREATE PROCEDURE", "ALTER PROCEDURE")
    server.run("SET QUOTED_IDENTIFIER OFF")
    server.run_in(installed, definition)
    server.run("SET QUOTED_IDENTIFIER ON")
    found: Procedure = current(server, installed).contents.procedures["TempGetVersion"]
    assert not found.quoted_identifier
    assert [step.sentence for step in install(server, installed).steps] == ["alter procedure dbo.TempGetVersion"]


def test_a_database_that_holds_something_else_is_not_touched(server: Server, empty: str) -> None:
    server.run_in(empty, "CREATE TABLE dbo.orders (id int NOT NULL)")
    with pytest.raises(Refused, match=r"holds something else and no session tables: user table dbo.orders"):
        install(server, empty)
    with pytest.raises(Refused, match=r"also holds user table dbo.orders, which would be lost"):
        remove(server, empty, discard=True)
    assert server.run_in(empty, "SELECT name FROM sys.objects WHERE is_ms_shipped = 0").rows == [("orders",)]


def test_a_foreign_database_with_a_procedure_of_a_known_name_is_not_touched(server: Server, empty: str) -> None:
    server.run_in(empty, "CREATE TYPE dbo.order_id FROM int NOT NULL")
    server.run_in(empty, "CREATE PROCEDURE dbo.GetHashCode AS RETURN 1")
    with pytest.raises(Refused, match=r"no session tables: type dbo\.order_id"):
        install(server, empty)
    with pytest.raises(Refused, match=r"also holds type dbo\.order_id, which would be lost"):
        remove(server, empty, discard=True)
    definition = "SELECT definition FROM sys.sql_modules"
    assert server.run_in(empty, definition).rows == [("CREATE PROCEDURE dbo.GetHashCode AS RETURN 1",)]


def test_session_state_of_type_temporary_is_not_taken_for_persisted(server: Server, empty: str) -> None:
    server.run_in(
        empty, "CREATE PROCEDURE dbo.TempResetTimeout AS UPDATE [tempdb].dbo.ASPStateTempSessions SET Locked = 0"
    )
    with pytest.raises(Refused, match="so it is of type temporary, not persisted"):
        install(server, empty)
    with pytest.raises(Refused, match="so it is of type temporary, not persisted"):
        remove(server, empty, discard=True)
    assert current(server, empty).exists


def test_tables_of_another_make_are_not_altered(server: Server, empty: str) -> None:
    server.run_in(empty, "CREATE TABLE dbo.ASPStateTempSessions (SessionId char(32) NOT NULL PRIMARY KEY)")
    with pytest.raises(Refused, match=r"dbo.ASPStateTempSessions has the column SessionId char\(32\) NOT NULL"):
        install(server, empty)
    with pytest.raises(Refused, match="holds an unknown number of live session"):
        remove(server, empty)


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
            apply_absent(server, plan)
        assert current(server, installed) == now


def test_removing_twice_is_removing_once(server: Server, installed: str) -> None:
    assert remove(server, installed).steps
    assert remove(server, installed).steps == ()


def _requests_of_an_install(login: Login, name: str) -> int:
    """How many messages a whole install sends, prelogin and login included."""
    with losing(login, 10_000, after_answer=True) as (through_proxy, proxy), connect(through_proxy) as server:
        install(server, name)
    with connect(login) as server:
        remove(server, name)
    return proxy.seen


def _lose_the_connection_and_go_on(login: Login, name: str, requests: int, after_answer: bool) -> str:
    """An install that loses its connection, and the next run; returns the message of the first."""
    message = ""
    with losing(login, requests, after_answer=after_answer) as (through_proxy, _):
        try:
            with connect(through_proxy) as server:
                install(server, name)
        except (ConnectionLost, CannotConnect) as lost:
            message = explain(lost)
    with connect(login) as server:
        install(server, name)
        assert current(server, name).contents.tables == TABLES
        assert install(server, name).steps == ()
        remove(server, name)
    return message


# the first statement after CREATE DATABASE, one in the middle, the last
SAMPLE = (-26, -13, -1)


@pytest.mark.parametrize("after_answer", [False, True], ids=["before it was done", "after it was done"])
@pytest.mark.parametrize("from_the_end", SAMPLE)
def test_an_install_that_loses_its_connection_is_completed_by_the_next(
    login: Login, name: str, from_the_end: int, after_answer: bool
) -> None:
    whole = _requests_of_an_install(login, name)
    message = _lose_the_connection_and_go_on(login, name, whole + from_the_end, after_answer)
    assert "was lost" in message
    assert "this happened at: create" in message
    assert "run it again: it goes on with what is missing" in message


@pytest.mark.sweep
def test_an_install_may_lose_its_connection_anywhere(login: Login, name: str) -> None:
    for requests in range(2, _requests_of_an_install(login, name)):
        for after_answer in (False, True):
            assert _lose_the_connection_and_go_on(login, name, requests, after_answer)


def _lose_the_connection_and_go_on_removing(login: Login, name: str, requests: int, after_answer: bool) -> str:
    """A removal that loses its connection, and the next run; returns the message of the first."""
    message = ""
    with connect(login) as server:
        install(server, name)
        with losing(login, requests, after_answer=after_answer) as (through_proxy, _):
            try:
                with connect(through_proxy) as losing_server:
                    remove(losing_server, name)
            except (ConnectionLost, CannotConnect) as lost:
                message = explain(lost)
        remove(server, name)
        assert not current(server, name).exists
    return message


def _requests_of_a_removal(login: Login, name: str) -> int:
    with connect(login) as server:
        install(server, name)
    with losing(login, 10_000, after_answer=True) as (through_proxy, proxy), connect(through_proxy) as server:
        remove(server, name)
    return proxy.seen


@pytest.mark.parametrize("after_answer", [False, True], ids=["before it was done", "after it was done"])
def test_a_removal_that_loses_its_connection_is_completed_by_the_next(
    login: Login, name: str, after_answer: bool
) -> None:
    last = _requests_of_a_removal(login, name) - 1
    message = _lose_the_connection_and_go_on_removing(login, name, last, after_answer)
    assert "this happened at: drop database" in message


@pytest.mark.sweep
def test_a_removal_may_lose_its_connection_anywhere(login: Login, name: str) -> None:
    for requests in range(2, _requests_of_a_removal(login, name)):
        for after_answer in (False, True):
            assert _lose_the_connection_and_go_on_removing(login, name, requests, after_answer)
