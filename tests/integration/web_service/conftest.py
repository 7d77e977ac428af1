"""The role on little web services."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.playbook import HostsRun
from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.services import Service, Services, little_services

UNTOUCHED = "nothing was changed"


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    """Makes services that run, each by its name."""
    with little_services(tmp_path) as make:
        yield make


@pytest.fixture
def service(services: Services) -> Service:
    """One that runs."""
    return services("web1")["web1"]


@pytest.fixture
def hosts(service: Service, tmp_path: Path) -> WebHosts:
    """Its host."""
    return WebHosts(tmp_path, {"web1": service.variables})


def succeeded(run: HostsRun, changed: int) -> None:
    assert (run.code, run.changed) == (0, changed), run.output


def failed(run: HostsRun, *said: str, host: str = "web1") -> None:
    """What is said of one host's failure."""
    assert run.code == 2, run.output
    assert "Traceback" not in run.output
    found = re.findall(rf"^fatal: \[{host}\].*?(?=^\S)", run.output, re.DOTALL | re.MULTILINE)
    for words in said:
        assert words in " ".join(" ".join(found).split()), run.output
