"""Logins, server roles, and who owns a database."""

from __future__ import annotations

from typing import Any

from lab.server.engine import windows_accounts
from lab.server.engine.binder import Grammar
from lab.server.engine.database_use import enter
from lab.server.engine.impersonation import is_used
from lab.server.engine.names import NameSpace
from lab.server.engine.passwords import hashed
from lab.server.engine.permissions import THE_SERVER, may, not_permitted
from lab.server.engine.principals import (
    AGENT_LOGIN,
    DBCREATOR,
    DBO,
    GRANT,
    SA_SID,
    SERVER_CLASS,
    SERVER_PUBLIC,
    SID_LENGTH,
    SYSADMIN,
    Principal,
    ServerSecurity,
    new_sid,
)
from lab.server.engine.securables import of_database, of_login
from lab.server.engine.security_changes import (
    missing,
    put_principal,
    remove_principal,
    server_definition,
    set_grant,
    set_member,
    set_owner,
    set_password,
    special_principal,
)
from lab.server.errors import SqlError, unsupported
from lab.server.sql import security_ast


def create_login(session: Any, names: NameSpace, node: security_ast.CreateLogin) -> None:
    """CREATE LOGIN; raises 15247, 15006, 15025, 15401 and 15407."""
    if not may(session, "ALTER ANY LOGIN", THE_SERVER):
        raise not_permitted()
    if node.windows:
        _create_windows_login(session, node.name)
        return
    if "\\" in node.name:
        raise SqlError(15006, f"'{node.name}' is not a valid name because it contains invalid characters.")
    security = session.engine.security
    if security.find(node.name):
        raise SqlError(15025, f"The server principal '{node.name}' already exists.")
    password = hashed(node.name, node.password, node.check_policy)
    sid = _free_sid(security, node.sid)
    _put_login(session, Principal(node.name, security.free_login_id(), sid, password=password))


def _free_sid(security: ServerSecurity, written: bytes | None) -> bytes:
    if written is None:
        return new_sid()
    if len(written) != SID_LENGTH:
        raise SqlError(15419, "Supplied parameter sid should be binary(16).")
    if any(one.sid == written for one in security.principals.values()):
        raise SqlError(15433, "Supplied parameter sid is in use.")
    return written


def _create_windows_login(session: Any, name: str) -> None:
    security = session.engine.security
    if "\\" not in name:
        text = f"'{name}' is not a valid Windows NT name. Give the complete name: <domain\\username>."
        raise SqlError(15407, text)
    if security.find(name):
        raise SqlError(15025, f"The server principal '{name}' already exists.")
    if windows_accounts.find(session.engine, name) is None:
        raise SqlError(15401, f"Windows NT user or group '{name}' not found. Check the name again.")
    _put_login(session, Principal(name, security.free_login_id(), windows_accounts.sid_of(name), "U"))


def _put_login(session: Any, login: Principal) -> None:
    put_principal(session, None, login)
    set_grant(session, None, (SERVER_CLASS, 0, login.principal_id, "CONNECT SQL"), GRANT)


def _alter_login(session: Any, names: NameSpace, node: security_ast.AlterLogin) -> None:
    login = _changeable(session, node.name, "alter")
    if login.password is None:
        why = "Windows has its password" if login.type == "U" else "its password is given when the lab server starts"
        raise unsupported(f"ALTER LOGIN {login.name}: {why}")
    set_password(session, login, hashed(login.name, node.password, login.password.policy))


def _drop_login(session: Any, names: NameSpace, node: security_ast.DropLogin) -> None:
    login, engine = _changeable(session, node.name, "drop"), session.engine
    if login.sid == SA_SID:
        raise SqlError(15150, f"Cannot drop the login '{login.name}'.")
    if any(is_used(one, login) for one in engine.sessions):
        raise SqlError(15434, f"Could not drop login '{login.name}' as the user is currently logged in.")
    if any(one.security.owner_sid == login.sid for one in engine.databases):
        text = (
            f"Login '{login.name}' owns one or more database(s). Change the owner of the database(s) before dropping"
            " the login."
        )
        raise SqlError(15174, text)
    remove_principal(session, None, login)


def _changeable(session: Any, name: str, verb: str) -> Principal:
    login = session.engine.security.login(name)
    if login is None or not may(session, "ALTER", of_login(login)):
        raise missing(verb, "login", name)
    if login.is_sysadmin and not may(session, "CONTROL SERVER", THE_SERVER):
        raise missing(verb, "login", name)
    if login.principal_id == AGENT_LOGIN:
        raise unsupported(f"{verb.upper()} LOGIN {login.name}: it comes with the server")
    return login


def _alter_server_role(session: Any, names: NameSpace, node: security_ast.AlterServerRole) -> None:
    security = session.engine.security
    role = security.find(node.role)
    if role is None or not role.is_role or not session.principal.is_sysadmin:
        raise missing("alter", "server role", node.role)
    if role.principal_id == SERVER_PUBLIC:
        raise SqlError(15081, "Membership of the public role cannot be changed.")
    if role.principal_id not in (SYSADMIN, DBCREATOR):
        raise unsupported(f"ALTER SERVER ROLE {role.name}", node.line)
    member = security.find(node.member)
    if member is not None and member.sid == SA_SID:
        raise special_principal(member.name)
    if member is not None and member.principal_id == AGENT_LOGIN:
        raise unsupported(f"ALTER SERVER ROLE of {member.name}: it comes with the server", node.line)
    belongs = member is not None and (role.principal_id, member.principal_id) in security.members
    if member is None or member.is_role or (not node.adds and not belongs):
        raise missing("add" if node.adds else "drop", "principal", node.member)
    if belongs is not node.adds:
        set_member(session, None, role, member, node.adds)


def _alter_authorization(session: Any, names: NameSpace, node: security_ast.AlterAuthorization) -> None:
    engine = session.engine
    database = engine.find_database(node.database)
    if database is None or not may(session, "TAKE OWNERSHIP", of_database(database)):
        raise missing("find", "database", node.database)
    if database.name == "msdb":
        raise unsupported("ALTER AUTHORIZATION ON DATABASE::msdb", node.line)
    if database.name in ("master", "model", "tempdb"):
        raise SqlError(15109, "Cannot change the owner of the master, model, tempdb or distribution database.")
    enter(session, database)
    login = engine.security.login(node.login)
    if login is None or not (login is session.principal or may(session, "IMPERSONATE", of_login(login))):
        raise missing("find", "principal", node.login)
    user = database.security.user_with(login.sid)
    if user is not None and user.principal_id != DBO:
        raise SqlError(15110, "The proposed new database owner is already a user or aliased in the database.")
    set_owner(session, database, login.sid)


LOGINS: Grammar = {
    security_ast.CreateLogin: server_definition("CREATE LOGIN", create_login),
    security_ast.AlterLogin: server_definition("ALTER LOGIN", _alter_login),
    security_ast.DropLogin: server_definition("DROP LOGIN", _drop_login),
    security_ast.AlterServerRole: server_definition("ALTER SERVER ROLE", _alter_server_role),
    security_ast.AlterAuthorization: server_definition("ALTER AUTHORIZATION", _alter_authorization),
}
