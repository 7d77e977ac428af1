"""The databases of one data folder, and the sessions in them."""

from __future__ import annotations

import hmac
import pathlib
from datetime import datetime
from typing import Any

from lab.server import utf16
from lab.server.engine import database_use, faults, msdb, permissions, recovery, security_log
from lab.server.engine.applocks import Resource
from lab.server.engine.code import CodeCache
from lab.server.engine.database import SYSTEM_DATABASES, Database
from lab.server.engine.database_files import Files, default_files
from lab.server.engine.database_settings import SYSTEM_SETTINGS
from lab.server.engine.datetimes import round_datetime
from lab.server.engine.log import Log, LogDamaged, Record
from lab.server.engine.principals import GRANT, SA_SID, SERVER_CLASS, Principal, ServerSecurity
from lab.server.engine.session import Session
from lab.server.engine.turn import Turn
from lab.server.engine.windows_accounts import AGENT_ACCOUNT
from lab.server.errors import UNSUPPORTED, Reach, SqlError
from lab.server.instance import DEFAULT_INSTANCE, Instance
from lab.server.interface import LoginRequest
from lab.server.product import SERVER_NAME

LOG_FILE = "databases.log"
FIRST_SYSTEM_SPID, FIRST_SPID = 1, 51
FIRST_USER_DATABASE = 5
FEW_RECORDS = 1000
"""A log with fewer records more than a snapshot would have is left as it is."""


