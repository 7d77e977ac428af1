"""Which form a DeleteExpiredSessions has: Microsoft shipped several, and some cost requests or sessions.

They are told apart by what their text says, not by who wrote it: whether each DELETE of sessions tests Expires, and
whether there is more than one DELETE of everything at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from .tsql import BEGINS, significant

LOOP, ONE_DELETE, NO_TEST, OTHER = "loop", "one delete", "no test", "other"
"""Small steps that test Expires; one DELETE of all; deletes what it does not test; not recognized."""

WHY = {
    LOOP: "it deletes in small steps and tests Expires where it deletes",
    ONE_DELETE: "it deletes everything in one statement, which locks the table for all requests",
    NO_TEST: "it does not test Expires where it deletes, so that it also deletes sessions that were renewed meanwhile",
    OTHER: "its text is not one that is known to test Expires and to delete in small steps",
}

_TABLE = "aspstatetempsessions"


@dataclass(frozen=True)
class Form:
    """`kind` is one of the four.

    `by_row`: it deletes what it fetches. `app_lock`: it keeps out a second run of its own. `local_time`: it compares
    Expires with the server's local time. `other_case`: it does not write SessionId as the table does.
    """

    kind: str
    by_row: bool = False
    app_lock: bool = False
    local_time: bool = False
    other_case: bool = False

    @property
    def why(self) -> str:
        return WHY[self.kind]


@lru_cache(maxsize=64)
def form_of(definition: str) -> Form:
    """The form of a procedure's text."""
    written = [token.text.strip('[]"') for token in significant(definition) if token.kind != "string"]
    words = [word.casefold() for word in written]
    kind = _kind(words)
    return Form(
        kind,
        by_row="fetch" in words,
        app_lock="sp_getapplock" in words,
        local_time=kind != OTHER and "getdate" in words and "getutcdate" not in words,
        other_case=any(word != "SessionId" for word in written if word.casefold() == "sessionid"),
    )


def _kind(words: list[str]) -> str:
    deletes = [statement for statement in _statements(words, "delete") if _TABLE in statement]
    if not deletes:
        return OTHER
    if not all("expires" in statement[statement.index(_TABLE) :] for statement in deletes):
        return NO_TEST
    repeats = "while" in words or "goto" in words
    by_row = "fetch" in words and all("sessionid" in statement for statement in deletes)
    by_batch = all("top" in statement for statement in deletes) or "rowcount" in words
    return LOOP if repeats and (by_row or by_batch) else ONE_DELETE


def _statements(words: list[str], first: str) -> Iterator[list[str]]:
    """The words of each statement that begins with `first`, up to the next statement."""
    for place, word in enumerate(words):
        if word == first:
            rest = words[place + 1 :]
            end = next((at for at, each in enumerate(rest) if _ends(rest, at, each)), len(rest))
            yield rest[:end]


def _ends(rest: list[str], at: int, word: str) -> bool:
    return bool(BEGINS.fullmatch(word)) and not (word == "with" and rest[at + 1 : at + 2] == ["("])
