"""Starts and stops a lab server in the background: `python -m lab.control start|stop|status`.

`python -m lab.control agent start|stop` does that to SQL Server Agent while the server runs.


Everything it keeps is in one folder, `.lab` of the checkout: `data/`, `sa_password`, `server.log` and `server.pid`.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.background import NOT_RUNNING, end, held
from lab.server.engine.agent.service import NO_AGENT, RUNNING, STOPPED
from lab.server.engine.agent.service import STATE_FILE as AGENT_STATE

CHECKOUT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 30


@dataclass(frozen=True)
class Home:
    """The folder of one background server."""

    folder: Path

    @property
    def data(self) -> Path:
        """The databases."""
        return self.folder / "data"

    @property
    def password_file(self) -> Path:
        """The password of `sa`."""
        return self.folder / "sa_password"

    @property
    def log(self) -> Path:
        """What the server writes to its standard error."""
        return self.folder / "server.log"

    @property
    def agent_state(self) -> Path:
        """Whether the server's Agent runs, as the server writes it down."""
        return self.data / AGENT_STATE

    @property
    def pid_file(self) -> Path:
        """The number of the server's process, and the address it listens on."""
        return self.folder / "server.pid"

    def password(self) -> str:
        """The password, made at random the first time."""
        self.password_file.touch(mode=0o600)
        if not self.password_file.read_text():
            self.password_file.write_text(secrets.token_urlsafe(18) + "\n")
        return self.password_file.read_text().strip()


@dataclass(frozen=True)
class Running:
    """A server's process, held so that its number cannot become another's, and the address it listens on."""

    process: int
    address: str


class ControlError(Exception):
    """The server could not be started or stopped; the text says why."""


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, 1 if it did not work, NOT_RUNNING if `status` finds no server."""
    parser = _parser()
    options, options.server_options = parser.parse_known_args(arguments)
    if options.server_options and options.verb != "start":
        parser.error(f"unrecognized arguments: {' '.join(options.server_options)}")
    if (options.verb == "agent") is (options.agent_verb is None):
        parser.error("start or stop belongs after agent, and after nothing else")
    home = Home(options.home.resolve())
    try:
        return _VERBS[options.verb](home, options)
    except ControlError as error:
        print(error, file=sys.stderr)
        return 1


def start(home: Home, listen: str, *options: str) -> str:
    """Start a server and wait until it accepts connections; returns its address. Raises ControlError.

    `options` are more words of the server's command line.
    """
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    command = [sys.executable, "-m", "lab.server", "--listen", listen, "--data", str(home.data), *options]
    environment = {**os.environ, "LAB_SA_PASSWORD": home.password()}
    with home.log.open("a+") as log:
        log_before = log.tell()
        server = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        with server.stdout:
            ready, address = (server.stdout.readline().strip() for _ in range(2))
        if ready != "ready":
            server.wait()
            log.seek(log_before)
            raise ControlError(f"the lab server did not start:\n{log.read().rstrip()}")
    home.pid_file.write_text(f"{server.pid} {address}\n")
    return address


def stop(home: Home, how: signal.Signals = signal.SIGTERM) -> bool:
    """End the server of this folder and wait for that; returns whether one ran. Raises ControlError."""
    with find(home) as running:
        if running and not end(running.process, how, STOP_SECONDS):
            raise ControlError(f"the lab server has not ended after {STOP_SECONDS} s; its log is {home.log}")
        home.pid_file.unlink(missing_ok=True)
        return running is not None


def set_agent(home: Home, running: bool) -> None:
    """Start or stop the Agent of the server of this folder, and wait for that. Raises ControlError."""
    with find(home) as server:
        if server is None:
            raise ControlError("the lab server is not running")
        if home.agent_state.read_text() == NO_AGENT:
            raise ControlError("the lab server was started without --agent")
        signal.pidfd_send_signal(server.process, signal.SIGUSR1 if running else signal.SIGUSR2)
        deadline = time.monotonic() + STOP_SECONDS
        while home.agent_state.read_text() != (RUNNING if running else STOPPED):
            if time.monotonic() > deadline:
                raise ControlError(f"the Agent has not changed after {STOP_SECONDS} s; the log is {home.log}")
            time.sleep(0.02)


@contextmanager
def find(home: Home) -> Iterator[Running | None]:
    """The server that runs for this folder."""
    with held(home.pid_file, b"lab.server", os.fsencode(home.data)) as process:
        yield None if process is None else Running(process, home.pid_file.read_text().split()[1])


def _start(home: Home, options: argparse.Namespace) -> int:
    with find(home) as running:
        if running:
            print(f"the lab server already listens on {running.address}")
        else:
            print(f"the lab server listens on {start(home, options.listen, *options.server_options)}")
    print(_how_to_connect(home))
    return 0


def _stop(home: Home, _options: argparse.Namespace) -> int:
    print("the lab server has ended" if stop(home) else "the lab server is not running")
    return 0


def _status(home: Home, _options: argparse.Namespace) -> int:
    with find(home) as running:
        print(f"the lab server listens on {running.address}" if running else "the lab server is not running")
        return 0 if running else NOT_RUNNING


def _agent(home: Home, options: argparse.Namespace) -> int:
    set_agent(home, options.agent_verb == "start")
    print("the Agent runs" if options.agent_verb == "start" else "the Agent has ended")
    return 0


_VERBS = {"start": _start, "stop": _stop, "status": _status, "agent": _agent}


def _how_to_connect(home: Home) -> str:
    return f"connect as sa, without encryption; the password is in {home.password_file}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.control",
        description="The lab server in the background.",
        epilog="`start` hands all other options on to the server: see python -m lab.server --help.",
        allow_abbrev=False,
    )
    parser.add_argument("verb", choices=tuple(_VERBS))
    parser.add_argument("agent_verb", metavar="start|stop", choices=("start", "stop"), nargs="?", help="after agent")
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:14330", help="loopback only")
    parser.add_argument("--home", metavar="DIR", type=Path, default=CHECKOUT / ".lab", help="where all of it is kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())
