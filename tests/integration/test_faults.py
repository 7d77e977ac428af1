"""Whatever statement of an installation or a removal fails, and however: the next run completes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.errors import AspstateError
from aspstate.schema import STARTUP, TYPES
from aspstate.server import Server, connect

from tests.integration.conftest import current, install, remove
from tests.integration.lab_login import OwnLab, own_lab

pytestmark = pytest.mark.controls_server

NAMES = {"temporary": "ASPState", "persisted": "ASPState", "custom": "Shop"}
KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
WAYS = {
    "lost before it": {"action": "drop_before"},
    "lost after it": {"action": "drop_after"},
    "an error": {"action": "error", "number": 1105},
}

LEFT = """
SELECT name FROM master.sys.procedures WHERE name = N'ASPState_Startup'
UNION ALL SELECT name FROM tempdb.sys.tables WHERE name LIKE N'ASPStateTemp%'
UNION ALL SELECT name FROM sys.configurations WHERE name = N'scan for startup procs' AND value = 1
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


def failing(lab: OwnLab, work: Callable[[Server], object], nth: int, way: str) -> bool:
    """Do `work` with its nth statement failing; whether it came that far, and failed, with a message."""
    lab.fail(match=".", nth=nth, program="aspstate", **WAYS[way])
    try:
        with connect(lab.login) as server:
            work(server)
    except AspstateError as error:
        assert str(error)
        return True
    finally:
        lab.faults.unlink()
    return False


class Life:
    """One type's session state on the server: begun from nothing, or damaged, or whole with what is to be removed."""

    def __init__(self, lab: OwnLab, type_: str) -> None:
        self.lab, self.type, self.name = lab, type_, NAMES[type_]

    def install(self, server: Server) -> object:
        return install(server, self.name, self.type)

    def remove(self, server: Server) -> object:
        return remove(server, self.name, self.type, discard=True)

    def nothing(self) -> None:
        """Clear the server."""
        with connect(self.lab.login) as server:
            self.remove(server)
            server.run("IF DB_ID(N'Shop') IS NOT NULL EXEC (N'DROP DATABASE Shop')")

    def whole(self) -> None:
        """Complete session state."""
        with connect(self.lab.login) as server:
            self.install(server)

    def damaged(self) -> None:
        """Complete but for one of each kind of thing, and with a session."""
        self.whole()
        with connect(self.lab.login) as server:
            place = current(server, self.name, self.type).tables_in
            with connect(replace(self.lab.login, database=self.name)) as application:
                Client(application).insert(KEY, bytes(9000), 20)
            server.run_in(self.name, "DROP PROCEDURE dbo.TempRemoveStateItem")
            server.run_in(self.name, "ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 7")
            server.run_in(place, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")
            server.run(f"ALTER DATABASE {self.name} SET RECOVERY FULL")
            if self.type == "temporary":
                server.run(f"EXEC sys.sp_procoption N'dbo.{STARTUP}', 'startup', 'off'")

    def must_be_whole(self) -> None:
        """The next run completes it, and the one after has nothing to do."""
        with connect(self.lab.login) as server:
            self.install(server)
            assert self.install(server).steps == ()
            state = current(server, self.name, self.type)
            assert state.properties.recovery_model == "simple"
            assert (state.properties.owner, state.properties.auto_shrink) == ("sa", False)
            assert set(state.tables) == {"ASPStateTempApplications", "ASPStateTempSessions"}
            assert state.outside.at_start == (self.type == "temporary")

    def must_be_gone(self) -> None:
        """The next run completes the removal, and nothing is left."""
        with connect(self.lab.login) as server:
            self.remove(server)
            assert self.remove(server).steps == ()
            if self.type == "custom":
                assert server.run_in(self.name, "SELECT name FROM sys.objects WHERE is_ms_shipped = 0").rows == []
                assert server.run_in(self.name, "SELECT name FROM sys.types WHERE is_user_defined = 1").rows == []
            else:
                assert server.run("SELECT DB_ID(%(name)s)", {"name": self.name}).row == (None,)
            assert server.run(LEFT).rows == []

    def must_have_the_session(self) -> None:
        with connect(self.lab.login) as server:
            place = current(server, self.name, self.type).tables_in
            rows = "SELECT SessionId, DATALENGTH(SessionItemLong) FROM dbo.ASPStateTempSessions"
            assert server.run_in(place, rows).rows == [(KEY, 9000)]

    def fails_in_an_install(self, nth: int, way: str) -> bool:
        """From an empty server, with the nth statement failing; then the next run."""
        self.nothing()
        failed = failing(self.lab, self.install, nth, way)
        self.must_be_whole()
        return failed

    def fails_in_a_repair(self, nth: int, way: str) -> bool:
        """The same for session state that has a session and is damaged."""
        self.nothing()
        self.damaged()
        failed = failing(self.lab, self.install, nth, way)
        self.must_have_the_session()
        self.must_be_whole()
        self.must_have_the_session()
        return failed

    def fails_in_a_removal(self, nth: int, way: str) -> bool:
        """The same for a removal."""
        self.nothing()
        self.whole()
        failed = failing(self.lab, self.remove, nth, way)
        self.must_be_gone()
        return failed


UNDERTAKINGS = {
    "an install": Life.fails_in_an_install,
    "a repair": Life.fails_in_a_repair,
    "a removal": Life.fails_in_a_removal,
}
SAMPLE = (0.35, 0.6, 1.0)
"""Parts of the way through its statements."""


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("undertaking", UNDERTAKINGS)
def test_what_fails_somewhere_is_completed_by_the_next_run(lab: OwnLab, type_: str, undertaking: str) -> None:
    life, fail = Life(lab, type_), UNDERTAKINGS[undertaking]
    last = 1
    while fail(life, last * 2, "an error"):
        last *= 2
    for part, way in zip(SAMPLE, WAYS, strict=True):
        assert fail(life, max(1, int(last * part)), way)
    life.nothing()


@pytest.mark.sweep
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("undertaking", UNDERTAKINGS)
def test_it_may_fail_anywhere(lab: OwnLab, type_: str, undertaking: str, way: str) -> None:
    life, nth = Life(lab, type_), 1
    while UNDERTAKINGS[undertaking](life, nth, way):
        nth += 1
    assert nth > 10
    life.nothing()
