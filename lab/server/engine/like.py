"""LIKE."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from lab.server.errors import SqlError


@lru_cache(maxsize=500)
def like(pattern: str, escape: str | None = None) -> Callable[[str], bool]:
    """A test for `text LIKE pattern ESCAPE escape`: case does not count, nor do blanks at the end of the text.

    Raises 506 if the escape is not one character.
    """
    if escape is not None and len(escape) != 1:
        raise SqlError(506, f'The invalid escape character "{escape}" was specified in a LIKE predicate.')
    expression = re.compile(_expression(*_segments(pattern, escape)), re.IGNORECASE | re.DOTALL)
    return lambda text: expression.fullmatch(text) is not None


def _expression(first: str, *rest: str) -> str:
    """Between two `%` the first match is as good as any later one: without going back, no pattern takes long."""
    if not rest:
        return f"{first} *"
    *middle, last = rest
    return first + "".join(f"(?>.*?{segment})" for segment in middle) + f".*{last} *"


def _segments(pattern: str, escape: str | None) -> list[str]:
    """The regular expressions of what stands before, between and after the `%`."""
    segments = [""]
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == escape:
            segments[-1] += re.escape(pattern[at : at + 1])
            at += 1
        elif character == "[":
            members, at = _character_set(pattern, at, escape)
            segments[-1] += members
        elif character == "%":
            segments.append("")
        else:
            segments[-1] += "." if character == "_" else re.escape(character)
    return segments


def _character_set(pattern: str, start: int, escape: str | None) -> tuple[str, int]:
    """The regular expression of `[...]` whose inside begins at `start`, and where the pattern goes on after it.

    An empty set, one with a range that runs backwards, and one that never ends, match nothing.
    """
    negated = pattern[start : start + 1] == "^"
    at = start + negated
    members = ""
    while at < len(pattern) and pattern[at] != "]":
        if pattern[at] == escape:
            at += 1
            members += re.escape(pattern[at : at + 1])
        else:
            members += "-" if pattern[at] == "-" and members else re.escape(pattern[at])
        at += 1
    if at >= len(pattern) or not members:
        return "(?!)", at + 1
    try:
        re.compile(f"[{members}]")
    except re.error:
        return "(?!)", at + 1
    return f"[{'^' if negated else ''}{members}]", at + 1
