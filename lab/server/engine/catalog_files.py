"""Rows of the catalog views about the files of databases, and FILEPROPERTY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lab.server.engine import space
from lab.server.engine.database import Database
from lab.server.engine.database_files import LARGEST_LOG_PAGES, UNLIMITED
from lab.server.engine.frames import Frame
from lab.server.engine.permissions import may
from lab.server.engine.securables import THE_SERVER
from lab.server.errors import unsupported

Rows = Iterator[tuple[Any, ...]]


def database_files(session: Any, database: Database) -> Rows:
    """sys.database_files."""
    for file in space.current_files(session.engine, database):
        yield (
            file.file_id,
            file.name,
            "LOG" if file.is_log else "ROWS",
            file.pages,
            file.growth,
            int(file.is_percent),
            LARGEST_LOG_PAGES if file.is_log else UNLIMITED,
            file.path,
            "ONLINE" if database.settings.online else "OFFLINE",
        )


def master_files(session: Any, database: Database) -> Rows:
    """sys.master_files: those of all databases, for who may create or alter databases or see every definition."""
    to_see = ("CREATE ANY DATABASE", "VIEW ANY DEFINITION")
    if not any(may(session, permission, THE_SERVER) for permission in to_see):
        return
    for one in session.engine.databases:
        for row in database_files(session, one):
            yield (one.database_id, *row)


def file_property(frame: Frame, name: str | None, wanted: str | None) -> int | None:
    """FILEPROPERTY of a file of the current database, by its logical name; NULL if there is none."""
    if wanted is None or wanted.casefold() != "spaceused":
        raise unsupported(f"FILEPROPERTY of {wanted}")
    engine, database = frame.session.engine, frame.session.current
    for file in database.files:
        if name is not None and file.name.casefold() == name.casefold():
            return space.used_pages(engine, database, file)
    return None
