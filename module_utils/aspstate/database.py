"""Session state on an instance, as it is or as it is wanted: its database, and what type temporary keeps outside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from .catalog import CONTENTS, Contents, Procedure, contents_of
from .errors import NotKnown, Refused
from .generation import FORMER, NAMES
from .instance import Presence, read_presence
from .names import USUAL
from .properties import PROPERTIES, Properties, properties_of, property_lines, remarks
from .schema import FORMER_LONG, LONG, Schema, Table, normalized, uses_tempdb
from .server import Server
from .tempdb import Tempdb, tempdb_remarks
from .temporary import Outside, is_used_by, outside_lines, read_outside

# What Microsoft's scripts of any version made; it goes with the rest.
FORMER_TYPES = ("tAppName", "tSessionId", "tSessionItemLong", "tSessionItemShort", "tTextPtr")


@dataclass(frozen=True)
class Database:
    """`type` is temporary where its procedures keep their tables in tempdb, "own tables" for persisted and custom,
    which look alike, and "" where nothing tells.

    `outside` is what belongs to it in tempdb and master; `leftovers` is what is there and belongs to nothing.
    `not_known` says what the login was not allowed to see.
    """

    name: str
    exists: bool
    type: str = ""
    contents: Contents = field(default_factory=Contents)
    properties: Properties | None = None
    outside: Outside = field(default_factory=Outside)
    leftovers: Outside = field(default_factory=Outside)
    user_access: str = "MULTI_USER"
    not_known: tuple[str, ...] = ()

    @property
    def tables(self) -> dict[str, Table]:
        """The session tables, wherever they are."""
        return self.outside.tables if self.type == "temporary" else self.contents.tables

    @property
    def tables_in(self) -> str:
        """The database that they are in."""
        return "tempdb" if self.type == "temporary" else self.name

    @property
    def unused_tables(self) -> dict[str, Table]:
        """Session tables of its own where its procedures use those in tempdb: left behind by a change of type."""
        return self.contents.tables if self.type == "temporary" else {}


def read(
    server: Server, name: str, type_: str, schema: Schema, presence: Presence | None = None
) -> tuple[Database, Presence]:
    """What is there; `type_` is the one that is wanted. Raises Refused, and NotKnown where something cannot be seen.

    `presence` is given where it was read already. A look outside that is not allowed is noted only, unless the type
    keeps something there.
    """
    presence = presence or read_presence(server, name)
    database = Database(name, presence.exists, user_access=presence.user_access)
    if presence.closed:
        raise Refused(presence.closed)
    if presence.exists:
        database = _with_contents(server, database, schema)
    try:
        return _with_outside(server, database, type_), presence
    except NotKnown as unknown:
        if "temporary" in (type_, database.type):
            raise
        return replace(database, not_known=(str(unknown),)), presence


def _with_contents(server: Server, database: Database, schema: Schema) -> Database:
    types, procedures = (*schema.types, *FORMER_TYPES), (*schema.procedures, *NAMES)
    *of_contents, row, files = server.run_in_turn((database.name, CONTENTS), (database.name, PROPERTIES)).sets
    contents = contents_of(server, database.name, of_contents, types, procedures)
    return Database(
        database.name,
        exists=True,
        type=_found_type(contents),
        contents=contents,
        properties=properties_of((row, files)),
        user_access=database.user_access,
    )


def _found_type(contents: Contents) -> str:
    procedures = contents.procedures
    telling = [each for name, each in procedures.items() if name not in FORMER] or procedures.values()
    if any(uses_tempdb(procedure.definition or "") for procedure in telling):
        return "temporary"
    return "own tables" if contents.tables or "CreateTempTables" in procedures else ""


def _with_outside(server: Server, database: Database, type_: str) -> Database:
    outside = read_outside(server)
    if outside.nothing:
        return replace(database, outside=outside)
    if database.name.casefold() == USUAL.casefold():
        used = database.type == "temporary" or (type_ == "temporary" and database.type == "")
    else:
        other = read_presence(server, USUAL)
        if other.closed:
            raise NotKnown(f"whether it uses the session tables in tempdb is not known: {other.closed}")
        used = other.exists and is_used_by(server, USUAL)
        if used:  # by another database, and none of our business
            return database
    if used:
        return replace(database, type="temporary", outside=outside)
    return replace(database, leftovers=outside)


def describe(database: Database, in_full: Iterable[str] = ()) -> str:
    """One side of a diff: a line an object; the procedures named `in_full` with their text."""
    lines = [f"database {database.name}: {'present' if database.exists else 'absent'}"]
    if database.exists and database.properties:
        lines += property_lines(database.properties)
    if database.exists:
        lines += _lines(database.contents, set(in_full))
    for outside in (database.outside, database.leftovers):
        lines += _table_lines("tempdb.dbo", outside.tables)
        lines += outside_lines(outside)
        if outside.startup and "ASPState_Startup" in in_full:
            lines += _procedure_lines(outside.startup)
    return "\n".join(lines) + "\n"


def _lines(contents: Contents, in_full: set[str]) -> Iterator[str]:
    for name, type_ in sorted(contents.types.items()):
        yield f"type dbo.{name}: {type_}"
    yield from _table_lines("dbo", contents.tables)
    for name, procedure in sorted(contents.procedures.items()):
        yield f"procedure dbo.{name}"
        if name in in_full:
            yield from _procedure_lines(procedure)
    yield from (f"{other} (not managed)" for other in contents.others)


def _table_lines(schema: str, tables: dict[str, Table]) -> Iterator[str]:
    for name, table in sorted(tables.items()):
        yield f"table {schema}.{name}"
        yield from (f"  {column}" for column in table.columns)
        yield f"  primary key ({table.key})"
        yield from (f"  index {index}" for index in table.indexes)


def _procedure_lines(procedure: Procedure) -> Iterator[str]:
    yield from (f"  {line}".rstrip() for line in procedure_text(procedure).split("\n"))


def procedure_text(procedure: Procedure) -> str:
    """What a procedure is, with the SET options that it was made with where they are not the usual ones."""
    unusual = [] if procedure.quoted_identifier else ["SET QUOTED_IDENTIFIER OFF"]
    unusual += [] if procedure.ansi_nulls else ["SET ANSI_NULLS OFF"]
    text = "(encrypted)" if procedure.definition is None else procedure.definition
    return "\n".join([*unusual, text.replace("\r\n", "\n").strip()])


def same_procedure(one: Procedure, other: Procedure) -> bool:
    """Whether two procedures are one but for comments and white space."""
    if one.definition is None or other.definition is None:
        return False
    if (one.quoted_identifier, one.ansi_nulls) != (other.quoted_identifier, other.ansi_nulls):
        return False
    return one.definition == other.definition or normalized(one.definition) == normalized(other.definition)


def same_type(name: str, found: str, declared: str) -> bool:
    """Whether a type is as declared, or as the procedures work with it as well."""
    return found == declared or (name == "tSessionItemLong" and found == FORMER_LONG)


def table_differences(name: str, now: Table, then: Table) -> list[str]:
    """Sentences: what cannot be altered without a risk for sessions. A missing index is no such difference."""
    columns = [line.replace(f"SessionItemLong {FORMER_LONG}", f"SessionItemLong {LONG}") for line in now.columns]
    found = [f"dbo.{name} lacks the column {line}" for line in then.columns if line not in columns]
    found += [f"dbo.{name} has the column {line}" for line in columns if line not in then.columns]
    if now.key != then.key:
        found.append(f"dbo.{name} has the primary key ({now.key}), not ({then.key})")
    wanted_indexes = {index.partition(" (")[0]: index for index in then.indexes}
    for index in now.indexes:
        same_name = wanted_indexes.get(index.partition(" (")[0], index)
        if same_name != index:
            found.append(f"dbo.{name} has the index {index}, not {same_name}")
    return found


def remarks_of(database: Database, properties: Properties, tempdb: Tempdb | None) -> list[str]:
    """Sentences: what a DBA would want to know and this project does not change unless it is asked to.

    `properties` are those that the database has, or will have; `tempdb` is given with type temporary.
    """
    found = [*remarks(properties), *(tempdb_remarks(tempdb, properties) if tempdb else ())]
    if any(f"SessionItemLong {FORMER_LONG}" in table.columns for table in database.tables.values()):
        found.append("its column SessionItemLong is image, which is deprecated and works; it stays as it is")
    if database.unused_tables:
        names = ", ".join(f"dbo.{name}" for name in sorted(database.unused_tables))
        found.append(f"its tables {names} are not used: its procedures keep their sessions in tempdb")
    return found


def some(names: tuple[str, ...], most: int = 5) -> str:
    """The first few of many names."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def refuse_other_type(database: Database, type_: str) -> None:
    """Raises Refused where session state of another type is installed than the one that is meant."""
    if database.type and (database.type == "temporary") is not (type_ == "temporary"):
        if database.type == "temporary":
            found = "its procedures keep their sessions in tempdb, so it is of type temporary"
        else:
            found = "its sessions are in tables of its own, so it is of type persisted or custom"
        raise Refused(
            f"database {database.name}: {found}, not {type_}; nothing was touched; set aspstate_type to what is "
            "there, or remove it first with its own type"
        )
