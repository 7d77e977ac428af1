"""Where one web node keeps what it has. `a` is `web/a` of the lab's folder, its application, and `web/a.*`."""

from __future__ import annotations

import os
import random
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NODES = ("a", "b")
APPLICATION = Path(__file__).parent / "application"
CHOSEN_ONCE = "web.config"
"""The file of the application that belongs to whoever configures the node, once it is there."""

_PORTS = range(20_000, 32_000)
"""Below the ports that Linux gives to connections: a node that is stopped gets its own again."""


@dataclass(frozen=True)
class Node:
    """One node, by the lab's folder and its name."""

    home: Path
    name: str

    @property
    def application(self) -> Path:
        """The application's folder: what IIS calls the physical path."""
        return self.home / "web" / self.name

    @property
    def run(self) -> Path:
        """The folder of its processes: their numbers, logs, socket and temporary files."""
        return self.home / "web" / f"{self.name}.run"

    @property
    def port_file(self) -> Path:
        """The port that it answers on, chosen by the first start."""
        return self.home / "web" / f"{self.name}.port"

    @property
    def url(self) -> str:
        """Its address, of a node that was started before."""
        return f"http://127.0.0.1:{self.port_file.read_text().strip()}/"

    def port(self) -> int:
        """The port, chosen the first time."""
        if not self.port_file.exists():
            self.port_file.parent.mkdir(parents=True, exist_ok=True)
            self.port_file.write_text(f"{_free_port()}\n")
        return int(self.port_file.read_text())


def prepare(node: Node) -> Path:
    """Bring the application's files to the node; returns its folder. web.config is only made where there is none."""
    for source in sorted(path for path in APPLICATION.rglob("*") if path.is_file()):
        target = node.application / source.relative_to(APPLICATION)
        content = source.read_bytes()
        if target.exists() and (source.name == CHOSEN_ONCE or target.read_bytes() == content):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.{os.getpid()}")
        part.write_bytes(content)
        part.replace(target)
    return node.application


def _free_port() -> int:
    for port in random.sample(_PORTS, len(_PORTS)):
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port from {_PORTS.start} to {_PORTS.stop}")
