"""What type temporary keeps outside its database: two tables in tempdb, and the startup procedure in master.

They are one of a kind on an instance. Where nothing of type temporary uses them, they are leftovers.
https://learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-procoption-transact-sql
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .catalog import SESSION_TABLES, Procedure, tables_of
from .errors import NotKnown
from .plan import Drift, Step
from .rights import Right
from .schema import STARTUP, TABLES, Table, uses_tempdb
from .server import Server
from .tsql import significant

STARTUP_SECONDS = 120
"""How long after its start SQL Server may be given to run its startup procedures."""

FOREIGN = (
    f"procedure dbo.{STARTUP} in master is not that of session state, which calls CreateTempTables: keep what it does "
    "under another name, and drop it"
)

_OUTSIDE = """
SELECT HAS_PERMS_BY_NAME(N'master', 'DATABASE', 'VIEW DEFINITION')

SELECT m.definition, m.uses_quoted_identifier, m.uses_ansi_nulls, OBJECTPROPERTY(o.object_id, 'ExecIsStartup')
FROM sys.procedures AS o
JOIN sys.sql_modules AS m ON m.object_id = o.object_id
WHERE o.schema_id = SCHEMA_ID('dbo') AND o.name = N'ASPState_Startup'

SELECT CONVERT(int, value), CONVERT(int, value_in_use)
FROM sys.configurations
WHERE name = N'scan for startup procs'

SELECT DATEDIFF(second, create_date, GETDATE())
FROM sys.databases
WHERE name = N'tempdb'
"""

_USER = """
SELECT HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', 'VIEW DEFINITION')

SELECT m.definition
FROM sys.sql_modules AS m
JOIN sys.procedures AS o ON o.object_id = m.object_id
WHERE o.schema_id = SCHEMA_ID('dbo') AND o.name = N'CreateTempTables'
"""

# Marked anew also where it is marked: that sets the option of the server again, which somebody may have set back.
_MARK = f"""
EXEC sys.sp_procoption N'dbo.{STARTUP}', 'startup', 'off'
EXEC sys.sp_procoption N'dbo.{STARTUP}', 'startup', 'on'
"""

_SYSADMIN = Right("sysadmin", "ROLE")


@dataclass(frozen=True)
class Outside:
    """`at_start`: the startup procedure is marked as one, and the server is set to run those at its start.

    `foreign`: a procedure of its name is in master that is not session state's; `startup` is None then.
    `seconds` is how long ago SQL Server started; `scanned` whether it ran startup procedures then.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    startup: Procedure | None = None
    marked: bool = False
    scan: bool = False
    scanned: bool = True
    seconds: int = field(default=0, compare=False)
    foreign: bool = False

    @property
    def at_start(self) -> bool:
        return self.marked and self.scan

    @property
    def nothing(self) -> bool:
        """Whether there is nothing of type temporary on the instance."""
        return not self.tables and self.startup is None


def read_outside(server: Server) -> Outside:
    """Raises NotKnown where the login may not see definitions in master and tempdb."""
    rights, startup, options, starts, *tables = server.run_in_turn(
        ("master", _OUTSIDE), ("tempdb", SESSION_TABLES)
    ).sets
    if rights != [(1,)]:
        raise NotKnown(
            f"whether {server.address} has session state of type temporary is not known: login {server.user} lacks "
            "VIEW DEFINITION in master; grant it VIEW ANY DEFINITION, or use another login"
        )
    ((scan, scanned),) = options
    text, quoted, nulls, marked = startup[0] if startup else (None, True, True, False)
    ours = any(word.text.strip('[]"') == "CreateTempTables" for word in significant(text or ""))
    return Outside(
        tables=tables_of(server, "tempdb", tables),
        startup=Procedure(text, bool(quoted), bool(nulls)) if ours else None,
        marked=bool(marked),
        scan=bool(scan),
        scanned=bool(scanned),
        seconds=starts[0][0],
        foreign=bool(startup) and not ours,
    )


