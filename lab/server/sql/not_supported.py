"""Statements and clauses of T-SQL that the parser refuses by name, so that they never read as something else."""

from __future__ import annotations

_STATEMENTS = """
    ADD BACKUP BULK CHECKPOINT DBCC DISABLE DUMP ENABLE LINENO LOAD MERGE MOVE
    RECEIVE RECONFIGURE RESTORE SEND SETUSER SHUTDOWN TRUNCATE UPDATETEXT WRITETEXT
"""

STATEMENTS = frozenset(_STATEMENTS.split())
"""First words of statements; WITH is apart, because it may also end the statement before."""

FUNCTIONS = frozenset(
    {
        "CONTAINS",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "CURRENT_TIMESTAMP",
        "CURRENT_USER",
        "FREETEXT",
        "SESSION_USER",
        "SYSTEM_USER",
        "TRY_CONVERT",
        "USER",
    }
)
"""Reserved words that are functions or conditions, with or without parentheses."""

AFTER_TABLE = frozenset({"FOR", "PIVOT", "TABLESAMPLE", "UNPIVOT"})

AFTER_QUERY = frozenset({"EXCEPT", "FOR", "INTERSECT", "OFFSET", "OPTION", "WINDOW"})

AFTER_CHANGE = frozenset({"FROM", "OPTION", "OUTPUT"})
