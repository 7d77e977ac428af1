"""SQL Server Agent itself: whether it runs, and how much history it keeps.

https://learn.microsoft.com/sql/relational-databases/system-dynamic-management-views/sys-dm-server-services-transact-sql
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from .server import Server

EXPRESS = 4
"""EngineEdition of SQL Server Express, which has no Agent."""

_AGENT = """
SELECT CONVERT(int, SERVERPROPERTY('EngineEdition'))

SELECT HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')

IF HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE') = 1
    SELECT status_desc, startup_type_desc, service_account
    FROM sys.dm_server_services
    WHERE servicename LIKE N'SQL Server Agent%'
"""

# SSMS asks for the limits of the history in the same way; there is no documented one.
_LIMITS = """
IF HAS_PERMS_BY_NAME(N'msdb.dbo.sp_get_sqlagent_properties', 'OBJECT', 'EXECUTE') = 1
    EXEC msdb.dbo.sp_get_sqlagent_properties
ELSE
    SELECT NULL AS jobhistory_max_rows, NULL AS jobhistory_max_rows_per_job
"""


@dataclass(frozen=True)
class Agent:
    """`status` is as the server says it (Running, Stopped), "" where it has no Agent, None where that is not known.

    `history_rows` and `history_rows_per_job` are the rows of history that it keeps, -1 for all; None is "not known".
    """

    express: bool = False
    status: str | None = None
    startup: str | None = None
    account: str | None = None
    history_rows: int | None = None
    history_rows_per_job: int | None = None

    @property
    def runs(self) -> bool | None:
        """Whether it runs; None is "not known"."""
        return None if self.status is None else self.status == "Running"

    def facts(self) -> dict[str, Any]:
        """As plain data for a module's result."""
        return {**asdict(self), "runs": self.runs}


def read_agent(server: Server) -> Agent:
    """The Agent as it is, as far as the login may see it."""
    result = server.run(_AGENT + _LIMITS)
    ((edition,),), ((may_see,),), *services, (limits,) = result.sets
    named = dict(zip(result.columns[-1], limits, strict=True))
    rows, rows_per_job = (named[f"jobhistory_max_rows{of}"] for of in ("", "_per_job"))
    if edition == EXPRESS:
        return Agent(True, "", None, None, rows, rows_per_job)
    if not may_see:
        return Agent(False, None, None, None, rows, rows_per_job)
    status, startup, account = services[0][0] if services[0] else ("", None, None)
    return Agent(False, status, startup, account, rows, rows_per_job)
