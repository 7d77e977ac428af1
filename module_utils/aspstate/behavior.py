"""What a procedure of session state does, as far as its text says: parameters, changes, tables, columns, ids and times.

It is read from words, not from a grammar: enough to tell what somebody has added to a procedure, or taken out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from .schema import TABLES
from .tsql import BEGINS, significant

COLUMNS = frozenset(line.split()[0].casefold() for table in TABLES.values() for line in table.columns)

_CHANGES = ("delete", "insert", "merge", "truncate", "update")
_BEFORE_A_NAME = (*_CHANGES, "exec", "execute", "from", "into", "join", "table")
_BETWEEN = ("from", "into", "table")
_MINUTES = ("n", "mi", "minute")


@dataclass(frozen=True)
class Behavior:
    """All in lower case, without brackets. `words` are those of the body, without strings and comments.

    `parameters` are the names, `outputs` those with OUTPUT; `options` are the words from WITH to AS.
    """

    parameters: tuple[str, ...]
    outputs: frozenset[str]
    options: tuple[str, ...]
    words: tuple[str, ...]

    @property
    def changes(self) -> tuple[str, ...]:
        """The verbs of its changes, but for those of its own temporary tables."""
        return tuple(
            word
            for place, word in enumerate(self.words)
            if word in _CHANGES and not self._name_after(place).startswith("#")
        )

    @property
    def columns(self) -> frozenset[str]:
        """The columns of the session tables that it names."""
        return COLUMNS.intersection(self.words)

    @property
    def objects(self) -> frozenset[str]:
        """The tables and procedures that it names, without database and schema; "(" for text that it runs."""
        names = (self._name_after(place) for place, word in enumerate(self.words) if word in _BEFORE_A_NAME)
        return frozenset(name for name in names if name and not name.startswith(("#", "@")))

    @property
    def renewed_by(self) -> frozenset[str]:
        """How many minutes it adds to a time, for each DATEADD; "" for what is not one word, or not minutes."""
        return frozenset(
            words[4] if words[2] in _MINUTES and words[5] == "," else "" for words in self._windows("dateadd", 6)
        )

    @property
    def conditions(self) -> frozenset[str]:
        """What its first WHERE asks, between the ANDs."""
        rest = self.words[self.words.index("where") + 1 :] if "where" in self.words else ()
        asked = takewhile(lambda word: not BEGINS.fullmatch(word), rest)
        conditions = " ".join(word for word in asked if word not in ("(", ")")).split(" and ")
        return frozenset(filter(None, conditions))

    @property
    def inserted(self) -> tuple[str, ...]:
        """The words of its first INSERT, to the end of what is in parentheses."""
        if "insert" not in self.words:
            return ()
        rest = self.words[self.words.index("insert") :]
        values = rest.index("values") if "values" in rest else 0
        return rest[: values + rest[values:].index(")") + 1] if ")" in rest[values:] else rest

    def assigned(self, name: str) -> frozenset[str]:
        """The words with which the values begin that a variable or column is given, or compared with."""
        return frozenset(words[2] for words in self._windows(name, 3) if words[1] == "=")

    def arguments(self, function: str) -> frozenset[str]:
        """The words with which the arguments begin that a function or procedure is called with."""
        calls = (words[1:] for words in self._windows(function, 4))
        calls = (words[1:] if words[0] == "(" else words for words in calls)
        return frozenset(words[2] if words[1:2] == ("=",) else words[0] for words in calls)

    def _windows(self, word: str, size: int) -> Iterator[tuple[str, ...]]:
        for place in range(len(self.words) - size + 1):
            if self.words[place] == word:
                yield self.words[place : place + size]

    def _name_after(self, place: int) -> str:
        """The last part of the name after the word at `place`, "" where none follows."""
        rest = self.words[place + 1 :]
        while rest and rest[0] in _BETWEEN:
            rest = rest[1:]
        if rest[1:2] == ("=",) and rest[0].startswith("@"):  # EXEC @status = name
            rest = rest[2:]
        at = 0
        while at + 1 < len(rest) and rest[at + 1] == ".":
            at += 2
            while at < len(rest) and rest[at] == ".":
                at += 1
        name = rest[at] if at < len(rest) else ""
        if name == "(":
            return name if self.words[place] in ("exec", "execute") else ""
        return name


@lru_cache(maxsize=256)
def behavior_of(definition: str) -> Behavior:
    """What the text of a CREATE or ALTER PROCEDURE does."""
    words = tuple(token.text.strip('[]"').casefold() for token in significant(definition) if token.kind != "string")
    begin = next((place for place, word in enumerate(words) if word == "as" and _ends_head(words, place)), len(words))
    head = words[:begin]
    parameters = tuple(word for word in head if word.startswith("@"))
    outputs, last = set(), ""
    for word in head:
        last = word if word.startswith("@") else last
        if word in ("output", "out"):
            outputs.add(last)
    options = head[head.index("with") :] if "with" in head else ()
    return Behavior(parameters, frozenset(outputs), options, words[begin + 1 :])


def _ends_head(words: tuple[str, ...], place: int) -> bool:
    """Whether this AS begins the body: there may be others, `@id AS int` and WITH EXECUTE AS."""
    return place > 0 and not words[place - 1].startswith("@") and words[place - 1] not in ("exec", "execute")
