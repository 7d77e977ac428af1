"""Adopting session state that Microsoft's scripts made: to the built-in schema in place, while applications use it.

Procedures of 2.0 and 4.x are altered one by one: old and new ones work on the same tables. Those of 1.1 have other
columns, ids and types: there everything is one transaction, in which requests wait. No table with sessions in it is
dropped, and the ids of applications stay, since the keys of sessions end with them.

A type cannot be altered, nor dropped while something uses it: it gets another name, and is dropped under that.
https://learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-rename-transact-sql
https://learn.microsoft.com/sql/t-sql/statements/alter-table-transact-sql
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from .database import Database, some
from .errors import Refused, SqlServerError
from .generation import ASYNC, FIRST, IN_MEMORY, Generation
from .plan import Drift, Step, run_step
from .rights import Right
from .schema import TABLES, Schema, Table, as_alter
from .server import Server

HOW = ("report", "procedures", "full")
"""Tell what `full` would do; the procedures alone; types, columns and indexes too."""

_APPLICATIONS, _SESSIONS = TABLES
_FLAGS = "Flags int NOT NULL DEFAULT 0"
_LINES = {
    "SessionId char(32) NOT NULL": "SessionId nvarchar(88) NOT NULL",
    "SessionItemShort varbinary(7000) NULL (ANSI_PADDING OFF)": "SessionItemShort varbinary(7000) NULL",
    "AppId int NOT NULL IDENTITY": "AppId int NOT NULL",
}
_TYPES = {"tSessionId": "char(32) NOT NULL"}
"""Columns and types as they may be found, and can be converted."""

_WAYS = {
    "Flags": """
ALTER TABLE dbo.ASPStateTempSessions ADD Flags int NOT NULL CONSTRAINT DF_ASPStateTempSessions_Flags DEFAULT (0)
""",
    # a column of a key cannot be altered, and the key's name may be anything
    "SessionId": """
DECLARE @key nvarchar(300) = (
    SELECT N'ALTER TABLE dbo.ASPStateTempSessions DROP CONSTRAINT ' + QUOTENAME(name)
    FROM sys.key_constraints
    WHERE parent_object_id = OBJECT_ID(N'dbo.ASPStateTempSessions') AND type = 'PK')
EXEC (@key)
ALTER TABLE dbo.ASPStateTempSessions ALTER COLUMN SessionId nvarchar(88) NOT NULL
ALTER TABLE dbo.ASPStateTempSessions ADD CONSTRAINT PK_ASPStateTempSessions PRIMARY KEY (SessionId)
""",
    # an altered column has ANSI_PADDING ON
    "SessionItemShort": """
ALTER TABLE dbo.ASPStateTempSessions ALTER COLUMN SessionItemShort varbinary(7000) NULL
""",
    # IDENTITY cannot be taken from a column; CreateTempTables makes the table anew
    "AppId": """
IF EXISTS (SELECT 1 FROM sys.database_permissions
           WHERE class = 1 AND major_id = OBJECT_ID(N'dbo.ASPStateTempApplications'))
BEGIN
    THROW 50000, N'rights were granted on dbo.ASPStateTempApplications itself', 1
END
INSERT #applications (AppId, AppName)
SELECT AppId, LOWER(AppName) FROM dbo.ASPStateTempApplications WITH (TABLOCKX, HOLDLOCK)
DROP TABLE dbo.ASPStateTempApplications
""",
}

# A type is made anew too.
_RENAME = """
IF EXISTS (SELECT 1 FROM sys.database_permissions AS p
           JOIN sys.types AS t ON t.user_type_id = p.major_id
           WHERE p.class = 6 AND t.schema_id = SCHEMA_ID(N'dbo') AND t.name = N'{name}')
BEGIN
    THROW 50000, N'rights were granted on type dbo.{name} itself', 1
END
EXEC sys.sp_rename N'dbo.{name}', N'{name}_former', 'USERDATATYPE'
"""

# All or nothing. Procedures first: whoever calls one waits then, and holds nothing that the tables need.
_BEGIN = """
SET XACT_ABORT ON
SET LOCK_TIMEOUT 20000
SET DEADLOCK_PRIORITY LOW
DECLARE @there nvarchar(300) = QUOTENAME(@tables_in) + N'.sys.sp_executesql'
CREATE TABLE #applications (AppId int NOT NULL, AppName nvarchar(280) NOT NULL)
BEGIN TRANSACTION
"""
_END = """
EXEC @there @tables
EXEC dbo.CreateTempTables
EXEC @there N'INSERT dbo.ASPStateTempApplications (AppId, AppName) SELECT AppId, AppName FROM #applications'
COMMIT TRANSACTION
"""
_DEADLOCK, _LOCK_TIMEOUT, _TRIES = 1205, 1222, 3


@dataclass(frozen=True)
class Adoption:
    """What the operator allows with session state that is not built-in; `how` is one of HOW."""

    how: str = "full"
    overwrite_edited: bool = False


FULL = Adoption()


def converted(current: Database) -> Database:
    """The database with its tables and types as they are after a conversion, as far as there is one."""
    types = {name: type_ for name, type_ in current.contents.types.items() if _TYPES.get(name) != type_}
    contents = replace(current.contents, types=types)
    if current.type == "temporary":
        tables = {name: _converted(name, table) for name, table in current.outside.tables.items()}
        return replace(current, contents=contents, outside=replace(current.outside, tables=tables))
    tables = {name: _converted(name, table) for name, table in contents.tables.items()}
    return replace(current, contents=replace(contents, tables=tables))


def _converted(name: str, table: Table) -> Table:
    lines = tuple(_LINES.get(line, line) for line in table.columns)
    if name == _SESSIONS and _FLAGS not in lines:
        lines = (*lines, _FLAGS)
    return replace(table, columns=lines)


def adoption_obstacles(current: Database, generation: Generation, adoption: Adoption) -> Iterator[str]:
    """Why session state that is not built-in is not adopted, a sentence each."""
    if generation.name in _NOT_OURS:
        yield _NOT_OURS[generation.name]
    if generation.edited and not adoption.overwrite_edited:
        yield (
            f"somebody has edited {_procedures(generation.edited)}, or encrypted it: keep what it does, then set "
            "aspstate_database_overwrite_edited: true"
        )
    goal = converted(current)
    replaced = [name for name in current.contents.types if name not in goal.contents.types]
    if replaced and current.contents.type_users:
        yield f"type dbo.{replaced[0]} is to be replaced, and {some(current.contents.type_users)} may use it"
    columns = _columns(current, goal)
    if indexes := tuple(_in_the_way(current, columns)):
        yield (
            f"{some(indexes)} would be lost, or is in the way: drop it, and create it again afterwards if it is still "
            "needed"
        )
    if adoption.how == "procedures" and (replaced or columns - {"SessionItemShort"}):
        yield "its procedures cannot be altered without its columns: set aspstate_database_adopt: full"


def _in_the_way(current: Database, columns: set[str]) -> Iterator[str]:
    """Indexes of somebody's own, on a table that is made anew or a column that is altered."""
    for name, column in ((_APPLICATIONS, "AppId"), (_SESSIONS, "SessionId")):
        own = set(current.tables[name].indexes) - set(TABLES[name].indexes) if column in columns else set()
        for index in sorted(own):
            if name == _APPLICATIONS or column in re.findall(r"\w+", index.partition("(")[2]):
                yield f"index {index} on dbo.{name}"


