"""Little web services that are real: see little_service.py."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("little_service.py")


@dataclass(frozen=True)
class Service:
    """A little web service."""

    folder: Path
    port: int

    def call(self, verb: str) -> int:
        return subprocess.run([*self.command(verb)], check=False, capture_output=True).returncode

    def command(self, verb: str) -> list[str]:
        return [sys.executable, str(SCRIPT), str(self.folder), verb]

    @property
    def runs(self) -> bool:
        return self.call("status") == 0

    @property
    def record(self) -> Path:
        return self.folder / "state" / "web_service.json"

    @property
    def subject(self) -> str:
        """How messages call it."""
        return f"the web service of {' '.join(self.command('status'))}"

    @property
    def variables(self) -> dict[str, object]:
        """The role's choices for it."""
        return {
            **{f"aspstate_web_service_{verb}_command": self.command(verb) for verb in ("start", "stop", "status")},
            "aspstate_web_service_backend": "command",
            "aspstate_web_service_state_file": str(self.record),
            "aspstate_web_service_stop_timeout": 3,
            "aspstate_web_service_start_timeout": 3,
            "aspstate_web_url": f"http://127.0.0.1:{self.port}/",
            "aspstate_web_url_timeout": 3,
        }

    def breaks(self, *how: str) -> None:
        """Break it in some way."""
        for name in how:
            (self.folder / name).touch()

    def mended(self) -> None:
        """Break it no more."""
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in ("pid", "port"):
                path.unlink()


Services = Callable[..., dict[str, Service]]


@contextmanager
def little_services(folder: Path) -> Iterator[Services]:
    """Makes services that run, each by its name and in a folder of that name; they end with it."""
    made: dict[str, Service] = {}

    def make(*names: str) -> dict[str, Service]:
        for name in names:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                made[name] = Service(folder / name, free.getsockname()[1])
            made[name].folder.mkdir()
            (made[name].folder / "port").write_text(str(made[name].port))
            assert made[name].call("start") == 0
        return made

    try:
        yield make
    finally:
        for service in made.values():
            service.mended()
            service.call("stop")
        deadline = time.monotonic() + 10
        while any(service.runs for service in made.values()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
