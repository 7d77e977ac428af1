"""The command line of the server: what it says, and with which exit code it ends."""

from __future__ import annotations

import os
import signal
import socket
import stat
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.server.wire.packets import PacketType
from lab.tests.raw_client import RawClient
from lab.tests.server_process import CHECKOUT, ServerProcess, server_command

pytestmark = pytest.mark.controls_server


def run(
    data: Path, listen: str = "127.0.0.1:0", password: str = "Any-password-1", options: tuple[str, ...] = ()
) -> subprocess.CompletedProcess:
    """Run a server that is expected to give up at once."""
    environment = {**os.environ, "LAB_SA_PASSWORD": password}
    command = [*server_command(data, listen), *options]
    return subprocess.run(
        command, check=False, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=20
    )


def says(result: subprocess.CompletedProcess, code: int, *words: str) -> bool:
    """Whether it ended with that code and one line that holds the words."""
    assert (result.returncode, result.stdout) == (code, ""), result
    assert result.stderr.count("\n") == 1, result.stderr
    return all(word in result.stderr for word in ("lab.server: ", *words))


def test_no_password_is_a_wrong_call(tmp_path: Path) -> None:
    assert says(run(tmp_path / "data", password=""), 2, "LAB_SA_PASSWORD")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.0.2.1:14330", "[::]:0"])
def test_address_that_others_could_reach_is_refused(tmp_path: Path, address: str) -> None:
    assert says(run(tmp_path / "data", address), 2, "not a loopback address")


@pytest.mark.parametrize("address", ["14330", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x", "example:1"])
def test_bad_address_is_named(tmp_path: Path, address: str) -> None:
    assert says(run(tmp_path / "data", address), 2, address.split(":")[0])


def test_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        assert says(run(tmp_path / "data", address), 1, f"cannot listen on {address}", "in use")


def test_data_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    assert says(run(tmp_path / "data"), 1, str(tmp_path / "data"))


def test_folder_that_cannot_be_written_to_is_named() -> None:
    assert says(run(Path("/proc/lab")), 1, "/proc/lab")


def test_folder_of_another_server_is_left_alone(start_lab_server: Callable[[], ServerProcess]) -> None:
    server = start_lab_server()
    assert says(run(server.data), 1, "another lab server", str(server.data))
    server.connect().close()


def test_databases_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "data" / "databases.log").mkdir(parents=True)
    assert says(run(tmp_path / "data"), 1, "cannot read the databases", str(tmp_path / "data"))


@pytest.mark.parametrize("content", [b"another program's\n", b"\0" * 100])
def test_file_that_is_no_log_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "data" / "databases.log"
    file.parent.mkdir()
    file.write_bytes(content)
    assert says(run(tmp_path / "data"), 1, str(file), "not a log of the lab server")
    assert file.read_bytes() == content


def test_new_data_folder_is_private(start_lab_server: Callable[[], ServerProcess]) -> None:
    assert stat.S_IMODE(start_lab_server().data.stat().st_mode) == 0o700


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_cleanly_even_with_clients(
    start_lab_server: Callable[[], ServerProcess], ending: signal.Signals
) -> None:
    server = start_lab_server()
    connection = server.connect()
    connection.cursor().execute("CREATE TABLE tempdb.dbo.t (a int)")
    server.process.send_signal(ending)
    assert server.process.wait(10) == 0
    assert "Traceback" not in server.log.read_text()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((server.host, server.port), timeout=5)


def test_password_is_not_handed_on_or_logged(start_lab_server: Callable[[], ServerProcess]) -> None:
    server = start_lab_server()
    server.connect().close()
    assert server.password not in Path(f"/proc/{server.process.pid}/cmdline").read_text()
    assert server.password not in server.log.read_text()


WRONG_OPTIONS = [
    ("--product-version", "11.0.7001"),
    ("--product-version", "11.0.x.0"),
    ("--product-version", "300.0.0.0"),
    ("--engine-edition", "0"),
    ("--engine-edition", "13"),
    ("--startup-delay", "-1"),
    ("--startup-delay", "nan"),
]


@pytest.mark.parametrize("options", WRONG_OPTIONS)
def test_wrong_option_is_a_wrong_call(tmp_path: Path, options: tuple[str, str]) -> None:
    result = run(tmp_path / "data", options=options)
    assert (result.returncode, result.stdout) == (2, "")
    assert options[0] in result.stderr
    assert not (tmp_path / "data").exists()


def test_version_and_edition_are_what_the_command_line_says(start_lab_server: Callable[..., ServerProcess]) -> None:
    server = start_lab_server("--product-version", "11.0.7001.2", "--engine-edition", "4")
    with RawClient(server.host, server.port) as client:
        prelogin = client.ask(PacketType.PRELOGIN, bytes.fromhex("00000600 06ff".replace(" ", "")) + bytes(6))
        assert bytes((11, 0)) + struct.pack(">HH", 7001, 2) in prelogin
        assert bytes((11, 0)) + struct.pack(">H", 7001) in client.login(password=server.password)
    with server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT CONVERT(varchar(20), SERVERPROPERTY('ProductVersion')),"
            " CONVERT(int, SERVERPROPERTY('ProductMajorVersion')), CONVERT(int, SERVERPROPERTY('EngineEdition')),"
            " @@VERSION"
        )
        version, major, edition, text = cursor.fetchone()
    assert (version, major, edition) == ("11.0.7001.2", 11, 4)
    assert "11.0.7001.2" in text


def test_availability_groups_may_be_several(start_lab_server: Callable[..., ServerProcess]) -> None:
    server = start_lab_server("--availability-group", "model", "--availability-group", "msdb")
    with server.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT name FROM sys.databases WHERE replica_id IS NOT NULL ORDER BY name")
        assert cursor.fetchall() == [("model",), ("msdb",)]
