"""Session state as it may be found, for the tests of plans."""

from __future__ import annotations

from dataclasses import replace

from aspstate.catalog import Contents
from aspstate.database import Database
from aspstate.installation import wanted
from aspstate.properties import File, Properties
from aspstate.property_changes import Logins
from aspstate.schema import TYPES, schema

from tests.shipped import definitions

SCHEMAS = {type_: schema(definitions(type_), type_) for type_ in TYPES}
SA = Logins(sa="sa", own="sa", owner="sa")
NAMES = {"temporary": "ASPState", "persisted": "ASPState", "custom": "Shop"}

OURS = Properties(
    owner="sa",
    recovery_model="simple",
    collation="Latin1_General_CI_AS",
    auto_close=False,
    auto_shrink=False,
    db_chaining=False,
    files=(File("aspstate_data", "data", 8, "64 MB", 3), File("aspstate_log", "log", 8, "64 MB", 1)),
)
THEIRS = replace(
    OURS,
    owner="dba",
    recovery_model="full",
    auto_close=True,
    auto_shrink=True,
    files=(File("ASPState", "data", 8, "1 MB", 3), File("ASPState_log", "log", 1, "10 percent", 1)),
)


def absent(type_: str = "persisted") -> Database:
    """A server without it."""
    return Database(NAMES[type_], exists=False)


def empty(type_: str = "persisted") -> Database:
    """The database, just created by this project."""
    return Database(NAMES[type_], exists=True, properties=OURS)


def whole(type_: str = "persisted") -> Database:
    """As it is after an install."""
    return wanted(empty(type_), type_, SCHEMAS[type_])


def with_contents(database: Database, **changes: object) -> Database:
    """With some of its contents replaced."""
    return replace(database, contents=replace(database.contents, **changes))


NOTHING = Contents()
