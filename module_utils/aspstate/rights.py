"""The rights that a login needs, asked of SQL Server before anything is changed.

Which statement needs which right: the Permissions section of its page in
https://learn.microsoft.com/sql/t-sql/statements/statements
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from .errors import Refused
from .server import Server

_ASK = "HAS_PERMS_BY_NAME(@securable{0}, @class{0}, @permission{0})"
_DECLARE = "@securable{0} nvarchar(260), @class{0} sysname, @permission{0} sysname"
_MEMBER = {"ROLE": "IS_SRVROLEMEMBER(@permission{0})", "DATABASE ROLE": "IS_MEMBER(@permission{0})"}


@dataclass(frozen=True)
class Right:
    """A permission, asked in `database` (master: of the whole server where `kind` is SERVER, LOGIN or ROLE).

    `kind` is SERVER, DATABASE, SCHEMA, OBJECT, LOGIN, ROLE or DATABASE ROLE (whose name is `permission`); `securable`
    is the name of the schema, login or object (in schema dbo).
    """

    permission: str
    kind: str = "SERVER"
    securable: str = ""
    database: str = "master"

    def __str__(self) -> str:
        if self.kind == "ROLE":
            return f"membership in {self.permission}"
        if self.kind == "SERVER":
            return self.permission
        if self.kind == "LOGIN":
            return f"{self.permission} on login {self.securable}"
        where = f"database {self.database}"
        if self.kind == "DATABASE ROLE":
            return f"membership in {self.permission} of {where}"
        if self.kind == "OBJECT":
            return f"{self.permission} on dbo.{self.securable} in {where}"
        return f"{self.permission} on {where if self.kind == 'DATABASE' else f'schema {self.securable} of {where}'}"


def missing(server: Server, rights: Iterable[Right]) -> list[Right]:
    """Those of `rights` that the login does not have, or that cannot be asked for; one round trip a database."""
    found: list[Right] = []
    for database, of_database in groupby(sorted(set(rights), key=lambda each: (each.database, str(each))), _database):
        asked = list(of_database)
        expressions = [_MEMBER.get(right.kind, _ASK).format(i) for i, right in enumerate(asked)]
        values: dict[str, Any] = {}
        for i, right in enumerate(asked):
            values |= {
                f"securable{i}": _securable(right),
                f"class{i}": _class(right),
                f"permission{i}": right.permission,
            }
        declare = ", ".join(_DECLARE.format(i) for i in range(len(asked)))
        answers = server.run_in(database, "SELECT " + ", ".join(expressions), declare, values).row
        found += [right for right, answer in zip(asked, answers, strict=True) if answer != 1]
    return found


def demand(server: Server, rights: Iterable[Right]) -> None:
    """Raises Refused that names every right that is missing."""
    if lacking := missing(server, rights):
        raise Refused(
            f"login {server.user} on {server.address} lacks {', '.join(map(str, lacking))}, which this "
            "needs; nothing was changed; grant that, or use another login"
        )


def _database(right: Right) -> str:
    return right.database


def _class(right: Right) -> str | None:
    return None if right.kind == "SERVER" else right.kind


def _securable(right: Right) -> str | None:
    if right.kind == "SERVER":
        return None
    name = right.database if right.kind == "DATABASE" else right.securable
    return ("dbo." if right.kind == "OBJECT" else "") + "[" + name.replace("]", "]]") + "]"
