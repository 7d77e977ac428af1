"""Who is in a database, and who may enter it: SINGLE_USER, RESTRICTED_USER, OFFLINE.

Whoever is in a database is let in again; so in SINGLE_USER the one place is nobody's as such: it belongs to the session
that is in the database, and is free when that one leaves.
"""

from __future__ import annotations

from typing import Any

from lab.server.engine.database import Database
from lab.server.engine.database_settings import MULTI_USER, RESTRICTED_USER, SINGLE_USER, Settings
from lab.server.engine.principals import DB_OWNER, DBCREATOR
from lab.server.errors import Reach, SqlError


def users(engine: Any, database: Database, but: Any = None) -> list[Any]:
    """The sessions that are in a database, without one."""
    return [session for session in engine.sessions if session is not but and session.is_in(database)]


def may_enter_restricted(engine: Any, login_name: str, database: Database) -> bool:
    """Whether a login may enter a database in RESTRICTED_USER: db_owner there, dbcreator or sysadmin."""
    login = engine.security.login(login_name)
    if login is None:  # dropped while it is logged in
        return False
    user = database.security.user_with(login.sid)
    owner = user is not None and DB_OWNER in {user.principal_id, *database.security.roles_of(user.principal_id)}
    return owner or login.is_sysadmin or DBCREATOR in engine.security.roles_of(login.principal_id)


def refusal(engine: Any, database: Database, login_name: str, session: Any = None) -> SqlError | None:
    """Why a login, or the session that it has, cannot enter a database now."""
    settings = database.settings
    if settings.online and settings.user_access == MULTI_USER:
        return None
    if session is not None and session.is_in(database):
        return None
    if not settings.online:
        text = f"Database '{database.name}' cannot be opened because it is offline."
        return SqlError(942, text, severity=14, state=4, reach=Reach.BATCH)
    if settings.user_access == SINGLE_USER and users(engine, database, but=session):
        text = f"Database '{database.name}' is already open and can only have one user at a time."
        return SqlError(924, text, severity=14, reach=Reach.BATCH)
    if settings.user_access == RESTRICTED_USER and not may_enter_restricted(engine, login_name, database):
        text = (
            f'The server principal "{login_name}" is not able to access the database "{database.name}" under the'
            " current security context."
        )
        return SqlError(916, text, severity=14, reach=Reach.BATCH)
    return None


def enter(session: Any, database: Database) -> None:
    """Raises 916, 924 or 942 if the session cannot use a database now."""
    refused = refusal(session.engine, database, session.login_name, session)
    if refused:
        raise refused


def in_the_way(session: Any, database: Database, settings: Settings) -> list[Any]:
    """The sessions that must leave before a database can have these settings."""
    others = users(session.engine, database, but=session)
    if not settings.online or settings.user_access == SINGLE_USER:
        return others
    if settings.user_access == RESTRICTED_USER:
        return [one for one in others if not may_enter_restricted(session.engine, one.login_name, database)]
    return []
