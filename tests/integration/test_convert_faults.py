"""Whatever statement of a conversion a run does not survive: the next one completes it, or takes it back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.conversion import FINISHED, NOT_BEGUN
from aspstate.errors import AspstateError
from aspstate.server import Server, connect

from tests.integration.conftest import install, remove, wait_until_nobody_is_in
from tests.integration.converting import NAMES, ROUTES, Route, rows
from tests.integration.lab_login import OwnLab, own_lab

pytestmark = pytest.mark.controls_server

CHANGES = r"^(alter|create|drop|insert|delete|begin tran|commit|exec)\b"
"""What may change something, or ends it; a run that is lost while it reads has done nothing more."""

WAYS = {
    "lost before it": {"action": "drop_before"},
    "lost after it": {"action": "drop_after"},
    "an error": {"action": "error", "number": 1105},
}
KEYS = {"short".ljust(24, "a") + "2014c0f1": b"short\0", "long".ljust(24, "a") + "2014c0f1": bytes(20_000)}
PHASES = ("prepare", "switch", "finish")


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


class Journey:
    """One conversion, from session state with two sessions, on an otherwise empty server."""

    def __init__(self, lab: OwnLab, route: Route) -> None:
        self.lab, self.route = lab, route

    def nothing(self) -> None:
        """Clear the server."""
        with connect(self.lab.login) as server:
            for name in ("ASPState", "Shop"):
                wait_until_nobody_is_in(server, name)
                server.run(f"IF DB_ID(N'{name}') IS NOT NULL DROP DATABASE {name}")
            remove(server, "ASPState", "temporary", discard=True)

    def begin(self) -> list[tuple[object, ...]]:
        """The sessions as they are then."""
        self.nothing()
        with connect(self.lab.login) as server:
            server.run("CREATE DATABASE Shop")
            install(server, NAMES[self.route.source], self.route.source)
            with connect(replace(self.lab.login, database=NAMES[self.route.source])) as own:
                for key, data in KEYS.items():
                    Client(own).insert(key, data, 20)
                Client(own).get_exclusive(next(iter(KEYS)))
            return rows(server, self.route.move(server))

    def fail(self, phase: str, nth: int, way: str, *, back: bool = False) -> bool:
        """Do a phase with its nth change failing; whether it came that far."""
        self.lab.fail(match=CHANGES, nth=nth, program="aspstate", **WAYS[way])
        try:
            with connect(self.lab.login) as server:
                self.route.run(server, phase, back=back, batch_size=1)
        except AspstateError as error:
            assert str(error)
            return True
        finally:
            self.lab.faults.unlink()
        return False

    def must_have(self, server: Server, sessions: list[tuple[object, ...]]) -> None:
        """Each session is in one place that counts, as it was."""
        assert rows(server, self.route.move(server)) == sessions

    def fails(self, phase: str, nth: int, way: str, *, back: bool) -> bool:
        """The phases before, this one with a failure, and then all of them again, or `back`; whether it failed."""
        sessions = self.begin()
        with connect(self.lab.login) as server:
            for each in PHASES[: PHASES.index(phase)]:
                self.route.run(server, each)
        failed = self.fail(phase, nth, way)
        with connect(self.lab.login) as server:
            self.must_have(server, sessions)
            if back and self.route.move(server, back=True).state == NOT_BEGUN and phase == "finish":
                back = False  # the old place is gone: to go back is a conversion of its own
            self.route.whole(server, back=back)
            self.must_have(server, sessions)
            assert self.route.move(server, back=back).state == FINISHED
            kept = self.route.source if back else self.route.target
            assert install(server, NAMES[kept], kept).steps == ()
        return failed


SAMPLE = {
    "while the target is made": ("prepare", 20, "lost before it", True),
    "just before the target forwards": ("prepare", 36, "an error", True),
    "while sessions are copied": ("switch", 6, "lost before it", False),
    "while procedures are altered": ("switch", 40, "lost after it", True),
    "near the end of the switch": ("switch", 80, "an error", False),
    "while the source is removed": ("finish", 10, "lost after it", False),
}


@pytest.mark.parametrize("route", [ROUTES[0], ROUTES[2], ROUTES[5]], ids=str)
@pytest.mark.parametrize(("phase", "nth", "way", "back"), SAMPLE.values(), ids=SAMPLE)
def test_what_fails_somewhere_is_completed_or_taken_back(
    lab: OwnLab, route: Route, phase: str, nth: int, way: str, back: bool
) -> None:
    journey = Journey(lab, route)
    assert journey.fails(phase, nth, way, back=back)
    journey.nothing()


@pytest.mark.sweep
@pytest.mark.parametrize("back", [False, True], ids=["again", "back"])
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("route", ROUTES, ids=str)
def test_it_may_be_lost_anywhere(lab: OwnLab, route: Route, phase: str, back: bool) -> None:
    journey, nth = Journey(lab, route), 1
    while journey.fails(phase, nth, "lost before it", back=back):
        nth += 1
    assert nth > 10
    journey.nothing()


@pytest.mark.parametrize("route", [ROUTES[1], ROUTES[2]], ids=str)
def test_the_way_back_may_fail_too(lab: OwnLab, route: Route) -> None:
    journey = Journey(lab, route)
    for nth in (3, 20, 40):
        sessions = journey.begin()
        with connect(lab.login) as server:
            for phase in ("prepare", "switch"):
                route.run(server, phase)
        journey.fail("switch", nth, "lost after it", back=True)
        with connect(lab.login) as server:
            journey.must_have(server, sessions)
            route.whole(server, back=True)
            journey.must_have(server, sessions)
            assert route.move(server, back=True).state == FINISHED
    journey.nothing()
