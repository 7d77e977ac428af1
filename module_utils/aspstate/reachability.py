"""Why a connection could not be made, and what to do about it.

FreeTDS says "unavailable or does not exist" for nearly everything, so this asks the network itself, and only after a
failure.
"""

from __future__ import annotations

import socket

from .errors import CannotConnect, SqlError
from .login import Login

# https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
_LOGIN_FAILED = 18456

_REMEDIES = {
    _LOGIN_FAILED: "check login_user and login_password; SQL Server's error log has the reason, as the error's state",
    18452: "the login is from a domain that SQL Server does not trust, or it allows Windows logins only",
    18450: "the login is not allowed to connect",
    18486: "the login is locked out",
    18487: "the password has expired",
    18488: "the password must be changed",
}


def cannot_connect(login: Login, error: SqlError) -> CannotConnect:
    """The error for a failed connect: server, cause and remedy."""
    if error.number in _REMEDIES:
        return CannotConnect(
            f"{login.address} refused the login {login.user!r}: {error.text} (error {error.number}); "
            f"{_REMEDIES[error.number]}{_or_the_database(login, error)}"
        )
    return CannotConnect(f"cannot connect to {login.address}: {_network_trouble(login) or _protocol_trouble(error)}")


def _or_the_database(login: Login, error: SqlError) -> str:
    """A database that cannot be opened is error 4060 and then 18456, of which pymssql keeps the latter."""
    if error.number != _LOGIN_FAILED or login.database == "master":
        return ""
    return f"; or database {login.database} does not exist, or this login may not enter it (error 4060)"


def _network_trouble(login: Login) -> str:
    """What the network says of the server; empty where something accepts connections there."""
    if login.instance:
        return _instance_trouble(login)
    try:
        with socket.create_connection((login.host, login.port), timeout=login.login_timeout):
            return ""
    except (socket.gaierror, UnicodeError):
        return f"the name {login.host} cannot be resolved; check login_host and the controller's DNS"
    except ConnectionRefusedError:
        return (
            f"nothing listens on port {login.port}; check login_port, that SQL Server is running and that its "
            "TCP/IP protocol is enabled"
        )
    except TimeoutError:
        return f"no answer within login_timeout, {login.login_timeout} s; check login_host and the firewalls between"
    except OSError as trouble:
        return f"{trouble.strerror}; check login_host and the route to it"


def _instance_trouble(login: Login) -> str:
    host = login.host.partition("\\")[0]
    try:
        socket.getaddrinfo(host, None)
    except (socket.gaierror, UnicodeError):
        return f"the name {host} cannot be resolved; check login_host and the controller's DNS"
    return (
        f"SQL Server Browser on {host} did not tell the port of instance {login.instance} (UDP 1434); "
        "give login_port and the host alone"
    )


def _protocol_trouble(error: SqlError) -> str:
    what = error.text or "the login did not finish"
    return (
        f"something listens there, but the login failed ({what}); check that login_port is SQL Server's and that "
        "both sides agree on login_encrypt"
    )
