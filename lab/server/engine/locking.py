"""Which locks statements take: shared ones to read, exclusive ones to change, names while a definition changes.

READ COMMITTED: a reader waits for the uncommitted change of another, and keeps no lock after its statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.server.engine import database_use, locks
from lab.server.engine.database import Database, Procedure
from lab.server.engine.storage import Row, Table
from lab.server.errors import Reach, SqlError

ESCALATION = 5000
"""A statement that locks that many rows locks the table instead, if nobody is in the way."""


@dataclass(frozen=True)
class Wishes:
    """What table hints ask for; `sql.hints` says where it is more than SQL Server does."""

    table: str | None = None
    until_end: bool = False
    row: str | None = None
    read_past: bool = False
    uncommitted: bool = False

    @classmethod
    def of(cls, hints: tuple[str, ...]) -> Wishes:
        """From the hints' names."""
        hold = "HOLDLOCK" in hints
        row = "X" if "XLOCK" in hints else "U" if "UPDLOCK" in hints else None
        table = "X" if "TABLOCKX" in hints else (row or "S") if hold or "TABLOCK" in hints else None
        uncommitted = "NOLOCK" in hints or "READUNCOMMITTED" in hints
        return cls(table, hold or table == "X", row, "READPAST" in hints, uncommitted)

    @property
    def to_change(self) -> str:
        """The lock that an INSERT, UPDATE or DELETE takes on the table."""
        return "X" if self.table else "IX"


class Waited(Exception):
    """A definition had to wait for a lock after it had looked at names; it has the lock now, and must look again."""


class Altered(Exception):
    """While a statement waited for a table, that got another definition: the statement is to be bound anew."""


def readable(session: Any, table: Table, path: Callable[[], Iterable[Row]], wishes: Wishes = Wishes()) -> Iterator[Row]:
    """The rows of a path that a SELECT may see, each once nobody else's change of it is pending."""
    if table.private:
        yield from (row for row in path() if not row.deleted)
        return
    if wishes.uncommitted:
        yield from _as_it_is(session, table, path)
        return
    lock_table(session, table, wishes.table or ("IX" if wishes.row else "IS"), wishes.until_end or bool(wishes.row))
    for row in path():
        session.check_cancelled()
        if row.lock is not None and locks.is_blocked(row, session, wishes.row or "S"):
            if wishes.read_past:
                continue
            _wait_for_row(session, row)
        if row.deleted:
            continue
        if wishes.row:
            acquire(session, row, wishes.row)
        yield row


def _as_it_is(session: Any, table: Table, path: Callable[[], Iterable[Row]]) -> Iterator[Row]:
    """The rows with whatever anybody has done to them, for NOLOCK, which neither waits nor makes others wait."""
    _refuse_dropped(table)
    database_use.enter(session, session.engine.database_by_id(table.database_id))
    for row in path():
        session.check_cancelled()
        if not row.deleted:
            yield row


def changeable(session: Any, table: Table, rows: Iterable[Row], wishes: Wishes) -> Iterator[Row]:
    """The rows that an UPDATE or DELETE may look at; those that it then changes it locks with `lock_row`."""
    if table.private:
        yield from (row for row in rows if not row.deleted)
        return
    for row in rows:
        session.check_cancelled()
        if row.lock is not None and locks.is_blocked(row, session, "U"):
            if wishes.read_past:
                continue
            _wait_for_row(session, row, "U")
        if not row.deleted:
            yield row


def wait_for_others(session: Any, row: Row) -> bool:
    """Wait until nobody else's change of a row is pending; whether there was one."""
    if row.lock is None or not locks.is_blocked(row, session, "S"):
        return False
    _wait_for_row(session, row)
    return True


def lock_row(session: Any, table: Table, row: Row, locked: int) -> None:
    """Lock a row to change it. `locked` counts those of the statement before it."""
    if table.private:
        return
    transaction = session.transaction
    if transaction.held.get(table) == "X":
        return
    if locked >= ESCALATION and locked % ESCALATION == 0 and not locks.is_blocked(table, session, "X"):
        acquire(session, table, "X")
        return
    acquire(session, row, "X")


