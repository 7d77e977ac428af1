"""Table hints that are read and do nothing: they choose the size or kind of locks, never which rows a statement sees.

The engine locks rows for every change anyway. READPAST and NOLOCK change what is seen and are therefore not here.
"""

from __future__ import annotations

NO_OPS = frozenset({"HOLDLOCK", "PAGLOCK", "ROWLOCK", "TABLOCK", "TABLOCKX", "UPDLOCK", "XLOCK"})

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
        "NOLOCK",
        "NOWAIT",
        "READCOMMITTED",
        "READCOMMITTEDLOCK",
        "READPAST",
        "READUNCOMMITTED",
        "REPEATABLEREAD",
        "SERIALIZABLE",
        "SNAPSHOT",
    }
)
