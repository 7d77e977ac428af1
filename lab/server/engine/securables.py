"""What a permission can be on."""

from __future__ import annotations

from dataclasses import dataclass

from lab.server.engine.database import SCHEMAS, AliasType, Database, Procedure
from lab.server.engine.permission_rules import DATABASE, LOGIN, OBJECT, SCHEMA, SERVER, TYPE
from lab.server.engine.principals import (
    DATABASE_CLASS,
    LOGIN_CLASS,
    OBJECT_CLASS,
    SCHEMA_CLASS,
    SERVER_CLASS,
    TYPE_CLASS,
    Principal,
)
from lab.server.engine.storage import Table

CLASSES = {
    SERVER: SERVER_CLASS,
    LOGIN: LOGIN_CLASS,
    DATABASE: DATABASE_CLASS,
    SCHEMA: SCHEMA_CLASS,
    OBJECT: OBJECT_CLASS,
    TYPE: TYPE_CLASS,
}


@dataclass(frozen=True)
class Securable:
    """What a permission is on; the ids are those of itself and, for what is in a database, of its schema."""

    kind: str
    database: Database | None = None
    id: int = 0
    schema_id: int = 0

    def id_of(self, kind: str) -> int:
        """The id of itself, or of the securable of that kind around it."""
        return self.id if kind == self.kind else self.schema_id if kind == SCHEMA else 0


THE_SERVER = Securable(SERVER)
_SCHEMA_IDS = {name.casefold(): id_ for name, id_ in SCHEMAS.items()}


def of_login(login: Principal) -> Securable:
    return Securable(LOGIN, None, login.principal_id)


def of_database(database: Database) -> Securable:
    return Securable(DATABASE, database)


def of_schema(database: Database, schema: str) -> Securable:
    return Securable(SCHEMA, database, _SCHEMA_IDS[schema.casefold()])


def of_object(database: Database, thing: Table | Procedure) -> Securable:
    return Securable(OBJECT, database, thing.object_id, _SCHEMA_IDS[thing.schema.casefold()])


def of_type(database: Database, alias: AliasType) -> Securable:
    return Securable(TYPE, database, alias.user_type_id, _SCHEMA_IDS[alias.schema.casefold()])
