"""What a check left on each host, as the report is given it."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.filter.aspstate_checked import aspstate_checked


def web(host: str, timeout: str) -> dict[str, Any]:
    """What is left on a web host with one application."""
    look = {"path": "web.config", "session_state": {"attributes": {"timeout": timeout}, "connection": None}}
    seen = {"database_host": "sql01", "looks": [look]}
    return {"inventory_hostname": host, "__aspstate_check_kind": "web", "__aspstate_check_web": seen}


SQL = {"inventory_hostname": "sql01", "__aspstate_check_database": {"findings": []}}
HOSTS = {"sql01": SQL, "web01": web("web01", "20"), "web02": web("web02", "30")}


@pytest.mark.parametrize("names", [["sql01", "web01", "web02"], ["web01", "web02"]], ids=["all", "web hosts alone"])
def test_web_hosts_that_do_not_agree_are_told_whoever_else_is_in_the_run(names: list[str]) -> None:
    found = [(host["name"], each["id"]) for host in aspstate_checked(names, HOSTS) for each in host["findings"]]
    assert found == [(names[0], "ASP506")]


@pytest.mark.parametrize("kind", ["database", "web", "controller"])
def test_a_host_of_which_nothing_is_left_was_not_looked_at(kind: str) -> None:
    (host,) = aspstate_checked(["one"], {"one": {"inventory_hostname": "one", "__aspstate_check_kind": kind}})
    assert (host["status"], host["reason"], host["findings"]) == ("incomplete", "it was not looked at", [])