def lock_table(session: Any, table: Table, mode: str, until_end: bool) -> None:
    """Lock a table until the end of the statement or of the transaction; raises 208 if it was dropped after binding."""
    if table.private:
        return
    _refuse_dropped(table)
    database_use.enter(session, session.engine.database_by_id(table.database_id))
    if until_end and mode in ("IX", "X"):
        _refuse_read_only(session, table.database_name)
    transaction = session.transaction
    if not until_end and table not in transaction.held:
        transaction.statement_locks.append(table)
    elif until_end and table in transaction.statement_locks:
        transaction.statement_locks.remove(table)
    acquire(session, table, mode)
    _refuse_dropped(table)


def _refuse_dropped(table: Table) -> None:
    """While a statement waits for one of its tables, the others can go, or become others; raises Altered."""
    if table.altered:
        raise Altered
    if table.dropped:
        raise SqlError(208, f"Invalid object name '{table.short_name}'.", reach=Reach.SCOPE)


def _refuse_read_only(session: Any, database: str) -> None:
    """Raises 3906 for the copy of a database that another server of its availability group changes."""
    if session.engine.instance.is_secondary(database):
        text = f'Failed to update database "{database}" because the database is read-only.'
        raise SqlError(3906, text, state=2)


def wait_for_names(session: Any, database: Database) -> None:
    """Wait until no other transaction has changed the names of a database without having ended.

    Raises what `database_use.enter` does: whoever asks for names uses the database.
    """
    database_use.enter(session, database)
    wait_for_changed_names(session, database)


def wait_for_changed_names(session: Any, database: Database) -> None:
    """The same without a word about who uses the database."""
    wait_for(session, database.names)


def wait_for(session: Any, thing: locks.Lockable) -> bool:
    """Wait until no other transaction has changed a thing without having ended; whether there was one."""
    if thing.lock is None or not locks.is_blocked(thing, session, "S"):
        return False
    with session.statement():
        _wait_for_row(session, thing)
    return True


def lock_names(session: Any, database: Database) -> None:
    """Keep others from the names of a database until the transaction ends; raises Waited, and 3906."""
    _refuse_read_only(session, database.name)
    _acquire_at_once(session, database.names)


def lock_procedure(session: Any, database: Database, procedure: Procedure) -> None:
    """Keep others from calling a procedure, and from the catalog, until the transaction ends; raises Waited, and 3906.

    Other names of the database can be used meanwhile: what has entered the procedure before goes on.
    """
    lock_definitions(session, database)
    _acquire_at_once(session, procedure)


def lock_definitions(session: Any, database: Database) -> None:
    """Keep others from what the catalog says of definitions until the transaction ends; raises Waited, and 3906."""
    _refuse_read_only(session, database.name)
    _acquire_at_once(session, database.definitions)


def lock_definition(session: Any, table: Table) -> None:
    """Keep others from a table, whose indexes are to change, until the transaction ends; raises Waited."""
    if not table.private:
        _acquire_at_once(session, table)


def _acquire_at_once(session: Any, thing: locks.Lockable) -> None:
    mine = session.transaction.held.get(thing) == "X"
    waits = not mine and thing.lock is not None and (bool(thing.lock.waiting) or locks.is_blocked(thing, session, "X"))
    acquire(session, thing, "X")
    if waits:
        raise Waited


def acquire(session: Any, thing: locks.Lockable, mode: str) -> None:
    """Lock something for the session's transaction; raises 1222 after LOCK_TIMEOUT."""
    acquire_within(session, session.transaction, thing, mode, session.lock_timeout)


def acquire_within(session: Any, owner: locks.Owner, thing: locks.Lockable, mode: str, timeout: float | None) -> None:
    """Lock something; raises 1222 after so many seconds."""
    try:
        locks.acquire(session.engine.turn, owner, thing, mode, timeout)
    except locks.LockTimeout:
        raise SqlError(1222, "Lock request time out period exceeded.", state=45) from None


def _wait_for_row(session: Any, thing: locks.Lockable, mode: str = "S") -> None:
    transaction = session.transaction
    kept = thing in transaction.held
    acquire(session, thing, mode)
    if not kept:
        locks.release(transaction, thing)
