"""The table hints that are accepted; `TableName.hints` has them in upper case."""

from __future__ import annotations

NO_OPS = frozenset({"NOLOCK", "PAGLOCK", "READCOMMITTEDLOCK", "ROWLOCK"})
"""Read and ignored: PAGLOCK and ROWLOCK choose the size of locks, NOLOCK only allows dirty reads, and
READCOMMITTEDLOCK asks for what is always done here."""

LOCKING = frozenset({"HOLDLOCK", "READPAST", "TABLOCK", "TABLOCKX", "UPDLOCK", "XLOCK"})
"""For the engine: READPAST skips rows that others have locked, the rest lock what a SELECT reads."""

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
        "READUNCOMMITTED",
        "REPEATABLEREAD",
        "SERIALIZABLE",
        "SNAPSHOT",
    }
)

KNOWN = NO_OPS | LOCKING | NOT_SUPPORTED
