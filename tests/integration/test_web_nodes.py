"""inventory/lab as it is shipped: real ASP.NET applications get their sessions, share them, and go on without them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from aspstate.instance import read_presence
from aspstate.server import connect

from lab.tests.farm import visit
from lab.web.browser import Browser
from lab.web.node import NODES, Node
from lab.web.servers import missing_packages, runs, start
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.playbook import CHECKOUT, Run

pytestmark = [
    pytest.mark.controls_server,
    pytest.mark.skipif(bool(missing_packages()), reason=missing_packages()),
]
UNINSTALL = ("-e", "aspstate_uninstall_confirm=ASPState", "-e", "aspstate_database_discard_live_sessions=true")
APP_OFFLINE = ("-e", "aspstate_web_service_backend=app_offline", "-e", "aspstate_database_terminate_connections=true")
IMPATIENT = ("-e", "aspstate_database_connection_timeout=2")


@dataclass(frozen=True)
class Lab:
    """The server and the nodes of inventory/lab."""

    lab: OwnLab

    @property
    def nodes(self) -> list[Node]:
        """a and b."""
        return [Node(self.lab.own.home.folder, name) for name in NODES]

    @property
    def pages(self) -> list[str]:
        """The page of each that counts a visitor."""
        return [f"{node.url}count" for node in self.nodes]

    def run(self, playbook: str, *options: str) -> Run:
        """Run a playbook as README says."""
        command = [sys.executable, "-m", "ansible", "playbook", f"playbooks/{playbook}", *options]
        environment = {**self.lab.own.environment, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
        run = subprocess.run(
            command,
            cwd=CHECKOUT,
            env={**environment, "ANSIBLE_NOCOLOR": "1", "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        return Run(run.returncode, run.stdout + run.stderr)

    def installed(self) -> bool:
        """Whether the database is there."""
        with connect(self.lab.login) as server:
            return read_presence(server, "ASPState").exists

    def processes(self) -> list[str]:
        """The numbers of the nodes' processes."""
        return [(node.run / "mono.pid").read_text() for node in self.nodes]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """An own server with an Agent, and both nodes started."""
    with own_lab("--agent") as own:
        lab = Lab(own)
        for node in lab.nodes:
            start(node)
        yield lab


@contextmanager
def requests_all_the_time(page: str) -> Iterator[None]:
    """A visitor who does not stop asking for a page, whatever is answered."""
    over = threading.Event()

    def ask() -> None:
        browser = Browser()
        while not over.wait(0.02):
            try:
                browser.get(page, timeout=20)
            except OSError:
                continue

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()


def test_two_nodes_share_sessions_until_an_uninstall_and_answer_without_it(lab: Lab) -> None:
    installed = lab.run("site.yml")
    assert installed.code == 0, installed.output
    visitor, (a, b) = Browser(), lab.pages
    assert visit(visitor, a, a, a, b) == ["1", "2", "3", "4"]
    again = lab.run("site.yml")
    assert (again.code, again.changed) == (0, 0), again.output

    before = lab.processes()
    with connect(lab.lab.login) as stranger:
        stranger.run("USE ASPState")
        refused = lab.run("uninstall.yml", *UNINSTALL)
    assert refused.code == 2
    assert "is in use and cannot be dropped; nothing was changed; connected are:" in refused.text
    assert "aspstate, as sa. Stop them" in refused.text
    assert "web_a" not in refused.text.partition("connected are:")[2].partition("PLAY RECAP")[0]
    assert lab.processes() == before
    assert visit(visitor, b) == ["5"]

    with requests_all_the_time(a):
        removed = lab.run("uninstall.yml", *UNINSTALL)
    assert removed.code == 0, removed.output
    assert not lab.installed()
    assert all(new != old for new, old in zip(lab.processes(), before, strict=True))
    assert visit(visitor, a, a, b, a) == ["1", "2", "1", "1"]


def test_an_uninstall_can_leave_the_web_service_running(lab: Lab) -> None:
    assert lab.run("site.yml").code == 0
    visitor, (a, b) = Browser(), lab.pages
    assert visit(visitor, a, b) == ["1", "2"]
    before = lab.processes()
    removed = lab.run("uninstall.yml", *UNINSTALL, *APP_OFFLINE, *IMPATIENT)
    assert removed.code == 0, removed.output
    assert not lab.installed()
    assert lab.processes() == before
    assert [runs(node) for node in lab.nodes] == [True, True]
    assert visit(visitor, a, b) == ["1", "1"]
