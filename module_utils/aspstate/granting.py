"""Giving the applications' logins what they need and no more, and taking it away again.

Which statement needs which right: the Permissions section of its page in
https://learn.microsoft.com/sql/t-sql/statements/statements
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from .errors import Refused
from .grant_wishes import FIXED_ROLES, OURS, GrantChoices
from .grants import Account, Grants, describe, wanted
from .plan import Drift, Plan, Step, apply, run_step
from .principals import DENY, Permission
from .rights import Right
from .server import Server

# These statements take no variables. QUOTENAME makes any name a safe identifier, and doubled quotes any text a safe
# string; the words of a permission are SQL Server's own.
_CREATE_LOGIN = """
DECLARE @create nvarchar(max) = N'CREATE LOGIN ' + QUOTENAME(%(login)s)
    + N' WITH PASSWORD = N''' + REPLACE(%(password)s, N'''', N'''''') + N''''
EXEC (@create)
"""
_CREATE_WINDOWS_LOGIN = """
DECLARE @create nvarchar(400) = N'CREATE LOGIN ' + QUOTENAME(%(login)s) + N' FROM WINDOWS'
EXEC (@create)
"""
_CREATE_ROLE = "DECLARE @create nvarchar(400) = N'CREATE ROLE ' + QUOTENAME(@role) EXEC (@create)"
_DROP_ROLE = "DECLARE @drop nvarchar(400) = N'DROP ROLE ' + QUOTENAME(@role) EXEC (@drop)"
_CREATE_USER = """
DECLARE @create nvarchar(800) = N'CREATE USER ' + QUOTENAME(@user) + N' FOR LOGIN ' + QUOTENAME(@login)
EXEC (@create)
"""
_ALTER_USER = """
DECLARE @alter nvarchar(800) = N'ALTER USER ' + QUOTENAME(@user) + N' WITH LOGIN = ' + QUOTENAME(@login)
EXEC (@alter)
"""
_DROP_USER = "DECLARE @drop nvarchar(400) = N'DROP USER ' + QUOTENAME(@user) EXEC (@drop)"
_LET_CONNECT = "DECLARE @grant nvarchar(400) = N'GRANT CONNECT TO ' + QUOTENAME(@user) EXEC (@grant)"
_ADD_MEMBER = """
DECLARE @add nvarchar(800) = N'ALTER ROLE ' + QUOTENAME(@role) + N' ADD MEMBER ' + QUOTENAME(@user)
EXEC (@add)
"""
_DROP_MEMBER = """
DECLARE @drop nvarchar(800) = N'ALTER ROLE ' + QUOTENAME(@role) + N' DROP MEMBER ' + QUOTENAME(@user)
EXEC (@drop)
"""
_GRANT = """
DECLARE @grant nvarchar(1000) = N'GRANT ' + @permission + N' ON OBJECT::dbo.' + QUOTENAME(@object)
    + N' TO ' + QUOTENAME(@role)
EXEC (@grant)
"""
_REVOKE = """
DECLARE @on nvarchar(800) = CASE @kind
    WHEN N'DATABASE' THEN N''
    WHEN N'SCHEMA' THEN N' ON SCHEMA::' + QUOTENAME(@schema)
    ELSE N' ON OBJECT::' + QUOTENAME(@schema) + N'.' + QUOTENAME(@object)
END
DECLARE @revoke nvarchar(max) = N'REVOKE ' + @permission + @on + N' FROM ' + QUOTENAME(@user)
    + CASE WHEN @state = N'GRANT_WITH_GRANT_OPTION' THEN N' CASCADE' ELSE N'' END
EXEC (@revoke)
"""


def plan_present(current: Grants, choices: GrantChoices) -> Plan:
    """What is missing, and with `exclusive` away with what is more. Raises Refused where that must not be."""
    _refuse_foreign_role(current, choices)
    _refuse_chain(current, choices)
    desired = wanted(current, choices)
    steps = (
        *_login_steps(current),
        *_role_steps(current, desired),
        *(step for account in desired.accounts for step in _user_steps(current, account)),
        *_exclusive_steps(current, desired),
    )
    return Plan(describe(current, choices), describe(desired, choices), steps)


def plan_absent(current: Grants, choices: GrantChoices) -> Plan:
    """Away with the role, and all its members' rights by it. Logins and users stay: they may be used elsewhere."""
    if current.role_exists:
        _refuse_foreign_role(current, choices)
    gone = replace(
        current,
        role_exists=False,
        granted=(),
        members=(),
        role_roles=(),
        accounts=tuple(
            replace(each, roles=tuple(role for role in each.roles if role != current.role)) for each in current.accounts
        ),
    )
    steps: tuple[Step, ...] = ()
    if current.role_exists:
        steps = tuple(_drop_member(current, current.role, name) for name in current.members)
        steps += (_step(current, f"drop role {current.role}", _DROP_ROLE, {"role": current.role}, "ALTER ANY ROLE"),)
    return Plan(describe(current, choices), describe(gone, choices), steps)


def apply_present(server: Server, current: Grants, plan: Plan, passwords: Mapping[str, str]) -> None:
    """Run the steps; `passwords` by login. Raises Refused where there is nothing yet to grant rights on."""
    if not current.exists:
        raise Refused(
            f"database {current.database}: {server.address} has none of that name, so nobody can be given rights in "
            "it; nothing was changed; run playbooks/site.yml, which installs it first"
        )
    if current.missing:
        missing = ", ".join(f"dbo.{name}" for name in current.missing)
        raise Refused(
            f"database {current.database} lacks {missing}, on which rights are to be granted; nothing was changed; run "
            "playbooks/site.yml, which installs that first"
        )

    def run(server: Server, step: Step) -> None:
        if step.statement is _CREATE_LOGIN:  # the password is in no plan
            step = replace(step, values={**step.values, "password": passwords[step.values["login"]]})
        run_step(server, step)

    apply(server, plan, run)


def _refuse_foreign_role(current: Grants, choices: GrantChoices) -> None:
    """A role of this project has nothing but rights on session state; one without any has no members of others."""
    foreign = [str(each) for each in current.granted if each.key not in OURS]
    foreign += [f"membership in {name}" for name in current.role_roles]
    if not any(each.key in OURS for each in current.granted):
        ours = {each.user for each in current.accounts}
        foreign += [f"member {name}" for name in current.members if name not in ours]
    if foreign and not choices.exclusive:
        raise Refused(
            f"role {current.role} in database {current.database} was not made for session state alone: it has "
            f"{', '.join(foreign)}; nothing was changed; give another name in aspstate_grants_role, or take that from "
            "it with aspstate_grants_exclusive: true"
        )


def _refuse_chain(current: Grants, choices: GrantChoices) -> None:
    makers = [f"{each.user} (login {each.name}) {each.maker}" for each in current.accounts if each.maker]
    if makers and choices.manage_ownership_chain:
        raise Refused(
            f"manage_ownership_chain: in database {current.database} user {'; user '.join(makers)}, and so could put "
            "procedures there that reach whatever sa owns in any database with DB_CHAINING; nothing was changed; take "
            "that away first (aspstate_grants_exclusive: true, in a run with aspstate_manage_ownership_chain: false)"
        )


def _login_steps(current: Grants) -> Iterator[Step]:
    for account in current.accounts:
        if not account.login:
            windows = "\\" in account.name
            yield Step(
                f"create login {account.name}{' from Windows' if windows else ''}",
                _CREATE_WINDOWS_LOGIN if windows else _CREATE_LOGIN,
                {"login": account.name},
                rights=(Right("ALTER ANY LOGIN"),),
                drift=(Drift("ASP306", f"login {account.name}", "present", "absent"),),
            )


def _role_steps(current: Grants, desired: Grants) -> Iterator[Step]:
    if not current.role_exists:
        values, drift = {"role": current.role}, _of_role(current, "present", "absent")
        yield _step(current, f"create role {current.role}", _CREATE_ROLE, values, "CREATE ROLE", drift=drift)
    have = {each.key for each in current.granted if each.state != DENY}
    for each in desired.granted:
        if each.key not in have and each.state != DENY:
            values = {"permission": each.permission, "object": each.name, "role": current.role}
            rights = (Right("CONTROL", "SCHEMA", "dbo", current.database),)
            drift = _of_role(current, "has it", "lacks it", f"{each} of " if current.role_exists else "")
            yield _step(current, f"grant {each} to role {current.role}", _GRANT, values, rights=rights, drift=drift)


def _of_role(current: Grants, expected: str, found: str, what: str = "") -> Drift:
    return Drift("ASP307", f"{what}role {current.role} in database {current.database}", expected, found)


def _user_steps(current: Grants, account: Account) -> Iterator[Step]:
    now = next(each for each in current.accounts if each.name == account.name)
    user, names = account.user, {"user": account.user, "login": account.name}
    where = f"database {current.database}"
    if account.is_owner:
        return
    if not now.user:
        sentence, drift = f"create user {user} for login {account.name}", _of(account, f"user in {where}", "no user")
        yield _step(current, sentence, _CREATE_USER, names, "ALTER ANY USER", drift=drift)
    elif now.orphan:
        drift = Drift("ASP304", f"login {account.name}", f"user {user} is this login's", "an orphaned user")
        yield _step(current, f"give user {user} the login {account.name}", _ALTER_USER, names, "CONTROL", drift=drift)
    if now.user and not now.connects:
        drift = _of(account, f"CONNECT in {where}", "no CONNECT")
        yield _step(current, f"grant CONNECT to user {user}", _LET_CONNECT, {"user": user}, "CONTROL", drift=drift)
    if current.role not in now.roles:
        values, sentence = {"role": current.role, "user": user}, f"add user {user} to role {current.role}"
        drift = _of(account, f"member of role {current.role}", "no user")
        if now.user:
            drift = Drift("ASP307", f"user {user} in {where}", f"member of role {current.role}", "no member")
        yield _step(current, sentence, _ADD_MEMBER, values, "ALTER ANY ROLE", drift=drift)


def _of(account: Account, expected: str, found: str) -> Drift:
    return Drift("ASP306", f"login {account.name}", expected, found)


def _exclusive_steps(current: Grants, desired: Grants) -> Iterator[Step]:
    kept = {each.key for each in desired.granted}
    for each in current.granted:
        if each.key not in kept:
            yield _revoke(current, each, f"role {current.role}", current.role, _more(current, str(each)))
    for name in current.role_roles:
        if name not in desired.role_roles:
            yield _drop_member(current, name, current.role, _more(current, f"member of database role {name}"))
    for name in current.members:
        if name not in desired.members:
            yield _drop_member(current, current.role, name, _more(current, f"member {name}"))
    for now, then in zip(current.accounts, desired.accounts, strict=True):
        yield from _exclusive_user_steps(current, now, then)


def _exclusive_user_steps(current: Grants, now: Account, then: Account) -> Iterator[Step]:
    for role in now.roles:
        if role not in then.roles:
            yield _drop_member(current, role, now.user, _more(current, f"database role {role}", now))
    for permission in now.permissions:
        if permission not in then.permissions:
            yield _revoke(current, permission, f"user {now.user}", now.user, _more(current, str(permission), now))
    if now.user_in_tempdb and not then.user_in_tempdb:
        values, rights = {"user": now.user_in_tempdb}, (Right("ALTER ANY USER", "DATABASE", database="tempdb"),)
        sentence = f"drop user {now.user_in_tempdb} in tempdb"
        drift = (Drift("ASP303", f"login {now.name}", "no user in tempdb", f"user {now.user_in_tempdb}"),)
        yield Step(sentence, _DROP_USER, values, "tempdb", "@user sysname", rights, drift)


def _more(current: Grants, found: str, account: Account | None = None) -> Drift:
    """What the role, or the login, has more than it needs."""
    subject = f"login {account.name}" if account else f"role {current.role} in database {current.database}"
    return Drift("ASP302", subject, "nothing else", found)


def _revoke(current: Grants, permission: Permission, whose: str, user: str, drift: Drift) -> Step:
    values = {
        "permission": permission.permission,
        "kind": permission.kind,
        "schema": permission.schema,
        "object": permission.name,
        "state": permission.state,
        "user": user,
    }
    return _step(current, f"revoke {permission} from {whose}", _REVOKE, values, "CONTROL", drift=drift)


def _drop_member(current: Grants, role: str, user: str, drift: Drift | None = None) -> Step:
    """Only an owner of the database may take somebody out of a fixed role."""
    values, sentence = {"role": role, "user": user}, f"take {user} out of role {role}"
    if role not in FIXED_ROLES:
        return _step(current, sentence, _DROP_MEMBER, values, "ALTER ANY ROLE", drift=drift)
    rights = (Right("db_owner", "DATABASE ROLE", database=current.database),)
    return _step(current, sentence, _DROP_MEMBER, values, rights=rights, drift=drift)


def _step(
    current: Grants,
    sentence: str,
    statement: str,
    values: Mapping[str, str],
    right: str = "",
    rights: tuple[Right, ...] = (),
    drift: Drift | None = None,
) -> Step:
    """In the session database; whoever creates that may do anything there."""
    if right:
        rights = (Right(right, "DATABASE", database=current.database),)
    declare = ", ".join(f"@{name} sysname" for name in values)
    rights = rights if current.exists else ()
    return Step(sentence, statement, values, current.database, declare, rights, (drift,) if drift else ())
