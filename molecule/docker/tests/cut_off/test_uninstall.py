"""uninstall.yml while a web host loses the network, after the database was dropped and before the host is back."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aspstate.server import Server

from lab.web.browser import Browser

CHECKOUT = Path(__file__).parents[4]
PREFIX = os.environ["ASPSTATE_MOLECULE_PREFIX"]
UNINSTALL = (
    *("ansible-playbook", "playbooks/uninstall.yml", "-i", "molecule/docker/inventory"),
    *("-e", "aspstate_uninstall_confirm=ASPState", "-e", "aspstate_database_discard_live_sessions=true"),
)


def docker(*words: str) -> str:
    """What the docker command answers, whatever its code."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=False).stdout.strip()


@contextmanager
def cut_off(name: str) -> Iterator[None]:
    """A host is not in its network."""
    docker("network", "disconnect", PREFIX, f"{PREFIX}-{name}")
    try:
        yield
    finally:
        docker("network", "connect", "--alias", name, PREFIX, f"{PREFIX}-{name}")


def is_active(name: str) -> str:
    return docker("exec", f"{PREFIX}-{name}", "systemctl", "is-active", "shop")


def wait_until_dropped(server: Server, run: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while server.run("SELECT DB_ID(N'ASPState')").row != (None,):
        assert run.poll() is None, run.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_other_host_comes_back_and_the_run_says_what_is_left(server: Server, urls: dict[str, str]) -> None:
    environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    with subprocess.Popen(
        UNINSTALL, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        wait_until_dropped(server, run)
        with cut_off("web02"):
            output, _ = run.communicate(timeout=180)
            assert is_active("web02") == "inactive"
    assert run.returncode != 0
    assert is_active("web01") == "active"
    visitor = Browser()
    assert [visitor.get(f"{urls['web01']}count").text for _ in range(3)] == ["1", "2", "3"]
    print(output)
    assert "web02" in " ".join(output.split())