def is_used_by(server: Server, database: str) -> bool:
    """Whether the session state in another database, which exists and is online, is of type temporary.

    Raises NotKnown where the login may not see that.
    """
    rights, definitions = server.run_in(database, _USER).sets
    if rights != [(1,)]:
        raise NotKnown(
            f"whether database {database} on {server.address} uses the session tables in tempdb is not known: login "
            f"{server.user} lacks VIEW DEFINITION there; grant it VIEW ANY DEFINITION, or use another login"
        )
    return any(uses_tempdb(text or "") for (text,) in definitions)


def startup_steps(current: Outside, desired: Outside, definition: str, alter: str, differs: bool) -> Iterator[Step]:
    """Steps to the startup procedure, for session state of type temporary."""
    rights = (Right("CREATE PROCEDURE", "DATABASE"), Right("ALTER", "SCHEMA", "dbo"))
    drift = (Drift("ASP113", f"procedure dbo.{STARTUP} in master", "makes the tables at each start", "does not"),)
    if current.startup is None:
        sentence = f"create procedure master.dbo.{STARTUP}"
        yield Step(sentence, definition, database="master", rights=rights, drift=drift)
    elif differs:
        yield Step(f"alter procedure master.dbo.{STARTUP}", alter, database="master", rights=rights[1:], drift=drift)
    if desired.at_start and not (current.startup and current.at_start):
        sentence = f"run procedure master.dbo.{STARTUP} at each start of SQL Server"
        yield Step(sentence, _MARK, database="master", rights=(_SYSADMIN,), drift=drift)


# Unmarked before it is dropped: only that sets the server's option back when no other startup procedure is left.
_DROP_STARTUP = f"""
EXEC sys.sp_procoption N'dbo.{STARTUP}', 'startup', 'off'
DROP PROCEDURE dbo.{STARTUP}
"""


def drop_startup_step() -> Step:
    """Away with the startup procedure."""
    drift = (Drift("ASP112", f"procedure dbo.{STARTUP} in master", "absent", "present"),)
    sentence = f"drop procedure master.dbo.{STARTUP}"
    return Step(sentence, _DROP_STARTUP, database="master", rights=(_SYSADMIN,), drift=drift)


def outside_lines(outside: Outside) -> Iterator[str]:
    """The lines of a diff, but for the tables'."""
    if outside.startup is not None:
        yield f"procedure master.dbo.{STARTUP}: {'runs' if outside.at_start else 'does not run'} at each start"


def leftovers(outside: Outside) -> list[str]:
    """Sentences: what there is of type temporary that nothing uses."""
    found = []
    if outside.startup is not None:
        found.append(f"procedure dbo.{STARTUP} in master, which fails at each start of SQL Server")
    found += [f"table dbo.{name} in tempdb" for name in sorted(outside.tables)]
    return found


def why_no_tables(outside: Outside) -> str:
    """Why the tables in tempdb are missing, where session state of type temporary is installed, and what to do."""
    if set(TABLES) <= set(outside.tables):
        return "the tables are there by now; try again"
    if outside.foreign:
        return FOREIGN
    if outside.startup is None:
        return f"the startup procedure dbo.{STARTUP} is missing in master; run playbooks/site.yml"
    if not outside.marked:
        return f"procedure dbo.{STARTUP} in master does not run at the start of SQL Server; run playbooks/site.yml"
    if not outside.scanned:
        return (
            "SQL Server started without running startup procedures (its option 'scan for startup procs' was 0, or it "
            "was started with -f or trace flag 4022); run playbooks/site.yml"
        )
    if outside.seconds < STARTUP_SECONDS:
        return (
            f"they are not there yet: SQL Server started {outside.seconds} s ago, and its startup procedure "
            f"dbo.{STARTUP} makes them; wait and try again"
        )
    return (
        f"SQL Server started {outside.seconds} s ago and its startup procedure dbo.{STARTUP} did not make them: "
        "ASPState was not online when it ran, or somebody dropped them since; run playbooks/site.yml"
    )
