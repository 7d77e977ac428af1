"""Command line: `python -m lab.server --listen 127.0.0.1:14330 --data DIR`, the password of `sa` in LAB_SA_PASSWORD."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from lab.server.data_folder import DataFolderError, locked
from lab.server.engine import faults
from lab.server.engine.agent.agent import MINUTE
from lab.server.engine.agent.service import AgentService
from lab.server.engine.engine import Engine
from lab.server.engine.log import LogDamaged
from lab.server.engine.startup import StartupProcedures
from lab.server.instance import DEFAULT_INSTANCE, ENGINE_EDITIONS, WITHOUT_AGENT, Instance
from lab.server.listener import AddressError, Listener, parse_address

PASSWORD_VARIABLE = "LAB_SA_PASSWORD"
LONGEST_DELAY = 3600
SHORTEST_MINUTE = 0.1
END_SIGNALS = (signal.SIGTERM, signal.SIGINT)
START_AGENT, STOP_AGENT = signal.SIGUSR1, signal.SIGUSR2
SIGNALS = (*END_SIGNALS, START_AGENT, STOP_AGENT)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT. Returns 0, 1 if the server cannot run, 2 if it was called wrongly."""
    # Blocked before any thread is made, so that all inherit it and only sigwait sees them.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    options = _parser().parse_args(arguments)
    password = os.environ.pop(PASSWORD_VARIABLE, "")
    if not password:
        return _fail(2, f"set {PASSWORD_VARIABLE} to the password of the login sa")
    if options.agent and options.engine_edition in WITHOUT_AGENT:
        return _fail(2, f"--agent: engine edition {options.engine_edition} has no SQL Server Agent")
    try:
        if options.fault:
            faults.read(options.fault)
        host, port = parse_address(options.listen)
    except (AddressError, faults.FaultsWrong) as error:
        return _fail(2, str(error))
    try:
        with locked(options.data):
            minute = options.agent_minute if options.agent else None
            return _serve(host, port, options.data, password, _instance(options), minute)
    except DataFolderError as error:
        return _fail(1, str(error))


def _instance(options: argparse.Namespace) -> Instance:
    return Instance(
        version=options.product_version,
        engine_edition=options.engine_edition,
        availability_groups=tuple(name for name, _ in options.availability_group),
        secondaries=tuple(name for name, role in options.availability_group if role == "secondary"),
        startup_delay=options.startup_delay,
        windows_principals=tuple(options.windows_principal),
        faults=options.fault,
    )


def _serve(host: str, port: int, data: Path, password: str, instance: Instance, agent_minute: float | None) -> int:
    try:
        engine = Engine(data, password, instance)
    except (OSError, LogDamaged) as error:
        return _fail(1, f"cannot read the databases in {data}: {error}")
    try:
        listener = Listener(host, port, engine)
    except OSError as error:
        engine.close()
        return _fail(1, f"cannot listen on {host}:{port}: {error.strerror}; give another --listen HOST:PORT")
    startup = StartupProcedures(engine, instance.startup_delay)
    service = AgentService(engine, data, agent_minute)
    listener.start()
    print(f"ready\n{listener.address}", flush=True)
    startup.start()
    while (got := signal.sigwait(SIGNALS)) not in END_SIGNALS:
        service.set(running=got == START_AGENT)
    service.set(running=False)
    startup.stop()
    listener.stop()
    engine.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lab.server",
        description="A stand-in for SQL Server on this machine: it executes a subset of T-SQL.",
        epilog=f"The environment variable {PASSWORD_VARIABLE} holds the password of the login sa.",
    )
    parser.add_argument("--listen", metavar="HOST:PORT", default="127.0.0.1:14330", help="loopback only; port 0: any")
    parser.add_argument("--data", metavar="DIR", type=Path, required=True, help="folder of the databases")
    parser.add_argument(
        "--product-version",
        metavar="N.N.N.N",
        type=_version,
        default=DEFAULT_INSTANCE.version,
        help="the version of SQL Server that clients are told",
    )
    parser.add_argument(
        "--engine-edition",
        metavar="N",
        type=int,
        choices=ENGINE_EDITIONS,
        default=DEFAULT_INSTANCE.engine_edition,
        help="what SERVERPROPERTY('EngineEdition') says, 1 to 12",
    )
    parser.add_argument(
        "--availability-group",
        metavar="DATABASE[=primary|secondary]",
        type=_group_member,
        action="append",
        default=[],
        help="say of this database that it is in an availability group, by default as primary; may be repeated",
    )
    parser.add_argument(
        "--startup-delay",
        metavar="SECONDS",
        type=_seconds,
        default=DEFAULT_INSTANCE.startup_delay,
        help="begin the startup procedures that much after logins are accepted",
    )
    parser.add_argument("--agent", action="store_true", help="run SQL Server Agent; it starts with the server")
    parser.add_argument(
        "--agent-minute",
        metavar="SECONDS",
        type=_minute,
        default=MINUTE,
        help="how long a minute of a job's schedule takes, 0.1 to 60",
    )
    parser.add_argument(
        "--windows-principal",
        metavar="DOMAIN\\NAME",
        type=_account,
        action="append",
        default=[],
        help="an account of Windows that exists, such as DOMAIN\\HOST$ or IIS APPPOOL\\NAME; may be repeated",
    )
    parser.add_argument(
        "--fault",
        metavar="FILE",
        type=Path,
        help="JSON list of faults that statements meet, read at each login; see lab/README.md",
    )
    return parser


def _group_member(text: str) -> tuple[str, str]:
    name, found, role = text.rpartition("=")
    if not found or role not in ("primary", "secondary"):
        return text, "primary"  # a name may have a = in it
    return name, role


def _minute(text: str) -> float:
    seconds = _seconds(text)
    if not SHORTEST_MINUTE <= seconds <= MINUTE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from {SHORTEST_MINUTE} to {MINUTE:.0f}")
    return seconds


def _account(text: str) -> str:
    authority, _, name = text.partition("\\")
    if not authority or not name or "\\" in name:
        raise argparse.ArgumentTypeError(f"{text!r} is not DOMAIN\\NAME")
    return text


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= LONGEST_DELAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {LONGEST_DELAY}")
    return seconds


def _version(text: str) -> tuple[int, int, int, int]:
    parts = text.split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version of four numbers")
    major, minor, build, revision = map(int, parts)
    if max(major, minor) > 0xFF or max(build, revision) > 0xFFFF:
        raise argparse.ArgumentTypeError(f"{text!r} has a number that is too large")
    return major, minor, build, revision


def _fail(code: int, text: str) -> int:
    print(f"lab.server: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
