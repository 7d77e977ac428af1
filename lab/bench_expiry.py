"""Ways to expire sessions, side by side on one server: how fast they are, and how long a request waits meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from aspstate.client import Client
from aspstate.expiry import expire
from aspstate.expiry_plan import How, plan_expired
from aspstate.login import Login
from aspstate.server import Server, connect

from lab.expiry_forms import ONE_DELETE, ROW_BY_ROW, fill

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
PROJECT = "batches of the project's"
FORMS = {PROJECT: "", "one DELETE": ONE_DELETE, "a list, row by row": ROW_BY_ROW}


@dataclass(frozen=True)
class Speed:
    """Rows a second, and the longest that one of a live session's calls took meanwhile, in seconds."""

    rows: float
    wait: float


def measure(login: Login, database: str, expired: int) -> dict[str, Speed]:
    """Each form with as many expired sessions, while one connection uses a live one. `database` is changed by it."""
    with connect(replace(login, database=database)) as server:
        Client(server).insert(KEY, bytes(1000), 20)
        found = {}
        for name, text in FORMS.items():
            if text:
                server.run(text.replace("CREATE PROCEDURE", "ALTER PROCEDURE"))
            fill(server, database, expired)
            found[name] = _beside_requests(login, database, expired, _work(server, database, text))
    return found


def lines(speeds: dict[str, Speed], expired: int) -> list[str]:
    """The same as ratios to the project's."""
    ours = speeds[PROJECT]
    found = [f"expiry of {expired:,} sessions, by {PROJECT}: {ours.rows:,.0f} rows a second"]
    for name, speed in speeds.items():
        if name != PROJECT:
            found.append(f"{name:<31} {speed.rows / ours.rows:6.2f} times as many rows a second, while")
            found.append(f"the longest wait of a request   {speed.wait / ours.wait:6.2f} times as long")
    return found


def _work(server: Server, database: str, text: str) -> Callable[[], object]:
    if text:
        return lambda: server.run("EXEC dbo.DeleteExpiredSessions")
    how = How("project")
    return lambda: expire(server, plan_expired(server, database, "persisted", how), how)


def _beside_requests(login: Login, database: str, expired: int, work: Callable[[], object]) -> Speed:
    busy, done, waits = threading.Event(), threading.Event(), []

    def request() -> None:
        with connect(replace(login, database=database)) as other:
            client = Client(other)
            while not done.is_set():
                begin = time.perf_counter()
                client.reset_timeout(KEY)
                waits.append(time.perf_counter() - begin)
                busy.set()

    requests = threading.Thread(target=request)
    requests.start()
    busy.wait(30)
    waits.clear()
    begin = time.perf_counter()
    try:
        work()
        seconds = time.perf_counter() - begin
    finally:
        done.set()
        requests.join()
    return Speed(expired / seconds, max(waits))
