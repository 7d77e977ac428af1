"""uninstall.yml while a web host loses the network, after the database was dropped and before the host is back."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from aspstate.server import Server
from conftest import CHECKOUT, ENVIRONMENT, NETWORK, docker

from lab.web.browser import Browser

UNINSTALL = (
    *("ansible-playbook", "playbooks/uninstall.yml", "-i", "molecule/docker/inventory"),
    *("-e", "aspstate_uninstall_confirm=ASPState", "-e", "aspstate_database_discard_live_sessions=true"),
)


@contextmanager
def cut_off(name: str) -> Iterator[None]:
    """A host is not in its network."""
    container = f"{NETWORK}-{name}"
    docker("network", "disconnect", NETWORK, container)
    try:
        yield
    finally:
        docker("network", "connect", "--alias", name, NETWORK, container)


def is_active(name: str) -> bool:
    """Whether the web service of a host runs."""
    ask = ["docker", "exec", f"{NETWORK}-{name}", "systemctl", "is-active", "--quiet", "shop"]
    return subprocess.run(ask, check=False).returncode == 0


def wait_until_dropped(server: Server, run: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while server.run("SELECT DB_ID(N'ASPState')").row != (None,):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_other_host_comes_back_and_the_run_says_what_is_left(server: Server, urls: dict[str, str]) -> None:
    with subprocess.Popen(
        UNINSTALL, cwd=CHECKOUT, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        wait_until_dropped(server, run)
        with cut_off("web02"):
            output = " ".join(run.communicate(timeout=180)[0].split())
    assert run.returncode == 2
    assert "web02: the host could not be reached." in output
    assert "and the next run starts it" in output
    assert [is_active("web01"), is_active("web02")] == [True, False]
    visitor = Browser()
    assert [visitor.get(f"{urls['web01']}count").text for _ in range(3)] == ["1", "2", "3"]
