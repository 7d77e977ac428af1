"""What a session sees of the catalog: what it owns, and what it has any permission on, as documented for the views."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from lab.server.engine.database import AliasType, Database, Procedure
from lab.server.engine.permission_rules import OBJECT, PERMISSIONS, TYPE
from lab.server.engine.permissions import may, user_in
from lab.server.engine.principals import FIRST_LOGIN, Principal
from lab.server.engine.securables import THE_SERVER, of_database, of_login, of_object, of_type
from lab.server.engine.storage import Table

_TO_READ_DEFINITIONS = ("VIEW DEFINITION", "ALTER", "CONTROL")
_ON_LOGINS = ("VIEW DEFINITION", "ALTER", "CONTROL", "IMPERSONATE")


def databases(session: Any) -> Collection[Database]:
    """The databases of sys.databases."""
    everything = session.engine.databases
    if may(session, "VIEW ANY DATABASE", THE_SERVER) or may(session, "ALTER ANY DATABASE", THE_SERVER):
        return everything
    return [
        one
        for one in everything
        if one.name in ("master", "tempdb") or one is session.current or one.security.owner_sid == session.principal.sid
    ]


def sees(session: Any, database: Database, thing: Table | Procedure) -> bool:
    """Whether the session sees a table or procedure."""
    if session.principal.is_sysadmin:
        return True
    securable = of_object(database, thing)
    return any(may(session, permission, securable) for permission in PERMISSIONS[OBJECT])


def objects(session: Any, database: Database) -> Iterator[Table | Procedure]:
    """The tables and procedures of a database."""
    if session.principal.is_sysadmin:
        return iter(database.objects.values())
    return (thing for thing in database.objects.values() if sees(session, database, thing))


def tables(session: Any, database: Database) -> Iterator[Table]:
    """Of `objects` the tables."""
    return (thing for thing in objects(session, database) if isinstance(thing, Table))


def procedures(session: Any, database: Database) -> Iterator[Procedure]:
    """Of `objects` the procedures."""
    return (thing for thing in objects(session, database) if isinstance(thing, Procedure))


def reads_definition(session: Any, database: Database, thing: Table | Procedure) -> bool:
    """Whether the session sees the text of a procedure, or of a table's defaults."""
    securable = of_object(database, thing)
    return any(may(session, permission, securable) for permission in _TO_READ_DEFINITIONS)


def types(session: Any, database: Database) -> list[AliasType]:
    """The alias types of a database."""
    return [
        alias
        for alias in database.types.values()
        if any(may(session, permission, of_type(database, alias)) for permission in PERMISSIONS[TYPE])
    ]


def logins(session: Any) -> list[Principal]:
    """The logins and server roles of sys.server_principals."""
    return [
        one
        for one in session.engine.security.principals.values()
        if one.principal_id < FIRST_LOGIN
        or one is session.principal
        or any(may(session, permission, of_login(one)) for permission in _ON_LOGINS)
    ]


def users(session: Any, database: Database) -> list[Principal]:
    """The users and roles of sys.database_principals."""
    security, user = database.security, user_in(session, database)
    everything = sorted(security.principals.values(), key=lambda one: one.principal_id)
    if administers_users(session, database):
        return everything
    own = security.roles_of(user.principal_id) | {user.principal_id} if user else set()
    made = {one.principal_id for one in security.made_here()}
    return [one for one in everything if one.principal_id not in made or one.principal_id in own]


def administers_users(session: Any, database: Database) -> bool:
    """Whether the session sees all users, their roles and permissions."""
    on = of_database(database)
    return may(session, "VIEW DEFINITION", on) or may(session, "ALTER", on)


def sees_server_permissions(session: Any) -> bool:
    """Whether the session sees the roles and permissions of all logins."""
    return may(session, "VIEW ANY DEFINITION", THE_SERVER)
