"""Installing and repairing session state on a server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.catalog import Procedure
from aspstate.client import Client
from aspstate.errors import Refused
from aspstate.installation import plan_present, wanted
from aspstate.login import Login
from aspstate.probe import probe
from aspstate.properties import read_properties
from aspstate.property_changes import read_logins
from aspstate.schema import TABLES, normalized
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import NO_CHOICES, SCHEMAS, current, install, remove

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
    with pytest.raises(Refused, match=r"dbo\.ASPStateTempSessions lacks the column Expires datetime NOT NULL"):
        install(server, empty)
    with pytest.raises(Refused, match="holds an unknown number of live session"):
        remove(server, empty)


def test_type_custom_lives_beside_what_else_is_in_the_database(server: Server, empty: str, login: Login) -> None:
    server.run_in(empty, "CREATE TABLE dbo.orders (id int NOT NULL)")
    before = read_properties(server, empty)
    install(server, empty, "custom")
    assert install(server, empty, "custom").steps == ()
    with connect(replace(login, database=empty), APPLICATION_OPTIONS) as application:
        assert len(probe(application).calls) > 20
    now = current(server, empty, "custom")
    assert now.contents.others == ("user table dbo.orders",)
    assert replace(read_properties(server, empty), files=()) == replace(before, files=())
