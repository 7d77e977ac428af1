"""What ALTER DATABASE ... SET changes."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

MULTI_USER, RESTRICTED_USER, SINGLE_USER = "MULTI_USER", "RESTRICTED_USER", "SINGLE_USER"


@dataclass(frozen=True)
class Settings:
    """The defaults are those of model, and so of a new database; a change puts another record in the place."""

    recovery_model: str = "FULL"
    auto_close: bool = False
    auto_shrink: bool = False
    db_chaining: bool = False
    user_access: str = MULTI_USER
    online: bool = True

    def as_list(self) -> list[Any]:
        """For the log; `Settings(*list)` is the way back."""
        return list(astuple(self))


SYSTEM_SETTINGS = {
    "master": Settings("SIMPLE", db_chaining=True),
    "tempdb": Settings("SIMPLE", db_chaining=True),
    "model": Settings(),
    "msdb": Settings("SIMPLE", db_chaining=True),
}

ATTRIBUTES = {
    "RECOVERY": "recovery_model",
    "AUTO_CLOSE": "auto_close",
    "AUTO_SHRINK": "auto_shrink",
    "DB_CHAINING": "db_chaining",
    MULTI_USER: "user_access",
    RESTRICTED_USER: "user_access",
    SINGLE_USER: "user_access",
    "OFFLINE": "online",
    "ONLINE": "online",
}
"""The options as ALTER DATABASE names them, and the attribute that each changes."""

_STATE = ("OFFLINE", "ONLINE")
_ACCESS = (MULTI_USER, RESTRICTED_USER, SINGLE_USER)

REFUSED = {
    "master": ("AUTO_CLOSE", "AUTO_SHRINK", "DB_CHAINING", *_ACCESS, *_STATE),
    "tempdb": tuple(ATTRIBUTES),
    "model": ("DB_CHAINING", *_STATE),
    "msdb": _STATE,
}
"""What SQL Server refuses to set in its own databases; the rest the lab server does not do there."""
