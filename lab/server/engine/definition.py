"""What all definitions have in common: one transaction, the names locked, the log told, plans made anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import locking
from lab.server.engine.binder import Binder
from lab.server.engine.database import SCHEMAS, Database, Procedure
from lab.server.engine.frames import Frame, Run
from lab.server.engine.log import Record
from lab.server.engine.names import NameSpace, ResolvedType, no_type
from lab.server.engine.permissions import may, may_drop, require_create
from lab.server.engine.recovery import drop_object_step, object_step
from lab.server.engine.securables import of_object, of_schema, of_type
from lab.server.engine.storage import Table
from lab.server.engine.transactions import SchemaChanged
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast


def definition(define: Callable[[Any, NameSpace, Any], None]) -> Callable[[Binder, Any], Run]:
    """A statement that defines something, as the binder wants it."""

    def bind(binder: Binder, node: Any) -> Run:
        def run(frame: Frame) -> None:
            session = frame.session
            session.refuse_doomed()
            with session.statement():
                settled(session, lambda: define(session, NameSpace(session, session.current), node))

        return run

    return bind


def settled(session: Any, change: Callable[[], None]) -> None:
    """Run what looks at names and then changes them; anew, if it had to wait in between and so others changed them."""
    mark = len(session.transaction.changes)
    while True:
        try:
            return change()
        except locking.Waited:
            session.transaction.undo_to(mark)


def object_place(names: NameSpace, name: ast.ObjectName, creates: str | None) -> tuple[Database, str, str]:
    """Where an object is to be made: database, schema and name.

    `creates` is a statement like CREATE TABLE; raises 262 without the right to it. Raises 2760 for a schema that is
    not there, or in which the session may not create.
    """
    session = names.session
    database, schema, last = names.split(name)
    if database.name == "model":  # a new database would have to begin with it
        raise unsupported("CREATE in model")
    if creates:
        require_create(session, creates, database)
    for known in SCHEMAS:
        if known.casefold() != schema.casefold() or known in ("sys", "INFORMATION_SCHEMA"):
            continue
        if not creates or may(session, "ALTER", of_schema(database, known)):
            return database, known, last
    text = f'The specified schema name "{schema}" either does not exist or you do not have permission to use it.'
    raise SqlError(2760, text)


def usable_type(names: NameSpace, written: ast.TypeName) -> ResolvedType:
    """The type of a new column or parameter; raises 2715 also for an alias type without REFERENCES on it."""
    type_ = names.type(written)
    if type_.alias and not may(names.session, "REFERENCES", of_type(names.current, type_.alias)):
        raise no_type(written)
    return type_


def may_alter(session: Any, table: Table) -> bool:
    """Whether the session may change a table's definition; a temporary table is its own."""
    if table.private:
        return True
    return may(session, "ALTER", of_object(session.engine.database_by_id(table.database_id), table))


def require_drop(session: Any, thing: Table | Procedure, written: ast.ObjectName) -> None:
    """Raises 3701 without the right to drop a table or procedure."""
    if not may_drop(session, session.engine.database_by_id(thing.database_id), thing):
        kind = "table" if isinstance(thing, Table) else "procedure"
        text = f"Cannot drop the {kind} '{written}', because it does not exist or you do not have permission."
        raise SqlError(3701, text, severity=14, state=20)


def put_object(session: Any, database: Database, thing: Table | Procedure) -> None:
    """Add a new object."""
    locking.lock_names(session, database)
    database.put(thing)
    change_schema(session, lambda: database.remove(thing), database, object_step(thing))


def remove_object(session: Any, database: Database, thing: Table | Procedure) -> None:
    """Drop an object."""
    refuse_shipped(thing)
    locking.lock_names(session, database)
    if isinstance(thing, Table):
        locking.lock_table(session, thing, "X", until_end=True)
    else:
        locking.lock_procedure(session, database, thing)
    database.remove(thing)
    change_schema(session, lambda: database.put(thing), database, drop_object_step(thing))


def refuse_shipped(thing: Table | Procedure) -> None:
    """Raises "not supported" for a change of what is there from the beginning."""
    if thing.shipped:
        raise unsupported(f"a change of {thing.name} itself")


def change_schema(session: Any, undo: Callable[[], None], database: Database | None, step: Record) -> None:
    """Tell the transaction of a change that has been made; plans that were bound before are bound anew."""
    engine = session.engine
    engine.schema_version += 1

    def undone() -> None:
        undo()
        engine.schema_version += 1

    durable = database is not None and database.durable
    database_id = database.database_id if database else 0
    session.transaction.changes.append(SchemaChanged(undone, step if durable else None, database_id))


def already_there(name: str, state: int = 6) -> SqlError:
    """2714."""
    return SqlError(2714, f"There is already an object named '{name}' in the database.", state=state)