_NOT_OURS = {
    FIRST: (
        "it is of ASP.NET 1.0, whose times are local, so that nobody knows when its sessions end: let them end, remove "
        "it with playbooks/uninstall.yml, and install it again"
    ),
    ASYNC: (
        "its sessions are those of the asynchronous provider (SqlSessionStateProviderAsync), whose table of the same "
        "name System.Web cannot use"
    ),
    IN_MEMORY: (
        "it is the sample with tables in memory, which the built-in procedures would not use as it is meant: let its "
        "sessions end, remove it, and install it again"
    ),
}


def _procedures(names: tuple[str, ...]) -> str:
    return f"procedure {some(tuple(f'dbo.{name}' for name in names))}"


def _columns(current: Database, goal: Database) -> set[str]:
    """The columns that a conversion changes."""
    return {
        line.split()[0]
        for name, table in goal.tables.items()
        for line in table.columns
        if line not in current.tables[name].columns
    }


def conversion_step(current: Database, goal: Database, schema: Schema, differing: Collection[str]) -> Step | None:
    """The one step to `goal`, which is converted, with the procedures of `schema`; None where nothing is to be done.

    `differing` are the procedures that are there and are not as in `schema`.
    """
    replaced = [name for name in current.contents.types if name not in goal.contents.types]
    columns = _columns(current, goal)
    if not replaced and not columns:
        return None
    types = {name: text for name, text in schema.types.items() if name not in goal.contents.types}
    there = current.contents.procedures
    texts = [as_alter(schema.procedures[name]) for name in schema.procedures if name in there and name in differing]
    texts += [text for name, text in schema.procedures.items() if name not in there]
    ordered = [*types.values(), *texts]
    statement = "".join(
        [
            _BEGIN,
            *(_RENAME.replace("{name}", name) for name in replaced),
            *(f"EXEC (@text{number})\n" for number in range(len(ordered))),
            *(f"DROP TYPE dbo.{name}_former\n" for name in replaced),
            _END,
        ]
    )
    tables = "".join(way for column, way in _WAYS.items() if column in columns)
    values = {"tables_in": current.tables_in, "tables": tables}
    values |= {f"text{number}": text for number, text in enumerate(ordered)}
    declare = "@tables_in sysname" + "".join(f", @{name} nvarchar(max)" for name in list(values)[1:])
    sentence = _sentence(replaced, len(texts), columns)
    drift = (Drift("ASP119", f"session state in database {current.name}"),)
    return Step(sentence, statement, values, current.name, declare, _rights(current), drift)


def _sentence(replaced: list[str], procedures: int, columns: set[str]) -> str:
    parts = [f"replace type dbo.{name}" for name in replaced]
    parts += [f"create or alter {procedures} procedures"] if procedures else []
    parts += [f"convert column {name}" for name in sorted(columns)]
    return f"in one transaction: {', '.join(parts)}"


def _rights(current: Database) -> tuple[Right, ...]:
    here = current.name
    return (
        Right("CONTROL", "SCHEMA", "dbo", here),
        Right("CREATE TYPE", "DATABASE", database=here),
        Right("CREATE PROCEDURE", "DATABASE", database=here),
        Right("ALTER", "SCHEMA", "dbo", current.tables_in),
        Right("CREATE TABLE", "DATABASE", database=current.tables_in),
    )


def run_adopting(server: Server, step: Step) -> None:
    """Run a step while applications use the database: one that loses a deadlock to them has changed nothing."""
    for left in reversed(range(_TRIES)):
        try:
            run_step(server, step)
        except SqlServerError as error:
            number = error.error.number
            if number == _DEADLOCK and left:
                continue
            if number in (_DEADLOCK, _LOCK_TIMEOUT):
                raise Refused(
                    f"somebody has the session state in database {step.database} locked for too long: an open "
                    "transaction, or many requests at once; this step changed nothing; try again when less goes on"
                ) from None
            raise
        return
