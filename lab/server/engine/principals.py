"""Logins, users and roles, who belongs to what, and what was granted to whom: the data, without any rule."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.server.engine.locks import Lock
from lab.server.engine.passwords import PasswordHash
from lab.server.engine.windows_accounts import AGENT_ACCOUNT, sid_of

ADMINISTRATOR = "sa"
SA_SID = b"\x01"
PUBLIC = 0
"""The id of the role public in a database."""
DBO, GUEST = 1, 2
AGENT_LOGIN, FIRST_LOGIN, FIRST_USER = 256, 257, 5

GRANT, DENY = "GRANT", "DENY"

Grants = dict[tuple[int, int, int, str], str]
"""GRANT or DENY by class, major id, grantee and permission."""


@dataclass(eq=False)
class Principal:
    """A login, user or role; `type` is S (SQL login or user), U (of an account of Windows) or R (role).

    `password` is None for sa, whose comes with the start of the server, and for accounts of Windows.
    """

    name: str
    principal_id: int
    sid: bytes | None
    type: str = "S"
    password: PasswordHash | None = None
    is_sysadmin: bool = False
    """Of a login: whether it may do everything. `ServerSecurity` keeps it true."""

    @property
    def is_role(self) -> bool:
        return self.type == "R"


SERVER_ROLES = {
    "public": 2,
    "sysadmin": 3,
    "securityadmin": 4,
    "serveradmin": 5,
    "setupadmin": 6,
    "processadmin": 7,
    "diskadmin": 8,
    "dbcreator": 9,
    "bulkadmin": 10,
}
SERVER_PUBLIC, SYSADMIN, DBCREATOR = (SERVER_ROLES[name] for name in ("public", "sysadmin", "dbcreator"))

DATABASE_ROLES = {
    "db_owner": 16384,
    "db_accessadmin": 16385,
    "db_securityadmin": 16386,
    "db_ddladmin": 16387,
    "db_backupoperator": 16389,
    "db_datareader": 16390,
    "db_datawriter": 16391,
    "db_denydatareader": 16392,
    "db_denydatawriter": 16393,
}
DB_OWNER = DATABASE_ROLES["db_owner"]
_FIRST_FIXED_ROLE = DB_OWNER
_FIRST_SHIPPED_ROLE = 16_000

_ROLE_SID = bytes.fromhex("010500000000000904000000")


SID_LENGTH = 16
"""Of a login with a password."""


def new_sid() -> bytes:
    """The sid of a new login."""
    return secrets.token_bytes(SID_LENGTH)


def new_role_sid() -> bytes:
    """The sid of a new role of a database."""
    return _ROLE_SID + secrets.token_bytes(16)


@dataclass(eq=False)
class _Principals:
    """Principals by id, members by role, grants."""

    principals: dict[int, Principal] = field(default_factory=dict)
    members: set[tuple[int, int]] = field(default_factory=set)
    """Role and member."""
    grants: Grants = field(default_factory=dict)
    lock: Lock | None = None

    def find(self, name: str) -> Principal | None:
        """A principal by its name."""
        folded = name.casefold()
        return next((one for one in self.principals.values() if one.name.casefold() == folded), None)

    def roles_of(self, principal_id: int) -> set[int]:
        """The roles that it belongs to, without public; also through other roles."""
        found: set[int] = set()
        rest = [principal_id]
        while rest:
            one = rest.pop()
            direct = {role for role, member in self.members if member == one} - found
            found |= direct
            rest += direct
        return found

    def set_member(self, role: int, member: int, belongs: bool) -> None:
        """Put a member into a role, or take it out."""
        (self.members.add if belongs else self.members.discard)((role, member))

    def set_grant(self, key: tuple[int, int, int, str], state: str | None) -> None:
        """Grant, deny, or (None) revoke."""
        if state is None:
            self.grants.pop(key, None)
        else:
            self.grants[key] = state

    def put(self, principal: Principal) -> None:
        """Add a principal."""
        self.principals[principal.principal_id] = principal

    def remove(self, principal: Principal) -> None:
        """Take a principal out, with its memberships and its permissions."""
        id_ = principal.principal_id
        del self.principals[id_]
        self.members = {one for one in self.members if id_ not in one}
        self.grants = {key: state for key, state in self.grants.items() if key[2] != id_}

    def free_id(self, first: int, end: int) -> int:
        """The id for a new principal."""
        return max([first - 1, *(one for one in self.principals if first <= one < end)]) + 1


class ServerSecurity(_Principals):
    """The logins and server roles."""

    def __init__(self) -> None:
        super().__init__()
        self.put(Principal(ADMINISTRATOR, 1, SA_SID))
        self.put(Principal(AGENT_ACCOUNT, AGENT_LOGIN, sid_of(AGENT_ACCOUNT), "U"))
        for name, id_ in SERVER_ROLES.items():
            self.put(Principal(name, id_, bytes([id_]), "R"))
        self.set_member(SYSADMIN, 1, True)
        self.set_member(SYSADMIN, AGENT_LOGIN, True)
        self.set_grant((SERVER_CLASS, 0, SERVER_PUBLIC, "VIEW ANY DATABASE"), GRANT)

    def login(self, name: str) -> Principal | None:
        """A login by its name."""
        found = self.find(name)
        return None if found is None or found.is_role else found

    def login_with(self, sid: bytes) -> Principal | None:
        """A login by its sid."""
        return next((one for one in self.principals.values() if one.sid == sid and not one.is_role), None)

    def free_login_id(self) -> int:
        """The id for a new login."""
        return self.free_id(FIRST_LOGIN, 2**31)

    def remove(self, principal: Principal) -> None:
        """Take a login out; the permissions on it go too, as the next login may get its id."""
        super().remove(principal)
        on_it = (LOGIN_CLASS, principal.principal_id)
        self.grants = {key: state for key, state in self.grants.items() if key[:2] != on_it}

    def set_member(self, role: int, member: int, belongs: bool) -> None:
        super().set_member(role, member, belongs)
        if role == SYSADMIN:
            self.principals[member].is_sysadmin = belongs


class DatabaseSecurity(_Principals):
    """The users and roles of a database, and its owner."""

    def __init__(self) -> None:
        super().__init__()
        self.owner_sid = SA_SID
        self.shipped: set[int] = set()
        """The ids of roles that only msdb has, from the beginning."""
        for principal in _fixed_users():
            self.put(principal)
        for name, id_ in DATABASE_ROLES.items():
            self.put(Principal(name, id_, _ROLE_SID + bytes(12) + id_.to_bytes(4, "little"), "R"))
        self.set_member(DB_OWNER, DBO, True)

    def set_owner(self, sid: bytes) -> None:
        """The login with that sid is dbo."""
        self.owner_sid = self.principals[DBO].sid = sid

    def user_with(self, sid: bytes) -> Principal | None:
        """The user of the login with that sid; dbo is its owner's."""
        if sid == self.owner_sid:
            return self.principals[DBO]
        users = (one for one in self.principals.values() if one.principal_id >= FIRST_USER and not one.is_role)
        return next((one for one in users if one.sid == sid), None)

    def free_user_id(self) -> int:
        """The id for a new user or role."""
        return self.free_id(FIRST_USER, _FIRST_SHIPPED_ROLE)

    def made_here(self) -> Iterable[Principal]:
        """The users and roles that somebody created."""
        ids = (id_ for id_ in self.principals if FIRST_USER <= id_ < _FIRST_FIXED_ROLE and id_ not in self.shipped)
        return [self.principals[id_] for id_ in ids]


def _fixed_users() -> list[Principal]:
    public_sid = bytes.fromhex("01050000000000090400000083741B006749C04BA943C02702F2A762")
    return [
        Principal("public", PUBLIC, public_sid, "R"),
        Principal("dbo", DBO, SA_SID),
        Principal("guest", GUEST, b"\0"),
        Principal("INFORMATION_SCHEMA", 3, None),
        Principal("sys", 4, None),
    ]


DATABASE_CLASS, OBJECT_CLASS, SCHEMA_CLASS, TYPE_CLASS, SERVER_CLASS, LOGIN_CLASS = 0, 1, 3, 6, 100, 101
"""Classes of securables, as the catalog numbers them."""
CLASS_NAMES = {
    DATABASE_CLASS: "DATABASE",
    OBJECT_CLASS: "OBJECT_OR_COLUMN",
    SCHEMA_CLASS: "SCHEMA",
    TYPE_CLASS: "TYPE",
    SERVER_CLASS: "SERVER",
    LOGIN_CLASS: "SERVER_PRINCIPAL",
}
