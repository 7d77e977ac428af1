"""Changing logins, users, roles and permissions so that a rollback undoes it and the log is told.

`database` is None for what is the server's. That cannot change within BEGIN TRANSACTION: nothing would keep others from
seeing it before it is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import locking, security_log
from lab.server.engine.binder import Binder
from lab.server.engine.database import Database
from lab.server.engine.definition import change_schema, definition
from lab.server.engine.frames import Frame, Run
from lab.server.engine.log import Record
from lab.server.engine.names import NameSpace
from lab.server.engine.principals import DatabaseSecurity, Principal, ServerSecurity
from lab.server.errors import SqlError, unsupported

Define = Callable[[Any, NameSpace, Any], None]


def server_definition(statement: str, define: Define) -> Callable[[Binder, Any], Run]:
    """A statement about the server, as the binder wants it."""
    bind_definition = definition(define)

    def bind(binder: Binder, node: Any) -> Run:
        run = bind_definition(binder, node)

        def run_alone(frame: Frame) -> None:
            refuse_in_transaction(frame.session, statement)
            run(frame)

        return run_alone

    return bind


def refuse_in_transaction(session: Any, statement: str) -> None:
    """Raises "not supported" within BEGIN TRANSACTION."""
    if session.transaction_count:
        raise unsupported(f"{statement} in a transaction")


def missing(verb: str, what: str, name: str) -> SqlError:
    """15151, as in: Cannot drop the user 'u'."""
    text = f"Cannot {verb} the {what} '{name}', because it does not exist or you do not have permission."
    return SqlError(15151, text)


def special_principal(name: str) -> SqlError:
    """15405."""
    return SqlError(15405, f"Cannot use the special principal '{name}'.")


def put_principal(session: Any, database: Database | None, principal: Principal) -> None:
    """Add a login, user or role."""
    security = _security(session, database)
    security.put(principal)
    step = security_log.principal_step(database, principal)
    _tell(session, database, lambda: security.remove(principal), step)


def remove_principal(session: Any, database: Database | None, principal: Principal) -> None:
    """Drop a login, user or role."""
    security = _security(session, database)
    members, grants = security.members, security.grants
    security.remove(principal)

    def undo() -> None:
        security.put(principal)
        security.members, security.grants = members, grants

    _tell(session, database, undo, security_log.drop_principal_step(database, principal))


def set_member(session: Any, database: Database | None, role: Principal, member: Principal, belongs: bool) -> None:
    """ADD MEMBER of one that is none yet, or DROP MEMBER."""
    security = _security(session, database)
    ids = role.principal_id, member.principal_id
    security.set_member(*ids, belongs)
    step = security_log.member_step(database, *ids, belongs)
    _tell(session, database, lambda: security.set_member(*ids, not belongs), step)


def set_grant(session: Any, database: Database | None, key: tuple[int, int, int, str], state: str | None) -> None:
    """GRANT, DENY, or (None) REVOKE."""
    security = _security(session, database)
    before = security.grants.get(key)
    if before == state:
        return
    security.set_grant(key, state)
    step = security_log.grant_step(database, key, state)
    _tell(session, database, lambda: security.set_grant(key, before), step)


def set_owner(session: Any, database: Database, sid: bytes) -> None:
    """Make a login the owner of a database."""
    locking.lock_names(session, database)
    before = database.security.owner_sid
    database.security.set_owner(sid)
    step = security_log.owner_step(database)
    change_schema(session, lambda: database.security.set_owner(before), database, step)


def set_password(session: Any, login: Principal, password: Any) -> None:
    """Give a login another password."""
    before, login.password = login.password, password

    def undo() -> None:
        login.password = before

    _tell(session, None, undo, security_log.principal_step(None, login))


def set_sid(session: Any, database: Database, user: Principal, sid: bytes) -> None:
    """Give a user another login."""
    _security(session, database)
    before, user.sid = user.sid, sid

    def undo() -> None:
        user.sid = before

    _tell(session, database, undo, security_log.principal_step(database, user))


def _security(session: Any, database: Database | None) -> ServerSecurity | DatabaseSecurity:
    if database is None:
        return session.engine.security
    if database.name == "model":  # a new database would have to begin with it
        raise unsupported("users and permissions in model")
    locking.lock_names(session, database)
    return database.security


def _tell(session: Any, database: Database | None, undo: Callable[[], None], step: Record) -> None:
    change_schema(session, undo, database or session.engine.find_database("master"), step)
