"""What site.yml makes of web hosts that kept their sessions in memory."""

from __future__ import annotations

from typing import Any

from aspstate.server import Server

from lab.web.browser import Browser


def test_the_service_runs_and_is_enabled(host: Any) -> None:
    service = host.service("shop")
    assert service.is_running
    assert service.is_enabled


def test_web_config_names_the_database_and_keeps_its_owner_and_mode(host: Any) -> None:
    file = host.file("/srv/shop/web.config")
    assert 'mode="SQLServer" ' in file.content_string
    assert "Data Source=sql01,1433;" in file.content_string
    assert (file.user, file.mode) == ("root", 0o644)


def test_a_visitor_is_counted_on_every_host(urls: dict[str, str]) -> None:
    visitor = Browser()
    answers = [visitor.get(f"{url}count").text for url in [*urls.values(), *urls.values()]]
    assert answers == ["1", "2", "3", "4"]


def test_a_long_item_reaches_the_other_host(urls: dict[str, str]) -> None:
    visitor = Browser()
    one, other = urls.values()
    assert [visitor.get(f"{url}large").text for url in (f"{one}", other)] == ["20000", "20000"]


def test_sessions_are_in_the_database(host: Any, server: Server, url: str) -> None:
    count = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions"
    (before,) = server.run_in("ASPState", count).row
    assert Browser().get(f"{url}count").text == "1"
    assert server.run_in("ASPState", count).row == (before + 1,)
    names = server.run("SELECT DISTINCT host_name FROM sys.dm_exec_sessions").rows
    assert (host.backend.host,) in names
