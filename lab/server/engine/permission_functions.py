"""HAS_PERMS_BY_NAME, HAS_DBACCESS, IS_MEMBER, and the functions that turn logins and users into names and sids."""

from __future__ import annotations

from lab.server.engine import database_use, locking, permissions, visibility, windows_accounts
from lab.server.engine.database import SCHEMAS, Database, Procedure
from lab.server.engine.frames import Frame
from lab.server.engine.permission_rules import (
    DATABASE,
    LOGIN,
    OBJECT,
    PERMISSIONS,
    PROCEDURE_PERMISSIONS,
    SCHEMA,
    SERVER,
    TABLE_PERMISSIONS,
    TYPE,
)
from lab.server.engine.permissions import may
from lab.server.engine.principals import DBCREATOR, PUBLIC, SERVER_PUBLIC, SYSADMIN
from lab.server.engine.securables import (
    THE_SERVER,
    Securable,
    of_database,
    of_login,
    of_object,
    of_schema,
    of_type,
)
from lab.server.engine.text_functions import name_parts
from lab.server.errors import unsupported


def has_permission(frame: Frame, securable: str | None, class_: str | None, permission: str | None) -> int | None:
    """1 or 0; NULL if there is no such securable, or the session may not see it."""
    kind = SERVER if class_ is None else class_.strip().upper()
    if kind not in PERMISSIONS or (class_ is not None and kind == SERVER):
        raise unsupported(f"HAS_PERMS_BY_NAME of class {class_}")
    wanted = (permission or "").upper()
    if wanted not in PERMISSIONS[kind]:
        raise unsupported(f"HAS_PERMS_BY_NAME of permission {permission}")
    if (securable is None) is not (kind == SERVER):
        raise unsupported(f"HAS_PERMS_BY_NAME({securable!r}, {class_!r}, ...)")
    locking.wait_for_names(frame.session, frame.session.current)
    found = THE_SERVER if kind == SERVER else _FIND[kind](frame, name_parts(securable), wanted)
    if found is not None and found.database is not None:
        locking.wait_for_names(frame.session, found.database)
    return None if found is None else int(may(frame.session, wanted, found))


def _database(frame: Frame, parts: tuple[str, ...], wanted: str) -> Securable | None:
    found = frame.session.engine.find_database(parts[0]) if len(parts) == 1 else None
    return of_database(found) if found in visibility.databases(frame.session) else None


def _login(frame: Frame, parts: tuple[str, ...], wanted: str) -> Securable | None:
    found = frame.session.engine.security.login(parts[0]) if len(parts) == 1 else None
    return of_login(found) if found in visibility.logins(frame.session) else None


def _schema(frame: Frame, parts: tuple[str, ...], wanted: str) -> Securable | None:
    known = len(parts) == 1 and any(parts[0].casefold() == name.casefold() for name in SCHEMAS)
    return of_schema(frame.session.current, parts[0]) if known else None


def _object(frame: Frame, parts: tuple[str, ...], wanted: str) -> Securable | None:
    database = _database_of(frame, parts)
    if database is None:
        return None
    thing = database.find(parts[-2] if len(parts) > 1 and parts[-2] else "dbo", parts[-1])
    if thing is None or not visibility.sees(frame.session, database, thing):
        return None
    if wanted not in (PROCEDURE_PERMISSIONS if isinstance(thing, Procedure) else TABLE_PERMISSIONS):
        raise unsupported(f"HAS_PERMS_BY_NAME of permission {wanted} on {thing.name}")
    return of_object(database, thing)


def _type(frame: Frame, parts: tuple[str, ...], wanted: str) -> Securable | None:
    database = frame.session.current if 1 <= len(parts) <= 2 else None
    alias = database.types.get(parts[-1].casefold()) if database else None
    wrong_schema = alias and len(parts) == 2 and parts[0].casefold() != alias.schema.casefold()
    if alias is None or wrong_schema or alias not in visibility.types(frame.session, database):
        return None
    return of_type(database, alias)


def _database_of(frame: Frame, parts: tuple[str, ...]) -> Database | None:
    """The database of an object's name, if the session may enter it."""
    if not 1 <= len(parts) <= 3:
        return None
    if len(parts) < 3 or not parts[0]:
        return frame.session.current
    found = frame.session.engine.find_database(parts[0])
    if found is None or permissions.user_in(frame.session, found) is None:
        return None
    locking.wait_for_names(frame.session, found)
    return found


_FIND = {DATABASE: _database, LOGIN: _login, SCHEMA: _schema, OBJECT: _object, TYPE: _type}


def has_access(frame: Frame, name: str | None) -> int | None:
    """HAS_DBACCESS: whether the session may enter, and can now; NULL if there is no such database."""
    session = frame.session
    database = None if name is None else session.engine.find_database(name)
    if database is None:
        return None
    may_enter = permissions.user_in(session, permissions.settled_rights(session, database)) is not None
    return int(may_enter and database_use.refusal(session.engine, database, session.login_name, session) is None)


def login_name(frame: Frame, *sid: bytes | None) -> str | None:
    """SUSER_SNAME, also of an account of Windows without a login."""
    if not sid:
        return frame.session.login_name
    if sid[0] is None:
        return None
    engine = frame.session.engine
    found = engine.security.login_with(sid[0])
    return found.name if found else windows_accounts.name_of(engine, sid[0])


def login_sid(frame: Frame, *name: str | None) -> bytes | None:
    """SUSER_SID; server roles have sids too, and accounts of Windows without a login."""
    if not name:
        return frame.session.principal.sid
    if name[0] is None:
        return None
    engine = frame.session.engine
    found = engine.security.find(name[0])
    if found:
        return found.sid
    account = windows_accounts.find(engine, name[0])
    return windows_accounts.sid_of(account) if account else None


def user_name(frame: Frame) -> str | None:
    """USER_NAME."""
    user = permissions.user_in(frame.session, frame.session.current)
    return user.name if user else None


def is_server_role_member(frame: Frame, role: str | None, *login: str | None) -> int | None:
    """IS_SRVROLEMEMBER: of the membership itself, not of what it would allow."""
    security = frame.session.engine.security
    of = None if role is None else security.find(role)
    if of is None or not of.is_role:
        return None
    if of.principal_id not in (SERVER_PUBLIC, SYSADMIN, DBCREATOR):
        raise unsupported(f"IS_SRVROLEMEMBER({role!r})")
    who = frame.session.principal
    if login:
        who = None if login[0] is None else security.login(login[0])
        if who is None or who not in visibility.logins(frame.session):
            return None
    return int(of.principal_id == SERVER_PUBLIC or (of.principal_id, who.principal_id) in security.members)


def is_member(frame: Frame, role: str | None) -> int | None:
    """IS_MEMBER, of a role of the current database."""
    locking.wait_for_names(frame.session, frame.session.current)
    security = frame.session.current.security
    of = None if role is None else security.find(role)
    user = permissions.user_in(frame.session, frame.session.current)
    if of is None or user is None or not of.is_role:
        return None
    return int(of.principal_id == PUBLIC or of.principal_id in security.roles_of(user.principal_id))
