"""Users and roles of the current database."""

from __future__ import annotations

from typing import Any

from lab.server.engine.binder import Grammar
from lab.server.engine.database import Database
from lab.server.engine.definition import definition
from lab.server.engine.names import NameSpace
from lab.server.engine.permissions import is_owner, may, not_permitted
from lab.server.engine.principals import (
    DATABASE_CLASS,
    DATABASE_ROLES,
    FIRST_USER,
    GRANT,
    PUBLIC,
    SA_SID,
    Principal,
    new_role_sid,
)
from lab.server.engine.securables import of_database
from lab.server.engine.security_changes import (
    missing,
    put_principal,
    remove_principal,
    set_grant,
    set_member,
    set_sid,
    special_principal,
)
from lab.server.errors import SqlError, unsupported
from lab.server.sql import security_ast

_ROLES_WITH_MEMBERS = (
    "db_owner",
    "db_accessadmin",
    "db_securityadmin",
    "db_ddladmin",
    "db_datareader",
    "db_datawriter",
)


def create_user(session: Any, names: NameSpace, node: security_ast.CreateUser) -> None:
    """CREATE USER ... FOR LOGIN; raises 15247, 15023, 15007 and 15063."""
    database = _free_name(session, names, node.name, "ALTER ANY USER")
    login = _login_without_user(session, database, node.login)
    if "\\" in node.name and login.type != "U":
        raise SqlError(15006, f"'{node.name}' is not a valid name because it contains invalid characters.")
    user = Principal(node.name, database.security.free_user_id(), login.sid, login.type)
    put_principal(session, database, user)
    set_grant(session, database, (DATABASE_CLASS, 0, user.principal_id, "CONNECT"), GRANT)


def _login_without_user(session: Any, database: Database, name: str) -> Principal:
    login = session.engine.security.login(name)
    if login is None:
        raise SqlError(15007, f"'{name}' is not a valid login or you do not have permission.")
    if login.sid == SA_SID:
        raise special_principal(login.name)
    if database.security.user_with(login.sid):
        raise SqlError(15063, "The login already has an account under a different user name.")
    return login


def _alter_user(session: Any, names: NameSpace, node: security_ast.AlterUser) -> None:
    database = names.current
    user = database.security.find(node.name)
    if user is None or user.is_role or not may(session, "CONTROL", of_database(database)):
        raise missing("alter", "user", node.name)
    if _is_fixed(user):
        raise SqlError(15150, f"Cannot alter the user '{user.name}'.")
    login = session.engine.security.login(node.login)
    if login is not None and login.sid == user.sid:
        return
    login = _login_without_user(session, database, node.login)
    if login.type != user.type:
        raise unsupported(f"ALTER USER {user.name} WITH LOGIN of another type")
    set_sid(session, database, user, login.sid)


def _create_role(session: Any, names: NameSpace, node: security_ast.CreateRole) -> None:
    database = _free_name(session, names, node.name, "CREATE ROLE")
    put_principal(session, database, Principal(node.name, database.security.free_user_id(), new_role_sid(), "R"))


def _free_name(session: Any, names: NameSpace, name: str, right: str) -> Database:
    """The current database, in which the session may create that user or role."""
    database = names.current
    if not may(session, right, of_database(database)):
        raise not_permitted()
    if database.security.find(name):
        raise SqlError(15023, f"User, group, or role '{name}' already exists in the current database.")
    return database


def _drop_user(session: Any, names: NameSpace, node: security_ast.DropUser) -> None:
    remove_principal(session, names.current, _droppable(session, names.current, node.name, "user"))


def _drop_role(session: Any, names: NameSpace, node: security_ast.DropRole) -> None:
    role = _droppable(session, names.current, node.name, "role")
    if any(of == role.principal_id for of, _ in names.current.security.members):
        raise SqlError(15144, "The role has members. It must be empty before it can be dropped.")
    remove_principal(session, names.current, role)


def _droppable(session: Any, database: Database, name: str, kind: str) -> Principal:
    found = database.security.find(name)
    right = f"ALTER ANY {kind.upper()}"
    if found is None or found.is_role is not (kind == "role") or not may(session, right, of_database(database)):
        raise missing("drop", kind, name)
    if found.principal_id in database.security.shipped:
        raise unsupported(f"DROP ROLE {found.name}")
    if _is_fixed(found):
        raise SqlError(15150, f"Cannot drop the {kind} '{found.name}'.")
    return found


def _is_fixed(principal: Principal) -> bool:
    return principal.principal_id < FIRST_USER or principal.name in DATABASE_ROLES


def _alter_role(session: Any, names: NameSpace, node: security_ast.AlterRole) -> None:
    database = names.current
    security, role = database.security, database.security.find(node.role)
    if role is None or not role.is_role or not _may_alter_role(session, database, role):
        raise missing("alter", "role", node.role)
    if role.principal_id == PUBLIC:
        raise SqlError(15081, "Membership of the public role cannot be changed.")
    if _is_fixed(role) and role.name not in _ROLES_WITH_MEMBERS:
        raise unsupported(f"ALTER ROLE {role.name}", node.line)
    member = security.find(node.member)
    if member is not None and _is_fixed(member):
        raise special_principal(member.name)
    belongs = member is not None and (role.principal_id, member.principal_id) in security.members
    if member is None or (not node.adds and not belongs):
        raise missing("add" if node.adds else "drop", "principal", node.member)
    if member.is_role:
        raise unsupported(f"a role as member of a role: {member.name}", node.line)
    if belongs is not node.adds:
        set_member(session, database, role, member, node.adds)


def _may_alter_role(session: Any, database: Database, role: Principal) -> bool:
    return is_owner(session, database) if _is_fixed(role) else may(session, "ALTER ANY ROLE", of_database(database))


USERS: Grammar = {
    security_ast.CreateUser: definition(create_user),
    security_ast.AlterUser: definition(_alter_user),
    security_ast.DropUser: definition(_drop_user),
    security_ast.CreateRole: definition(_create_role),
    security_ast.DropRole: definition(_drop_role),
    security_ast.AlterRole: definition(_alter_role),
}
