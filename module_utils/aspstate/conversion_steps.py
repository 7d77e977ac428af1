"""What a conversion does to the databases: the target prepared, sessions copied ahead, and the switch.

In each statement [source's] and [target's] are the databases of the tables, and [procedures's] that of the source's
procedures. It runs in the target's, whose collation DATABASE_DEFAULT means.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from .conversion import Move, Place, Rows
from .errors import AspstateError, Refused, SqlServerError
from .forwarding import OTHER, forwarder, session_procedures
from .instance import read_holders
from .schema import as_alter
from .server import Result, Server

ATTEMPTS = 3
"""How often the switch is tried, where somebody has the sessions locked."""

PASSES = 3
"""How often what changed is copied again before the switch, where it is more than a batch."""

_RAISED, _DEADLOCK, _LOCK_TIMEOUT = 50000, 1205, 1222

_COLUMNS = """
    SessionId, Created, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked, SessionItemShort,
    SessionItemLong, Flags
"""

# A session's items are not compared: every change of them takes or gives back the lock, or moves Expires.
_SAME = """
    s.SessionId COLLATE DATABASE_DEFAULT = ASPStateTempSessions.SessionId
    AND s.Expires = ASPStateTempSessions.Expires AND s.LockCookie = ASPStateTempSessions.LockCookie
    AND s.Locked = ASPStateTempSessions.Locked AND s.LockDate = ASPStateTempSessions.LockDate
    AND s.Timeout = ASPStateTempSessions.Timeout AND s.Flags = ASPStateTempSessions.Flags
    AND s.Created = ASPStateTempSessions.Created
    AND ISNULL(DATALENGTH(s.SessionItemShort), -1) = ISNULL(DATALENGTH(ASPStateTempSessions.SessionItemShort), -1)
    AND ISNULL(DATALENGTH(s.SessionItemLong), -1) = ISNULL(DATALENGTH(ASPStateTempSessions.SessionItemLong), -1)
