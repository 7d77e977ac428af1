"""From written names to tables, procedures, types and catalog views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.server.engine import catalog, database_use, locking, permissions
from lab.server.engine.catalog import View
from lab.server.engine.database import AliasType, Database, Procedure
from lab.server.engine.storage import Table
from lab.server.engine.system_types import USER_TYPE_IDS
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import SqlType

DEFAULT_SCHEMA = "dbo"


@dataclass(frozen=True)
class ResolvedType:
    """A type and the id under which sys.columns and sys.parameters know it."""

    type: SqlType
    user_type_id: int
    alias: AliasType | None = None


class NameSpace:
    """Names as one session sees them, in one database.

    `private` becomes true once a temporary table was looked for: what was bound then is not for other sessions.
    `needs` are the permissions that whoever runs what was bound must have.
    """

    def __init__(self, session: Any, database: Database) -> None:
        self.session = session
        self.current = database
        self.private = False
        self.needs: list[permissions.Need] = []

    def need(self, permission: str, table: Table) -> None:
        """Note that the statement needs a permission on a table; temporary ones are their session's own."""
        if not table.private:
            self.needs.append((permission, table))

    def database(self, name: str) -> Database:
        """A database by its name; raises 911 if there is none, 916 if the session may not enter it, and what
        `database_use.enter` does."""
        found = self.session.engine.find_database(name)
        if found is None:
            raise no_database(name)
        if found is not self.current:
            permissions.require_access(self.session, found)
            self.needs.append(("CONNECT", found))
        database_use.enter(self.session, found)
        return found

    def split(self, name: ast.ObjectName) -> tuple[Database, str, str]:
        """Database, schema and name of an object; raises 911."""
        if len(name.parts) > 3:
            raise unsupported(f"{name}: a name of four parts", name.line)
        *qualifier, last = name.parts
        schema = qualifier[-1] if qualifier and qualifier[-1] else DEFAULT_SCHEMA
        database = self.current
        if len(qualifier) == 2 and qualifier[0]:
            database = self.database(qualifier[0])
        locking.wait_for_names(self.session, database)
        return database, schema, last

    def table(self, name: ast.ObjectName) -> Table:
        """A table; raises 208."""
        try:
            found = self.find(name)
        except SqlError as error:
            if error.number != 911:
                raise
            found = None
        if not isinstance(found, Table):
            raise SqlError(208, f"Invalid object name '{name}'.", reach=Reach.SCOPE, line=name.line)
        return found

    def find(self, name: ast.ObjectName) -> Table | Procedure | None:
        """A table or procedure, or None."""
        if name.parts[-1].startswith("#"):
            self.private = True
            return self.session.temporary_tables.get(name.parts[-1].casefold())
        database, schema, last = self.split(name)
        return database.find(schema, last)

    def view(self, name: ast.ObjectName) -> tuple[View, Database] | None:
        """A catalog view and the database it is asked in; raises "not supported" for one that is not known."""
        if name.parts[-1].startswith("#"):
            return None
        try:
            database, schema, last = self.split(name)
        except SqlError as error:
            if error.number != 911:
                raise
            return None
        written = schema if len(name.parts) > 1 else ""
        found = catalog.find_view(written, last, database.find(schema, last) is not None)
        return (found, database) if found else None

    def type(self, name: ast.TypeName, *, in_convert: bool = False) -> ResolvedType:
        """A type; raises 2715 for an unknown one."""
        if name.builtin is not None:
            is_sysname = name.parts[-1].casefold() == "sysname"
            return ResolvedType(name.builtin, USER_TYPE_IDS["sysname" if is_sysname else name.builtin.name])
        alias = self.find_type(name)
        if alias is None or in_convert:
            raise no_type(name)
        return ResolvedType(alias.base, alias.user_type_id, alias)

    def find_type(self, name: ast.TypeName | ast.ObjectName) -> AliasType | None:
        """An alias type of the current database."""
        locking.wait_for_names(self.session, self.current)
        found = self.current.types.get(name.parts[-1].casefold())
        wrong_schema = len(name.parts) > 1 and found and name.parts[-2].casefold() != found.schema.casefold()
        return None if wrong_schema else found


def no_type(name: ast.TypeName) -> SqlError:
    """2715."""
    text = f"Column, parameter, or variable #1: Cannot find data type {name}."
    return SqlError(2715, text, reach=Reach.SCOPE, state=3, line=name.line)


def no_database(name: str) -> SqlError:
    """911."""
    text = f"Database '{name}' does not exist. Make sure that the name is entered correctly."
    return SqlError(911, text, reach=Reach.BATCH)
