"""The server in the background: start, stop and status."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pymssql
import pytest

from lab.control import NOT_RUNNING
from lab.tests.server_process import CHECKOUT

pytestmark = pytest.mark.controls_server

Control = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for a background server."""
    return tmp_path / "lab"


@pytest.fixture
def control(home: Path) -> Iterator[Control]:
    """Runs `python -m lab.control` on that folder; afterwards no server runs."""

    def run(verb: str, *options: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "lab.control", verb, "--home", str(home), *options]
        return subprocess.run(command, check=False, cwd=CHECKOUT, capture_output=True, text=True, timeout=60)

    yield run
    run("stop")


def start(control: Control) -> str:
    """Start a server on a free port; its address."""
    result = control("start", "--listen", "127.0.0.1:0")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[0].rpartition(" ")[2]


def test_start_says_where_it_listens_and_the_password_it_names_works(control: Control, home: Path) -> None:
    host, port = start(control).split(":")
    password = (home / "sa_password").read_text().strip()
    with pymssql.connect(server=host, port=port, user="sa", password=password, login_timeout=10) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_password_is_private_and_kept(control: Control, home: Path) -> None:
    start(control)
    password = (home / "sa_password").read_text()
    assert stat.S_IMODE((home / "sa_password").stat().st_mode) == 0o600
    control("stop")
    start(control)
    assert (home / "sa_password").read_text() == password


def test_start_of_a_running_server_says_so(control: Control, home: Path) -> None:
    address = start(control)
    process = (home / "server.pid").read_text()
    again = control("start")
    assert (again.returncode, again.stdout.splitlines()[0]) == (0, f"the lab server already listens on {address}")
    assert (home / "server.pid").read_text() == process


def test_start_on_a_port_of_something_else_says_so(control: Control, home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        result = control("start", "--listen", address)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"cannot listen on {address}" in result.stderr
    assert not (home / "server.pid").exists()


def test_stop_waits_until_the_server_has_ended(control: Control) -> None:
    host, port = start(control).split(":")
    assert control("stop").returncode == 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=5)


def test_stop_without_a_server_says_so(control: Control) -> None:
    result = control("stop")
    assert (result.returncode, result.stdout) == (0, "the lab server is not running\n")


def test_status_tells_a_running_server_from_none(control: Control) -> None:
    assert control("status").returncode == NOT_RUNNING
    address = start(control)
    result = control("status")
    assert (result.returncode, result.stdout) == (0, f"the lab server listens on {address}\n")


@pytest.mark.parametrize("content", ["{own} 127.0.0.1:1", "999999999 127.0.0.1:1", "nonsense", ""])
def test_process_that_is_no_server_of_this_folder_is_left_alone(control: Control, home: Path, content: str) -> None:
    home.mkdir()
    (home / "server.pid").write_text(content.format(own=os.getpid()))
    assert control("status").returncode == NOT_RUNNING
    assert control("stop").returncode == 0
    start(control)


def test_other_options_go_to_the_server_and_no_other_verb_has_them(control: Control) -> None:
    wrong = control("start", "--listen", "127.0.0.1:0", "--engine-edition", "99")
    assert (wrong.returncode, "--engine-edition" in wrong.stderr) == (1, True)
    assert control("start", "--listen", "127.0.0.1:0", "--engine-edition", "2").returncode == 0
    assert control("status", "--engine-edition", "2").returncode == 2
