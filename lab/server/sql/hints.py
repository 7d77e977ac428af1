"""The table hints; `TableName.hints` has them in upper case."""

from __future__ import annotations

SUPPORTED = {
    "HOLDLOCK": "nobody changes anything in the table until the transaction ends, not only what was read",
    "NOLOCK": "as in SQL Server, but a row is seen once, and a scan never fails with error 601",
    "PAGLOCK": "rows are locked",
    "READCOMMITTEDLOCK": "as in SQL Server: what is always done here",
    "READPAST": "as in SQL Server",
    "READUNCOMMITTED": "as NOLOCK",
    "ROWLOCK": "as in SQL Server, but many rows of one statement still become a lock of the table",
    "TABLOCK": "as in SQL Server to read; a change locks the table for itself alone",
    "TABLOCKX": "as in SQL Server",
    "UPDLOCK": "locks every row that is looked at, also where WHERE is then not true of it",
    "XLOCK": "the same",
}
"""What each does here, where it differs from SQL Server always less forgiving."""

NOT_SUPPORTED = frozenset(
    {
        "FORCESCAN",
        "FORCESEEK",
        "IGNORE_CONSTRAINTS",
        "IGNORE_TRIGGERS",
        "INDEX",
        "KEEPDEFAULTS",
        "KEEPIDENTITY",
        "NOEXPAND",
        "NOWAIT",
        "READCOMMITTED",
        "REPEATABLEREAD",
        "SERIALIZABLE",
        "SNAPSHOT",
    }
)

KNOWN = NOT_SUPPORTED.union(SUPPORTED)