class Engine:
    """Implements `interface.Engine`. The data folder must exist, and be used by one engine only."""

    def __init__(self, data: pathlib.Path, sa_password: str, instance: Instance = DEFAULT_INSTANCE) -> None:
        """Reads the databases back; raises OSError and LogDamaged."""
        self.instance = instance
        self.version = instance.version
        self.data_path, self.log_path = (f"{data.absolute() / folder}/" for folder in ("data", "log"))
        self.started = self.now()
        self.turn = Turn()
        self.codes = CodeCache()
        self.schema_version = 0
        self.agent: Any = None
        """The SQL Server Agent, if there is one."""
        self.sessions: list[Session] = []
        self._password = sa_password
        self._application_locks: dict[tuple[int, str], Resource] = {}
        self._log_failed = False
        self._log = Log(data / LOG_FILE)
        self._databases = self._system_databases()
        self.security = ServerSecurity()
        msdb.equip(self.find_database("msdb"))
        replayer = recovery.Replayer(self._databases, self.security)
        for number, record in enumerate(self._log.replay(), 1):
            try:
                replayer.apply(record)
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                raise LogDamaged(f"{data / LOG_FILE}: record {number} does not fit those before it") from error
        for database in self.databases:
            database.files = database.files or self.default_files(database.name)
        self.startup_scan = bool(self.startup_procedures())
        """Whether startup procedures were marked when the server started."""
        self._compact()

    def _system_databases(self) -> dict[int, Database]:
        now = self.now()
        return {
            id_: Database(id_, name, now, durable=name != "tempdb", settings=SYSTEM_SETTINGS[name])
            for name, id_ in SYSTEM_DATABASES.items()
        }

    def default_files(self, name: str) -> Files:
        """The files that a database has if it is made without any."""
        return default_files(name, self.data_path, self.log_path)

    def login(self, request: LoginRequest) -> Session:
        """See `interface.Engine`."""
        login = self._authenticated(request)
        with self.turn.taken():
            if self.security.login(request.user) is not login:  # it may have been dropped meanwhile
                raise _login_failed(request)
            database = self.find_database(request.database or "master")
            session = database and Session(self, self._free_spid(FIRST_SPID), request, login.name, database)
            if (
                database is None
                or permissions.user_in(session, database) is None
                or database_use.refusal(self, database, login.name)
            ):
                text = (
                    f'Cannot open database "{request.database or "master"}" requested by the login. The login failed.'
                )
                raise SqlError(4060, text, severity=11, reach=Reach.CONNECTION)
            try:
                session.faults = faults.for_session(session, self.instance.faults)
            except faults.FaultsWrong as error:
                text = f"the lab server cannot read the faults that it was told to make: {error}"
                raise SqlError(UNSUPPORTED, text, reach=Reach.CONNECTION) from None
            self.sessions.append(session)
            return session

    def system_session(self) -> Session:
        """A session of the server's own, in master, as `sa`."""
        with self.turn.taken():
            name = self.security.login_with(SA_SID).name
            spid = self._free_spid(FIRST_SYSTEM_SPID)
            session = Session(self, spid, LoginRequest(name, ""), name, self.find_database("master"))
            session.is_user = False
            self.sessions.append(session)
            return session

    def agent_session(self, database: Database, program: str) -> Session:
        """A session of the Agent's account; to be called with the turn."""
        request = LoginRequest(AGENT_ACCOUNT, "", database.name, SERVER_NAME, program)
        session = Session(self, self._free_spid(FIRST_SPID), request, AGENT_ACCOUNT, database)
        self.sessions.append(session)
        return session

    def _authenticated(self, request: LoginRequest) -> Principal:
        """The login whose name and password a client gave; raises 18456."""
        with self.turn.taken():
            login = self.security.login(request.user)
            kept = login and login.password
        if login is not None and login.sid == SA_SID:
            right = hmac.compare_digest(utf16.encode(request.password), utf16.encode(self._password))
        else:
            right = kept is not None and kept.fits(request.password)
        if not right or not self._may_connect(login):
            raise _login_failed(request)
        return login

    def _may_connect(self, login: Principal) -> bool:
        """Whether it has CONNECT SQL, as each login has from the beginning."""
        grants = self.security.grants
        return login.is_sysadmin or grants.get((SERVER_CLASS, 0, login.principal_id, "CONNECT SQL")) == GRANT

    def _free_spid(self, first: int) -> int:
        used = {session.spid for session in self.sessions}
        return next(spid for spid in range(first, first + len(used) + 1) if spid not in used)

    def close(self) -> None:
        """See `interface.Engine`. A session that is still there commits nothing from now on."""
        with self.turn.taken():
            if not self._log_failed and not self.sessions:
                self._compact()
            self._log_failed = True
            self._log.close()

    # What sessions call, with the turn

    @staticmethod
    def now() -> datetime:
        """Local time, as datetime keeps it."""
        return round_datetime(datetime.now())

    @property
    def databases(self) -> list[Database]:
        """All of them, by id."""
        return [self._databases[id_] for id_ in sorted(self._databases)]

    def find_database(self, name: str) -> Database | None:
        """A database by its name."""
        folded = name.casefold()
        return next((one for one in self._databases.values() if one.name.casefold() == folded), None)

    def database_by_id(self, database_id: int) -> Database:
        """A database that exists."""
        return self._databases[database_id]

    def startup_procedures(self) -> list[str]:
        """The names of the procedures of master that are marked to run at each start, as EXEC takes them."""
        procedures = self.find_database("master").procedures()
        return [f"[dbo].[{one.name.replace(']', ']]')}]" for one in procedures if one.startup]

    def create_database(self, name: str, files: Files, owner_sid: bytes = SA_SID) -> None:
        """Make a database, durably."""
        free = next(id_ for id_ in range(FIRST_USER_DATABASE, 32768) if id_ not in self._databases)
        database = Database(free, name, self.now(), files=files)
        database.security.set_owner(owner_sid)
        self._databases[free] = database
        self.schema_version += 1
        try:
            self.write(
                [recovery.database_step(database), recovery.files_step(database), security_log.owner_step(database)]
            )
        except BaseException:
            del self._databases[free]
            raise

    def drop_database(self, database: Database) -> None:
        """Take a database and all that is in it away, durably. Nobody may be in it."""
        del self._databases[database.database_id]
        database.mark_dropped(True)
        self.schema_version += 1
        try:
            self.write([recovery.drop_database_step(database)])
        except BaseException:
            self._databases[database.database_id] = database
            database.mark_dropped(False)
            raise

    def application_lock(self, database_id: int, name: str) -> Resource:
        """The application lock of that name; unused ones are forgotten."""
        key = (database_id, name)
        found = self._application_locks.get(key)
        if found is None or found.lock is None:
            for other in [one for one, resource in self._application_locks.items() if resource.lock is None]:
                del self._application_locks[other]
            found = self._application_locks[key] = Resource(database_id, name)
        return found

    def write(self, steps: Record) -> None:
        """Add a transaction to the log and wait, without the turn, until it is on the disk. Nothing to add, no wait."""
        if not steps:
            return
        if self._log_failed:
            raise OSError("the log is closed, or could not be written before; restart the lab server")
        try:
            self._log.append(steps)
            with self.turn.given_up():
                self._log.sync()
        except BaseException:
            self._log_failed = True
            raise

    def note(self, steps: Record) -> None:
        """Add to the log what need not be on the disk before anything goes on."""
        if not self._log_failed:
            self._log.append(steps)

    def _compact(self) -> None:
        """Write the log anew, if most of it is history."""
        databases = self.databases
        rows = sum(len(table.rows) for database in databases for table in database.tables())
        objects = sum(2 + len(database.objects) for database in databases)
        needed = objects + rows // recovery.ROWS_PER_RECORD
        if self._log.records > 2 * needed + FEW_RECORDS:
            self._log.replace(recovery.snapshot(databases, self.security))


def _login_failed(request: LoginRequest) -> SqlError:
    return SqlError(18456, f"Login failed for user '{request.user}'.", severity=14, reach=Reach.CONNECTION)
