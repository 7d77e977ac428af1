"""What uninstall.yml leaves, when it has completed what was cut off."""

from __future__ import annotations

from typing import Any

from aspstate.server import Server

from lab.web.browser import Browser


def test_the_service_runs_and_nothing_is_remembered(host: Any) -> None:
    assert host.service("shop").is_running
    assert host.file("/var/lib/aspstate").listdir() == []


def test_sessions_are_in_memory(url: str) -> None:
    visitor = Browser()
    assert [visitor.get(f"{url}count").text for _ in range(3)] == ["1", "2", "3"]


def test_hosts_share_no_sessions(urls: dict[str, str]) -> None:
    visitor = Browser()
    assert [visitor.get(f"{url}count").text for url in urls.values()] == ["1", "1"]


def test_web_config_names_no_database(host: Any) -> None:
    text = host.file("/srv/shop/web.config").content_string
    assert 'mode="InProc"' in text
    assert "Data Source" not in text


def test_only_the_system_databases_are_left(server: Server) -> None:
    names = {name for (name,) in server.run("SELECT name FROM sys.databases").rows}
    assert names == {"master", "model", "msdb", "tempdb"}
