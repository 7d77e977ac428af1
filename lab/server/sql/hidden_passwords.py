"""Error texts of the parser quote the batch: this keeps the password of a login out of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from lab.server.errors import SqlError
from lab.server.sql.reserved_words import RESERVED

_PASSWORD = re.compile(r"\bPASSWORD\b(.*)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"""(['"])(.*)\1""", re.DOTALL)
_OPTIONS = """
    CHECK_EXPIRATION CHECK_POLICY CREDENTIAL DEFAULT_DATABASE DEFAULT_LANGUAGE HASHED LOGIN MUST_CHANGE NAME
    OLD_PASSWORD SID UNLOCK
"""
_KNOWN_WORDS = RESERVED | frozenset(_OPTIONS.split())


@contextmanager
def hidden_passwords(text: str) -> Iterator[None]:
    """In the block errors of the parser quote nothing but known words of what comes after the word PASSWORD."""
    try:
        yield
    except SqlError as error:
        after = _PASSWORD.search(text)
        quoted = _QUOTED.search(error.text)
        if after and quoted and _hides(quoted[2], after[1]):
            error.text = f"{error.text[: quoted.start()]}'***'{error.text[quoted.end() :]}"
        raise


def _hides(quoted: str, after: str) -> bool:
    words = re.findall(r"\w+", quoted.upper())
    return bool(words) and any(word in after.upper() and word not in _KNOWN_WORDS for word in words)
