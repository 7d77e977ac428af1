"""Type temporary on a server: through restarts, and what another type or a cut-off removal leaves of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aspstate.client import Client
from aspstate.database import describe
from aspstate.errors import Refused, explain
from aspstate.inspection import inspect
from aspstate.probe import ProbeFailed, probe
from aspstate.property_changes import Choices
from aspstate.schema import STARTUP, TABLES, as_alter
from aspstate.server import APPLICATION_OPTIONS, Server, connect
from aspstate.temporary import leftovers

from tests.integration.conftest import SCHEMAS, current, install, remove, wait_until_nobody_is_in
from tests.integration.lab_login import OLDEST, OwnLab, let_in, own_lab

pytestmark = pytest.mark.controls_server

NAME = "ASPState"
KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
DROP_TABLES = "DROP TABLE dbo.ASPStateTempSessions, dbo.ASPStateTempApplications"


@pytest.fixture
def lab() -> Iterator[OwnLab]:
    """A server that a test may restart."""
    with own_lab(*OLDEST) as server:
        yield server


@pytest.fixture
def installed(lab: OwnLab) -> OwnLab:
    """The same with session state of type temporary."""
    with connect(lab.login) as server:
        install(server, NAME, "temporary")
    return lab


def seen(server: Server) -> dict[str, Any]:
    return inspect(server, NAME, "temporary", SCHEMAS["temporary"])


def why_the_probe_fails(lab: OwnLab) -> str:
    with (
        connect(replace(lab.login, database=NAME), APPLICATION_OPTIONS) as application,
        pytest.raises(ProbeFailed) as failed,
    ):
        probe(application)
    return explain(failed.value)


def test_sessions_are_kept_in_tempdb(installed: OwnLab) -> None:
    with connect(replace(installed.login, database=NAME), APPLICATION_OPTIONS) as application:
        assert len(probe(application).calls) > 20
        Client(application).insert(KEY, bytes(9000), 20)
        assert Client(application).get(KEY).data == bytes(9000)
    with connect(installed.login) as server:
        assert server.run_in("tempdb", "SELECT SessionId FROM dbo.ASPStateTempSessions").rows == [(KEY,)]
        assert server.run_in(NAME, "SELECT name FROM sys.tables").rows == []


# parameters of the procedures that ASP.NET 2.0 and later do not call
OTHERS = {
    "GetHashCode": "@input = '/lm/w3svc/1/root', @hash = @number OUTPUT",
    "DeleteExpiredSessions": "@deleted = @number OUTPUT",
    **dict.fromkeys(
        ("TempGetStateItem", "TempGetStateItemExclusive"),
        "@id = N'x', @itemShort = @item OUTPUT, @locked = @was OUTPUT, @lockDate = @date OUTPUT,"
        " @lockCookie = @number OUTPUT",
    ),
    **dict.fromkeys(
        ("TempGetStateItem2", "TempGetStateItemExclusive2"),
        "@id = N'x', @itemShort = @item OUTPUT, @locked = @was OUTPUT, @lockAge = @age OUTPUT,"
        " @lockCookie = @number OUTPUT",
    ),
    "CreateTempTables": "",
    "TempGetVersion": "@ver = @version OUTPUT",
}
DECLARED = "DECLARE @number int, @age int, @item varbinary(7000), @was bit, @date datetime, @version char(10)"


def test_every_procedure_finds_the_tables_in_tempdb(installed: OwnLab) -> None:
    with connect(replace(installed.login, database=NAME), APPLICATION_OPTIONS) as application:
        called = {call.procedure for call in probe(application).calls}
        for procedure, parameters in OTHERS.items():
            application.run(f"{DECLARED} EXEC dbo.{procedure} {parameters}")
    assert called | set(OTHERS) >= set(SCHEMAS["temporary"].procedures)


def test_after_a_restart_the_tables_are_there_again_and_nothing_is_left_to_do(installed: OwnLab) -> None:
    with connect(replace(installed.login, database=NAME)) as application:
        Client(application).insert(KEY, b"x", 20)
    installed.restart()
    with connect(installed.login) as server:
        wait_for_tables(server)
        assert server.run_in("tempdb", "SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (0,)
        assert install(server, NAME, "temporary").steps == ()
    with connect(replace(installed.login, database=NAME)) as application:
        assert probe(application).residue == ""


def wait_for_tables(server: Server) -> None:
    deadline = time.monotonic() + 20
    while len(current(server, NAME, "temporary").tables) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_between_start_and_startup_procedure_the_probe_says_to_wait(installed: OwnLab) -> None:
    installed.restart("--startup-delay", "60")
    message = why_the_probe_fails(installed)
    assert "Invalid object name 'tempdb.dbo.ASPStateTemp" in message
    assert "they are not there yet: SQL Server started" in message
    with connect(installed.login) as server:
        plan = install(server, NAME, "temporary")
    assert [step.sentence for step in plan.steps] == [
        "create table dbo.ASPStateTempApplications, table dbo.ASPStateTempSessions in tempdb"
    ]


UNMARK = f"EXEC sys.sp_procoption N'{STARTUP}', 'startup', 'off'"
CAUSES = [
    (
        "the procedure is gone",
        f"{UNMARK} DROP PROCEDURE dbo.{STARTUP}",
        "is missing in master",
    ),
    (
        "it is not marked",
        UNMARK,
        "does not run at the start of SQL Server",
    ),
]


@pytest.mark.parametrize(("statement", "message"), [row[1:] for row in CAUSES], ids=[row[0] for row in CAUSES])
def test_tables_that_were_not_made_at_the_start_are_explained_and_made(
    installed: OwnLab, statement: str, message: str
) -> None:
    with connect(installed.login) as server:
        server.run(statement)
    installed.restart()
    assert message in why_the_probe_fails(installed)
    with connect(installed.login) as server:
        assert install(server, NAME, "temporary").steps
    installed.restart()
    with connect(installed.login) as server:
        wait_for_tables(server)


def test_a_database_that_was_offline_at_the_start_is_told_apart(
    installed: OwnLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(installed.login) as server:
        server.run(f"ALTER DATABASE {NAME} SET OFFLINE")
        installed.restart()
    with connect(installed.login) as server:
        with pytest.raises(Refused, match="is OFFLINE; bring it online first"):
            install(server, NAME, "temporary")
        server.run(f"ALTER DATABASE {NAME} SET ONLINE")
    assert "they are not there yet" in why_the_probe_fails(installed)
    monkeypatch.setattr("aspstate.temporary.STARTUP_SECONDS", 0)
    assert f"its startup procedure dbo.{STARTUP} did not make them: ASPState was not online" in why_the_probe_fails(
        installed
    )


def test_an_application_that_may_not_look_into_master_is_told_so(installed: OwnLab) -> None:
    application = installed.login_with()
    with connect(installed.login) as server:
        let_in(server, application, NAME, "EXECUTE ON SCHEMA::dbo")
        install(server, NAME, "temporary")
        server.run_in("tempdb", DROP_TABLES)
    with connect(replace(application, database=NAME)) as own, pytest.raises(ProbeFailed) as failed:
        probe(own)
    assert "why is not known" in explain(failed.value)


def test_an_application_with_execute_alone_needs_the_ownership_chain(installed: OwnLab) -> None:
    application = installed.login_with()
    with connect(installed.login) as server:
        let_in(server, application, NAME, "EXECUTE ON SCHEMA::dbo")
        with connect(replace(application, database=NAME), APPLICATION_OPTIONS) as own:
            with pytest.raises(
                ProbeFailed, match=r"permission was denied on the object .* database 'tempdb'"
            ) as failed:
                probe(own)
            assert "by an ownership chain, which needs" in explain(failed.value)
            assert any("DB_CHAINING is off" in remark for remark in seen(server)["remarks"])
            plan = install(server, NAME, "temporary", Choices(manage_ownership_chain=True))
            assert [step.sentence for step in plan.steps] == [f"set DB_CHAINING ON in database {NAME}"]
            assert probe(own).calls
            assert not any("chain" in remark for remark in seen(server)["remarks"])


def test_an_owner_that_is_not_tempdbs_breaks_the_ownership_chain(installed: OwnLab) -> None:
    owner, application = installed.login_with(), installed.login_with()
    with connect(installed.login) as server:
        install(server, NAME, "temporary", Choices(manage_ownership_chain=True))
        let_in(server, application, NAME, "EXECUTE ON SCHEMA::dbo")
        server.run(f"ALTER AUTHORIZATION ON DATABASE::{NAME} TO {owner.user}")
        with connect(replace(application, database=NAME), APPLICATION_OPTIONS) as own, pytest.raises(ProbeFailed):
            probe(own)
        assert any("its owner is not sa, who owns tempdb" in remark for remark in seen(server)["remarks"])


@pytest.mark.parametrize(
    "grant", ["GRANT SELECT ON dbo.ASPStateTempSessions TO public", "CREATE USER {0} FOR LOGIN {0}"]
)
def test_rights_in_tempdb_are_named_since_they_vanish_at_the_next_start(installed: OwnLab, grant: str) -> None:
    application = installed.login_with()
    grantee = "public" if "public" in grant else application.user
    with connect(installed.login) as server:
        server.run_in("tempdb", grant.format(application.user))
        now = seen(server)
        assert now["tempdb"]["grantees"] == [grantee]
        assert any(remark.startswith(f"{grantee} has rights in tempdb, which vanish") for remark in now["remarks"])
    installed.restart()
    with connect(installed.login) as server:
        assert seen(server)["tempdb"]["grantees"] == []


def test_sessions_that_fill_tempdb_are_told_with_its_files(installed: OwnLab) -> None:
    with connect(replace(installed.login, database=NAME)) as application, connect(installed.login) as server:
        used = sum(file["used"] for file in seen(server)["tempdb"]["files"])
        Client(application).insert(KEY, bytes(5_000_000), 20)
        now = seen(server)
    assert now["sessions"][0]["bytes"] == 5_000_000
    assert sum(file["used"] for file in now["tempdb"]["files"]) >= used + 4
    assert all(file["free"] == file["size"] - file["used"] for file in now["tempdb"]["files"])


def test_leftovers_of_type_temporary_are_named_and_removed_on_request(installed: OwnLab) -> None:
    with connect(installed.login) as server:
        server.run(f"DROP DATABASE {NAME}")
        install(server, NAME)
        now = current(server, NAME)
        assert len(leftovers(now.leftovers)) == 3
        assert install(server, NAME).steps == ()
        plan = install(server, NAME, leftovers=True)
        assert [step.sentence for step in plan.steps] == [
            f"drop procedure master.dbo.{STARTUP}",
            "drop table dbo.ASPStateTempApplications, dbo.ASPStateTempSessions in tempdb",
        ]
        assert "leftover" not in describe(current(server, NAME))
        assert leftovers(current(server, NAME).leftovers) == []
        assert server.run("SELECT value FROM sys.configurations WHERE name = N'scan for startup procs'").row == (0,)


def test_what_a_used_type_temporary_has_is_no_leftover_of_another_database(installed: OwnLab) -> None:
    with connect(installed.login) as server:
        install(server, "Shop", "custom")
        assert leftovers(current(server, "Shop", "custom").leftovers) == []
        install(server, "Shop", "custom", leftovers=True)
        assert set(current(server, NAME, "temporary").tables) == set(TABLES)


def test_leftovers_with_a_live_session_are_kept(installed: OwnLab) -> None:
    with connect(replace(installed.login, database=NAME)) as application:
        Client(application).insert(KEY, b"x", 20)
    with connect(installed.login) as server:
        server.run(f"DROP DATABASE {NAME}")
        with pytest.raises(Refused, match=r"database tempdb holds 1 live session\(s\)"):
            install(server, NAME, leftovers=True)
        with pytest.raises(Refused, match=r"database tempdb holds 1 live session\(s\)"):
            remove(server, NAME, "temporary")
        assert remove(server, NAME, "temporary", discard=True).steps


def test_the_wrong_type_is_refused_with_what_was_found(installed: OwnLab) -> None:
    with connect(installed.login) as server:
        for work in (install, remove):
            with pytest.raises(Refused, match="so it is of type temporary, not persisted; nothing was touched"):
                work(server, NAME)
        remove(server, NAME, "temporary")
        install(server, NAME)
        for work in (install, remove):
            with pytest.raises(Refused, match="so it is of type persisted or custom, not temporary"):
                work(server, NAME, "temporary")


def test_sessions_that_a_change_of_type_left_in_the_database_are_told_and_kept(lab: OwnLab) -> None:
    """As after aspnet_regsql -sstype t over -sstype p: the procedures use tempdb, the old tables are still there."""
    with connect(lab.login) as server:
        install(server, NAME)
        with connect(replace(lab.login, database=NAME)) as application:
            Client(application).insert(KEY, b"x", 20)
        for definition in SCHEMAS["temporary"].procedures.values():
            server.run_in(NAME, as_alter(definition))
        install(server, NAME, "temporary")
        assert (
            "its tables dbo.ASPStateTempApplications, dbo.ASPStateTempSessions are not used: its procedures keep their "
            "sessions in tempdb"
        ) in seen(server)["remarks"]
        wait_until_nobody_is_in(server, NAME)
        with pytest.raises(Refused, match=r"database ASPState holds 1 live session\(s\), which would be lost"):
            remove(server, NAME, "temporary")
        server.run_in(NAME, "UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, -1, GETUTCDATE())")
        assert remove(server, NAME, "temporary").steps


def test_a_startup_procedure_of_that_name_that_is_somebody_elses_is_left_alone(lab: OwnLab) -> None:
    foreign = "CREATE PROCEDURE dbo.ASPState_Startup AS BEGIN SET NOCOUNT ON RETURN 0 END"
    with connect(lab.login) as server:
        server.run_in("master", foreign)
        with pytest.raises(Refused, match=r"ASPState_Startup in master is not that of session state.* Nothing was"):
            install(server, NAME, "temporary")
        install(server, NAME, leftovers=True)
        assert leftovers(current(server, NAME).leftovers) == []
        remove(server, NAME, leftovers=True)
        remove(server, NAME, "temporary")
        assert server.run("SELECT definition FROM sys.sql_modules").rows == [(foreign,)]


def test_a_database_in_an_availability_group_is_taken_out_of_it_before_it_is_removed() -> None:
    with own_lab("--availability-group", NAME) as lab, connect(lab.login) as server:
        install(server, NAME)
        with pytest.raises(Refused, match="is in an availability group, and cannot be dropped; nothing was changed"):
            remove(server, NAME)


def test_an_availability_group_and_type_temporary_do_not_go_together() -> None:
    with own_lab("--availability-group", NAME) as lab, connect(lab.login) as server:
        server.run(f"CREATE DATABASE {NAME}")
        with pytest.raises(Refused, match="it is in an availability group, where type temporary does not work"):
            install(server, NAME, "temporary")
        assert install(server, NAME).steps
