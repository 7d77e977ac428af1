"""A web node in the background: start, stop, status, prepare, and what is left when half of it dies."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab.background import NOT_RUNNING
from lab.tests.server_process import CHECKOUT
from lab.web.browser import Answer, Browser
from lab.web.node import APPLICATION, Node
from lab.web.servers import missing_packages

Control = Callable[..., subprocess.CompletedProcess]

needs_mono = pytest.mark.skipif(bool(missing_packages()), reason=missing_packages())


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """Node a of a folder of its own, whose path is longer than a socket's may be."""
    return Node(tmp_path / "lab".ljust(60, "_"), "a")


@pytest.fixture
def control(node: Node) -> Iterator[Control]:
    """Runs `python -m lab.web` on that folder; afterwards no node runs."""

    def run(*words: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", "lab.web", *words],
            check=False,
            cwd=CHECKOUT,
            env={**os.environ, "ASPSTATE_LAB_HOME": str(node.home), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    yield run
    stopped = run("stop")
    assert stopped.returncode == 0, stopped.stderr


def start(control: Control) -> str:
    """Start node a; its URL."""
    result = control("start", "a")
    assert result.returncode == 0, result.stderr
    return result.stdout.split()[-1]


def processes(node: Node) -> dict[str, int]:
    """The numbers of the node's processes by their name."""
    return {name: int((node.run / f"{name}.pid").read_text()) for name in ("mono", "nginx")}


def has_ended(number: int) -> bool:
    """A process that has ended may be listed until somebody asks for its code, but has no command line any more."""
    try:
        return not Path(f"/proc/{number}/cmdline").read_bytes()
    except FileNotFoundError:
        return True


def answer_in_time(url: str, status: int) -> Answer:
    """The first answer with this status, from a node where a file has come or gone."""
    time.sleep(0.3)  # a request that comes at the same moment may be lost, and answered with 504 after 20 s
    deadline = time.monotonic() + 30
    while (answer := Browser().get(url)).status != status:
        assert time.monotonic() < deadline, answer
        time.sleep(0.05)
    return answer


def refuses_connections(url: str) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))) != 0


@needs_mono
def test_a_started_node_says_where_it_answers_and_counts_in_its_own_memory(control: Control) -> None:
    result = control("start", "a")
    assert result.returncode == 0, result.stderr
    name, state, url = result.stdout.split()
    visitor, other = Browser(), Browser()
    assert (name, state) == ("a", "running")
    assert [visitor.get(f"{url}count").text for _ in range(3)] == ["1", "2", "3"]
    assert other.get(f"{url}count").text == "1"
    assert visitor.get(f"{url}large").text == "20000"
    assert control("status", "a").stdout == result.stdout


@needs_mono
def test_a_stopped_node_has_left_its_port_and_gets_it_again(control: Control) -> None:
    url = start(control)
    stopped = control("stop", "a")
    assert (stopped.returncode, stopped.stdout) == (0, "a stopped\n")
    assert refuses_connections(url)
    status = control("status", "a")
    assert (status.returncode, status.stdout) == (NOT_RUNNING, "a stopped\n")
    assert start(control) == url


@needs_mono
def test_start_of_a_running_node_leaves_it_alone(control: Control, node: Node) -> None:
    url = start(control)
    before = processes(node)
    assert start(control) == url
    assert processes(node) == before


@needs_mono
@pytest.mark.parametrize("name", ["mono", "nginx"])
def test_half_a_node_is_not_running_and_start_makes_it_whole(control: Control, node: Node, name: str) -> None:
    url = start(control)
    os.kill(processes(node)[name], signal.SIGKILL)
    status = control("status", "a")
    assert (status.returncode, status.stdout) == (NOT_RUNNING, "a stopped\n")
    assert start(control) == url
    assert Browser().get(f"{url}count").text == "1"


@needs_mono
@pytest.mark.parametrize("name", ["mono", "nginx"])
def test_half_a_node_is_stopped(control: Control, node: Node, name: str) -> None:
    url = start(control)
    numbers = processes(node)
    os.kill(numbers.pop(name), signal.SIGKILL)
    assert control("stop", "a").returncode == 0
    assert refuses_connections(url)
    assert all(has_ended(number) for number in numbers.values())


