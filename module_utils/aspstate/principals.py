"""The applications' logins, their users, and the role through which they call the procedures: as they are.

Which view shows what to whom: https://learn.microsoft.com/sql/relational-databases/security/metadata-visibility-configuration
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .catalog import must_see
from .errors import NotKnown
from .server import Server

GRANT, DENY = "GRANT", "DENY"

_LOGIN = """
SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW ANY DEFINITION'), SUSER_SID(%(login)s)

SELECT name, type, sid, is_disabled FROM sys.server_principals WHERE name = %(login)s

SELECT r.name
FROM sys.server_role_members AS m
JOIN sys.server_principals AS r ON r.principal_id = m.role_principal_id
JOIN sys.server_principals AS l ON l.principal_id = m.member_principal_id
WHERE l.name = %(login)s
ORDER BY r.name

SELECT p.permission_name, p.state_desc
FROM sys.server_permissions AS p
JOIN sys.server_principals AS l ON l.principal_id = p.grantee_principal_id
WHERE l.name = %(login)s AND p.class = 100
"""

# What public has on system objects, whose ids are negative, is everybody's.
_INSIDE = """
SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION'), USER_NAME()

SELECT u.principal_id, u.name, u.type, u.sid, CASE WHEN l.sid IS NULL THEN 0 ELSE 1 END
FROM sys.database_principals AS u
LEFT JOIN sys.server_principals AS l ON l.sid = u.sid AND l.type <> 'R'

SELECT role_principal_id, member_principal_id FROM sys.database_role_members

SELECT p.grantee_principal_id, p.state_desc, p.permission_name, p.class_desc, s.name, o.name
FROM sys.database_permissions AS p
LEFT JOIN sys.objects AS o ON p.class = 1 AND o.object_id = p.major_id
LEFT JOIN sys.schemas AS s
    ON (p.class = 1 AND s.schema_id = o.schema_id) OR (p.class = 3 AND s.schema_id = p.major_id)
WHERE p.major_id >= 0

SELECT name FROM sys.objects WHERE schema_id = SCHEMA_ID('dbo') AND type IN ('P', 'U')
"""

_USERS = """
SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION')

SELECT name, sid FROM sys.database_principals WHERE type IN ('S', 'U', 'G') AND principal_id > 4
"""

DBO, PUBLIC = 1, 0
_Rows = list[tuple[Any, ...]]
_REVOCABLE = ("DATABASE", "SCHEMA", "OBJECT_OR_COLUMN")
FIRST_FIXED_ROLE = 16384

# By one of these a permission is had as well.
_INCLUDED_IN = {"EXECUTE": ("EXECUTE", "CONTROL"), "VIEW DEFINITION": ("VIEW DEFINITION", "CONTROL", "SELECT")}


@dataclass(frozen=True, order=True)
class Permission:
    """`kind` is the catalogue's class_desc; `schema` and `name` are empty where the kind has none."""

    permission: str
    kind: str = "OBJECT_OR_COLUMN"
    schema: str = "dbo"
    name: str = ""
    state: str = GRANT

    @property
    def key(self) -> tuple[str, ...]:
        """What it is about, whether it is granted or denied."""
        return (self.permission, self.kind, self.schema, self.name)

    @property
    def is_revocable(self) -> bool:
        """Whether it is on something of which REVOKE is written here."""
        return self.kind in _REVOCABLE and re.fullmatch(r"[A-Z ]+", self.permission) is not None

    def __str__(self) -> str:
        word = "DENY " if self.state == DENY else ""
        where = {"DATABASE": "the database", "SCHEMA": f"schema {self.schema}"}.get(self.kind, "")
        if self.kind == "OBJECT_OR_COLUMN":
            where = f"{self.schema}.{self.name}"
        return f"{word}{self.permission} on {where or self.kind.lower().replace('_', ' ')}"


@dataclass(frozen=True)
class User:
    """A user or role of a database; `type` is S, U or G (SQL, Windows, group), R (role) or another one's letter."""

    id: int
    name: str
    type: str
    sid: bytes | None
    has_login: bool

    @property
    def is_fixed(self) -> bool:
        """Whether it comes with every database."""
        return self.id <= 4 or self.id >= FIRST_FIXED_ROLE

    @property
    def is_orphan(self) -> bool:
        """Whether its login is gone; the sid of a user that never had one is longer."""
        never = self.type == "S" and len(self.sid or b"") != 16
        return self.type in ("S", "U", "G") and not self.is_fixed and not self.has_login and not never


