"""One logged-in connection: its options, its transaction, its temporary tables, and the request that runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lab.server.engine import database_use, execute, impersonation, locks, permissions
from lab.server.engine.applocks import Keeper
from lab.server.engine.calls import GivenArgument, call
from lab.server.engine.code import Code, CodeParameter
from lab.server.engine.database import Database
from lab.server.engine.exec_statements import written_name
from lab.server.engine.faults import SessionFaults
from lab.server.engine.frames import Frame
from lab.server.engine.options import Options
from lab.server.engine.storage import Table
from lab.server.engine.transactional import Transactional
from lab.server.errors import Reach, SqlError, as_sql_error
from lab.server.interface import Client, LoginRequest, RpcParameter

CHANGED_DATABASE = 5701


class Session(Transactional):
    """Implements `interface.Session`; what is not public there is called with the engine's turn."""

    def __init__(self, engine: Any, spid: int, login: LoginRequest, login_name: str, database: Database) -> None:
        super().__init__()
        self.engine = engine
        self.spid = spid
        self.login = login
        self.login_name = login_name
        self.principal = engine.security.login(login_name)
        self.rights = permissions.Rights()
        self.contexts: list[impersonation.Context] = []
        """Who it was before each EXECUTE AS that is in force."""
        self.context_base = 0
        """How many of them were there when the procedure or text that runs was called."""
        self.login_time = self.last_request = engine.now()
        self.first_database = database.name
        self.current = database
        self.outer_databases: list[Database] = []
        """Those to which calls that run now will come back."""
        self.options = Options()
        self.keeper = Keeper(self)
        self.temporary_tables: dict[str, Table] = {}
        self.error_number = 0
        self.row_count = 0
        self.cursors: dict[str, Any] = {}
        """The global ones."""
        self.fetch_status = 0
        self.running = False
        self.client: Client | None = None
        # what a session needs to wait for locks
        self.session = self
        self.wake = threading.Event()
        self.cancelled = False
        self.is_user = True
        self.faults: SessionFaults | None = None
        self.ended = False
        self.hang_up: Callable[[], None] | None = None
        self.request: locks.Request | None = None

    # What the wire calls

    @property
    def database(self) -> str:
        """The name of the current database."""
        return self.current.name

    def batch(self, text: str, client: Client) -> None:
        """See `interface.Session`."""
        with self._request(client):
            self._refuse_outsider()
            code = self.engine.codes.text(self, text)
            execute.run(Frame(self, code, [None] * len(code.variables)))

    def rpc(self, procedure: str, parameters: Sequence[RpcParameter], client: Client) -> None:
        """See `interface.Session`."""
        returned: list[tuple[int, CodeParameter, Any]] = []

        def receive(place: int, parameter: CodeParameter, value: Any) -> None:
            returned.append((place, parameter, value))

        given = [
            GivenArgument(one.name, one.value, one.type, receive=receive if one.output else None) for one in parameters
        ]
        with self._request(client):
            self._refuse_outsider()
            name = written_name(procedure)
            status = call(self, name, given, Frame(self, Code([], {}), []))
            client.return_status(status)
            first = 2 if name.parts[-1].casefold() == "sp_executesql" else 0  # after the text and its declarations
            for place, parameter, value in returned:
                client.return_value(first + place, parameter.name, parameter.type, value)

    def cancel(self) -> None:
        """See `interface.Session`."""
        self.cancelled = True
        self.wake.set()

    def renew(self) -> None:
        """See `interface.Session`."""
        self.cancelled = self.ended

    def reset(self) -> None:
        """See `interface.Session`."""
        with self.engine.turn.taken():
            self._clean_up()
            self.options = Options()
            self.current = self.engine.find_database("master")
            database = self.engine.find_database(self.first_database)
            if (
                database
                and permissions.user_in(self, database)
                and not database_use.refusal(self.engine, database, self.login_name, self)
            ):
                self.current = database

    def close(self) -> None:
        """See `interface.Session`."""
        with self.engine.turn.taken():
            self._leave()

    def _leave(self) -> None:
        if self in self.engine.sessions:
            self._clean_up()
            self.engine.sessions.remove(self)

    def _clean_up(self) -> None:
        self.roll_back_all()
        locks.release_all(self.keeper)
        impersonation.leave(self, 0)
        self.temporary_tables.clear()
        self.cursors.clear()
        self.fetch_status = 0
        self.error_number = self.row_count = 0

    @contextmanager
    def _request(self, client: Client) -> Iterator[None]:
        with self.engine.turn.taken():
            self.client, self.running, self.last_request = client, True, self.engine.now()
            try:
                yield
            except execute.BatchEnded:
                pass
            except locks.Cancelled:
                if self.options.xact_abort or self.ended:
                    self.roll_back_all()
            except Exception as problem:  # noqa: BLE001 - whatever goes wrong, the client is told and the connection lives
                self._tell(as_sql_error(problem))
            finally:
                self._end_request()

    def _tell(self, error: SqlError) -> None:
        error.line = error.line or 1
        self.error_number, self.row_count = error.number, 0
        self.client.error(error)

    def _end_request(self) -> None:
        if self.transaction_count and self.transaction.doomed:
            text = "Uncommittable transaction is detected at the end of the batch. The transaction is rolled back."
            self.client.error(SqlError(3998, text, line=1))
            self.roll_back_all()
        self.running, self.client = False, None
        if self.ended:
            self._leave()

    def _refuse_outsider(self) -> None:
        if self.ended:
            text = "Cannot continue the execution because the session is in the kill state."
            raise SqlError(596, text, severity=21, reach=Reach.CONNECTION)
        if permissions.user_in(self, self.current) is None:  # it lost its right to be there
            raise permissions.no_access(self, self.current)

    # What statements call

    @property
    def original_login_name(self) -> str:
        """ORIGINAL_LOGIN(): who logged in."""
        return self.contexts[0].login_name if self.contexts else self.login_name

    @property
    def lock_timeout(self) -> float | None:
        """In seconds; None is for ever."""
        milliseconds = self.options.lock_timeout
        return None if milliseconds < 0 else milliseconds / 1000

    @property
    def deadlock_priority(self) -> int:
        """Of two sessions that wait for each other, the one with the lower number loses."""
        return self.options.deadlock_priority

    def check_cancelled(self) -> None:
        """Raises Cancelled if the client wants an end."""
        if self.cancelled:
            raise locks.Cancelled

    def sleep(self, seconds: float) -> None:
        """Let the others work for so long; raises Cancelled."""
        self.wake.clear()
        self.check_cancelled()
        with self.engine.turn.given_up():
            self.wake.wait(seconds)
        self.check_cancelled()

    def end(self) -> None:
        """End the session from outside, or from within what it runs: roll back, and hang up on the client.

        What runs ends as soon as it can, and the session with it.
        """
        self.ended = True
        self.cancel()
        if self.hang_up:
            self.hang_up()
        if not self.running:
            self._leave()

    def use(self, database: Database) -> None:
        """USE: the client is told, unless nothing changes for it."""
        old, self.current = self.current, database
        self.client.database_changed(database.name, old.name)
        text = f"Changed database context to '{database.name}'."
        self.client.message(CHANGED_DATABASE, 0, 2, text)

    def is_in(self, database: Database) -> bool:
        """Whether a database is in use by this session, by what it runs or waits for, or by its transaction."""
        if self.current is database or database in self.outer_databases:
            return True
        locked = list(self.transaction.held) if self.transaction else []
        if self.request:
            locked.append(self.request.thing)
        return any(
            thing in (database.names, database.definitions)
            or getattr(thing, "database_id", None) == database.database_id
            for thing in locked
        )

    def drop_temporary_table(self, name: str) -> None:
        """Forget a temporary table."""
        del self.temporary_tables[name]
        self.engine.schema_version += 1

    def procedure_name(self, frame: Frame) -> str:
        """As messages show it."""
        return frame.code.name.split(".")[-1] if frame.code.object_id else ""
