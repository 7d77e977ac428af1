"""Looking at session state with whatever rights a login has: what it may not see is None, and said to be not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .database import Database, read, remarks_of, table_differences
from .database_findings import database_findings
from .errors import NotKnown
from .finding import Finding
from .generation import Generation
from .installation import generation, missing_or_different
from .instance import holder_facts, read_instance, read_presence
from .properties import Properties, property_facts, read_properties, remarks
from .schema import TABLES, Schema
from .server import Server
from .sessions import Sessions, read_sessions, session_facts
from .tempdb import Tempdb, read_tempdb, tempdb_facts
from .temporary import leftovers

T = TypeVar("T")


def inspect(server: Server, name: str, type_: str, schema: Schema, *, count: bool = True) -> dict[str, Any]:
    """Everything that can be seen, as plain data: the result of the module aspstate_database_info.

    Without `count` the sessions are not counted.
    """
    not_known: list[str] = []

    def ask(question: Callable[[], T]) -> T | None:
        try:
            return question()
        except NotKnown as unknown:
            not_known.append(str(unknown))
            return None

    presence = ask(lambda: read_presence(server, name))
    if presence and presence.closed:
        not_known.append(presence.closed)
    enter = bool(presence and not presence.closed)
    database = ask(lambda: read(server, name, type_, schema, presence)[0]) if enter else None
    properties = database.properties if database else None
    if database is None and enter and presence.exists:
        properties = ask(lambda: read_properties(server, name))
    tempdb = ask(lambda: read_tempdb(server)) if database and database.type == "temporary" else None
    sessions = ask(lambda: _sessions(server, database)) if database and count else None
    kind = generation(database) if database else None
    found = ask(lambda: database_findings(server, database, kind)) if database else None
    not_known += database.not_known if database else ()
    if presence and presence.holders is None:
        not_known.append(f"who is connected is not known: login {server.user} lacks VIEW SERVER STATE")
    return {
        "instance": read_instance(server),
        "exists": presence.exists if presence else None,
        "type": database.type if database else None,
        "generation": kind.name if kind else None,
        "procedures": _by_generation(kind) if kind else None,
        "properties": property_facts(properties) if properties else None,
        "tempdb": tempdb_facts(tempdb) if tempdb else None,
        "remarks": _remarks(database, properties, tempdb),
        "leftovers": leftovers(database.leftovers) if database and not database.not_known else None,
        "holders": holder_facts(presence.holders) if presence else None,
        "sessions": None if sessions is None else session_facts(sessions),
        "findings": [each.facts() for each in (*(found or ()), *_unknown(server, name, not_known))],
        "not_known": not_known,
        **(_compared(database, type_, schema) if schema.procedures else {}),
    }


def _by_generation(kind: Generation) -> dict[str, list[str]]:
    labels = {name: kind.label(name) for name in kind.procedures}
    return {label: [name for name in labels if labels[name] == label] for label in sorted(set(labels.values()))}


def _unknown(server: Server, name: str, not_known: list[str]) -> list[Finding]:
    return [Finding("ASP001", server.address, f"database {name}", text) for text in not_known]


def _remarks(database: Database | None, properties: Properties | None, tempdb: Tempdb | None) -> list[str] | None:
    if properties is None:
        return None
    return remarks_of(database, properties, tempdb) if database else remarks(properties)


def _sessions(server: Server, database: Database) -> tuple[Sessions, ...] | None:
    """None where the tables are not there, or not as they should be."""
    now = database.tables
    if any(name not in now or table_differences(name, now[name], table) for name, table in TABLES.items()):
        return None
    return read_sessions(server, database.tables_in).sessions


def _compared(database: Database | None, type_: str, schema: Schema) -> dict[str, Any]:
    return {
        "missing_or_different": missing_or_different(database, type_, schema) if database else None,
        "others": list(database.contents.others) if database else None,
    }
