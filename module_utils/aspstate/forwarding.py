"""Procedures of one database that forward to the same ones of another, while session state is converted.

A forwarder has the header of the shipped procedure, and calls the other database's by its three-part name. So whoever
calls needs EXECUTE there, which it needs after the conversion anyway; no ownership chain from database to database
takes part, as procedures would need that reached for the other's tables themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

from .catalog import Contents
from .errors import Refused
from .schema import TABLES, Schema
from .tsql import Token, significant

OTHER = "other"
"""The name of the other database's place in a forwarder, as `Server.run_in` fills it."""

_BODY = """AS
BEGIN
    SET NOCOUNT ON

    -- the sessions are in another database until session state has been converted
    DECLARE @forwarded int = 1
    EXEC @forwarded = [other's].dbo.{procedure}{arguments}
    RETURN @forwarded
END
"""


def session_procedures(schema: Schema) -> list[str]:
    """The procedures that read or change sessions or applications, by name."""
    return [name for name, text in schema.procedures.items() if name != "CreateTempTables" and _uses_tables(text)]


def _uses_tables(definition: str) -> bool:
    return any(word.text in TABLES for word in significant(definition))


def forwarder(definition: str) -> str:
    """CREATE PROCEDURE for a procedure that forwards, from that of the one that does the work."""
    words = significant(definition)
    end = next(at for at, word in enumerate(words) if word.text.upper() == "AS")
    arguments = ", ".join(_argument(parameter) for parameter in _parameters(words[5:end]))
    body = _BODY.format(procedure=words[4].text, arguments=f" {arguments}" if arguments else "")
    return definition[words[0].start : words[end].start] + body


def _parameters(words: Sequence[Token]) -> list[list[str]]:
    """The words of each parameter."""
    found: list[list[str]] = [[]]
    depth = 0
    for word in words:
        depth += {"(": 1, ")": -1}.get(word.text, 0)
        if word.text == "," and depth == 0:
            found.append([])
        else:
            found[-1].append(word.text)
    return [parameter for parameter in found if parameter]


def _argument(parameter: list[str]) -> str:
    name, output = parameter[0], parameter[-1].upper() in ("OUT", "OUTPUT")
    return f"{name} = {name} OUTPUT" if output else f"{name} = {name}"


def forwards_to(definition: str | None) -> str:
    """The database that a procedure forwards to, "" where it is none that forwards."""
    if "@forwarded" not in (definition or ""):
        return ""
    words = [word.text for word in significant(definition)]
    for before, name in zip(zip(words, words[1:], words[2:], strict=False), words[3:], strict=False):
        if before == ("EXEC", "@forwarded", "="):
            return name.removeprefix("[").removesuffix("]")
    return ""


def forwarding(contents: Contents) -> str:
    """The database that procedures of a database forward to, "" where none does."""
    return next(filter(None, (forwards_to(each.definition) for each in contents.procedures.values())), "")


def refuse_forwarding(database: str, contents: Contents) -> None:
    """Raises Refused for a database that takes part in a conversion."""
    if other := forwarding(contents):
        raise Refused(
            f"database {database} forwards to database {other}, since session state is being converted; nothing was "
            "changed; finish that first, or take it back (playbooks/convert.yml)"
        )
