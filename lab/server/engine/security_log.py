"""From logins, users, roles and permissions to log records and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine.database import Database
from lab.server.engine.log import Record
from lab.server.engine.passwords import PasswordHash
from lab.server.engine.principals import (
    DBO,
    OBJECT_CLASS,
    TYPE_CLASS,
    DatabaseSecurity,
    Grants,
    Principal,
    ServerSecurity,
)

_SERVER = 0
"""Stands in the place of a database's id."""

_Key = tuple[int, int, int, str]


def principal_step(database: Database | None, principal: Principal) -> Record:
    """A login (without database), user or role as it is now."""
    kept = principal.password
    password = [kept.salt, kept.digest, kept.policy] if kept else None
    return [
        "principal",
        _id(database),
        principal.name,
        principal.principal_id,
        principal.sid,
        principal.type,
        password,
    ]


def drop_principal_step(database: Database | None, principal: Principal) -> Record:
    """DROP LOGIN, USER or ROLE."""
    return ["drop principal", _id(database), principal.principal_id]


def member_step(database: Database | None, role: int, member: int, belongs: bool) -> Record:
    """A member of a role, new or gone."""
    return ["member", _id(database), role, member, belongs]


def grant_step(database: Database | None, key: _Key, state: str | None) -> Record:
    """GRANT, DENY, or (None) neither any more."""
    return ["permission", _id(database), *key, state]


def owner_step(database: Database) -> Record:
    """The owner of a database."""
    return ["owner", database.database_id, database.security.owner_sid]


def _id(database: Database | None) -> int:
    return _SERVER if database is None else database.database_id


def server_record(security: ServerSecurity) -> Record:
    """What makes a new server's logins and permissions as they are."""
    fresh = ServerSecurity()
    made = [one for one in security.principals.values() if one.principal_id not in fresh.principals]
    steps = [principal_step(None, one) for one in made]
    steps += [member_step(None, *one, True) for one in sorted(security.members - fresh.members)]
    steps += [grant_step(None, key, state) for key, state in security.grants.items()]
    return steps + [grant_step(None, key, None) for key in fresh.grants if key not in security.grants]


def database_record(database: Database) -> Record:
    """What makes a new database's users and permissions as they are."""
    security = database.security
    steps = [owner_step(database)]
    steps += [principal_step(database, one) for one in security.made_here()]
    steps += [member_step(database, *one, True) for one in sorted(security.members) if one[1] != DBO]
    return steps + [grant_step(database, key, state) for key, state in living_grants(database).items()]


def living_grants(database: Database) -> Grants:
    """The permissions whose objects and types are still there."""
    objects = {thing.object_id for thing in database.objects.values()}
    types = {alias.user_type_id for alias in database.types.values()}
    ids = {OBJECT_CLASS: objects, TYPE_CLASS: types}
    grants = database.security.grants
    return {key: state for key, state in grants.items() if key[0] not in ids or key[1] in ids[key[0]]}


def steps(databases: dict[int, Database], server: ServerSecurity) -> dict[str, Callable[..., None]]:
    """What repeats each kind of step, for `recovery.Replayer`."""

    def security(id_: int) -> ServerSecurity | DatabaseSecurity:
        return server if id_ == _SERVER else databases[id_].security

    def put(id_: int, name: str, principal_id: int, sid: bytes, type_: str, password: list[Any] | None) -> None:
        kept = PasswordHash(*password) if password else None
        old = security(id_).principals.get(principal_id)
        is_sysadmin = old is not None and old.is_sysadmin
        security(id_).put(Principal(name, principal_id, sid, type_, kept, is_sysadmin))

    def drop(id_: int, principal_id: int) -> None:
        security(id_).remove(security(id_).principals[principal_id])

    def member(id_: int, role: int, member_id: int, belongs: bool) -> None:
        security(id_).set_member(role, member_id, belongs)

    def grant(id_: int, class_: int, major: int, grantee: int, permission: str, state: str | None) -> None:
        security(id_).set_grant((class_, major, grantee, permission), state)

    def owner(id_: int, sid: bytes) -> None:
        databases[id_].security.set_owner(sid)

    return {"principal": put, "drop principal": drop, "member": member, "permission": grant, "owner": owner}
