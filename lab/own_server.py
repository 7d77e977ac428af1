"""A lab server for one run: started on a free port below `.lab/`, and gone with its data and web nodes afterwards.

`python -m lab.own_server COMMAND ...` runs a command with such a server as `inventory/lab`, and ends as it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.control import CHECKOUT, Home, set_agent, start, stop
from lab.web.node import NODES, Node
from lab.web.servers import stop as stop_node


@dataclass(frozen=True)
class OwnServer:
    """Where it listens, and the folder with its password."""

    host: str
    port: int
    home: Home

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which `inventory/lab` is this server."""
        return {**os.environ, "ASPSTATE_LAB_PORT": str(self.port), "ASPSTATE_LAB_HOME": str(self.home.folder)}

    def restart(self, *server_options: str) -> None:
        """Stop the server, if it runs, and start it anew on the same data and port, with these options only."""
        stop(self.home)
        start(self.home, f"{self.host}:{self.port}", *server_options)

    def agent(self, *, running: bool) -> None:
        """Start or stop SQL Server Agent, of a server that was started with --agent, and wait for that."""
        set_agent(self.home, running)

    def kill(self) -> None:
        """End the server as a power cut would."""
        stop(self.home, signal.SIGKILL)


@contextmanager
def own_server(*server_options: str) -> Iterator[OwnServer]:
    """Start a server, with more options if any; at the end, however that comes, it, its web nodes and all data go."""
    (CHECKOUT / ".lab").mkdir(mode=0o700, exist_ok=True)
    home = Home(Path(tempfile.mkdtemp(prefix="own-", dir=CHECKOUT / ".lab")))
    try:
        host, _, port = start(home, "127.0.0.1:0", *server_options).rpartition(":")
        yield OwnServer(host, int(port), home)
    finally:
        for name in NODES:
            stop_node(Node(home.folder, name))
        stop(home)
        shutil.rmtree(home.folder)


def main(command: list[str]) -> int:
    """Run `command` with a server that has an Agent, as `make lab`; returns its exit code."""
    with own_server("--agent") as server:
        return subprocess.run(command, env=server.environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
