"""What else of tempdb matters to session state of type temporary: the way to its tables, its files, rights in it.

Nobody but a sysadmin has rights on the tables there. The procedures reach them by an ownership chain across databases:
https://learn.microsoft.com/dotnet/framework/data/adonet/sql/enabling-cross-database-access-in-sql-server
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from .catalog import must_see
from .properties import PROPERTIES, File, Properties, file_facts, file_remarks, properties_of
from .server import Server

_TEMPDB = """
SELECT HAS_PERMS_BY_NAME(N'tempdb', 'DATABASE', 'VIEW DEFINITION')

SELECT CONVERT(int, value_in_use) FROM sys.configurations WHERE name = N'cross db ownership chaining'

SELECT u.name
FROM sys.database_principals AS u
WHERE (u.type IN ('S', 'U', 'G') AND u.principal_id > 4)
   OR EXISTS (SELECT 1 FROM sys.database_permissions AS p
              WHERE p.grantee_principal_id = u.principal_id AND p.class = 1
                AND p.major_id IN (OBJECT_ID(N'dbo.ASPStateTempSessions'), OBJECT_ID(N'dbo.ASPStateTempApplications')))
ORDER BY u.name
"""

CHAIN_NEEDED = (
    "an application without rights in tempdb reaches its tables by an ownership chain, which needs that the database "
    "belongs to sa and that DB_CHAINING is on; set aspstate_manage_ownership_chain: true"
)


@dataclass(frozen=True)
class Tempdb:
    """`chaining` is the server's option "cross db ownership chaining"; tempdb itself always allows it.

    `grantees` are users with rights in tempdb, which vanish whenever SQL Server starts; sizes of files are in MB.
    """

    owner: str | None
    chaining: bool
    grantees: tuple[str, ...]
    files: tuple[File, ...]


def read_tempdb(server: Server) -> Tempdb:
    """tempdb as it is. Raises NotKnown where something cannot be seen."""
    rights, option, grantees, *of_tempdb = server.run_in_turn(("tempdb", _TEMPDB), ("tempdb", PROPERTIES)).sets
    must_see(server, "tempdb", rights)
    properties = properties_of(of_tempdb)
    return Tempdb(properties.owner, option == [(1,)], tuple(name for (name,) in grantees), properties.files)


def tempdb_remarks(tempdb: Tempdb, database: Properties) -> Iterator[str]:
    """What a DBA would want to know, a sentence each; `database` is the session database."""
    yield from chain_remarks(tempdb, database)
    for name in tempdb.grantees:
        yield (
            f"{name} has rights in tempdb, which vanish whenever SQL Server starts; grant EXECUTE in the session "
            "database instead"
        )
    yield from (f"tempdb: {remark}" for remark in file_remarks(tempdb.files))


def chain_remarks(tempdb: Tempdb, database: Properties) -> Iterator[str]:
    """Why an application with EXECUTE alone does not get to the tables in tempdb; nothing where it does."""
    if database.owner != tempdb.owner:
        yield f"its owner is not {tempdb.owner}, who owns tempdb: {CHAIN_NEEDED}"
    elif not (database.db_chaining or tempdb.chaining):
        yield f"DB_CHAINING is off: {CHAIN_NEEDED}"


def tempdb_facts(tempdb: Tempdb) -> dict[str, Any]:
    """tempdb as plain data for a module's result."""
    return {**asdict(tempdb), "grantees": list(tempdb.grantees), "files": file_facts(tempdb.files)}
