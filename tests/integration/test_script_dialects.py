"""Scripts of every dialect, planned and run as they are on an own server; and what a failure leaves of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.errors import Refused, SqlServerError, explain
from aspstate.plan import demand_rights
from aspstate.probe import probe
from aspstate.removal import Wishes
from aspstate.schema import TABLES, TYPES
from aspstate.script import Script, read_script
from aspstate.script_plan import Prepared, must_have_worked, prepare
from aspstate.script_run import Ran, run_script
from aspstate.server import APPLICATION_OPTIONS, connect

from tests.integration.conftest import current, install, wait_until_nobody_is_in
from tests.integration.lab_login import OLDEST, OwnLab, own_lab
from tests.scripts import DIALECTS, PLACEHOLDER, file_name, script

pytestmark = pytest.mark.controls_server

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
NAMES = {"temporary": "ASPState", "persisted": "ASPState", "custom": "Shop"}
ALL = [(dialect, type_) for dialect in DIALECTS for type_ in TYPES if (dialect, type_) != ("1.1", "custom")]


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab(*OLDEST) as server:
        yield server


@pytest.fixture(params=ALL, ids="-".join)
def life(request: pytest.FixtureRequest, lab: OwnLab) -> Life:
    """A dialect and a type."""
    return Life(lab, *request.param)


class Life:
    """Session state of one dialect and type on the server; made and removed by its scripts."""

    def __init__(self, lab: OwnLab, dialect: str, type_: str) -> None:
        self.lab, self.dialect, self.type, self.name = lab, dialect, type_, NAMES[type_]

    def script(self, kind: str) -> Script:
        text = script(self.dialect, kind, self.type, PLACEHOLDER if self.type == "custom" else self.name)
        path = file_name(kind, self.type)
        return read_script(text.encode(), path, None, {}, kind=kind, type_=self.type, database=self.name)

    def plan(self, kind: str, wishes: Wishes | None = None, *, force: bool = False) -> Prepared:
        with connect(self.lab.login) as server:
            return prepare(server, self.script(kind), self.name, wishes or Wishes(), force=force)

    def run(self, kind: str, *, wishes: Wishes | None = None, force: bool = False) -> list[Ran]:
        assert self.plan(kind, wishes, force=force).plan.steps
        judged = self.script(kind)
        with connect(self.lab.login) as server:
            ran = list(run_script(server, judged.path, judged.batches))
        with connect(self.lab.login) as server:
            must_have_worked(server, judged, self.name)
        return ran

    def end(self) -> None:
        with connect(self.lab.login) as server:
            wait_until_nobody_is_in(server, self.name)
        self.run("uninstall", wishes=Wishes(discard_live_sessions=True))


def test_a_script_of_each_dialect_installs_once_and_removes_once(life: Life) -> None:
    ran = life.run("install")
    expected = [] if life.dialect == "1.1" else [14262, 14261]
    assert [error.number for batch in ran for error in batch.errors] == expected
    assert all("sp_" in life_line(life, "install", error.line) for batch in ran for error in batch.errors)
    again = life.plan("install")
    assert (again.plan.steps, again.plan.before) == ((), again.plan.after)
    assert ["of ASP.NET 1.1" in remark for remark in again.remarks] == [True] * (life.dialect == "1.1")
    if life.dialect != "1.1":
        with connect(replace(life.lab.login, database=life.name), APPLICATION_OPTIONS) as application:
            probe(application)
    life.end()
    assert life.plan("uninstall").plan.steps == ()
    with connect(life.lab.login) as server:
        assert (
            server.run("SELECT name FROM msdb.dbo.sysjobs WHERE name LIKE %(job)s", {"job": f"{life.name}%"}).rows == []
        )


def life_line(life: Life, kind: str, line: int) -> str:
    """A line of the file."""
    return script(life.dialect, kind, life.type, life.name).split("\n")[line - 1]


def test_the_plan_names_what_is_there_afterwards(life: Life) -> None:
    plan = life.plan("install")
    planned = plan.plan.after.split("\n")
    life.run("install")
    again = life.plan("install")
    assert [*again.plan.before.split("\n")[:-1], planned[-2], ""] == planned
    assert again.remarks == plan.remarks
    life.end()


@pytest.fixture
def temporary(lab: OwnLab) -> Iterator[Life]:
    """Session state of type temporary, by its script."""
    life = Life(lab, "2.0", "temporary")
    life.run("install")
    yield life
    if life.plan("uninstall", Wishes(discard_live_sessions=True)).plan.steps:
        life.end()


def test_an_uninstall_that_stopped_half_way_is_completed_by_the_next(temporary: Life) -> None:
    judged = temporary.script("uninstall")
    with (
        connect(replace(temporary.lab.login, database="ASPState")),
        connect(temporary.lab.login) as server,
        pytest.raises(SqlServerError) as stopped,
    ):
        list(run_script(server, judged.path, judged.batches))
    assert stopped.value.error.number == 3702
    assert "this was in batch 6 of 8; batches 1 to 5 are done and stay so" in explain(stopped.value)
    with connect(temporary.lab.login) as server:
        left = current(server, "ASPState", "temporary")
        assert (left.exists, left.tables, left.outside.startup) == (True, {}, None)
    temporary.end()


def test_an_uninstall_of_type_temporary_is_refused_before_its_tables_go(temporary: Life) -> None:
    with connect(replace(temporary.lab.login, database="ASPState")) as own:
        Client(own).insert(KEY, b"x", 20)
        with pytest.raises(Refused, match="is in use and cannot be dropped; nothing was changed"):
            temporary.plan("uninstall")
    with connect(temporary.lab.login) as server:
        wait_until_nobody_is_in(server, "ASPState")
        with pytest.raises(Refused, match=r"tempdb holds 1 live session\(s\)"):
            temporary.plan("uninstall")
        assert set(current(server, "ASPState", "temporary").tables) == set(TABLES)


def test_session_state_of_another_type_is_not_touched(temporary: Life) -> None:
    other = Life(temporary.lab, "2.0", "persisted")
    for kind, force in (("install", False), ("install", True), ("uninstall", False)):
        with pytest.raises(Refused, match="so it is of type temporary, not persisted; nothing was touched"):
            other.plan(kind, force=force)


def test_a_startup_procedure_of_somebody_else_keeps_the_script_from_running(lab: OwnLab) -> None:
    with connect(lab.login) as server:
        server.run_in("master", "CREATE PROCEDURE dbo.ASPState_Startup AS RETURN 7")
    with pytest.raises(Refused, match="in master is not that of session state"):
        Life(lab, "2.0", "temporary").plan("install")
    with connect(lab.login) as server:
        server.run_in("master", "DROP PROCEDURE dbo.ASPState_Startup")


def test_an_old_install_that_drops_the_database_takes_nothing_else_with_it(lab: OwnLab) -> None:
    life = Life(lab, "1.1", "persisted")
    life.run("install")
    with connect(lab.login) as server:
        server.run_in(life.name, "CREATE TABLE dbo.mine (a int)")
        with pytest.raises(Refused, match=r"also holds user table dbo\.mine"):
            life.plan("install", force=True)
        server.run_in(life.name, "DROP TABLE dbo.mine")
    life.run("install", force=True)
    life.end()


def test_the_built_in_schema_is_not_taken_for_that_of_a_script(lab: OwnLab) -> None:
    life = Life(lab, "4.x", "persisted")
    with connect(lab.login) as server:
        install(server, life.name)
    with pytest.raises(Refused, match=r"not all that InstallPersistSqlState\.sql makes: type dbo\.tTextPtr is missing"):
        life.plan("install")
    life.end()


def test_a_login_without_the_right_is_told_before_anything_runs(lab: OwnLab) -> None:
    life = Life(lab, "2.0", "persisted")
    with connect(lab.login_with("VIEW ANY DEFINITION", "VIEW SERVER STATE", "CREATE ANY DATABASE")) as server:
        prepared = prepare(server, life.script("install"), life.name, Wishes())
        assert prepared.not_known == (f"which jobs {server.address} has is not known",)
        with pytest.raises(Refused, match="lacks membership in sysadmin, which this needs; nothing was changed"):
            demand_rights(server, prepared.plan)
