"""Where to connect, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field

from .errors import Refused

ENCRYPT_CHOICES = ("default", "off", "request", "require")
"""default and request: the login packet, and more where the server demands it; off: nothing; require: everything."""


@dataclass(frozen=True)
class Login:
    """Timeouts are in seconds; query_timeout 0 waits for ever. An empty user means Kerberos."""

    host: str
    port: int = 1433
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = "master"
    encrypt: str = "default"
    login_timeout: int = 15
    query_timeout: int = 300

    def __post_init__(self) -> None:
        """Raises Refused for values that could not work."""
        if not self.host.strip():
            raise Refused("login_host is empty; give the host name or address of the SQL Server instance")
        if not 1 <= self.port <= 65535:
            raise Refused(f"login_port is {self.port}; a TCP port is from 1 to 65535")
        if self.login_timeout < 1:
            raise Refused(f"login_timeout is {self.login_timeout}; give the seconds to wait, at least 1")
        if self.query_timeout < 0:
            raise Refused(f"query_timeout is {self.query_timeout}; give the seconds to wait, or 0 to wait for ever")

    @property
    def instance(self) -> str:
        """The instance of `host\\instance`, whose port SQL Server Browser knows; empty for the default instance."""
        return self.host.partition("\\")[2]

    @property
    def address(self) -> str:
        """How messages name the server."""
        return self.host if self.instance else f"{self.host}:{self.port}"
