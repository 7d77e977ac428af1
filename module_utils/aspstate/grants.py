"""What the applications' logins have in the session database, as it is or as it is wanted; and why it cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from .errors import Refused
from .grant_wishes import OURS, GrantChoices, WantedLogin
from .principals import (
    DBO,
    DENY,
    Inside,
    Permission,
    ServerLogin,
    User,
    read_inside,
    read_inside_and_tempdb,
    read_logins,
)
from .server import Server

_CONNECT = ("CONNECT", "DATABASE", "", "")

# Whoever has one of these may put a procedure into the session database.
_MAKING_ROLES = ("db_owner", "db_ddladmin")
_MAKING = frozenset({"ALTER", "ALTER ANY SCHEMA", "CONTROL", "CREATE PROCEDURE"})


@dataclass(frozen=True)
class Account:
    """One login. `user` is its user in the session database, "" where it has none, "dbo" where it owns the database;
    `orphan`: that user has the login's name, and the sid of a login that is gone.

    What is not changed here, and so not compared: `no_access`, why the login cannot log in; `unable`, what its client
    needs and it cannot do; `maker`, by what it may put procedures there.
    """

    name: str
    login: bool = False
    user: str = ""
    orphan: bool = False
    connects: bool = False
    roles: tuple[str, ...] = ()
    permissions: tuple[Permission, ...] = ()
    user_in_tempdb: str = ""
    mighty: tuple[str, ...] = ()
    no_access: str = field(default="", compare=False)
    unable: tuple[str, ...] = field(default=(), compare=False)
    maker: str = field(default="", compare=False)

    @property
    def is_owner(self) -> bool:
        """Whether it owns the database; then it needs nothing, and can be given nothing."""
        return self.user == "dbo"


@dataclass(frozen=True)
class Grants:
    """`granted` is what the role has, `members` are its members; `missing` the objects that are not there.

    `others` are the users of the database that belong to none of the accounts, nor to the login that looks, and did not
    come with it.
    """

    database: str
    role: str
    exists: bool = False
    role_exists: bool = False
    granted: tuple[Permission, ...] = ()
    members: tuple[str, ...] = ()
    role_roles: tuple[str, ...] = ()
    accounts: tuple[Account, ...] = ()
    missing: tuple[str, ...] = field(default=(), compare=False)
    others: tuple[str, ...] = field(default=(), compare=False)


def read_grants(
    server: Server, database: str, exists: bool, choices: GrantChoices, type_: str, *, judge: bool = True
) -> Grants:
    """As it is. Raises NotKnown where something cannot be seen.

    Raises Refused where the role is another thing, and with `judge` also where a login or its user is.
    """
    logins = list(zip(choices.logins, read_logins(server, [each.name for each in choices.logins]), strict=True))
    for wanted, login in logins if judge else ():
        _judge_login(server, wanted, login)
    inside, in_tempdb = Inside(), {}
    if type_ == "temporary":
        inside, in_tempdb = read_inside_and_tempdb(server, database if exists else "")
    elif exists:
        inside = read_inside(server, database)
    role = _the_role(inside, database, choices)
    granted = inside.permissions.get(role.id, ()) if role else ()
    for wanted, login in logins if judge else ():
        if not inside.of_login(login.sid) and (user := inside.named(wanted.name)):
            _judge_user(database, wanted, user)
    accounts = tuple(_account(inside, choices, *each, in_tempdb) for each in logins)
    return Grants(
        database,
        role.name if role else choices.role,
        exists,
        role is not None,
        granted,
        inside.members_of(role.id) if role else (),
        inside.roles_of(role.id) if role else (),
        accounts,
        tuple(each.name for each in choices.needed if exists and each.name not in inside.objects),
        inside.users_but(account.user for account in accounts),
    )


def _judge_login(server: Server, wanted: WantedLogin, login: ServerLogin) -> None:
    if login.sid == b"\1":
        raise Refused(f"login {wanted.name} is sa by another name; an application needs a login of its own")
    if login.type and login.type not in wanted.types:
        kind = "a server role" if login.type == "R" else f"a login of another kind (type {login.type})"
        raise Refused(
            f"login {wanted.name}: on {server.address} that is {kind}, not {wanted.kind}; correct it in "
            "aspstate_grants_logins"
        )
    if not login.type and not wanted.create:
        raise Refused(
            f"login {wanted.name}: {server.address} has none of that name; correct it in aspstate_grants_logins, or "
            "give it create_login: true"
        )
    if not login.type and wanted.is_windows and login.sid is None:
        raise Refused(
            f"login {wanted.name}: Windows does not know it on {server.address}; correct it in aspstate_grants_logins"
        )


def _the_role(inside: Inside, database: str, choices: GrantChoices) -> User | None:
    found = inside.named(choices.role)
    if found and found.type != "R":
        raise Refused(
            f"role {choices.role}: a user of database {database} has that name; give another one in "
            "aspstate_grants_role"
        )
    return found


def _account(
    inside: Inside,
    choices: GrantChoices,
    wanted: WantedLogin,
    login: ServerLogin,
    in_tempdb: dict[bytes, str],
) -> Account:
    account = Account(
        login.name,
        bool(login.type),
        user_in_tempdb=in_tempdb.get(login.sid or b"", ""),
        mighty=login.mighty,
        no_access=login.no_access,
    )
    user = inside.of_login(login.sid) if login.type or wanted.is_windows else None
    orphan = None if user else inside.named(wanted.name)
    user = user or (orphan if orphan and orphan.is_orphan else None)
    if user is None:
        return account
    held = inside.permissions.get(user.id, ())
    sysadmin = "server role sysadmin" in login.mighty
    return replace(
        account,
        user="dbo" if user.id == DBO else user.name,
        orphan=bool(orphan),
        connects=user.id == DBO or sysadmin or any(each.key == _CONNECT and each.state != DENY for each in held),
        roles=() if user.id == DBO else inside.roles_of(user.id),
        permissions=tuple(each for each in held if each.key != _CONNECT),
        unable=() if sysadmin else inside.unable(user, choices.needed),
        maker=_maker(inside, user),
    )


def _judge_user(database: str, wanted: WantedLogin, user: User) -> None:
    """A user who has the login's name without being the login's must be one whose login is gone."""
    why = ""
    if user.type == "R":
        why = "is a role"
    elif user.has_login:
        why = "belongs to another login"
    elif not user.is_orphan:
        why = "was made without a login"
    elif user.type not in wanted.types:
        why = f"is not of {wanted.kind}"
    if why:
        raise Refused(
            f"login {wanted.name}: its user cannot be made, since {user.name} in database {database} {why}; rename "
            "that (ALTER USER ... WITH NAME), or give another login in aspstate_grants_logins"
        )


def _maker(inside: Inside, user: User) -> str:
    ids = inside.identity(user.id)
    if roles := sorted(inside.names_of(ids) & set(_MAKING_ROLES)):
        return f"is in {roles[0]}"
    held = sorted({each.permission for id_ in ids for each in inside.permissions.get(id_, ()) if _makes(each)})
    return f"has {held[0]}" if held else ""


def _makes(held: Permission) -> bool:
    return held.state != DENY and held.kind in ("DATABASE", "SCHEMA") and held.permission in _MAKING


def wanted(current: Grants, choices: GrantChoices) -> Grants:
    """`current` with what the clients need; and nothing more, where that was chosen."""
    needed = choices.needed
    keys = {each.key for each in needed}
    others = () if choices.exclusive else tuple(each for each in current.granted if each.key not in keys)
    have = {each.key: each for each in current.granted if each.state != DENY}
    granted = tuple(sorted((*(have.get(each.key, each) for each in needed), *others)))
    accounts = tuple(_wanted_account(each, current.role, choices) for each in current.accounts)
    members = {each.user for each in accounts if not each.is_owner}
    if not choices.exclusive:
        members |= set(current.members)
    return replace(
        current,
        exists=True,
        role_exists=True,
        granted=granted,
        members=tuple(sorted(members)),
        role_roles=() if choices.exclusive else current.role_roles,
        accounts=accounts,
    )


def _wanted_account(account: Account, role: str, choices: GrantChoices) -> Account:
    in_tempdb = "" if choices.exclusive else account.user_in_tempdb
    if account.is_owner:
        return replace(account, login=True, user_in_tempdb=in_tempdb)
    return replace(
        account,
        login=True,
        user=account.user or account.name,
        orphan=False,
        connects=True,
        roles=(role,) if choices.exclusive else tuple(sorted({role, *account.roles})),
        permissions=tuple(each for each in account.permissions if not (choices.exclusive and each.is_revocable)),
        user_in_tempdb=in_tempdb,
    )


def describe(grants: Grants, choices: GrantChoices) -> str:
    """One side of a diff."""
    lines = [f"role {grants.role} in database {grants.database}: {'present' if grants.role_exists else 'absent'}"]
    lines += [f"  {each}" for each in grants.granted if each.key in OURS and each.state != DENY]
    lines += [f"  more: {each}" for each in role_extras(grants, choices)]
    for account in grants.accounts:
        lines += _account_lines(account, grants.role)
    return "\n".join(lines) + "\n"


def _account_lines(account: Account, role: str) -> Iterator[str]:
    yield f"login {account.name}: {'present' if account.login else 'absent'}"
    if account.user:
        whose = "of a login that is gone" if account.orphan else "of this login"
        yield f"  user {account.user} {whose}, {'may' if account.connects else 'may not'} connect"
    if role in account.roles:
        yield f"  member of role {role}"
    yield from (f"  more: {each}" for each in (*account_extras(account, role), *tempdb_extras(account)))


def role_extras(grants: Grants, choices: GrantChoices) -> list[str]:
    """What the role has more than it needs."""
    keys = {each.key for each in choices.needed}
    ours = {each.user for each in grants.accounts}
    return [
        *(str(each) for each in grants.granted if each.key not in keys or each.state == DENY),
        *(f"member {name}, who is not listed" for name in grants.members if name not in ours),
        *(f"member of database role {name}" for name in grants.role_roles),
    ]


def account_extras(account: Account, role: str) -> list[str]:
    """What a login has more than its client needs, but for what it has in tempdb."""
    owns = ["ownership of the database"] if account.is_owner else []
    roles = [f"database role {name}" for name in account.roles if name != role]
    return [*account.mighty, *owns, *roles, *map(str, account.permissions)]


def tempdb_extras(account: Account) -> list[str]:
    """What it has there."""
    return [f"user {account.user_in_tempdb} in tempdb"] if account.user_in_tempdb else []
