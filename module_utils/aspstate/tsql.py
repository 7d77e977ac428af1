"""T-SQL as a sequence of tokens: enough to split batches and to compare definitions, no grammar.

Lexical rules: https://learn.microsoft.com/sql/t-sql/language-elements (comments nest, a quote is doubled inside its
own quotes, a bracketed name ends at the first single `]`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>    \s+                              )
  | (?P<comment>  --[^\n]*                         )
  | (?P<open>     /\*                              )
  | (?P<string>   [Nn]?'(?:[^']|'')*(?P<_s>')?     )
  | (?P<bracket>  \[(?:[^\]]|\]\])*(?P<_b>\])?     )
  | (?P<quoted>   "(?:[^"]|"")*(?P<_q>")?          )
  | (?P<word>     [\w@\#$]+                        )
  | (?P<symbol>   .                                )
    """,
    re.VERBOSE | re.DOTALL,
)
BEGINS = re.compile(
    "begin|close|commit|create|deallocate|declare|delete|drop|else|end|exec|execute|fetch|goto|if|insert|open|print"
    "|raiserror|readtext|return|rollback|select|set|truncate|update|waitfor|while|with|;"
)
"""The words, in lower case, with which the next statement begins, as far as procedures of session state have them."""

_COMMENT_EDGE = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """kind is space, comment, string, bracket, quoted, word or symbol; start is the offset in the text."""

    kind: str
    text: str
    start: int
    closed: bool = True


def tokens(text: str) -> Iterator[Token]:
    """Every character of `text`, in order; an unclosed string, name or comment is one token that is not closed."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind = match.lastgroup
        if kind == "open":
            end, closed = _comment_end(text, position)
            yield Token("comment", text[position:end], position, closed)
        else:
            end = match.end()
            yield Token(kind, match.group(), position, _closed(kind, match))
        position = end


def _closed(kind: str, match: re.Match[str]) -> bool:
    edge = {"string": "_s", "bracket": "_b", "quoted": "_q"}.get(kind)
    return edge is None or match.group(edge) is not None


def _comment_end(text: str, start: int) -> tuple[int, bool]:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end(), True
    return len(text), False


@lru_cache(maxsize=256)
def significant(text: str) -> tuple[Token, ...]:
    """The tokens without white space and comments."""
    return tuple(token for token in tokens(text) if token.kind not in ("space", "comment"))
