"""A lab server as a process of its own, for tests that speak to it over the wire."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymssql

CHECKOUT = Path(__file__).parents[2]
STOP_SECONDS = 20


@dataclass
class ServerProcess:
    """A running server; `log` is the file that its standard error goes to."""

    process: subprocess.Popen
    host: str
    port: int
    password: str
    data: Path
    log: Path

    def connect(self, **options: Any) -> pymssql.Connection:
        """A connection of its own, which commits each statement unless asked otherwise."""
        defaults = {"user": "sa", "password": self.password, "autocommit": True, "login_timeout": 10}
        return pymssql.connect(server=self.host, port=str(self.port), **{**defaults, **options})

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)

    def stop(self) -> None:
        """Ask it to end, and check that it does so cleanly and without having met an error of its own."""
        self.process.terminate()
        code = self.process.wait(STOP_SECONDS)
        log = self.log.read_text()
        assert code == 0, log
        assert "Traceback" not in log, log


def server_command(data: Path, listen: str = "127.0.0.1:0") -> list[str]:
    """The command line of a server."""
    return [sys.executable, "-m", "lab.server", "--listen", listen, "--data", str(data)]


def start(data: Path, password: str, log: Path, *options: str) -> ServerProcess:
    """Start a server on a free port, with more options if any, and wait until it accepts connections."""
    environment = {**os.environ, "LAB_SA_PASSWORD": password}
    with log.open("a") as errors:
        process = subprocess.Popen(
            [*server_command(data), *options],
            cwd=CHECKOUT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process.stdout:
        ready, address = (process.stdout.readline().strip() for _ in range(2))
    if ready != "ready":
        process.kill()
        process.wait()
        raise AssertionError(f"the server did not start:\n{log.read_text()}")
    host, port = address.rsplit(":", 1)
    return ServerProcess(process, host, int(port), password, data, log)