"""

# One batch, in the order of the key. A row that a request has locked is passed over: a later look has it.
_COPY = """
SET NOCOUNT ON
SET XACT_ABORT ON
SET DEADLOCK_PRIORITY LOW
DECLARE @last nvarchar(88), @gone int, @copied int
SELECT @last = MAX(SessionId)
FROM (SELECT TOP (@batch_size) SessionId
      FROM [source's].dbo.ASPStateTempSessions WITH (READPAST, READCOMMITTEDLOCK)
      WHERE SessionId > @after
      ORDER BY SessionId) AS batch

DELETE FROM dbo.ASPStateTempSessions
WHERE SessionId > @after AND (@last IS NULL OR SessionId <= @last) AND NOT EXISTS (
    SELECT 1 FROM [source's].dbo.ASPStateTempSessions AS s WITH (READPAST, READCOMMITTEDLOCK) WHERE {same})
SET @gone = @@ROWCOUNT

INSERT dbo.ASPStateTempSessions ({columns})
SELECT {columns}
FROM [source's].dbo.ASPStateTempSessions AS s WITH (READPAST, READCOMMITTEDLOCK)
WHERE s.SessionId > @after AND s.SessionId <= @last AND NOT EXISTS (
    SELECT 1 FROM dbo.ASPStateTempSessions AS t WHERE t.SessionId = s.SessionId COLLATE DATABASE_DEFAULT)
SET @copied = @@ROWCOUNT

SELECT @last, @gone, @copied
""".replace("{same}", _SAME).replace("{columns}", _COLUMNS)

_OPEN = """
SET NOCOUNT ON
SET XACT_ABORT ON
SET LOCK_TIMEOUT 5000
DECLARE @execute nvarchar(300), @text nvarchar(max), @altered datetime
BEGIN TRANSACTION
"""

# Who calls a procedure from here on waits for the end of the transaction, and gets what is then there.
_ALTER = """
SET @execute = QUOTENAME(@in{0}) + N'.sys.sp_executesql'
SET @text = REPLACE(@text{0}, N'[other''s]', QUOTENAME(@other{0}))
EXEC @execute @text
"""

# Who has entered one before is still to use the tables that it knew: it is waited for, so that it does not find them
# gone. After these seconds it has come as far as its statement, so that it has its lock, or waits for it before us.
_DRAIN = """
SET @altered = GETDATE()
WHILE DATEDIFF(millisecond, @altered, GETDATE()) < 2000 AND EXISTS (
    SELECT 1
    FROM sys.dm_exec_requests AS r
    JOIN sys.dm_exec_sessions AS s ON s.session_id = r.session_id
    WHERE s.is_user_process = 1 AND r.session_id <> @@SPID AND ISNULL(r.blocking_session_id, 0) <> @@SPID
      AND r.start_time <= @altered AND r.database_id IN (DB_ID(@first_mouth), DB_ID(@second_mouth)))
    WAITFOR DELAY '00:00:00.020'
"""

_NOT_EMPTY = """
IF EXISTS (SELECT 1 FROM [target's].dbo.ASPStateTempSessions WITH (TABLOCKX, HOLDLOCK) WHERE Expires >= GETUTCDATE())
BEGIN
    ROLLBACK TRANSACTION
    RAISERROR(N'it has live sessions, which are not copies of these', 16, 1)
    RETURN
END
DELETE [target's].dbo.ASPStateTempSessions
DELETE [target's].dbo.ASPStateTempApplications
"""
_MAKE_TABLES = "EXEC dbo.CreateTempTables\n"
_SET_MARK = """
EXEC [target's].sys.sp_addextendedproperty @name = N'ASPState.Convert', @value = @from,
    @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'ASPStateTempSessions'
"""
_COMMIT = "COMMIT TRANSACTION\n"

# The lock of DeleteExpiredSessions ends a run of it, which is many transactions, after the one it is at.
_EXPIRY = """
DECLARE @lock int
EXEC @lock = [procedures's].sys.sp_getapplock
    @Resource = N'ASPState.DeleteExpiredSessions', @LockMode = 'Exclusive', @LockOwner = 'Transaction',
    @LockTimeout = 10000
IF @lock < 0
BEGIN
    ROLLBACK TRANSACTION
    RAISERROR(N'a run of DeleteExpiredSessions is going on', 16, 1)
    RETURN
END
"""

# The source's tables go in the same transaction: a late statement finds no table rather than old rows.
_MOVE = """
DECLARE @sessions int, @applications int, @gone int, @copied int
SELECT @sessions = COUNT(*) FROM [source's].dbo.ASPStateTempSessions WITH (TABLOCKX, HOLDLOCK)
SELECT @applications = COUNT(*) FROM [source's].dbo.ASPStateTempApplications WITH (TABLOCKX, HOLDLOCK)

DELETE FROM dbo.ASPStateTempSessions
WHERE NOT EXISTS (SELECT 1 FROM [source's].dbo.ASPStateTempSessions AS s WHERE {same})
SET @gone = @@ROWCOUNT

INSERT dbo.ASPStateTempSessions ({columns})
SELECT {columns}
FROM [source's].dbo.ASPStateTempSessions AS s
WHERE NOT EXISTS (
    SELECT 1 FROM dbo.ASPStateTempSessions AS t WHERE t.SessionId = s.SessionId COLLATE DATABASE_DEFAULT)
SET @copied = @@ROWCOUNT

DELETE dbo.ASPStateTempApplications
INSERT dbo.ASPStateTempApplications (AppId, AppName)
SELECT AppId, AppName FROM [source's].dbo.ASPStateTempApplications

IF @sessions <> (SELECT COUNT(*) FROM dbo.ASPStateTempSessions)
    OR @applications <> (SELECT COUNT(*) FROM dbo.ASPStateTempApplications)
BEGIN
    ROLLBACK TRANSACTION
    RAISERROR(N'the copy does not have as many rows as the original', 16, 1)
    RETURN
END

EXEC sys.sp_dropextendedproperty @name = N'ASPState.Convert',
    @level0type = N'SCHEMA', @level0name = N'dbo', @level1type = N'TABLE', @level1name = N'ASPStateTempSessions'
DROP TABLE [source's].dbo.ASPStateTempSessions, [source's].dbo.ASPStateTempApplications
COMMIT TRANSACTION

SELECT @sessions, @applications, @gone, @copied
""".replace("{same}", _SAME).replace("{columns}", _COLUMNS)

_LOCKED_BY = """
SELECT DISTINCT s.host_name, s.program_name, s.login_name
FROM sys.dm_exec_sessions AS s
WHERE s.session_id <> @@SPID AND s.is_user_process = 1 AND s.open_transaction_count > 0
  AND s.database_id IN (DB_ID(%(first)s), DB_ID(%(second)s))
"""

# One conversion at a time on an instance: the lock is the connection's, in master, until it ends.
_ONLY_ONE = """
DECLARE @lock int
EXEC @lock = sys.sp_getapplock
    @Resource = N'ASPState.Convert', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0
SELECT @lock
"""


@dataclass(frozen=True)
class Progress:
    """Counts of rows. `copied` ahead of the switch; `changed` after they were copied, and so copied again.

    `moved` are those that the switch found, and moved; None where there was none.
    """

    copied: int = 0
    changed: int = 0
    moved: Rows | None = None


def must_be_alone(server: Server) -> None:
    """Keep other conversions away as long as the connection lasts; raises Refused where one is going on."""
    (lock,) = server.run(_ONLY_ONE).row
    if lock < 0:
        raise Refused(
            f"another conversion of session state is going on at {server.address}: nothing was changed; wait until "
            "that run has ended"
        )


def prepare(server: Server, move: Move) -> None:
    """Make the target's tables where they are missing, empty, and marked as copies; let its procedures forward.

    All of it or nothing. Raises Refused where the tables have somebody's live sessions.
    """
    source, target = move.source, move.target
    statement = _Alterations(_OPEN)
    if move.in_place:  # whose CreateTempTables makes the source's tables, and is to do so after this too
        statement.alter(target.name, target.schema.procedures["CreateTempTables"])
        statement.add(_MAKE_TABLES)
        statement.alter(target.name, source.schema.procedures["CreateTempTables"])
    else:
        statement.add(_MAKE_TABLES)
        statement.forward(target, source.name)
        statement.add(_DRAIN)
    statement.add(_NOT_EMPTY + _SET_MARK + _COMMIT)
    try:
        statement.run(server, move, target.name)
    except SqlServerError as error:
        raise _explained(server, move, error, f"database {target.tables_in}") from None


def copy(server: Server, move: Move, batch_size: int) -> Progress:
    """Copy sessions while the applications use them, until little is left to copy."""
    done = Progress()
    for number in range(1 + PASSES):
        copied, gone = _copy_all(server, move, batch_size)
        if number == 0:
            done = Progress(copied)
            continue
        done = replace(done, changed=done.changed + max(copied, gone))
        if max(copied, gone) <= batch_size:
            break
    return done


def _copy_all(server: Server, move: Move, batch_size: int) -> tuple[int, int]:
    after: str | None = ""
    all_copied = all_gone = 0
    declare = "@after nvarchar(88), @batch_size int"
    while after is not None:
        values = {"after": after, "batch_size": batch_size}
        after, gone, copied = server.run_in(move.target.tables_in, _COPY, declare, values, _names(move)).row
        all_copied, all_gone = all_copied + copied, all_gone + gone
    return all_copied, all_gone


def switch(server: Server, move: Move) -> Progress:
    """Let the target be the place of the sessions: one transaction, tried again where somebody is in the way.

    Raises Refused where it cannot be had; then everything is as it was before.
    """
    source, target = move.source, move.target
    statement = _Alterations(_OPEN + _EXPIRY)
    if not move.in_place:
        statement.forward(source, target.name)
    for name in session_procedures(target.schema) + (["CreateTempTables"] if move.in_place else []):
        statement.alter(target.name, target.schema.procedures[name])
    statement.add(_DRAIN + _MOVE)
    attempts = ATTEMPTS
    while True:
        try:
            sessions, applications, gone, copied = statement.run(server, move, target.tables_in).row
            return Progress(changed=max(gone, copied), moved=Rows(sessions, applications))
        except SqlServerError as error:
            attempts -= 1
            if not attempts or error.error.number not in (_DEADLOCK, _LOCK_TIMEOUT):
                raise _explained(server, move, error, f"database {source.name}") from None
        time.sleep(0.5)


class _Alterations:
    """A batch that alters procedures; their texts are its parameters."""

    def __init__(self, begin: str) -> None:
        self._text = begin
        self._values: dict[str, str] = {}

    def add(self, text: str) -> None:
        """More of the batch."""
        self._text += text

    def forward(self, place: Place, other: str) -> None:
        """The session procedures of a place are to forward to another database."""
        for name in session_procedures(place.schema):
            self.alter(place.name, forwarder(place.schema.procedures[name]), other)

    def alter(self, database: str, definition: str, other: str = "") -> None:
        """A procedure is to be as a CREATE PROCEDURE says."""
        number = len(self._values) // 3
        self._text += _ALTER.format(number)
        self._values |= {f"in{number}": database, f"text{number}": as_alter(definition), f"{OTHER}{number}": other}

    def run(self, server: Server, move: Move, database: str) -> Result:
        """Run it in the context of a database."""
        values = {
            **self._values,
            "first_mouth": move.source.name,
            "second_mouth": move.target.name,
            "from": str(move.source),
        }
        types = {name: "nvarchar(max)" if name.startswith("text") else "nvarchar(200)" for name in values}
        declare = ", ".join(f"@{name} {type_}" for name, type_ in types.items())
        return server.run_in(database, self._text, declare, values, _names(move))


def _names(move: Move) -> dict[str, str]:
    source, target = move.source, move.target
    return {"source": source.tables_in, "target": target.tables_in, "procedures": source.name}


def _explained(server: Server, move: Move, error: SqlServerError, where: str) -> AspstateError:
    """What to say of an error that rolled a transaction back."""
    number, text = error.error.number, error.error.text
    if number == _RAISED and "DeleteExpiredSessions" in text:
        who = [str(holder) for holder in read_holders(server, move.source.name)]
        return Refused(
            f"{where}: {text} and did not end within 10 s (connected are: {'; '.join(who) or 'nobody by now'}); "
            "nothing was changed; stop it, or wait until it has ended, and run again"
        )
    if number == _RAISED:
        return Refused(f"{where}: {text}; nothing was changed; run again, or move what is there out of the way")
    if number in (_DEADLOCK, _LOCK_TIMEOUT):
        rows = server.run(_LOCKED_BY, {"first": move.source.name, "second": move.target.name}).rows
        who = "; ".join(
            f"{host or 'unknown host'}, {program or 'unknown program'}, as {each}" for host, program, each in rows
        )
        return Refused(
            f"{where}: somebody has the sessions locked in an open transaction ({who or 'who, is not seen any more'}); "
            "nothing was changed, and the applications go on; end that transaction, and run again"
        )
    return error
