"""Where to connect, and as whom."""

from __future__ import annotations

from dataclasses import dataclass, field

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

    @property
    def instance(self) -> str:
        """The instance of `host\\instance`, whose port SQL Server Browser knows; empty for the default instance."""
        return self.host.partition("\\")[2]

    @property
    def address(self) -> str:
        """How messages name the server."""
        return self.host if self.instance else f"{self.host}:{self.port}"
