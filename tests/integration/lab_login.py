"""A lab server that a test has for itself, to restart it, to make it fail, and to give it logins."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aspstate.login import Login
from aspstate.server import Server, connect

from lab.own_server import OwnServer, own_server

OLDEST = ("--product-version", "11.0.7507.2")
"""SQL Server 2012, the oldest that is supported."""


@dataclass(frozen=True)
class OwnLab:
    """The server, its file of faults, and sa's login."""

    own: OwnServer
    faults: Path
    options: tuple[str, ...]

    @property
    def login(self) -> Login:
        """The login `sa`."""
        return Login(self.own.host, self.own.port, "sa", self.own.home.password())

    def fail(self, **fault: Any) -> None:
        """From the next login on, make this happen (see lab/README.md, "Faults on demand"); nothing ends it."""
        self.faults.write_text(json.dumps([fault] if fault else []))

    def restart(self, *options: str) -> None:
        """Stop and start it."""
        self.own.restart(*self.options, *options)

    def login_with(self, *rights: str) -> Login:
        """A new login with these rights on the server, each as GRANT takes it."""
        name, password = f"aspstate_test_{secrets.token_hex(4)}", secrets.token_hex(16)
        with connect(self.login) as server:
            server.run(
                "DECLARE @create nvarchar(400) = N'CREATE LOGIN ' + QUOTENAME(%(name)s) + N' WITH PASSWORD = N'''"
                " + %(password)s + N''', CHECK_POLICY = OFF' EXEC (@create)",
                {"name": name, "password": password},
            )
            for right in rights:
                server.run(f"GRANT {right} TO {name}")
        return replace(self.login, user=name, password=password)


@contextmanager
def own_lab(*options: str) -> Iterator[OwnLab]:
    """Start it with these options; it is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        faults = Path(folder) / "faults.json"
        with own_server("--fault", str(faults), *options) as own:
            yield OwnLab(own, faults, ("--fault", str(faults), *options))


def let_in(server: Server, login: Login, database: str, *rights: str) -> None:
    """Make `login` a user of a database, with these rights there."""
    server.run_in(database, f"CREATE USER {login.user} FOR LOGIN {login.user}")
    for right in rights:
        server.run_in(database, f"GRANT {right} TO {login.user}")
