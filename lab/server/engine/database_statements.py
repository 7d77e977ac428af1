"""CREATE DATABASE, DROP DATABASE and USE; the grammar of all statements about databases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine.alter_database import modify_file, set_database
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.database import COLLATION, SYSTEM_DATABASES, Database
from lab.server.engine.database_use import enter
from lab.server.engine.file_statements import files_of
from lab.server.engine.frames import Frame, Run
from lab.server.engine.names import no_database
from lab.server.engine.permissions import may, require, require_access, settled_rights
from lab.server.engine.securables import THE_SERVER, of_database
from lab.server.errors import SqlError, unsupported
from lab.server.sql import ast

CLOSING_SECONDS = 2.0
"""How long DROP DATABASE waits for idle sessions in the database: a client that has gone is noticed a moment later."""


def _alone(statement: str, run: Callable[[Any, Any], None], number: int = 226) -> Callable[[Binder, Any], Run]:
    """A statement that may not stand in a transaction, and the error if it does."""
    texts = {226: "not allowed within multi-statement", 574: "cannot be used inside a user"}

    def bind(binder: Binder, node: Any) -> Run:
        def run_alone(frame: Frame) -> None:
            if frame.session.transaction_count:
                raise SqlError(number, f"{statement} statement {texts[number]} transaction.", state=6)
            run(frame.session, node)

        return run_alone

    return bind


def _create(session: Any, node: ast.CreateDatabase) -> None:
    if node.collation is not None and node.collation.casefold() != COLLATION.casefold():
        raise unsupported(f"COLLATE {node.collation}", node.line)
    refusal = SqlError(262, "CREATE DATABASE permission denied in database 'master'.", severity=14)
    require(session, "CREATE ANY DATABASE", THE_SERVER, refusal)
    engine = session.engine
    if engine.find_database(node.name):
        text = f"Database '{node.name}' already exists. Choose a different database name."
        raise SqlError(1801, text, state=3)
    engine.create_database(node.name, files_of(session, node), session.principal.sid)


def _drop(session: Any, node: ast.DropDatabase) -> None:
    for name in node.names:
        database = session.engine.find_database(name)
        if database is None or not _may_drop(session, settled_rights(session, database)):
            raise _absent(name)
        if database.name in SYSTEM_DATABASES:
            raise SqlError(3708, f"Cannot drop the database '{name}' because it is a system database.", state=4)
        _drop_one(session, database)


def _may_drop(session: Any, database: Database) -> bool:
    return may(session, "ALTER ANY DATABASE", THE_SERVER) or may(session, "CONTROL", of_database(database))


def _absent(name: str) -> SqlError:
    text = f"Cannot drop the database '{name}', because it does not exist or you do not have permission."
    return SqlError(3701, text, severity=11)


def _drop_one(session: Any, database: Database) -> None:
    waited = 0.0
    while users := [one for one in session.engine.sessions if one.is_in(database)]:
        if session in users or any(user.running for user in users) or waited >= CLOSING_SECONDS:
            text = f'Cannot drop database "{database.name}" because it is currently in use.'
            raise SqlError(3702, text, state=3)
        session.sleep(0.05)
        waited += 0.05
    if session.engine.find_database(database.name) is not database:
        raise _absent(database.name)
    session.engine.drop_database(database)


def _use(binder: Binder, node: ast.Use) -> Run:
    def run(frame: Frame) -> None:
        session = frame.session
        database = session.engine.find_database(node.database)
        if database is None:
            raise no_database(node.database)
        require_access(session, database)
        enter(session, database)
        session.use(database)

    return run


DATABASES: Grammar = {
    ast.CreateDatabase: _alone("CREATE DATABASE", _create),
    ast.DropDatabase: _alone("DROP DATABASE", _drop, 574),
    ast.SetDatabase: _alone("ALTER DATABASE", set_database),
    ast.ModifyFile: _alone("ALTER DATABASE", modify_file),
    ast.Use: _use,
}
