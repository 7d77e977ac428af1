"""The catalog views about logins, users, roles and permissions: their columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from lab.server.engine import visibility
from lab.server.engine.database import Database
from lab.server.engine.permissions import user_in
from lab.server.engine.principals import CLASS_NAMES, Principal
from lab.server.engine.security_log import living_grants
from lab.server.types import BIT, INT, SYSNAME, SqlType

Rows = Iterator[tuple[Any, ...]]

_TINYINT = SqlType("tinyint")
_CODE, _DESCRIPTION = SqlType("char", 1), SqlType("nvarchar", 60)
_SID, _NAME_128 = SqlType("varbinary", 85), SqlType("nvarchar", 128)


def _principal(one: Principal, role: str) -> tuple[Any, ...]:
    kind = role if one.is_role else f"{'WINDOWS' if one.type == 'U' else 'SQL'}_{_KINDS[role]}"
    return (one.name, one.principal_id, one.sid, one.type, kind)


_KINDS = {"SERVER_ROLE": "LOGIN", "DATABASE_ROLE": "USER"}


def _server_principals(session: Any, database: Database) -> Rows:
    return ((*_principal(one, "SERVER_ROLE"), 0) for one in visibility.logins(session))


def _sql_logins(session: Any, database: Database) -> Rows:
    for one in visibility.logins(session):
        if one.type == "S":
            yield (*_principal(one, "SERVER_ROLE"), 0, int(one.password is None or one.password.policy))


def _database_principals(session: Any, database: Database) -> Rows:
    return (_principal(one, "DATABASE_ROLE") for one in visibility.users(session, database))


def _server_role_members(session: Any, database: Database) -> Rows:
    everything, own = visibility.sees_server_permissions(session), session.principal.principal_id
    for role, member in sorted(session.engine.security.members):
        if everything or member == own:
            yield (role, member)


def _database_role_members(session: Any, database: Database) -> Rows:
    everything, user = visibility.administers_users(session, database), user_in(session, database)
    for role, member in sorted(database.security.members):
        if everything or (user and member == user.principal_id):
            yield (role, member)


def _server_permissions(session: Any, database: Database) -> Rows:
    everything, seen = visibility.sees_server_permissions(session), _ids(visibility.logins(session))
    for (class_, major, grantee, permission), state in sorted(session.engine.security.grants.items()):
        if everything or grantee in seen:
            yield (class_, CLASS_NAMES[class_], major, grantee, permission, state)


def _database_permissions(session: Any, database: Database) -> Rows:
    seen = _ids(visibility.users(session, database))
    for (class_, major, grantee, permission), state in sorted(living_grants(database).items()):
        if grantee in seen:
            yield (class_, CLASS_NAMES[class_], major, 0, grantee, permission, state)


def _ids(principals: list[Principal]) -> set[int]:
    return {one.principal_id for one in principals}


_PRINCIPAL = {"name": SYSNAME, "principal_id": INT, "sid": _SID, "type": _CODE, "type_desc": _DESCRIPTION}
_MEMBER = {"role_principal_id": INT, "member_principal_id": INT}
_WHAT = {"class": _TINYINT, "class_desc": _DESCRIPTION, "major_id": INT}
_GRANTED = {"grantee_principal_id": INT, "permission_name": _NAME_128, "state_desc": _DESCRIPTION}

VIEWS: dict[str, tuple[Callable[[Any, Database], Rows], dict[str, SqlType]]] = {
    "server_principals": (_server_principals, _PRINCIPAL | {"is_disabled": BIT}),
    "sql_logins": (_sql_logins, _PRINCIPAL | {"is_disabled": BIT, "is_policy_checked": BIT}),
    "database_principals": (_database_principals, _PRINCIPAL),
    "server_role_members": (_server_role_members, _MEMBER),
    "database_role_members": (_database_role_members, _MEMBER),
    "server_permissions": (_server_permissions, _WHAT | _GRANTED),
    "database_permissions": (_database_permissions, _WHAT | {"minor_id": INT} | _GRANTED),
}
"""By name: where the rows come from, and the columns."""
