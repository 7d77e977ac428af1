"""Passwords of logins: kept as salted hashes, and what SQL Server's policy asks of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
from dataclasses import dataclass, field

from lab.server import utf16
from lab.server.errors import SqlError

_ROUNDS = 10_000
_SHORTEST = 8
_KINDS_NEEDED = 3


@dataclass(frozen=True)
class PasswordHash:
    """All that is kept of a password, and whether the next one must keep to the policy."""

    salt: bytes = field(repr=False)
    digest: bytes = field(repr=False)
    policy: bool = True

    def fits(self, password: str) -> bool:
        """Whether this is the password."""
        return hmac.compare_digest(_digest(password, self.salt), self.digest)


def hashed(login: str, password: str, policy: bool) -> PasswordHash:
    """The hash of a login's password, with a salt of its own; raises 15118 if it breaks the policy it must keep to."""
    if policy:
        _check_policy(login, password)
    salt = secrets.token_bytes(16)
    return PasswordHash(salt, _digest(password, salt), policy)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.pbkdf2_hmac("sha512", utf16.encode(password), salt, _ROUNDS)


def _check_policy(login: str, password: str) -> None:
    """As documented for "Password Complexity"."""
    kinds = (string.ascii_uppercase, string.ascii_lowercase, string.digits)
    found = [any(character in kind for character in password) for kind in kinds]
    found.append(any(not character.isalnum() for character in password))
    named = len(login) > 2 and login.casefold() in password.casefold()
    if len(password) < _SHORTEST or sum(found) < _KINDS_NEEDED or named:
        text = (
            "Password validation failed. The password does not meet the operating system policy requirements because"
            " it is not complex enough."
        )
        raise SqlError(15118, text)
