"""sp_addextendedproperty and sp_dropextendedproperty: words about a table."""

from __future__ import annotations

from typing import Any

from lab.server.engine import locking
from lab.server.engine.definition import change_schema, may_alter, settled
from lab.server.engine.recovery import property_step
from lab.server.engine.storage import Table
from lab.server.errors import SqlError, unsupported

_EXISTS, _MISSING, _NO_OBJECT = 15233, 15217, 15135


def add(session: Any, name: str | None, value: str | None, *levels: str | None) -> int:
    """sp_addextendedproperty of a table of schema dbo; raises 15135 and 15233."""
    return _change(session, name, value or "", levels)


def drop(session: Any, name: str | None, *levels: str | None) -> int:
    """sp_dropextendedproperty; raises 15135 and 15217."""
    return _change(session, name, None, levels)


def _change(session: Any, name: str | None, value: str | None, levels: tuple[str | None, ...]) -> int:
    kinds = tuple((kind or "").casefold() for kind in levels[::2])
    if kinds != ("schema", "table") or (levels[1] or "").casefold() != "dbo" or not name:
        raise unsupported("an extended property of anything but a table of schema dbo")
    session.refuse_doomed()
    with session.statement():
        settled(session, lambda: _put(session, name, value, levels[3] or ""))
    return 0


def _put(session: Any, name: str, value: str | None, table_name: str) -> None:
    database = session.current
    locking.wait_for_names(session, database)
    table = database.find("dbo", table_name)
    if not isinstance(table, Table) or not may_alter(session, table):
        text = f"Object is invalid. Extended properties are not permitted on 'dbo.{table_name}', or the object does not"
        raise SqlError(_NO_OBJECT, f"{text} exist.")
    locking.lock_definitions(session, database)
    key = (table.object_id, name)
    before = database.properties.get(key)
    if value is not None and before is not None:
        text = f"Property cannot be added. Property '{name}' already exists for 'dbo.{table_name}'."
        raise SqlError(_EXISTS, text)
    if value is None and before is None:
        text = f"Property cannot be updated or deleted. Property '{name}' does not exist for 'dbo.{table_name}'."
        raise SqlError(_MISSING, text)
    database.set_property(key, value)
    change_schema(session, lambda: database.set_property(key, before), database, property_step(database, key, value))
