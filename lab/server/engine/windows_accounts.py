"""The accounts of Windows that the command line says exist, and their sids, which are the same each time."""

from __future__ import annotations

import hashlib
from typing import Any

AGENT_ACCOUNT = "NT SERVICE\\SQLSERVERAGENT"

_NT_AUTHORITY = b"\0\0\0\0\0\5"
_SERVICE, _APPLICATION_POOL, _DOMAIN = 80, 82, 21
_WELL_KNOWN = {"nt authority\\system": 18, "nt authority\\local service": 19, "nt authority\\network service": 20}


def find(engine: Any, name: str) -> str | None:
    """The name of an account as it is written on the command line."""
    known = (*engine.instance.windows_principals, AGENT_ACCOUNT)
    return next((one for one in known if one.casefold() == name.casefold()), None)


def name_of(engine: Any, sid: bytes) -> str | None:
    """The account with a sid."""
    known = (*engine.instance.windows_principals, AGENT_ACCOUNT)
    return next((one for one in known if sid_of(one) == sid), None)


def sid_of(name: str) -> bytes:
    """Windows computes those of services and application pools from the name; those of a domain are made up."""
    folded = name.casefold()
    if folded in _WELL_KNOWN:
        return _sid(_WELL_KNOWN[folded].to_bytes(4, "little"))
    authority, _, account = folded.partition("\\")
    if authority == "nt service":
        return _sid(_SERVICE.to_bytes(4, "little") + _digest(account.upper()))
    if authority == "iis apppool":
        return _sid(_APPLICATION_POOL.to_bytes(4, "little") + _digest(account))
    number = 1000 + int.from_bytes(_digest(folded)[:2], "little")
    return _sid(_DOMAIN.to_bytes(4, "little") + _digest(authority)[:12] + number.to_bytes(4, "little"))


def _digest(text: str) -> bytes:
    return hashlib.sha1(text.encode("utf-16-le"), usedforsecurity=False).digest()


def _sid(parts: bytes) -> bytes:
    return bytes([1, len(parts) // 4]) + _NT_AUTHORITY + parts
