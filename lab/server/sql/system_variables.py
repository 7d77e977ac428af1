"""The `@@` variables of the server."""

from __future__ import annotations

SUPPORTED = frozenset(
    {
        "@@ERROR",
        "@@FETCH_STATUS",
        "@@OPTIONS",
        "@@ROWCOUNT",
        "@@SPID",
        "@@TRANCOUNT",
        "@@VERSION",
    }
)

_NOT_SUPPORTED = """
    @@CONNECTIONS @@CPU_BUSY @@CURSOR_ROWS @@DATEFIRST @@DBTS @@IDENTITY @@IDLE @@IO_BUSY @@LANGID
    @@LANGUAGE @@LOCK_TIMEOUT @@MAX_CONNECTIONS @@MAX_PRECISION @@MICROSOFTVERSION @@NESTLEVEL @@PACKET_ERRORS
    @@PACK_RECEIVED @@PACK_SENT @@PROCID @@REMSERVER @@SERVERNAME @@SERVICENAME @@TEXTSIZE @@TIMETICKS
    @@TOTAL_ERRORS @@TOTAL_READ @@TOTAL_WRITE
"""

NOT_SUPPORTED = frozenset(_NOT_SUPPORTED.split())
"""Those that SQL Server has and the lab server has not; any other `@@name` is an undeclared variable (137)."""
