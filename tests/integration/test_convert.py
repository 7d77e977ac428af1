"""Converting session state: applications keep using it, in every phase, and no session is lost or changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.conversion import COPYING, FINISHED, NOT_BEGUN, SWITCHED
from aspstate.conversion_steps import copy, switch
from aspstate.database import read
from aspstate.errors import Refused
from aspstate.server import Server, connect

from tests.integration.conftest import SCHEMAS, install, remove, wait_until_nobody_is_in
from tests.integration.converting import APPLICATIONS, NAMES, ROUTES, Route, at_work, must_be_as_known, rows
from tests.integration.lab_login import OwnLab, own_lab

pytestmark = pytest.mark.controls_server

SHORT = "still-short".ljust(32, "a")
LONG = bytes(range(256)) * 78 + b"x" * 31 + b"\0"
"""20,000 bytes that end in 0x00, which ANSI_PADDING OFF would lose."""


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


@pytest.fixture
def server(lab: OwnLab) -> Iterator[Server]:
    """A connection to it, which has no session state; it is taken away afterwards."""
    with connect(lab.login) as connection:
        connection.run("IF DB_ID(N'Shop') IS NULL CREATE DATABASE Shop")
        yield connection
    with connect(lab.login) as connection:
        for name in ("ASPState", "Shop"):
            wait_until_nobody_is_in(connection, name)
            connection.run(f"IF DB_ID(N'{name}') IS NOT NULL DROP DATABASE {name}")
        remove(connection, "ASPState", "temporary", discard=True)


@pytest.fixture(params=ROUTES, ids=str)
def route(request: pytest.FixtureRequest, server: Server, lab: OwnLab) -> Route:
    """Each conversion, with sessions where it begins."""
    begin(server, lab, request.param)
    return request.param


def begin(server: Server, lab: OwnLab, route: Route) -> None:
    install(server, NAMES[route.source], route.source)
    with connect(replace(lab.login, database=NAMES[route.source])) as own:
        client = Client(own)
        client.app_id("/lm/w3svc/1/root")
        client.insert("still-short".ljust(32, "a"), b"short\0", 20)
        client.insert("still-long".ljust(32, "a"), LONG, 20)
        client.insert_uninitialized("still-empty".ljust(32, "a"), 20)
        client.insert("still-locked".ljust(32, "a"), LONG, 20)
        assert client.get_exclusive("still-locked".ljust(32, "a")).data == LONG


def still(server: Server, route: Route) -> list[tuple[object, ...]]:
    """The sessions that nobody uses, in full."""
    return [row for row in rows(server, route.move(server)) if str(row[0]).startswith("still")]


def test_applications_use_their_sessions_through_both_databases_all_the_while(
    lab: OwnLab, server: Server, route: Route
) -> None:
    source, target = NAMES[route.source], NAMES[route.target]
    before, both = still(server, route), {source, target}
    with at_work(lab.login, source) as workers:
        workers.go_on()
        route.run(server, "prepare", batch_size=3)
        workers.use(*both)
        workers.go_on()
        progress = route.run(server, "switch", batch_size=3)
        workers.go_on()
        workers.use(target)
        if source != target:
            wait_until_nobody_is_in(server, source)
        route.run(server, "finish")
        workers.go_on()
    assert progress.moved is not None
    assert progress.copied + progress.changed >= progress.moved.sessions
    assert route.move(server).state == FINISHED
    must_be_as_known(server, route.move(server), workers.workers)
    assert still(server, route) == before
    assert server.run_in(route.move(server).at.tables_in, APPLICATIONS).rows == [(538231025, "/lm/w3svc/1/root")]


def stored(client: Client) -> None:
    item = client.get_exclusive(SHORT)
    client.update(SHORT, b"SHORT\0", 20, item.lock_cookie, 6)


CHANGES = {
    "renewed": lambda client: client.get(SHORT),
    "locked": lambda client: client.get_exclusive(SHORT),
    "stored, as long as it was": stored,
    "seen for the first time": lambda client: client.get("still-empty".ljust(32, "a")),
    "abandoned": lambda client: client.remove(SHORT, 1),
    "new": lambda client: client.insert("new".ljust(32, "a"), LONG, 20),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("ahead", [False, True], ids=["by the switch", "ahead of it"])
def test_what_changes_after_it_was_copied_is_copied_again(
    lab: OwnLab, server: Server, change: Callable[[Client], object], ahead: bool
) -> None:
    route = ROUTES[0]
    begin(server, lab, route)
    route.run(server, "prepare")
    copy(server, route.move(server), 2)
    time.sleep(0.02)  # an expiry is told from another one by 3.3 ms
    with connect(replace(lab.login, database="ASPState")) as own:
        change(Client(own))
    before = rows(server, route.move(server))
    if ahead:
        assert copy(server, route.move(server), 2).copied <= 1
    done = switch(server, route.move(server))
    assert (done.changed == 0) is ahead
    assert rows(server, route.move(server)) == before


def test_the_place_is_whole_afterwards_and_the_old_one_gone(server: Server, route: Route) -> None:
    route.whole(server)
    target = NAMES[route.target]
    assert install(server, target, route.target).steps == ()
    found, _ = read(server, target, route.target, SCHEMAS[route.target])
    assert found.leftovers.nothing
    assert not found.unused_tables
    if NAMES[route.source] != target:
        assert not read(server, NAMES[route.source], route.source, SCHEMAS[route.source])[0].type


def test_a_second_run_has_nothing_to_do_in_any_phase(server: Server, route: Route) -> None:
    for phase, state in (("prepare", COPYING), ("switch", SWITCHED), ("finish", FINISHED)):
        route.run(server, phase)
        found = route.move(server).state
        assert found == state or (phase == "switch" and found == FINISHED)  # in place there may be nothing to take away
        if phase != "switch":
            assert not route.plan(server, phase).plan.steps
    for phase in ("prepare", "switch", "finish"):
        conversion = route.plan(server, phase)
        assert conversion.plan.steps == ()
        assert conversion.plan.before == conversion.plan.after


@pytest.mark.parametrize("phase", ["prepare", "switch"])
def test_it_can_be_taken_back(lab: OwnLab, server: Server, route: Route, phase: str) -> None:
    source, target = NAMES[route.source], NAMES[route.target]
    before = still(server, route)
    with at_work(lab.login, source, count=2) as workers:
        for each in ("prepare", phase):
            route.run(server, each)
        workers.use(*{source, target})
        workers.go_on()
        for each in ("prepare", "switch"):
            route.run(server, each, back=True)
        workers.use(source)
        workers.go_on()
        if source != target:
            wait_until_nobody_is_in(server, target)
        route.run(server, "finish", back=True)
        workers.go_on()
    assert route.move(server).state == NOT_BEGUN
    assert route.move(server, back=True).state == FINISHED
    must_be_as_known(server, route.move(server), workers.workers)
    assert still(server, route) == before
    assert install(server, source, route.source).steps == ()
    assert read(server, source, route.source, SCHEMAS[route.source])[0].leftovers.nothing


def test_the_plans_of_all_phases_before_any_was_run_are_those_of_the_runs(server: Server, route: Route) -> None:
    expected = {"prepare": NOT_BEGUN, "switch": COPYING, "finish": SWITCHED}
    promised = {phase: route.plan(server, phase, expected_state=state).plan for phase, state in expected.items()}
    for phase, promise in promised.items():
        plan = route.plan(server, phase).plan
        assert (promise.before, promise.after) == (plan.before, plan.after)
        assert [step.sentence for step in promise.steps] == [step.sentence for step in plan.steps]
        route.run(server, phase)
    at_last = route.plan(server, "finish").plan.before
    assert at_last == promised["finish"].after or promised["finish"].steps == ()


def test_site_yml_leaves_a_database_alone_that_forwards(server: Server) -> None:
    route = ROUTES[2]
    install(server, "ASPState", "persisted")
    route.run(server, "prepare")
    with pytest.raises(Refused, match=r"Shop forwards to database ASPState.*convert\.yml"):
        install(server, "Shop", "custom")
    route.run(server, "switch")
    with pytest.raises(Refused, match="ASPState forwards to database Shop"):
        install(server, "ASPState", "persisted")
