"""Web hosts of one farm share sessions only where they agree."""

from __future__ import annotations

import pytest
from aspstate.errors import Refused
from aspstate.farm import Node, app_name, compare

PATH = "/srv/shop/web.config"


def node(host: str, **facts: object) -> Node:
    given = {"attributes": {"mode": "SQLServer"}, "connection": {"data source": "sql01"}, **facts}
    return Node(host, PATH, **given)


def found(first: dict[str, object], second: dict[str, object]) -> list[tuple[str, str]]:
    findings = compare("sql01", {"web1": [node("web1", **first)], "web2": [node("web2", **second)]})
    return [(each.id, each.message) for each in findings]


# what one host has, what the other has, what is said
DIFFERENT: dict[str, tuple[dict[str, object], dict[str, object], tuple[str, str]]] = {
    "compression": (
        {},
        {"attributes": {"mode": "SQLServer", "compressionEnabled": "true"}},
        ("ASP506", "compressionEnabled differs: web1 has false, web2 has true"),
    ),
    "a mode that nobody set": (
        {},
        {"attributes": {}},
        ("ASP506", "mode differs: web1 has SQLServer, web2 has InProc"),
    ),
    "the session id's own maker": (
        {"attributes": {"mode": "SQLServer", "sessionIDManagerType": "Shop.Ids"}},
        {},
        ("ASP506", "sessionIDManagerType differs: web1 has Shop.Ids, web2 has nothing"),
    ),
    "the state server": (
        {"attributes": {"mode": "StateServer"}},
        {"attributes": {"mode": "StateServer", "stateConnectionString": "tcpip=a:42424"}},
        ("ASP506", "stateConnectionString differs: web1 has tcpip=loopback:42424, web2 has tcpip=a:42424"),
    ),
    "the server": (
        {},
        {"connection": {"data source": "sql02"}},
        ("ASP506", "connection string, data source differs: web1 has sql01, web2 has sql02"),
    ),
    "the database": (
        {},
        {"connection": {"data source": "sql01", "initial catalog": "Shop"}},
        ("ASP506", "connection string, initial catalog differs: web1 has ASPState, web2 has Shop"),
    ),
    "the site": (
        {"site_id": 1, "application": "/"},
        {"site_id": 2},
        (
            "ASP507",
            "the site's id and the application's path make different ids: web1 has /LM/W3SVC/1/ROOT (2014c0f1), "
            "web2 has /LM/W3SVC/2/ROOT (2b7731d2); they share no session",
        ),
    ),
}


@pytest.mark.parametrize(("first", "second", "finding"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_difference_is_a_finding(
    first: dict[str, object], second: dict[str, object], finding: tuple[str, str]
) -> None:
    assert found(first, second) == [finding]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"attributes": {"mode": "SQLServer", "compressionEnabled": "False"}}, {}),
        ({"connection": {"data source": "SQL01", "initial catalog": "aspstate", "workstation id": "a"}}, {}),
        ({"connection": None}, {"connection": {"data source": "elsewhere"}}),
        ({"site_id": 1, "application": "/Shop"}, {"site_id": 1, "application": "shop/"}),
        ({"site_id": 1}, {}),
        ({"attributes": {"mode": "InProc"}, "connection": {"a": "b"}}, {"attributes": {}}),
    ],
)
def test_what_aspnet_takes_for_the_same_is_none(first: dict[str, object], second: dict[str, object]) -> None:
    assert found(first, second) == []


def test_hosts_with_different_numbers_of_applications_are_told() -> None:
    (finding,) = compare("sql01", {"web1": [node("web1")] * 2, "web2": [node("web2")]})
    assert finding.message.startswith("the hosts have different numbers of applications: web1 has 2, web2 has 1")


def test_one_host_agrees_with_itself() -> None:
    assert compare("sql01", {"web1": [node("web1"), node("web1", connection=None)]}) == []


def test_the_root_of_a_site_has_no_slash_at_its_end() -> None:
    assert app_name(1, "/") == app_name(1, "") == "/LM/W3SVC/1/ROOT"
    with pytest.raises(Refused, match="is not ASCII"):
        app_name(1, "/größe")
