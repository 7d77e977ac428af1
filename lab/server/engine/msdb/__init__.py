"""The database msdb: the tables of jobs, and the procedures that change them."""

from __future__ import annotations

from lab.server.engine.database import Database
from lab.server.engine.msdb.procedures import put_procedures
from lab.server.engine.msdb.roles import put_roles
from lab.server.engine.msdb.tables import shipped_tables


def equip(database: Database) -> None:
    """Put in what msdb has from the beginning, before the log is read back."""
    for table in shipped_tables(database.created):
        database.put(table)
    put_roles(database.security)
    put_procedures(database)