@pytest.mark.parametrize("content", ["{own}", "999999999", "-1", "nonsense", ""])
def test_a_process_that_is_not_the_nodes_is_left_alone(control: Control, node: Node, content: str) -> None:
    node.run.mkdir(parents=True)
    for name in ("mono", "nginx"):
        (node.run / f"{name}.pid").write_text(content.format(own=os.getpid()))
    assert control("status", "a").returncode == NOT_RUNNING
    assert control("stop", "a").returncode == 0


def test_stop_without_a_node_says_that_it_is_stopped(control: Control) -> None:
    result = control("stop", "a")
    assert (result.returncode, result.stdout) == (0, "a stopped\n")


def test_all_nodes_are_meant_where_none_is_named(control: Control) -> None:
    assert control("status").stdout == "a stopped\nb stopped\n"
    wrong = control("status", "c")
    assert (wrong.returncode, "there is no node c, only a, b" in wrong.stderr) == (2, True)


@needs_mono
def test_a_port_that_something_else_has_taken_meanwhile_is_named(control: Control, node: Node) -> None:
    start(control)
    control("stop", "a")
    with socket.create_server(("127.0.0.1", node.port())):
        result = control("start", "a")
    assert (result.returncode, result.stdout) == (1, "")
    assert f"something else listens on port {node.port()}" in result.stderr


@needs_mono
def test_an_application_that_cannot_be_loaded_fails_the_start_with_the_reason(control: Control, node: Node) -> None:
    control("prepare", "a")
    (node.application / "web.config").write_text("<configuration>")
    result = control("start", "a")
    assert (result.returncode, result.stdout) == (1, "")
    assert "Mono could not load the application" in result.stderr
    assert "The following elements are not closed: configuration" in result.stderr
    assert not list(node.run.glob("*.pid"))


@needs_mono
def test_an_application_that_answers_an_error_is_running(control: Control, node: Node) -> None:
    control("prepare", "a")
    config = node.application / "web.config"
    config.write_text(config.read_text().replace("InProc", "Bogus"))
    answer = Browser().get(start(control))
    assert (answer.status, "Bogus" in answer.text) == (500, True)


@needs_mono
def test_app_offline_htm_takes_the_application_off_while_it_is_there(control: Control, node: Node) -> None:
    url = start(control)
    offline = node.application / "App_Offline.htm"
    offline.write_text("<p>back at noon</p>")
    assert answer_in_time(f"{url}count", 503).text == "<p>back at noon</p>"
    offline.unlink()
    assert answer_in_time(f"{url}count", 200).text == "1"


@needs_mono
def test_a_node_uses_no_file_outside_its_folders(control: Control, node: Node) -> None:
    start(control)
    own = ("/dev/", "/usr/", "/lib", "/etc/", "/proc/", str(node.home))
    for number in processes(node).values():
        opened = {str(entry.readlink()) for entry in Path(f"/proc/{number}/fd").iterdir()}
        mapped = re.findall(r"/.*", Path(f"/proc/{number}/maps").read_text())
        assert [path for path in {*opened, *mapped} if path.startswith("/") and not path.startswith(own)] == []


def test_prepare_brings_the_application_and_says_where(control: Control, node: Node) -> None:
    result = control("prepare", "a")
    assert (result.returncode, result.stdout) == (0, f"{node.application}\n")
    there = {path.relative_to(node.application) for path in node.application.rglob("*")}
    assert there == {path.relative_to(APPLICATION) for path in APPLICATION.rglob("*")}


def test_prepare_leaves_web_config_as_it_is_and_renews_the_code(control: Control, node: Node) -> None:
    control("prepare", "a")
    (node.application / "web.config").write_text("mine")
    (node.application / "count.ashx").write_text("old")
    control("prepare", "a")
    assert (node.application / "web.config").read_text() == "mine"
    assert (node.application / "count.ashx").read_bytes() == (APPLICATION / "count.ashx").read_bytes()


def test_prepare_writes_nothing_that_is_as_it_should_be(control: Control, node: Node) -> None:
    control("prepare", "a")
    before = {path: path.stat().st_mtime_ns for path in node.application.rglob("*")}
    control("prepare", "a")
    assert {path: path.stat().st_mtime_ns for path in node.application.rglob("*")} == before


def test_missing_packages_are_named_with_the_command_that_installs_them(
    control: Control, node: Node, tmp_path: Path
) -> None:
    result = control("start", "a", PATH=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("no web node without mono, mcs")
    assert result.stderr.endswith("make web-packages (root on Debian)\n")
    assert result.stderr.count("\n") == 1
    assert not node.home.exists()
