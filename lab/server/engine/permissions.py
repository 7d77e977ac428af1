"""Who may do what: `may` answers, the others ask it and raise what SQL Server says.

A permission is there if it, or one that includes it, was granted to the login, to its user in the database, or to a
role of either, and none of them was denied. Members of sysadmin, and in a database its owner, may do everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lab.server.engine import locking
from lab.server.engine.database import AliasType, Database, Procedure
from lab.server.engine.permission_rules import FIXED_ROLE_GRANTS, LOGIN, SERVER, including
from lab.server.engine.principals import DB_OWNER, DBO, DENY, GRANT, GUEST, PUBLIC, SERVER_PUBLIC, Principal
from lab.server.engine.securables import CLASSES, THE_SERVER, Securable, of_database, of_object, of_schema, of_type
from lab.server.engine.storage import Table
from lab.server.errors import Reach, SqlError

GUESTS_ENTER = ("master", "msdb", "tempdb")


@dataclass
class Rights:
    """What a session was found to be allowed; good as long as no definition or permission changes."""

    version: int = -1
    found: dict[tuple[str, Securable], str | None] = field(default_factory=dict)


def may(session: Any, permission: str, securable: Securable) -> bool:
    """Whether the session's login has a permission of `permission_rules` on something."""
    return session.principal.is_sysadmin or _state(session, permission, securable) == GRANT


def is_denied(session: Any, permission: str, securable: Securable) -> bool:
    """Whether the session's login has been denied it, which is more than not to have it."""
    return not session.principal.is_sysadmin and _state(session, permission, securable) == DENY


def _state(session: Any, permission: str, securable: Securable) -> str | None:
    rights, version = session.rights, session.engine.schema_version
    if rights.version != version:
        rights.version = version
        rights.found.clear()
    key = (permission, securable)
    if key not in rights.found:
        rights.found[key] = _judge(session, permission, securable)
    return rights.found[key]


def _judge(session: Any, permission: str, securable: Securable) -> str | None:
    database, server = securable.database, session.engine.security
    grantees = _server_identity(session)
    in_database: frozenset[int] = frozenset()
    if database is not None:
        user = _user(session, database)
        if user is not None and user.principal_id == DBO:
            return GRANT
        in_database = _identity(database, user)
    granted = False
    for kind, name in including(securable.kind, permission):
        on_server = kind in (SERVER, LOGIN)
        grants, ids = (server.grants, grantees) if on_server else (database.security.grants, in_database)
        for id_ in ids:
            state = grants.get((CLASSES[kind], securable.id_of(kind), id_, name))
            if state == DENY:
                return DENY
            granted = granted or state is not None or (kind, name) in FIXED_ROLE_GRANTS.get(id_, ())
    return GRANT if granted else None


def _server_identity(session: Any) -> frozenset[int]:
    id_ = session.principal.principal_id
    return frozenset({id_, SERVER_PUBLIC, *session.engine.security.roles_of(id_)})


def _identity(database: Database, user: Principal | None) -> frozenset[int]:
    if user is None:
        return frozenset()
    return frozenset({user.principal_id, PUBLIC, *database.security.roles_of(user.principal_id)})


def _user(session: Any, database: Database) -> Principal | None:
    """Who the login is in a database, whether or not it may connect to it."""
    security = database.security
    if session.principal.is_sysadmin:
        return security.principals[DBO]
    user = security.user_with(session.principal.sid)
    if user is None and (database.name in GUESTS_ENTER or may(session, "CONNECT ANY DATABASE", THE_SERVER)):
        return security.principals[GUEST]
    return user


def user_in(session: Any, database: Database) -> Principal | None:
    """Who the session is in a database; None if it may not enter."""
    user = _user(session, database)
    if user is None or user.principal_id in (DBO, GUEST) or may(session, "CONNECT", of_database(database)):
        return user
    return None


def settled_rights(session: Any, database: Database) -> Database:
    """The database, when nobody's change of the rights in it is uncommitted; an administrator need not wait."""
    if not session.principal.is_sysadmin:
        locking.wait_for_changed_names(session, database)
    return database