@dataclass(frozen=True)
class Inside:
    """A database: its users and roles, who belongs to which, who has which permission, and what is in schema dbo.

    `own` is the user as whom it was looked at.
    """

    users: tuple[User, ...] = ()
    members: frozenset[tuple[int, int]] = frozenset()
    permissions: dict[int, tuple[Permission, ...]] = field(default_factory=dict)
    objects: frozenset[str] = frozenset()
    own: str = ""

    def named(self, name: str) -> User | None:
        """The user or role of that name; as written, or else but for case."""
        same = [user for user in self.users if user.name.casefold() == name.casefold()]
        return next((user for user in same if user.name == name), same[0] if same else None)

    def of_login(self, sid: bytes | None) -> User | None:
        """The user of the login with that sid."""
        return next((user for user in self.users if user.sid == sid and user.type != "R"), None) if sid else None

    def users_but(self, names: Iterable[str]) -> tuple[str, ...]:
        """The users, no roles, that did not come with the database, but for those of `names` and one's own."""
        known = {*names, self.own}
        users = (user.name for user in self.users if user.type != "R" and not user.is_fixed)
        return tuple(sorted(name for name in users if name not in known))

    def roles_of(self, id_: int) -> tuple[str, ...]:
        """The roles that one belongs to itself."""
        return self._names(role for role, member in self.members if member == id_)

    def members_of(self, id_: int) -> tuple[str, ...]:
        """The members of a role."""
        return self._names(member for role, member in self.members if role == id_)

    def identity(self, id_: int) -> set[int]:
        """A user, and all roles whose permissions it has."""
        found, rest = {id_, PUBLIC}, [id_]
        while rest:
            one = rest.pop()
            new = {role for role, member in self.members if member == one} - found
            found |= new
            rest += new
        return found

    def names_of(self, ids: Iterable[int]) -> set[str]:
        """Their names."""
        return set(self._names(ids))

    def unable(self, user: User, needed: Iterable[Permission]) -> tuple[str, ...]:
        """Those of `needed` that a user does not have by any way, or whose object is missing."""
        ids = self.identity(user.id)
        owner = user.id == DBO or "db_owner" in self.names_of(ids)
        held = [permission for id_ in ids for permission in self.permissions.get(id_, ())]
        return tuple(
            str(each) for each in needed if each.name not in self.objects or not _has(held, each, owner, user.id)
        )

    def _names(self, ids: Iterable[int]) -> tuple[str, ...]:
        wanted = set(ids)
        return tuple(sorted(user.name for user in self.users if user.id in wanted))


def _has(held: list[Permission], needed: Permission, owner: bool, id_: int) -> bool:
    states = {each.state for each in held if _covers(each, needed)}
    return id_ == DBO or (DENY not in states and (owner or bool(states)))


def _covers(held: Permission, needed: Permission) -> bool:
    if held.permission not in _INCLUDED_IN[needed.permission]:
        return False
    if held.kind == "OBJECT_OR_COLUMN":
        return (held.schema, held.name) == (needed.schema, needed.name)
    return held.kind == "DATABASE" or (held.kind == "SCHEMA" and held.schema == needed.schema)


@dataclass(frozen=True)
class ServerLogin:
    """A login by its name; `type` is "" where there is none.

    `no_access` is why it cannot log in, `mighty` what makes it more than an application's; `sid` is also that of an
    account that Windows knows.
    """

    name: str
    type: str = ""
    sid: bytes | None = None
    no_access: str = ""
    mighty: tuple[str, ...] = ()


def read_logins(server: Server, names: Sequence[str]) -> list[ServerLogin]:
    """Each of them, in one round trip. Raises NotKnown where the login that asks may not see those of others."""
    statements = (_LOGIN.replace("%(login)s", f"%(login{number})s") for number in range(len(names)))
    values = {f"login{number}": name for number, name in enumerate(names)}
    sets = server.run("".join(statements), values).sets if names else ()
    return [_login(server, name, *sets[4 * number : 4 * number + 4]) for number, name in enumerate(names)]


def _login(server: Server, name: str, known: _Rows, found: _Rows, roles: _Rows, permissions: _Rows) -> ServerLogin:
    ((may_see, sid),) = known
    if may_see != 1:
        raise NotKnown(
            f"which logins {server.address} has is not known: login {server.user} lacks VIEW ANY DEFINITION; grant it, "
            "or use another login"
        )
    if not found:
        return ServerLogin(name, sid=sid)
    ((stored, type_, stored_sid, disabled),) = found
    states = dict(permissions)
    mighty = [f"server role {role}" for (role,) in roles if role in ("sysadmin", "securityadmin")]
    mighty += ["CONTROL SERVER"] if states.get("CONTROL SERVER", DENY) != DENY else []
    sysadmin = "server role sysadmin" in mighty
    return ServerLogin(
        stored, type_.strip(), stored_sid, _why_no_access(bool(disabled), states, sysadmin), tuple(mighty)
    )


def _why_no_access(disabled: bool, states: dict[str, str], sysadmin: bool) -> str:
    if disabled:
        return "it is disabled"
    if states.get("CONNECT SQL") == DENY:
        return "it is denied CONNECT SQL"
    return "" if sysadmin or "CONNECT SQL" in states else "it lacks CONNECT SQL"


def read_inside(server: Server, database: str) -> Inside:
    """Raises NotKnown where something of it cannot be seen."""
    return _inside(server, database, *server.run_in(database, _INSIDE).sets)


def read_inside_and_tempdb(server: Server, database: str) -> tuple[Inside, dict[bytes, str]]:
    """The same, and the users of tempdb by the sid of their login, who are gone after a restart; in one round trip.

    `database` is "" where there is none yet.
    """
    batches = [(database, _INSIDE)] if database else []
    *of_database, rights, users = server.run_in_turn(*batches, ("tempdb", _USERS)).sets
    inside = _inside(server, database, *of_database) if database else Inside()
    must_see(server, "tempdb", rights)
    return inside, {sid: name for name, sid in users}


def _inside(
    server: Server, database: str, rights: _Rows, users: _Rows, members: _Rows, permissions: _Rows, objects: _Rows
) -> Inside:
    ((may_see, own),) = rights
    must_see(server, database, [(may_see,)])
    found: dict[int, tuple[Permission, ...]] = {}
    for grantee, state, permission, kind, schema, name in permissions:
        held = Permission(permission, kind, schema or "", name or "", state)
        found[grantee] = (*found.get(grantee, ()), held)
    return Inside(
        tuple(User(id_, name, type_.strip(), sid, bool(login)) for id_, name, type_, sid, login in users),
        frozenset((role, member) for role, member in members),
        {grantee: tuple(sorted(set(held))) for grantee, held in found.items()},
        frozenset(name for (name,) in objects),
        own,
    )
