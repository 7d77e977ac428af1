"""`make bench`: speeds as ratios within one run. Of the lab server they say nothing about SQL Server.

On the server that ASPSTATE_TEST_SERVER names, with ASPSTATE_TEST_USER and ASPSTATE_TEST_PASSWORD and in a database of
its own, else on a lab server.
"""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from lab.control import CHECKOUT
from lab.own_server import own_server

sys.path.insert(0, str(CHECKOUT / "module_utils"))  # the product's core, as its tests import it

from aspstate.client import Client
from aspstate.database import read
from aspstate.installation import plan_present
from aspstate.login import Login
from aspstate.plan import apply
from aspstate.property_changes import Choices, read_logins
from aspstate.removal import Wishes, apply_absent, plan_absent, read_usage
from aspstate.schema import schema
from aspstate.server import Server, connect

from lab import bench_check
from lab.bench_expiry import KEY, lines, measure

EXPIRED = 20_000
TYPE = "persisted"
FOLDERS = ("schema", "tables_in_database")
FILES = [file for each in FOLDERS for file in (CHECKOUT / "roles/aspstate_database/files" / each).glob("*.sql")]
OBJECTS = schema(file.read_text(encoding="utf-8") for file in FILES)


def main() -> int:
    """Print a line a comparison."""
    with _server() as (login, what):
        database = f"aspstate_bench_{secrets.token_hex(4)}"
        print(f"on {what}, as ratios within this run:")
        with connect(login) as server:
            _install(server, database)
            try:
                _compare(login, server, database)
                for line in lines(measure(login, database, EXPIRED), EXPIRED):
                    print(line)
            finally:
                _remove(server, database)
    for line in bench_check.lines():
        print(line, flush=True)
    return 0


@contextmanager
def _server() -> Iterator[tuple[Login, str]]:
    """The login, and what the figures are of."""
    if address := os.environ.get("ASPSTATE_TEST_SERVER"):
        host, _, port = address.partition(":")
        yield (
            Login(host, int(port or 1433), os.environ["ASPSTATE_TEST_USER"], os.environ["ASPSTATE_TEST_PASSWORD"]),
            address,
        )
        return
    with own_server() as own:
        yield Login(own.host, own.port, "sa", own.home.password()), "the lab server, which is not SQL Server"


def _install(server: Server, database: str) -> None:
    now, _ = read(server, database, TYPE, OBJECTS)
    apply(server, plan_present(now, TYPE, OBJECTS, Choices(), read_logins(server, Choices())))


def _remove(server: Server, database: str) -> None:
    wishes = Wishes(discard_live_sessions=True, terminate_connections=True)
    now, presence = read(server, database, TYPE, OBJECTS)
    plan = plan_absent(now, TYPE, read_usage(server, now, presence, TYPE, wishes), wishes)
    apply_absent(server, plan, terminate_connections=True)


def _compare(login: Login, server: Server, database: str) -> None:
    trip = _each(1000, lambda: server.run("SELECT 1"))
    look = _each(50, lambda: read(server, database, TYPE, OBJECTS))
    with connect(replace(login, database=database)) as own:
        client = Client(own)
        client.insert(KEY, bytes(1000), 20)
        lock = _each(1000, lambda: client.get_exclusive(KEY))
        own.run("DELETE dbo.ASPStateTempSessions")
    print(f"reading the whole database      {look / trip:6.1f} times SELECT 1 ({1 / trip:,.0f} a second)")
    print(f"TempGetStateItemExclusive3      {lock / trip:6.1f} times SELECT 1")


def _each(times: int, call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times


if __name__ == "__main__":
    sys.exit(main())
