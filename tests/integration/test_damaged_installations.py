"""Session databases as they are found: each kind of damage has its name, and is repaired or refused with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from aspstate.errors import Refused
from aspstate.inspection import inspect
from aspstate.probe import probe
from aspstate.schema import STARTUP
from aspstate.server import Server, connect

from tests.integration.conftest import SCHEMAS, install
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.scripted import Scripted, run_script
from tests.scripts import delete_expired

pytestmark = pytest.mark.controls_server


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


@dataclass(frozen=True)
class Kind:
    """Made by the script of a dialect ("" for the built-in schema), then damaged; `finds` are ids with a subject.

    `refused` is why it is not repaired, "" where it is.
    """

    dialect: str
    type: str
    damage: Callable[[Server, str], object]
    finds: dict[str, str]
    refused: str = ""


def run(*statements: str, where: str = "") -> Callable[[Server, str], object]:
    """Damage by statements in the database, or another one."""

    def damage(server: Server, name: str) -> None:
        for statement in statements:
            server.run_in(where or name, statement)

    return damage


def as_alter(text: str) -> str:
    return text.replace("CREATE PROCEDURE", "ALTER PROCEDURE", 1)


def drop_all_procedures(server: Server, name: str) -> None:
    for (procedure,) in server.run_in(name, "SELECT name FROM sys.procedures").rows:
        server.run_in(name, f"DROP PROCEDURE dbo.{procedure}")


DATABASE, SESSIONS = "database ASPState", "table dbo.ASPStateTempSessions in database "
START = f"procedure dbo.{STARTUP} in master"
EXPIRY = "procedure dbo.DeleteExpiredSessions in database ASPState"
NOTHING = run()

KINDS = {
    "made by 1.1": Kind("1.1", "persisted", NOTHING, {"ASP101": DATABASE, "ASP106": EXPIRY, "ASP111": SESSIONS}),
    "made by 2.0": Kind("2.0", "temporary", NOTHING, {"ASP101": DATABASE, "ASP106": EXPIRY}),
    "made by 4.x": Kind("4.x", "persisted", NOTHING, {"ASP101": DATABASE}),
    "2.0 with the hotfix": Kind(
        "2.0",
        "persisted",
        run(as_alter(delete_expired("kb973849"))),
        {"ASP101": DATABASE, "ASP107": EXPIRY},
    ),
    "an edited TempGetAppID": Kind(
        "2.0",
        "persisted",
        run("ALTER PROCEDURE dbo.TempGetAppID @appName tAppName, @appId int OUTPUT AS SET @appId = 1"),
        {"ASP101": DATABASE, "ASP103": DATABASE, "ASP106": EXPIRY},
        refused=r"somebody has edited procedure dbo\.TempGetAppID",
    ),
    "a built-in one with an edited procedure": Kind(
        "",
        "persisted",
        run("ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 7"),
        {"ASP103": DATABASE},
    ),
    "procedures gone, tables left": Kind(
        "2.0",
        "persisted",
        drop_all_procedures,
        {"ASP101": DATABASE, "ASP104": DATABASE},
    ),
    "one procedure gone": Kind("", "persisted", run("DROP PROCEDURE dbo.TempRemoveStateItem"), {"ASP104": DATABASE}),
    "tables gone, procedures left": Kind(
        "4.x",
        "persisted",
        run("DROP TABLE dbo.ASPStateTempSessions", "DROP TABLE dbo.ASPStateTempApplications"),
        {"ASP101": DATABASE, "ASP105": DATABASE},
    ),
    "half uninstalled, of type temporary": Kind(
        "2.0",
        "temporary",
        run(
            f"DROP PROCEDURE dbo.{STARTUP}",
            "DROP TABLE tempdb.dbo.ASPStateTempSessions",
            "DROP TABLE tempdb.dbo.ASPStateTempApplications",
            where="master",
        ),
        {
            "ASP101": DATABASE,
            "ASP105": "database tempdb",
            "ASP106": EXPIRY,
            "ASP113": START,
        },
    ),
    "no startup procedure": Kind(
        "4.x",
        "temporary",
        run(f"DROP PROCEDURE dbo.{STARTUP}", where="master"),
        {"ASP101": DATABASE, "ASP113": START},
    ),
    "a startup procedure that is not run": Kind(
        "",
        "temporary",
        run(f"EXEC sys.sp_procoption N'dbo.{STARTUP}', 'startup', 'off'", where="master"),
        {"ASP113": START},
    ),
    "no index": Kind(
        "4.x",
        "persisted",
        run("DROP INDEX Index_Expires ON dbo.ASPStateTempSessions"),
        {"ASP101": DATABASE, "ASP111": SESSIONS},
    ),
    "procedures of 2.0 over tables of 1.1": Kind(
        "1.1",
        "persisted",
        run(
            "ALTER PROCEDURE dbo.GetMajorVersion @@ver int OUTPUT AS SELECT @@ver = CONVERT(int, "
            "SUBSTRING(@@VERSION, 1, 1))"
        ),
        {"ASP102": DATABASE, "ASP104": DATABASE, "ASP106": EXPIRY, "ASP111": SESSIONS},
    ),
    "the asynchronous provider's table of the same name": Kind(
        "",
        "persisted",
        run(
            "DROP TABLE dbo.ASPStateTempSessions",
            "CREATE TABLE dbo.ASPStateTempSessions (SessionId nvarchar(88) PRIMARY KEY, SessionItemLong image)",
        ),
        {"ASP111": SESSIONS, "ASP114": DATABASE},
        refused="asynchronous provider",
    ),
}


def findings(server: Server, name: str, type_: str) -> dict[str, str]:
    """What aspstate_database_info finds, but for what it cannot see: each id with its subject."""
    found = inspect(server, name, type_, SCHEMAS[type_])["findings"]
    return {each["id"]: each["subject"] for each in found}


def is_there(found: dict[str, str], wanted: dict[str, str]) -> bool:
    """Whether the ids are those that are wanted, each with its subject, or the beginning of it."""
    return set(found) == set(wanted) and all(found[id_].startswith(subject) for id_, subject in wanted.items())


@pytest.mark.parametrize("name", KINDS)
def test_it_is_named_and_then_repaired_or_refused_with_the_reason(lab: OwnLab, name: str) -> None:
    kind = KINDS[name]
    scripted = Scripted(lab.login, kind.dialect or "4.x", kind.type)
    scripted.remove()
    with connect(lab.login) as server:
        if kind.dialect:
            scripted.make()
        else:
            install(server, scripted.name, kind.type)
        kind.damage(server, scripted.name)
        found = findings(server, scripted.name, kind.type)
        assert is_there(found, kind.finds), found
        if kind.refused:
            before = scripted.current(server)
            with pytest.raises(Refused, match=kind.refused):
                install(server, scripted.name, kind.type)
            assert scripted.current(server) == before
        else:
            install(server, scripted.name, kind.type)
            assert findings(server, scripted.name, kind.type) == {}
            with scripted.application() as application:
                assert len(probe(application).calls) > 20
    scripted.remove()


def test_persisted_over_temporary_leaves_what_goes_on_request(lab: OwnLab) -> None:
    temporary, persisted = Scripted(lab.login, "4.x", "temporary"), Scripted(lab.login, "4.x", "persisted")
    temporary.make()
    run_script(lab.login, "4.x", "install", "persisted")
    with connect(lab.login) as server:
        assert findings(server, "ASPState", "persisted")["ASP112"].endswith("in tempdb")
        install(server, "ASPState", "persisted", leftovers=True)
        assert findings(server, "ASPState", "persisted") == {}
    persisted.remove()


def test_a_job_whose_database_is_gone_is_found(lab: OwnLab) -> None:
    scripted = Scripted(lab.login, "2.0", "persisted")
    scripted.make()
    with connect(lab.login) as server:
        server.run("DROP DATABASE ASPState")
        assert findings(server, "ASPState", "persisted") == {"ASP115": "job ASPState_Job_DeleteExpiredSessions"}
        install(server, "ASPState")
        assert findings(server, "ASPState", "persisted") == {}
    scripted.remove()


def test_another_type_than_the_one_that_is_there_is_refused(lab: OwnLab) -> None:
    scripted = Scripted(lab.login, "2.0", "temporary")
    scripted.make()
    with connect(lab.login) as server, pytest.raises(Refused, match="so it is of type temporary, not persisted"):
        install(server, "ASPState", "persisted")
    scripted.remove()
