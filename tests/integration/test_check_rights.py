"""A login with the rights that docs/check.md lists sees everything; with one less it says what it does not see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aspstate.check import check
from aspstate.login import Login
from aspstate.server import Server, connect

from tests.integration.checking import Site
from tests.integration.lab_login import OwnLab, own_lab

pytestmark = pytest.mark.controls_server

DOCUMENT = (Path(__file__).parents[2] / "docs/check.md").read_text(encoding="utf-8")
HISTORY = {"agent_job": {"manage_agent_history": True, "history_rows": -1}}


def documented() -> tuple[list[str], list[str]]:
    """The statements for a login that watches, and those for one that tries too."""
    watching, trying = (
        [line.strip() for line in block.splitlines()]
        for block in re.findall(r"(?:^ +(?:USE|GRANT|CREATE) .*\n)+", DOCUMENT, re.M)
    )
    return watching, trying


WATCHING, TRYING = documented()
GRANTS = [line for line in WATCHING if line.startswith("GRANT")]


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    with own_lab("--agent") as server:
        with connect(server.login) as connection:
            connection.run("CREATE LOGIN shop WITH PASSWORD = N'Aa1!Aa1!Aa1!'")
        yield server


@pytest.fixture(scope="module")
def site(lab: OwnLab) -> Site:
    site = Site(lab.login, replace(lab.login, user="shop", password="Aa1!Aa1!Aa1!"), options=HISTORY)
    site.converge()
    return site


@pytest.fixture
def login(lab: OwnLab) -> Login:
    """sa."""
    return lab.login


@pytest.fixture
def monitor(lab: OwnLab, server: Server) -> Iterator[Login]:
    """A new login that may do nothing; its users are gone afterwards."""
    monitor = lab.login_with()
    yield monitor
    for database in ("ASPState", "msdb"):
        server.run_in(database, f"DROP USER {monitor.user}")


def give(server: Server, monitor: Login, statements: list[str]) -> None:
    server.run("\n".join([*statements, "USE master"]).replace("monitor", monitor.user))


def look(site: Site, monitor: Login, probe: str = "rights") -> dict[str, Any]:
    """As the module does where the inventory has no password of the application's login."""
    return check(monitor, site.declared, probe=probe, passwords={})


def test_the_documented_rights_are_enough_to_see_everything(site: Site, server: Server, monitor: Login) -> None:
    assert look(site, monitor)["status"] == "incomplete"
    give(server, monitor, WATCHING)
    result = look(site, monitor)
    assert (result["status"], result["findings"]) == ("checked", [])


@pytest.mark.parametrize("left_out", GRANTS)
def test_without_one_of_them_it_says_what_it_does_not_see(
    site: Site, server: Server, monitor: Login, left_out: str
) -> None:
    give(server, monitor, [line for line in WATCHING if line != left_out])
    result = look(site, monitor)
    assert result["status"] == "incomplete"
    assert {each["id"] for each in result["findings"]} == {"ASP001"}
    lacking = re.match(r"GRANT (.*?)(?: ON (?:dbo\.|LOGIN::)(\w+))? TO", left_out)
    told = "; ".join(each["message"] for each in result["findings"])
    assert lacking[1].replace("VIEW ANY DEFINITION", "VIEW DEFINITION") in told or lacking[1] in told
    assert lacking[2] is None or lacking[2] in told or "the session tables" in told


def test_with_two_rights_more_it_lives_through_sessions(site: Site, server: Server, monitor: Login) -> None:
    give(server, monitor, WATCHING + TRYING)
    result = look(site, monitor, "full")
    assert (result["status"], result["findings"]) == ("checked", [])
    assert [each["login"] for each in result["probes"]] == [monitor.user, "shop"]


@pytest.mark.parametrize("left_out", [line for line in TRYING if line.startswith("GRANT")])
def test_without_one_of_these_it_says_that_sessions_were_not_lived_through_or_what_is_left(
    site: Site, server: Server, monitor: Login, left_out: str
) -> None:
    give(server, monitor, WATCHING + [line for line in TRYING if line != left_out])
    found = look(site, monitor, "full")["findings"]
    assert {each["id"] for each in found} == {"ASP001" if "EXECUTE" in left_out else "ASP124"}
    server.run_in("ASPState", "DELETE dbo.ASPStateTempApplications")


def test_what_is_seen_is_not_changed(site: Site, server: Server, monitor: Login) -> None:
    give(server, monitor, WATCHING)
    before = site.check("rights")
    look(site, monitor)
    after = site.check("rights")
    assert (before["sample"]["rows"], before["findings"]) == (after["sample"]["rows"], after["findings"])
