"""What a session sees of the catalog: what it owns, and what it has any permission on, as documented for the views."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from lab.server.engine.database import AliasType, Database, Procedure
from lab.server.engine.permission_rules import PERMISSIONS, PROCEDURE_PERMISSIONS, TABLE_PERMISSIONS, TYPE
from lab.server.engine.permissions import is_denied, may, user_in
from lab.server.engine.principals import FIRST_LOGIN, Principal
from lab.server.engine.securables import THE_SERVER, Securable, of_database, of_login, of_object, of_type
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
    meant = PROCEDURE_PERMISSIONS if isinstance(thing, Procedure) else TABLE_PERMISSIONS
    return _has_any(session, meant, of_object(database, thing))


def _has_any(session: Any, permissions: Collection[str], securable: Securable) -> bool:
    """Whether the session has one of these permissions, and nobody has denied it the sight."""
    if is_denied(session, "VIEW DEFINITION", securable):
        return False
    return any(may(session, permission, securable) for permission in permissions)


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
    return _has_any(session, _TO_READ_DEFINITIONS, of_object(database, thing))


def types(session: Any, database: Database) -> list[AliasType]:
    """The alias types of a database."""
    aliases = database.types.values()
    return [alias for alias in aliases if _has_any(session, PERMISSIONS[TYPE], of_type(database, alias))]


def logins(session: Any) -> list[Principal]:
    """The logins and server roles of sys.server_principals."""
    return [
        one
        for one in session.engine.security.principals.values()
        if one.principal_id < FIRST_LOGIN or one is session.principal or _has_any(session, _ON_LOGINS, of_login(one))
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
