"""The scenario's containers, as a visitor and as an operator see them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))
sys.path.insert(0, str(Path(__file__).parents[3] / "module_utils"))

from aspstate.login import Login
from aspstate.server import Server, connect

CHECKOUT = Path(__file__).parents[3]

NETWORK = os.environ["ASPSTATE_MOLECULE_PREFIX"]
"""The network's name; a container's is this, a dash, and the host's."""

WEB_HOSTS = ("web01", "web02")

ENVIRONMENT = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"}
"""For playbooks that a test runs."""


def docker(*words: str) -> str:
    """What the docker command answers."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout.strip()


def published(name: str, port: int) -> str:
    """Where a port of a host is published."""
    return docker("port", f"{NETWORK}-{name}", f"{port}/tcp")


@pytest.fixture
def name(host: Any) -> str:
    """The host's name in the inventory."""
    return host.backend.name.removeprefix(f"{NETWORK}-")


@pytest.fixture
def urls() -> dict[str, str]:
    """Where the applications of the web hosts answer, by the host's name."""
    return {name: f"http://{published(name, 80)}/" for name in WEB_HOSTS}


@pytest.fixture
def server() -> Iterator[Server]:
    """A connection of sa to the database host."""
    host, _, port = published("sql01", 1433).partition(":")
    password = (Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "sa_password").read_text().strip()
    with connect(Login(host, int(port), "sa", password)) as connection:
        yield connection
