"""What session state is to consist of: the shipped .sql files as objects, and the shape of the two tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from .errors import Refused
from .tsql import Token, significant

TYPES = ("temporary", "persisted", "custom")
"""As aspnet_regsql's -sstype and System.Web.Management.SessionStateType: the tables are in tempdb, in a database of
their own, or in a database that is shared with other objects."""

STARTUP = "ASPState_Startup"
"""Of type temporary: the procedure in master that makes the tables in tempdb anew whenever SQL Server starts."""


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

LONG, FORMER_LONG = "varbinary(max) NULL", "image NULL"
"""SessionItemLong, and its type, here and in Microsoft's schemas; image is deprecated, and works."""


@dataclass(frozen=True)
class Schema:
    """Types and procedures of the session database by name, each with its CREATE statement; `startup` is master's."""

    types: dict[str, str]
    procedures: dict[str, str]
    startup: str = ""


def schema(definitions: Iterable[str], type_: str = "persisted") -> Schema:
    """The objects that `definitions` create, one CREATE TYPE or CREATE PROCEDURE in schema dbo each.

    For type temporary the procedures are turned to the tables in tempdb. Raises Refused for anything else, for two
    with one name, and for definitions of another type of session state.
    """
    found: dict[str, dict[str, str]] = {"TYPE": {}, "PROCEDURE": {}}
    for definition in definitions:
        kind, name = _head(definition)
        if name in found[kind]:
            raise Refused(f"the schema has {kind} dbo.{name} twice; one file an object")
        found[kind][name] = definition
    procedures = found["PROCEDURE"]
    startup = procedures.pop(STARTUP, "")
    if procedures and bool(startup) is not (type_ == "temporary"):
        raise Refused(
            f"the schema {'has a' if startup else 'lacks the'} procedure dbo.{STARTUP}, which type temporary has and "
            "no other; give the files of one type, as the role aspstate_database does"
        )
    if type_ == "temporary":
        procedures = {name: in_tempdb(definition) for name, definition in procedures.items()}
    return Schema(found["TYPE"], procedures, startup)


def in_tempdb(definition: str) -> str:
    """The definition with `dbo.<table>` as `tempdb.dbo.<table>`, for the two session tables; nothing else changes."""
    words = significant(definition)
    result = definition
    for before, *name in reversed(list(zip(words, words[1:], words[2:], words[3:], strict=False))):
        if before.text != "." and _is_session_table(name):
            result = f"{result[: name[0].start]}tempdb.{result[name[0].start :]}"
    return result


def _is_session_table(words: Sequence[Token]) -> bool:
    return [word.text for word in words[:2]] == ["dbo", "."] and words[2].text in TABLES


def uses_tempdb(definition: str) -> bool:
    """Whether a procedure keeps its tables in tempdb."""
    named = "tempdb" in definition.lower()
    return named and any(token.text.strip('[]"').lower() == "tempdb" for token in significant(definition))


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
