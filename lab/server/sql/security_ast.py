"""The nodes of statements about logins, users, roles and permissions."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.server.sql.ast import Literal, Node, ObjectName, Variable


@dataclass(frozen=True)
class CreateLogin(Node):
    """With a password, or (`windows`) of an account of Windows, without one; `sid` is None if it is not written."""

    name: str
    password: str = field(repr=False)
    check_policy: bool = True
    sid: bytes | None = None
    windows: bool = False


@dataclass(frozen=True)
class AlterLogin(Node):
    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class DropLogin(Node):
    name: str


@dataclass(frozen=True)
class AlterServerRole(Node):
    """`adds` says whether it is ADD MEMBER or DROP MEMBER."""

    role: str
    member: str
    adds: bool


@dataclass(frozen=True)
class CreateUser(Node):
    name: str
    login: str


@dataclass(frozen=True)
class AlterUser(Node):
    """ALTER USER name WITH LOGIN = login."""

    name: str
    login: str


@dataclass(frozen=True)
class DropUser(Node):
    name: str


@dataclass(frozen=True)
class CreateRole(Node):
    name: str


@dataclass(frozen=True)
class DropRole(Node):
    name: str


@dataclass(frozen=True)
class AlterRole(Node):
    """As AlterServerRole, in the current database."""

    role: str
    member: str
    adds: bool


@dataclass(frozen=True)
class AlterAuthorization(Node):
    """ALTER AUTHORIZATION ON DATABASE::database TO login."""

    database: str
    login: str


@dataclass(frozen=True)
class ChangePermissions(Node):
    """GRANT, DENY or REVOKE (`verb`) of permissions, their words with one blank between them.

    `kind` is DATABASE, SCHEMA, OBJECT, TYPE or LOGIN if ON is written; without ON the permissions say what they are on.
    """

    verb: str
    permissions: tuple[str, ...]
    kind: str | None
    name: ObjectName | None
    grantees: tuple[str, ...]


@dataclass(frozen=True)
class ExecuteAs(Node):
    """EXECUTE AS LOGIN = login."""

    login: Literal | Variable


@dataclass(frozen=True)
class Revert(Node):
    """REVERT."""