def require_access(session: Any, database: Database) -> None:
    """Raises 916 if the session may not enter a database."""
    if user_in(session, settled_rights(session, database)) is None:
        raise no_access(session, database)


def no_access(session: Any, database: Database) -> SqlError:
    """916."""
    text = (
        f'The server principal "{session.login_name}" is not able to access the database "{database.name}" under'
        " the current security context."
    )
    return SqlError(916, text, severity=14, reach=Reach.BATCH)


def is_owner(session: Any, database: Database) -> bool:
    """Whether the session is a member of db_owner."""
    user = user_in(session, database)
    return user is not None and DB_OWNER in database.security.roles_of(user.principal_id)


def require(session: Any, permission: str, securable: Securable, refusal: SqlError) -> None:
    """Raises the refusal if the session lacks a permission."""
    if not may(session, permission, securable):
        raise refusal


# Rows and procedures

Need = tuple[str, Table | Database]
"""What a bound statement needs: a permission on a table, or CONNECT to a database."""


def check_needs(frame: Any, needs: tuple[Need, ...]) -> None:
    """Raises 229 or 916, unless the statement may be run by whoever runs it."""
    for permission, thing in needs:
        if isinstance(thing, Database):
            require_access(frame.session, thing)
        else:
            require_object(frame.session, frame.code, permission, thing)


def require_object(session: Any, code: Any, permission: str, thing: Table | Procedure) -> None:
    """Raises 229 unless the session has the permission, or `code` is of a procedure in one chain with the object."""
    if session.principal.is_sysadmin:
        return
    database = session.engine.database_by_id(thing.database_id)
    if (code is not None and _chained(session, code, database, thing)) or may(
        session, permission, of_object(database, thing)
    ):
        return
    text = (
        f"The {permission} permission was denied on the object '{thing.name}', database '{database.name}', schema"
        f" '{thing.schema}'."
    )
    raise SqlError(229, text, severity=14, state=5)


def _chained(session: Any, code: Any, database: Database, thing: Table | Procedure) -> bool:
    procedure = code.procedure
    if procedure is None or _owner(procedure) != _owner(thing):
        return False
    own = session.engine.database_by_id(procedure.database_id)
    if own is database:
        return True
    chaining = own.settings.db_chaining and database.settings.db_chaining
    return chaining and _owner(thing) == DBO and own.security.owner_sid == database.security.owner_sid


def _owner(thing: Table | Procedure) -> int:
    """Objects belong to the owner of their schema."""
    return GUEST if thing.schema.casefold() == "guest" else DBO


# Definitions and the server


def require_create(session: Any, statement: str, database: Database) -> None:
    """Raises 262 unless the session has the permission that is called as the statement, like CREATE TABLE."""
    text = f"{statement} permission denied in database '{database.name}'."
    require(session, statement, of_database(database), SqlError(262, text, severity=14))


def may_drop(session: Any, database: Database, thing: Table | Procedure) -> bool:
    """Whether the session may drop a table or procedure."""
    on_schema = may(session, "ALTER", of_schema(database, thing.schema))
    return on_schema or may(session, "CONTROL", of_object(database, thing))


def may_drop_type(session: Any, database: Database, alias: AliasType) -> bool:
    """Whether the session may drop an alias type."""
    on_schema = may(session, "ALTER", of_schema(database, alias.schema))
    return on_schema or may(session, "CONTROL", of_type(database, alias))


def require_server_state(session: Any) -> None:
    """Raises 300 unless the session may look at what the server does."""
    text = "VIEW SERVER STATE permission was denied on object 'server', database 'master'."
    require(session, "VIEW SERVER STATE", THE_SERVER, SqlError(300, text, severity=14))


def require_kill(session: Any) -> None:
    """Raises 6102 unless the session may end others."""
    refusal = SqlError(6102, "User does not have permission to use the KILL statement.", severity=14)
    require(session, "ALTER ANY CONNECTION", THE_SERVER, refusal)


def not_permitted() -> SqlError:
    """15247."""
    return SqlError(15247, "User does not have permission to perform this action.")


def require_sysadmin(session: Any) -> None:
    """Raises 15247 unless the login belongs to sysadmin, as sp_procoption asks."""
    if not session.principal.is_sysadmin:
        raise not_permitted()
