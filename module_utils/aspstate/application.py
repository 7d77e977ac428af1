"""Connections as the application has them: as its own login, or as if by it."""

from __future__ import annotations

from dataclasses import replace

from .errors import Refused, SqlServerError
from .login import Login
from .probe import UNABLE, ProbeFailed
from .rights import Right, demand
from .server import APPLICATION_OPTIONS, Server, connect

_A_LOGIN = "SELECT COUNT(*) FROM sys.server_principals WHERE name = %(login)s AND type <> 'R'"


def connect_as(operator: Server, login: Login, name: str, password: str = "") -> Server:
    """A connection to the database of `login`, the operator's, as login `name`.

    With a password as that login itself; without it over a second connection of the operator's, under EXECUTE AS LOGIN.
    Raises CannotConnect, Refused where the operator may not impersonate, ProbeFailed where the login gets nowhere.
    """
    if password:
        return connect(replace(login, user=name, password=password), APPLICATION_OPTIONS)
    if operator.run(_A_LOGIN, {"login": name}).row == (0,):
        raise Refused(f"as_login: {operator.address} has no login {name!r}, or login {operator.user} may not see it")
    demand(operator, [Right("IMPERSONATE", "LOGIN", name)])
    server = connect(login, APPLICATION_OPTIONS)
    try:
        server.act_as(name)
    except SqlServerError as error:
        server.close()
        raise ProbeFailed(
            f"login {name} does not get into database {login.database}: {error}; the application would only show: "
            f"{UNABLE!r}",
            error.error,
        ) from None
    return server
