"""Backend app_offline: an application is taken out by its App_Offline.htm, and only the project's own is taken away."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.conftest import failed, succeeded
from tests.integration.web_service.services import Service


@pytest.fixture
def hosts(service: Service, tmp_path: Path) -> WebHosts:
    """A host with one application, whose folder is named with a slash at its end."""
    variables = {
        **service.variables,
        "aspstate_web_service_backend": "app_offline",
        "aspstate_web_service_app_offline_folders": [f"{service.folder}/"],
        "aspstate_web_service_app_offline_page": "<p>Back at noon, já</p>",
    }
    return WebHosts(tmp_path, {"web1": variables})


def status(service: Service) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/") as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def test_an_application_is_taken_out_and_put_back(service: Service, hosts: WebHosts) -> None:
    page = service.folder / "App_Offline.htm"
    checked = hosts.run("stop", "start", options=("--check", "--diff"))
    succeeded(checked, 2)
    assert (status(service), page.exists(), service.record.exists()) == (200, False, False)
    stopped = hosts.run("stop", options=("--diff",))
    succeeded(stopped, 1)
    assert stopped.diff == checked.diff
    assert status(service) == 503
    assert page.read_text() == "<p>Back at noon, já</p>"
    assert page.stat().st_mode & 0o777 == 0o644
    succeeded(hosts.run("stop", aspstate_web_service_app_offline_page="another"), 0)
    succeeded(hosts.run("start", aspstate_web_service_app_offline_page="another"), 1)
    assert (status(service), page.exists(), service.record.exists()) == (200, False, False)
    succeeded(hosts.run("start"), 0)


@pytest.mark.parametrize("name", ["App_Offline.htm", "app_offline.HTM"])
def test_an_app_offline_of_the_operators_own_stays(service: Service, hosts: WebHosts, name: str) -> None:
    own = service.folder / name
    own.write_text("their own")
    succeeded(hosts.run("restart"), 0)
    assert own.read_text() == "their own"
    assert not service.record.exists()


def test_an_app_offline_that_somebody_replaced_meanwhile_stays_and_is_told(service: Service, hosts: WebHosts) -> None:
    succeeded(hosts.run("stop"), 1)
    page = service.folder / "App_Offline.htm"
    page.write_text("their own")
    failed(hosts.run("start"), f"was not brought back: {service.folder} is stopped", "App_Offline.htm of somebody else")
    assert page.read_text() == "their own"
    assert service.record.exists()
    page.unlink()
    succeeded(hosts.run("start"), 0)
    assert not service.record.exists()


def test_an_application_that_answers_in_spite_of_it_is_told_and_comes_back(service: Service, hosts: WebHosts) -> None:
    service.breaks("ignores_app_offline")
    failed(hosts.run("stop"), "was not stopped: ", "does not answer with 503 within 3 s")
    succeeded(hosts.run("start"), 1)
    assert (status(service), service.record.exists()) == (200, False)
