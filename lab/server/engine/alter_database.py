"""ALTER DATABASE."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.server.engine.database import SYSTEM_DATABASES, Database
from lab.server.engine.database_access import change_access, keep_settings, no_such_database, refuse_state
from lab.server.engine.database_settings import ATTRIBUTES, REFUSED
from lab.server.engine.file_statements import modified
from lab.server.engine.permissions import may, require_sysadmin, settled_rights
from lab.server.engine.recovery import files_step
from lab.server.engine.securables import of_database
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast

_WITHOUT_VALUE = {"OFFLINE": False, "ONLINE": True}


def set_database(session: Any, node: ast.SetDatabase) -> None:
    """SET of one option."""
    database = _database(session, node.database)
    if node.option == "DB_CHAINING":
        require_sysadmin(session)
    _refuse_system(database, node.option)
    refuse_state(session, database, node.option)
    attribute = ATTRIBUTES[node.option]
    value = _WITHOUT_VALUE.get(node.option, node.option) if node.value is None else node.value
    if attribute in ("online", "user_access"):
        change_access(session, database, attribute, value, node.termination)
    keep_settings(session, database, replace(database.settings, **{attribute: value}))


def modify_file(session: Any, node: ast.ModifyFile) -> None:
    """MODIFY FILE."""
    database = _database(session, node.database)
    if database.name in SYSTEM_DATABASES:
        raise unsupported(f"MODIFY FILE in {database.name}", node.line)
    refuse_state(session, database, "MODIFY FILE")
    old, database.files = database.files, modified(session, database, node.file)
    try:
        session.engine.write([files_step(database)])
    except BaseException:
        database.files = old
        raise


def _database(session: Any, name: str | None) -> Database:
    """The database to alter; raises 5011."""
    database = session.current if name is None else session.engine.find_database(name)
    if database is None or not may(session, "ALTER", of_database(settled_rights(session, database))):
        raise no_such_database(name or database.name)
    return database


def _refuse_system(database: Database, option: str) -> None:
    if option in REFUSED.get(database.name, ()):
        raise SqlError(5058, f"Option '{option}' cannot be set in database '{database.name}'.")
    if database.name in SYSTEM_DATABASES:
        raise unsupported(f"ALTER DATABASE {database.name} SET {option}")
