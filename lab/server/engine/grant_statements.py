"""GRANT, DENY and REVOKE."""

from __future__ import annotations

from typing import Any

from lab.server.engine.binder import Grammar
from lab.server.engine.database import SCHEMAS, Procedure
from lab.server.engine.definition import definition
from lab.server.engine.names import NameSpace
from lab.server.engine.permission_rules import (
    DATABASE,
    GRANTABLE,
    LOGIN,
    OBJECT,
    PROCEDURE_PERMISSIONS,
    SCHEMA,
    SERVER,
    TABLE_PERMISSIONS,
)
from lab.server.engine.permissions import CLASSES, THE_SERVER, Securable, may, user_in
from lab.server.engine.principals import (
    DBO,
    DENY,
    GRANT,
    GUEST,
    PUBLIC,
    SA_SID,
    SERVER_PUBLIC,
    Principal,
)
from lab.server.engine.securables import of_database, of_login, of_object, of_schema, of_type
from lab.server.engine.security_changes import missing, refuse_in_transaction, set_grant
from lab.server.errors import SqlError, unsupported
from lab.server.sql import security_ast

_STATES = {"GRANT": GRANT, "DENY": DENY, "REVOKE": None}


def _change(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> None:
    securable = _securable(session, names, node)
    for permission in node.permissions:
        if permission not in GRANTABLE[securable.kind]:
            raise unsupported(f"{node.verb} {permission} on {securable.kind}", node.line)
    on_server = securable.kind in (SERVER, LOGIN)
    if on_server:
        refuse_in_transaction(session, f"{node.verb} on the server")
        if names.current.name != "master":
            text = "Permissions at the server scope can only be granted when the current database is master"
            raise SqlError(4621, text)
    _require_right_to_grant(session, securable, node)
    database = None if on_server else names.current
    find = _server_grantee if on_server else _database_grantee
    grantees = [find(session, names, name) for name in node.grantees]
    for grantee in grantees:
        for permission in node.permissions:
            key = (CLASSES[securable.kind], securable.id, grantee.principal_id, permission)
            set_grant(session, database, key, _STATES[node.verb])


def _securable(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> Securable:
    name = node.name
    if node.kind is None:
        on_server = all(permission in GRANTABLE[SERVER] for permission in node.permissions)
        return THE_SERVER if on_server else of_database(names.current)
    if len(name.parts) > (1 if node.kind in (DATABASE, LOGIN, SCHEMA) else 2) or name.parts[-1].startswith("#"):
        raise unsupported(f"{node.verb} ... ON {node.kind}::{name}", node.line)
    return _FIND[node.kind](session, names, node)


def _database(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> Securable:
    name = node.name.parts[-1]
    if name.casefold() != names.current.name.casefold():
        raise unsupported(f"{node.verb} ... ON DATABASE::{name} from another database", node.line)
    return of_database(names.current)


def _login(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> Securable:
    login = session.engine.security.login(node.name.parts[-1])
    if login is None:
        raise missing("find", "login", node.name.parts[-1])
    return of_login(login)


def _schema(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> Securable:
    name = node.name.parts[-1]
    if not any(name.casefold() == known.casefold() for known in SCHEMAS):
        raise missing("find", "schema", name)
    if name.casefold() not in ("dbo", "guest"):
        raise unsupported(f"{node.verb} ... ON SCHEMA::{name}", node.line)
    return of_schema(names.current, name)


def _object(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> Securable:
    thing = names.find(node.name)
    if thing is None:
        raise missing("find", "object", node.name.parts[-1])
    fitting = PROCEDURE_PERMISSIONS if isinstance(thing, Procedure) else TABLE_PERMISSIONS
    for permission in node.permissions:
        if permission in GRANTABLE[OBJECT] and permission not in fitting:
            raise SqlError(4606, f"Granted or revoked privilege {permission} is not compatible with object.")
    return of_object(names.current, thing)


def _type(session: Any, names: NameSpace, node: security_ast.ChangePermissions) -> Securable:
    alias = names.find_type(node.name)
    if alias is None:
        raise missing("find", "type", node.name.parts[-1])
    return of_type(names.current, alias)


_FIND = {"DATABASE": _database, "LOGIN": _login, "SCHEMA": _schema, "OBJECT": _object, "TYPE": _type}


def _require_right_to_grant(session: Any, securable: Securable, node: security_ast.ChangePermissions) -> None:
    if securable.kind == SERVER:
        allowed = may(session, "CONTROL SERVER", securable)
    else:
        allowed = may(session, "CONTROL", securable)
        allowed = allowed or (securable.kind == LOGIN and may(session, "ALTER ANY LOGIN", THE_SERVER))
    if allowed:
        return
    if securable.kind in (SERVER, DATABASE):
        raise SqlError(4613, "Grantor does not have GRANT permission.")
    raise missing("find", node.kind.lower(), node.name.parts[-1])


def _server_grantee(session: Any, names: NameSpace, name: str) -> Principal:
    found = session.engine.security.find(name)
    if found is None:
        raise missing("find", "login", name)
    _refuse_roles(found, SERVER_PUBLIC, is_fixed=found.is_role)
    if found.sid == SA_SID or found is session.principal:
        raise _special()
    return found


def _database_grantee(session: Any, names: NameSpace, name: str) -> Principal:
    security = names.current.security
    found = security.find(name)
    if found is None:
        raise missing("find", "user", name)
    if found.principal_id == GUEST:
        raise unsupported("permissions of guest")
    _refuse_roles(found, PUBLIC, is_fixed=found.is_role and found not in security.made_here())
    if DBO <= found.principal_id <= _LAST_SYSTEM_USER or found is user_in(session, names.current):
        raise _special()
    return found


_LAST_SYSTEM_USER = 4


def _refuse_roles(found: Principal, public: int, is_fixed: bool) -> None:
    if is_fixed and found.principal_id != public:
        raise SqlError(4617, "Cannot grant, deny or revoke permissions to or from special roles.")


def _special() -> SqlError:
    text = "Cannot grant, deny, or revoke permissions to sa, dbo, entity owner, information_schema, sys, or yourself."
    return SqlError(4624, text)


GRANTS: Grammar = {security_ast.ChangePermissions: definition(_change)}
