"""Databases and what has a name in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lab.server.engine.database_files import Files
from lab.server.engine.database_settings import Settings
from lab.server.engine.locks import Lock
from lab.server.engine.principals import DatabaseSecurity
from lab.server.engine.storage import Table
from lab.server.types import SqlType

COLLATION = "SQL_Latin1_General_CP1_CI_AS"
"""The only collation: case does not count."""

CODE_PAGE = 1252
"""Of char and varchar in that collation."""

SCHEMAS = {"dbo": 1, "guest": 2, "INFORMATION_SCHEMA": 3, "sys": 4}
"""The schemas of every database; no others can be made."""

FIRST_OBJECT_ID = 245_575_913
FIRST_ALIAS_TYPE_ID = 257
SYSTEM_DATABASES = {"master": 1, "tempdb": 2, "model": 3, "msdb": 4}


@dataclass(frozen=True)
class AliasType:
    """A type made by CREATE TYPE ... FROM."""

    schema: str
    name: str
    user_type_id: int
    base: SqlType
    nullable: bool


@dataclass(frozen=True)
class Parameter:
    """A parameter of a procedure; a default stands in the procedure's definition."""

    name: str
    type: SqlType
    user_type_id: int
    output: bool


@dataclass(eq=False)
class Procedure:
    """A stored procedure; `code` is what the engine makes of its definition at the first call.

    `startup` says that it runs at each start of the server. `shipped` is what runs in the place of T-SQL in those that
    are there from the beginning.
    """

    schema: str
    name: str
    object_id: int
    definition: str
    parameters: tuple[Parameter, ...]
    created: datetime
    modified: datetime
    quoted_identifier: bool = True
    ansi_nulls: bool = True
    startup: bool = False
    shipped: Callable[[Any, list[Any], Any], int] | None = None
    database_id: int = 0
    code: Any = None
    lock: Lock | None = field(default=None, init=False)

    @property
    def full_name(self) -> str:
        """As errors show it."""
        return f"{self.schema}.{self.name}"


@dataclass(eq=False)
class Names:
    """What is locked while a transaction has changed the names of a database, or definitions under the same names."""

    lock: Lock | None = None


@dataclass(eq=False)
class Database:
    """One database; who makes or drops anything in it locks its `names`, who alters a procedure its `definitions`.

    `properties` are the extended properties of tables, by the table's id and their name.
    """

    database_id: int
    name: str
    created: datetime
    durable: bool = True
    collation: str = COLLATION
    objects: dict[tuple[str, str], Table | Procedure] = field(default_factory=dict)
    types: dict[str, AliasType] = field(default_factory=dict)
    next_object_id: int = FIRST_OBJECT_ID
    next_type_id: int = FIRST_ALIAS_TYPE_ID
    names: Names = field(default_factory=Names)
    definitions: Names = field(default_factory=Names)
    properties: dict[tuple[int, str], str] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    files: Files = ()
    security: DatabaseSecurity = field(default_factory=DatabaseSecurity)
    history_limits: tuple[int, int] = (1000, 100)
    """Of msdb: how many rows of history the Agent keeps, and how many of one job."""

    def find(self, schema: str, name: str) -> Table | Procedure | None:
        """The table or procedure of that name."""
        return self.objects.get((schema.casefold(), name.casefold()))

    def put(self, thing: Table | Procedure) -> None:
        """Add an object, or put it in the place of the one of its name."""
        thing.database_id = self.database_id
        if isinstance(thing, Table):
            thing.database_name, thing.durable, thing.dropped = self.name, self.durable, False
        self.objects[(thing.schema.casefold(), thing.name.casefold())] = thing
        self.next_object_id = max([self.next_object_id, *(used + 1 for used in object_ids(thing))])

    def remove(self, thing: Table | Procedure) -> None:
        """Take an object out."""
        del self.objects[(thing.schema.casefold(), thing.name.casefold())]
        if isinstance(thing, Table):
            thing.dropped = True

    def put_type(self, alias: AliasType) -> None:
        """Add an alias type."""
        self.types[alias.name.casefold()] = alias
        self.next_type_id = max(self.next_type_id, alias.user_type_id + 1)

    def remove_type(self, alias: AliasType) -> None:
        """Take an alias type out."""
        del self.types[alias.name.casefold()]

    def set_property(self, key: tuple[int, str], value: str | None) -> None:
        """Give an extended property a value; None takes it away."""
        if value is None:
            self.properties.pop(key, None)
        else:
            self.properties[key] = value

    def mark_dropped(self, dropped: bool) -> None:
        """Tell its tables that it is dropped: somebody may have bound a statement to them."""
        for table in self.tables():
            table.dropped = dropped

    def tables(self) -> Iterator[Table]:
        """All tables."""
        return (thing for thing in self.objects.values() if isinstance(thing, Table))

    def procedures(self) -> Iterator[Procedure]:
        """All procedures."""
        return (thing for thing in self.objects.values() if isinstance(thing, Procedure))

    def by_id(self, object_id: int) -> Table | Procedure | None:
        """The table or procedure with that id."""
        return next((thing for thing in self.objects.values() if thing.object_id == object_id), None)

    def new_object_id(self) -> int:
        """An id that this database has not used."""
        self.next_object_id += 1
        return self.next_object_id - 1


@dataclass(frozen=True)
class Constraint:
    """A named constraint, which is an object of its table's schema: type PK, UQ or D."""

    table: Table
    name: str
    object_id: int
    type: str


def constraints(table: Table) -> Iterator[Constraint]:
    """The keys and defaults of a table."""
    for index in table.indexes:
        if index.constraint:
            yield Constraint(table, index.name, index.object_id, index.constraint)
    for column in table.columns:
        if column.default:
            yield Constraint(table, column.default.name, column.default.object_id, "D")


def find_constraint(database: Database, schema: str, name: str) -> Constraint | None:
    """The constraint of that name in a schema."""
    wanted = (schema.casefold(), name.casefold())
    for table in database.tables():
        for constraint in constraints(table):
            if (table.schema.casefold(), constraint.name.casefold()) == wanted:
                return constraint
    return None


def object_ids(thing: Table | Procedure) -> list[int]:
    """The ids of an object and its constraints."""
    own = [thing.object_id]
    return own + [constraint.object_id for constraint in constraints(thing)] if isinstance(thing, Table) else own
