"""What keeps the applications from their sessions, and what they may do beyond that, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Finding
from .grant_wishes import GrantChoices
from .grants import Account, Grants, account_extras, role_extras, tempdb_extras
from .properties import Properties, read_properties
from .server import Server
from .tempdb import chain_remarks, read_tempdb

EXTRAS = ("ASP302", "ASP303")
"""Those that are about too much, which `all_extras` has one by one."""

_RUN = "run playbooks/site.yml"


def grant_findings(
    server: Server, grants: Grants, choices: GrantChoices, type_: str, properties: Properties | None = None
) -> list[Finding]:
    """Of a database that is there, with its `properties` where they were read already.

    Raises NotKnown where tempdb cannot be seen, with type temporary.
    """
    if not grants.exists:
        return []
    found = [finding for account in grants.accounts for finding in _of_account(server.address, grants, account)]
    if extras := role_extras(grants, choices):
        subject = f"role {grants.role} in database {grants.database}"
        message = f"it has more than its members' client needs: {', '.join(extras)}"
        found.append(Finding("ASP302", server.address, subject, message, "nothing else", ", ".join(extras)))
    if type_ != "temporary":
        return found
    return found + list(_of_chain(server, grants, properties or read_properties(server, grants.database)))


def undeclared_users(host: str, grants: Grants) -> Iterator[Finding]:
    """Of a database that is session state's alone."""
    for name in grants.others:
        subject, message = f"user {name} in database {grants.database}", "nobody declared it; it is left alone"
        yield Finding("ASP308", host, subject, message, "absent", "present")


def all_extras(grants: Grants, choices: GrantChoices) -> list[str]:
    """A sentence for each thing that the logins, or the role, have beyond what their client needs."""
    found = [f"role {grants.role}: {each}" for each in role_extras(grants, choices)]
    return found + [
        f"login {account.name}: {each}"
        for account in grants.accounts
        for each in (*account_extras(account, grants.role), *tempdb_extras(account))
    ]


def _of_account(host: str, grants: Grants, account: Account) -> Iterator[Finding]:
    subject, database = f"login {account.name}", f"database {grants.database}"
    if account.orphan:
        message = f"user {account.user} in {database} has its name, and the sid of a login that is gone; {_RUN}"
        yield Finding("ASP304", host, subject, message, f"user {account.user} is this login's", "an orphaned user")
    elif why := _why_not_in(account, database):
        yield Finding("ASP306", host, subject, f"it does not get to its sessions: {why}", "access", why)
    elif account.unable:
        lacking = ", ".join(account.unable)
        message = f"its client needs in {database}, and it lacks: {lacking}; {_RUN}"
        yield Finding("ASP301", host, subject, message, "EXECUTE on all that its client calls", lacking)
    if account.user_in_tempdb:
        message = f"it is user {account.user_in_tempdb} in tempdb, until SQL Server starts again"
        yield Finding("ASP303", host, subject, message, "no user in tempdb", f"user {account.user_in_tempdb}")
    if extras := account_extras(account, grants.role):
        message = f"it has more than its client needs: {', '.join(extras)}"
        yield Finding("ASP302", host, subject, message, "nothing else", ", ".join(extras))


def _why_not_in(account: Account, database: str) -> str:
    if not account.login:
        return "there is no such login"
    if account.no_access:
        return account.no_access
    if not account.user:
        return "" if "server role sysadmin" in account.mighty else f"it has no user in {database}"
    return "" if account.connects else f"its user {account.user} has no CONNECT in {database}"


def _of_chain(server: Server, grants: Grants, properties: Properties) -> Iterator[Finding]:
    for remark in chain_remarks(read_tempdb(server), properties):
        subject = f"ownership chain from database {grants.database} to tempdb"
        yield Finding("ASP305", server.address, subject, remark, "an unbroken chain", "a broken chain")
