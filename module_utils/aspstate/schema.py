"""What the session database is to contain: the shipped .sql files as objects, and the shape of the two tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from .errors import Refused
from .tsql import significant


@dataclass(frozen=True)
class Table:
    """A table as lines for people; equal lines mean an equal table."""

    columns: tuple[str, ...]
    key: str = ""
    indexes: tuple[str, ...] = ()


# What CreateTempTables.sql makes. ASP.NET's client needs the names, the types and the key; see docs/contract.md.
TABLES = {
    "ASPStateTempApplications": Table(
        columns=("AppId int NOT NULL", "AppName char(280) NOT NULL"),
        key="AppId",
        indexes=("Index_AppName (AppName)",),
    ),
    "ASPStateTempSessions": Table(
        columns=(
            "SessionId nvarchar(88) NOT NULL",
            "Created datetime NOT NULL DEFAULT getutcdate()",
            "Expires datetime NOT NULL",
            "LockDate datetime NOT NULL",
            "LockDateLocal datetime NOT NULL",
            "LockCookie int NOT NULL",
            "Timeout int NOT NULL",
            "Locked bit NOT NULL",
            "SessionItemShort varbinary(7000) NULL",
            "SessionItemLong varbinary(max) NULL",
            "Flags int NOT NULL DEFAULT 0",
        ),
        key="SessionId",
        indexes=("Index_Expires (Expires)",),
    ),
}


@dataclass(frozen=True)
class Schema:
    """Types and procedures by name, each with its CREATE statement."""

    types: dict[str, str]
    procedures: dict[str, str]


def schema(definitions: Iterable[str]) -> Schema:
    """The objects that `definitions` create, one CREATE TYPE or CREATE PROCEDURE in schema dbo each.

    Raises Refused for anything else, and for two with one name.
    """
    found: dict[str, dict[str, str]] = {"TYPE": {}, "PROCEDURE": {}}
    for definition in definitions:
        kind, name = _head(definition)
        if name in found[kind]:
            raise Refused(f"the schema has {kind} dbo.{name} twice; one file an object")
        found[kind][name] = definition
    return Schema(types=found["TYPE"], procedures=found["PROCEDURE"])


def _head(definition: str) -> tuple[str, str]:
    words = [token.text for token in significant(definition)[:5]]
    if len(words) == 5 and words[0] == "CREATE" and words[1] in ("TYPE", "PROCEDURE") and words[2:4] == ["dbo", "."]:
        return words[1], words[4]
    raise Refused(
        f"the schema has a file that begins with {' '.join(words)!r}; each must be one CREATE TYPE dbo.name or "
        "CREATE PROCEDURE dbo.name"
    )


def base_type(definition: str) -> str:
    """What CREATE TYPE dbo.name FROM ... says after FROM, as `nvarchar(88) NOT NULL`."""
    words = [token.text for token in significant(definition)[6:]]
    return " ".join(words).replace(" ( ", "(").replace(" )", ")")


@lru_cache(maxsize=256)
def normalized(definition: str) -> str:
    """A procedure's text with what does not matter taken out: comments, white space, a last semicolon.

    ALTER and CREATE are one: SQL Server keeps either, by version and by how it was made.
    """
    words = [token.text for token in significant(definition)]
    if words and words[0].upper() in ("CREATE", "ALTER"):
        words[0] = "CREATE"
    if words and words[-1] == ";":
        words.pop()
    return " ".join(words)


def as_alter(definition: str) -> str:
    """CREATE PROCEDURE as ALTER PROCEDURE, which keeps the object's id and its grants."""
    create = significant(definition)[0]
    return f"{definition[: create.start]}ALTER{definition[create.start + len(create.text) :]}"
