"""A farm at work while a backlog of expired sessions is deleted: no live session is lost, and no request fails."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from aspstate.client import Client
from aspstate.expiry import expire
from aspstate.expiry_plan import How, plan_expired
from aspstate.login import Login
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from lab.bench_expiry import FORMS, lines, measure
from lab.expiry_forms import fill

CONNECTIONS = 20
SESSIONS = 5
"""Of each connection."""


@dataclass(frozen=True)
class Worker:
    """One connection of a web server, with sessions of its own that nobody else asks for."""

    login: Login
    number: int
    ready: threading.Barrier
    done: threading.Event

    def work(self) -> int:
        """Use the sessions until the expiry is done; how many requests that were. Fails on the first that is wrong."""
        with connect(self.login, APPLICATION_OPTIONS) as own:
            client = Client(own)
            keys = [f"worker{self.number:02d}session{one:02d}".ljust(24, "a") + "2014c0f1" for one in range(SESSIONS)]
            items = {key: key.encode() for key in keys}
            for key, data in items.items():
                client.insert(key, data, 20)
            self.ready.wait(60)
            requests = 0
            while not self.done.is_set() or not requests:
                for key in keys:
                    items[key] = self._request(client, key, items[key], requests)
                    requests += 1
            for key in keys:
                item = client.get(key)
                assert item is not None and item.data == items[key], key
            return requests

    @staticmethod
    def _request(client: Client, key: str, data: bytes, requests: int) -> bytes:
        item = client.get_exclusive(key)
        assert item is not None, f"{key} was lost"
        assert (item.locked, item.data) == (False, data)
        more = (key + str(requests)).encode() * (400 if requests % 7 == 0 else 3)  # now and then a long item
        client.update(key, more, 20, item.lock_cookie, len(data))
        client.reset_timeout(key)
        return more


def under_load(login: Login, server: Server, database: str, expired: int, how: How) -> None:
    fill(server, database, expired)
    ready, done = threading.Barrier(CONNECTIONS + 1), threading.Event()
    application = replace(login, database=database)
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        working: list[Future[int]] = [
            pool.submit(Worker(application, number, ready, done).work) for number in range(CONNECTIONS)
        ]
        try:
            ready.wait(60)
            outcome = expire(server, plan_expired(server, database, "persisted", how), how)
        finally:
            done.set()
        requests = [each.result(60) for each in working]
    assert (outcome.rows, outcome.left) == (expired, 0)
    assert min(requests) >= SESSIONS
    live = server.run_in(database, "SELECT COUNT(*) FROM dbo.ASPStateTempSessions WHERE Locked = 0").row[0]
    assert live == CONNECTIONS * SESSIONS


MANY = {
    "in batches": ("project", 100_000),
    "by the procedure": ("procedure", 10_000),
}


@pytest.mark.parametrize("kind", MANY)
def test_no_live_session_is_lost_and_no_request_fails(login: Login, server: Server, installed: str, kind: str) -> None:
    method, expired = MANY[kind]
    under_load(login, server, installed, expired, How(method))


@pytest.mark.sweep
def test_nor_by_the_procedure_with_as_many(login: Login, server: Server, installed: str) -> None:
    under_load(login, server, installed, 100_000, How("procedure"))


def test_the_bench_measures_every_form(login: Login, server: Server, installed: str) -> None:
    speeds = measure(login, installed, 300)
    assert set(speeds) == set(FORMS)
    assert all(speed.rows > 0 and speed.wait > 0 for speed in speeds.values())
    assert server.run_in(installed, "SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (1,)
    assert len(lines(speeds, 300)) == 1 + 2 * (len(FORMS) - 1)
