"""What old scripts say and SQL Server does not take any more, by the version that dropped it.

"Discontinued Database Engine Functionality" of SQL Server 2008 and 2012: https://learn.microsoft.com (ms144262)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import SqlError
from .tsql import significant

_NO_SUCH_PROCEDURE, _SYNTAX, _SYNTAX_NEAR_WORD = 2812, 102, 156


@dataclass(frozen=True)
class _Feature:
    """`pattern` is found in a batch's words, joined by single blanks, and that of a procedure also in the answer."""

    number: int
    pattern: str
    what: str
    version: str
    instead: str


_DROPPED = (
    _Feature(_NO_SUCH_PROCEDURE, r"\bsp_dboption\b", "sp_dboption", "2012", "ALTER DATABASE ... SET"),
    _Feature(_NO_SUCH_PROCEDURE, r"\bsp_addalias\b", "sp_addalias", "2008", "a user in a role"),
    _Feature(_NO_SUCH_PROCEDURE, r"\bsp_(add|change|drop|help)group\b", "groups of users", "2008", "roles"),
    _Feature(
        _SYNTAX, r"\braiserror [@\d]", "RAISERROR without parentheses", "2012", "RAISERROR (text, severity, state)"
    ),
    _Feature(_SYNTAX_NEAR_WORD, r"\bdump (database|tran|transaction)\b", "DUMP", "2008", "BACKUP"),
    _Feature(_SYNTAX_NEAR_WORD, r"\bload (database|tran|transaction)\b", "LOAD", "2008", "RESTORE"),
)


def dropped(error: SqlError, batch: str) -> str:
    """A sentence if what SQL Server answered is due to something that it does not have any more, else nothing."""
    words = " ".join(token.text for token in significant(batch) if token.kind != "string")
    for feature in _DROPPED:
        places = [words, error.text] if feature.number == _NO_SUCH_PROCEDURE else [words]
        if error.number == feature.number and all(re.search(feature.pattern, place, re.I) for place in places):
            return f"SQL Server {feature.version} dropped {feature.what}; in its place is {feature.instead}"
    return ""
