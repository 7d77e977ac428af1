"""Conversions for tests, and applications that use sessions meanwhile and know what each has to be."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from aspstate.client import Client
from aspstate.conversion import Move, count_move, read_move
from aspstate.conversion_plan import Conversion, ConversionWishes, apply_conversion, plan_conversion
from aspstate.conversion_steps import Progress, must_be_alone
from aspstate.login import Login
from aspstate.plan import demand_rights
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import SCHEMAS

NAMES = {"temporary": "ASPState", "persisted": "ASPState", "custom": "Shop"}
SUFFIX = "2014c0f1"

ROWS = """
SELECT SessionId, Created, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked, SessionItemShort,
       SessionItemLong, Flags
FROM dbo.ASPStateTempSessions
ORDER BY SessionId
"""
APPLICATIONS = "SELECT AppId, RTRIM(AppName) FROM dbo.ASPStateTempApplications ORDER BY AppId"


@dataclass(frozen=True)
class Route:
    """A conversion from one type to another, of databases with the usual names."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} to {self.target}"

    def move(self, server: Server, *, back: bool = False) -> Move:
        """How it is."""
        places = [(NAMES[type_], type_, SCHEMAS[type_]) for type_ in (self.source, self.target)]
        return read_move(server, *places, back=back)

    def plan(self, server: Server, phase: str = "switch", *, back: bool = False, **wishes: object) -> Conversion:
        """What is left to do."""
        conversion = plan_conversion(server, self.move(server, back=back), ConversionWishes(phase, **wishes))
        demand_rights(server, conversion.plan)
        return conversion

    def run(self, server: Server, phase: str = "switch", *, back: bool = False, **wishes: object) -> Progress:
        """As the module does it."""
        must_be_alone(server)
        conversion = self.plan(server, phase, back=back, **wishes)
        return apply_conversion(server, conversion, ConversionWishes(phase, **wishes))

    def whole(self, server: Server, *, back: bool = False) -> None:
        """All phases."""
        for phase in ("prepare", "switch", "finish"):
            self.run(server, phase, back=back)


ROUTES = [
    Route("persisted", "temporary"),
    Route("temporary", "persisted"),
    Route("persisted", "custom"),
    Route("custom", "persisted"),
    Route("temporary", "custom"),
    Route("custom", "temporary"),
]


def rows(server: Server, move: Move) -> list[tuple[object, ...]]:
    """Each session, in full, where the sessions are."""
    assert count_move(server, move) is not None
    return server.run_in(move.at.tables_in, ROWS).rows


def key(number: int) -> str:
    return f"session{number:04d}".ljust(24, "a") + SUFFIX


@dataclass
class Session:
    """What a session has to be; `data` None where it is not there."""

    data: bytes | None = None
    cookie: int = 1
    locked: bool = False


@dataclass
class World:
    """Which databases the applications may use, and whether they are to stop."""

    databases: tuple[str, ...]
    version: int = 0
    stop: threading.Event = field(default_factory=threading.Event)


class Worker:
    """One application's thread: its sessions, a connection to each database, and what it has done."""

    def __init__(self, login: Login, world: World, number: int) -> None:
        self._login, self._world, self._random = login, world, random.Random(number)
        self.sessions = {key(number * 100 + one): Session() for one in range(6)}
        self._connections: dict[str, Server] = {}
        self.requests = 0
        self.seen_version = -1

    def work(self) -> None:
        """Until it is told to stop; fails on the first answer that is not what it has to be."""
        try:
            while not self._world.stop.is_set():
                version, databases = self._world.version, self._world.databases
                for name in [name for name in self._connections if name not in databases]:
                    self._connections.pop(name).close()
                self.seen_version = version
                database = self._random.choice(databases)
                session_id = self._random.choice(list(self.sessions))
                self._request(self._client(database), session_id, self.sessions[session_id])
                self.requests += 1
        finally:
            for connection in self._connections.values():
                connection.close()

    def _client(self, database: str) -> Client:
        if database not in self._connections:
            self._connections[database] = connect(replace(self._login, database=database), APPLICATION_OPTIONS)
        return Client(self._connections[database])

    def _request(self, client: Client, session_id: str, session: Session) -> None:
        if session.data is None:
            session.data, session.cookie, session.locked = self._item(), 1, False
            client.insert(session_id, session.data, 20)
        elif session.locked:
            self._give_back(client, session_id, session)
        else:
            read = self._random.choice((client.get, client.get_exclusive))
            item = read(session_id)
            if read == client.get_exclusive:
                session.locked, session.cookie = True, session.cookie + 1
            assert item is not None, f"{session_id} was lost"
            assert (item.locked, item.data, item.lock_cookie) == (False, session.data, session.cookie), session_id

    def _give_back(self, client: Client, session_id: str, session: Session) -> None:
        look = client.get(session_id)
        assert look is not None, f"{session_id} was lost with its lock"
        assert (look.locked, look.lock_cookie) == (True, session.cookie), session_id
        match self._random.randrange(4):
            case 0:
                client.release(session_id, session.cookie)
            case 1:
                client.remove(session_id, session.cookie)
                session.data = None
            case _:
                data = self._item()
                client.update(session_id, data, 20, session.cookie, len(session.data or b""))
                session.data = data
        client.reset_timeout(session_id)
        session.locked = False

    def _item(self) -> bytes:
        length = self._random.choice((10, 100, 6999, 20_000))
        return self._random.randbytes(length - 1) + b"\0"


class Workers:
    """Applications at work."""

    def __init__(self, world: World, workers: list[Worker], threads: list) -> None:
        self._world, self.workers, self._threads = world, workers, threads

    def use(self, *databases: str) -> None:
        """From now on, each uses these databases; comes back when all do."""
        self._world.databases = databases
        self._world.version += 1
        self._wait(lambda worker: worker.seen_version == self._world.version)

    def go_on(self, requests: int = 15) -> None:
        """Let each make some requests more."""
        goals = {worker: worker.requests + requests for worker in self.workers}
        self._wait(lambda worker: worker.requests >= goals[worker])

    def _wait(self, reached) -> None:
        deadline = threading.Event()
        for _ in range(6000):
            for thread in self._threads:
                if thread.done():
                    thread.result()
            if all(map(reached, self.workers)):
                return
            deadline.wait(0.01)
        raise AssertionError("the applications do not get on")


@contextmanager
def at_work(login: Login, *databases: str, count: int = 4) -> Iterator[Workers]:
    """So many applications, until the end of the block; then each must have been content."""
    world = World(databases)
    workers = [Worker(login, world, number) for number in range(count)]
    with ThreadPoolExecutor(count) as pool:
        threads = [pool.submit(worker.work) for worker in workers]
        try:
            yield Workers(world, workers, threads)
        finally:
            world.stop.set()
        for thread in threads:
            thread.result(60)


def must_be_as_known(server: Server, move: Move, workers: list[Worker]) -> None:
    """The rows are what the applications know of them, and there are no others."""
    known = {
        session_id: session
        for worker in workers
        for session_id, session in worker.sessions.items()
        if session.data is not None
    }
    found = {row[0]: row for row in rows(server, move) if row[0].startswith("session")}
    assert set(found) == set(known)
    for session_id, session in known.items():
        _, _, _, _, _, cookie, _, locked, short, long, _ = found[session_id]
        data = short if long is None else long
        assert (data, cookie, bool(locked)) == (session.data, session.cookie, session.locked), session_id
