"""DB_ID, OBJECT_ID and their like: names to ids and back, in the session's current database."""

from __future__ import annotations

from lab.server.engine import catalog_objects, locking, visibility
from lab.server.engine.database import SCHEMAS, Database, Procedure, find_constraint
from lab.server.engine.frames import Frame
from lab.server.engine.permissions import user_in
from lab.server.engine.text_functions import parse_name
from lab.server.errors import unsupported


def _database_named(frame: Frame, name: str | None) -> Database | None:
    found = None if name is None else frame.session.engine.find_database(name)
    return found if found in visibility.databases(frame.session) else None


def db_id(frame: Frame, *name: str | None) -> int | None:
    found = _database_named(frame, name[0]) if name else frame.session.current
    return found.database_id if found else None


def db_name(frame: Frame, *id_: int | None) -> str | None:
    if not id_:
        return frame.session.current.name
    found = _database_by_id(frame, id_[0])
    return found.name if found else None


def _database_by_id(frame: Frame, id_: int | None) -> Database | None:
    return next((one for one in visibility.databases(frame.session) if one.database_id == id_), None)


_OBJECT_TYPES = {"U", "P", "PK", "UQ", "D"}


def object_id(frame: Frame, name: str | None, *type_: str | None) -> int | None:
    wanted = type_[0].strip().upper() if type_ and type_[0] else None
    if wanted is not None and wanted not in _OBJECT_TYPES:
        raise unsupported(f"OBJECT_ID of type {type_[0]}")
    if name is None or (type_ and type_[0] is None):
        return None
    last, schema, database_name = (parse_name(name, part) for part in (1, 2, 3))
    if last is None:
        return None
    if last.startswith("#"):
        return _temporary_id(frame, last, wanted)
    database = frame.session.current
    if database_name is not None:
        database = frame.session.engine.find_database(database_name)
    if database is None or user_in(frame.session, database) is None:
        return None
    locking.wait_for_names(frame.session, database)
    return _id_in(frame, database, schema or "dbo", last, wanted)


def _temporary_id(frame: Frame, name: str, wanted: str | None) -> int | None:
    table = frame.session.temporary_tables.get(name.casefold())
    return table.object_id if table and wanted in (None, "U") else None


def _id_in(frame: Frame, database: Database, schema: str, name: str, wanted: str | None) -> int | None:
    thing = database.find(schema, name)
    if thing is not None:
        fits = wanted in (None, catalog_objects.type_code(thing))
        return thing.object_id if fits and visibility.sees(frame.session, database, thing) else None
    constraint = find_constraint(database, schema, name)
    if constraint is None or not visibility.sees(frame.session, database, constraint.table):
        return None
    return constraint.object_id if wanted in (None, constraint.type) else None


def object_property(frame: Frame, id_: int | None, wanted: str | None) -> int | None:
    if wanted is None or wanted.casefold() != "execisstartup":
        raise unsupported(f"OBJECTPROPERTY of {wanted}")
    database = frame.session.current
    thing = database.by_id(id_)
    if not isinstance(thing, Procedure) or not visibility.sees(frame.session, database, thing):
        return None
    return int(thing.startup)


def schema_id(frame: Frame, *name: str | None) -> int | None:
    if not name:
        return SCHEMAS["dbo"]
    return None if name[0] is None else catalog_objects.schema_id(name[0])
