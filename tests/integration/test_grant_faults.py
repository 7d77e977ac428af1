"""Whatever statement fails while grants are given or taken away, and however: the next run completes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.probe import probe
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import install
from tests.integration.grants import ROLE, choices, findings, give, take
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.test_faults import SAMPLE, WAYS, failing

pytestmark = pytest.mark.controls_server

NAME, SHOP, OTHER, PASSWORD = "ASPState", "shop", "other", "Aa1!-Horse-9"
WANTED = choices(SHOP, OTHER, create=True, exclusive=True)
PASSWORDS = dict.fromkeys((SHOP, OTHER), PASSWORD)


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


def give_all(server: Server) -> object:
    return give(server, NAME, WANTED, passwords=PASSWORDS)


def take_all(server: Server) -> object:
    return take(server, NAME, WANTED)


def begin(server: Server) -> None:
    """The session database anew, and no logins."""
    server.run(f"IF DB_ID(N'{NAME}') IS NOT NULL EXEC (N'DROP DATABASE {NAME}')")
    for name in (SHOP, OTHER):
        server.run(f"IF SUSER_SID(N'{name}') IS NOT NULL EXEC (N'DROP LOGIN {name}')")
    install(server, NAME)


def damage(server: Server) -> None:
    """Something of each kind is missing, or too much."""
    give_all(server)
    server.run(f"DROP LOGIN {OTHER}")
    for statement in (
        f"REVOKE EXECUTE ON OBJECT::dbo.TempResetTimeout FROM {ROLE}",
        f"GRANT EXECUTE ON OBJECT::dbo.DeleteExpiredSessions TO {ROLE}",
        f"REVOKE CONNECT TO {SHOP}",
        f"GRANT SELECT ON SCHEMA::dbo TO {SHOP}",
        f"ALTER ROLE db_owner ADD MEMBER {SHOP}",
        f"ALTER ROLE {ROLE} DROP MEMBER {OTHER}",
    ):
        server.run_in(NAME, statement)


def must_be_whole(lab: OwnLab) -> None:
    """The next run completes it, the one after has nothing to do, and the applications get to their sessions."""
    with connect(lab.login) as server:
        give_all(server)
        assert give_all(server).steps == ()
        assert findings(server, NAME, WANTED) == []
    for name in (SHOP, OTHER):
        with connect(replace(lab.login, user=name, password=PASSWORD, database=NAME), APPLICATION_OPTIONS) as own:
            probe(own)


def fails_in_giving(lab: OwnLab, nth: int, way: str) -> bool:
    """From nothing, with the nth statement failing; then the next run."""
    with connect(lab.login) as server:
        begin(server)
    failed = failing(lab, give_all, nth, way)
    must_be_whole(lab)
    return failed


def fails_in_a_repair(lab: OwnLab, nth: int, way: str) -> bool:
    """The same for grants that are damaged."""
    with connect(lab.login) as server:
        begin(server)
        damage(server)
    failed = failing(lab, give_all, nth, way)
    must_be_whole(lab)
    return failed


def fails_in_taking_away(lab: OwnLab, nth: int, way: str) -> bool:
    """The same for their removal."""
    with connect(lab.login) as server:
        begin(server)
        give_all(server)
    failed = failing(lab, take_all, nth, way)
    with connect(lab.login) as server:
        take_all(server)
        assert take_all(server).steps == ()
        role = "SELECT name FROM sys.database_principals WHERE name = N'aspstate_application'"
        assert server.run_in(NAME, role).rows == []
    return failed


UNDERTAKINGS = {
    "giving them": fails_in_giving,
    "a repair": fails_in_a_repair,
    "taking them away": fails_in_taking_away,
}


@pytest.mark.parametrize("undertaking", UNDERTAKINGS)
def test_what_fails_somewhere_is_completed_by_the_next_run(lab: OwnLab, undertaking: str) -> None:
    fail, last = UNDERTAKINGS[undertaking], 1
    while fail(lab, last * 2, "an error"):
        last *= 2
    for part, way in zip(SAMPLE, WAYS, strict=True):
        assert fail(lab, max(1, int(last * part)), way)


@pytest.mark.sweep
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("undertaking", UNDERTAKINGS)
def test_it_may_fail_anywhere(lab: OwnLab, undertaking: str, way: str) -> None:
    nth = 1
    while UNDERTAKINGS[undertaking](lab, nth, way):
        nth += 1
    assert nth > 8
