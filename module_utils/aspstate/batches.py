"""A script as SQL Server's clients read it: decoded, and split at GO.

GO: https://learn.microsoft.com/sql/t-sql/language-elements/sql-server-utilities-statements-go
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Refused
from .tsql import tokens

_GO = re.compile(
    r"""
    [^\S\n]* GO (?: [^\S\n]+ (?P<count>[0-9]+) )? [^\S\n]*
    (?: /\*[^\n]*?\*/ [^\S\n]* )*  (?: --[^\n]* )?      # the line may hold comments
    """,
    re.IGNORECASE | re.VERBOSE,
)
_GO_AND_MORE = re.compile(r"[^\S\n]*GO(?![\w@#$])", re.IGNORECASE)

# UTF-32 first: its little-endian mark begins with UTF-16's
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True)
class Batch:
    """`text` without its GO; `line` is its first line in the script, from 1; `count` how often GO wants it run."""

    text: str
    line: int
    count: int = 1


def decode(content: bytes, source: str, encoding: str | None = None) -> str:
    """The text of a script file: by its byte order mark, else by `encoding`, else UTF-8.

    `source` names the file in messages. Raises Refused with the offset of the byte that does not fit; a zero is one,
    since without a mark UTF-16 is taken for UTF-8 with zeros in it.
    """
    codec = next((codec for mark, codec in _MARKS if content.startswith(mark)), encoding or "utf-8")
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        raise Refused(
            f"{source}: the byte at offset {error.start} is not {codec}; nothing was changed; name the encoding it was "
            "saved in (aspstate_database_scripts_encoding)"
        ) from None
    except (LookupError, ValueError):
        raise Refused(
            f"{source}: {codec!r} is no encoding that Python knows; nothing was changed; name one such as cp1252 "
            "(aspstate_database_scripts_encoding)"
        ) from None
    if "\0" in text:
        offset = len(text[: text.index("\0")].encode(codec, "ignore"))
        raise Refused(
            f"{source}: the byte at offset {offset} is zero, so it is no text in {codec}; nothing was changed; if it "
            "was saved as Unicode without a byte order mark, name the encoding utf-16-le "
            "(aspstate_database_scripts_encoding)"
        )
    return text


def split(text: str) -> list[Batch]:
    """The batches of a script; those without a statement are left out.

    GO is a separator where it is alone on its line, in any case, with a count and a comment at will, and never inside
    a string, a name or a comment. A count of 0 leaves the batch out. Raises Refused for a line that begins with GO and
    goes on otherwise (`GO;`), and for a string, name or comment that does not end, each with its line.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    batches = []
    start = 0
    for separator in _separators(text):
        batches += _batch(text, start, separator.start(), int(separator.group("count") or 1))
        start = separator.end()
    return batches + _batch(text, start, len(text), 1)


def _separators(text: str) -> Iterator[re.Match[str]]:
    inside = _line_starts_inside_a_token(text)
    for start in _line_starts(text):
        if start in inside:
            continue
        end = text.find("\n", start)
        line_end = len(text) if end < 0 else end
        if separator := _GO.fullmatch(text, start, line_end):
            yield separator
        elif _GO_AND_MORE.match(text, start, line_end):
            raise Refused(
                f"line {_line(text, start)}: {text[start:line_end].strip()!r} is no separator: GO takes a count and a "
                "comment, no semicolon and nothing else"
            )


def _line_starts(text: str) -> list[int]:
    return [0] + [match.end() for match in re.finditer("\n", text)]


def _line_starts_inside_a_token(text: str) -> set[int]:
    """Offsets of the lines that begin within a string, a name or a comment."""
    inside = set()
    for token in tokens(text):
        if not token.closed:
            what = {"comment": "comment", "string": "string"}.get(token.kind, "name")
            raise Refused(f"line {_line(text, token.start)}: the {what} that begins here does not end")
        if token.kind in ("comment", "string", "bracket", "quoted"):
            inside.update(token.start + match.end() for match in re.finditer("\n", token.text))
    return inside


def _batch(text: str, start: int, end: int, count: int) -> list[Batch]:
    """The batch between two separators, its blank edges cut, as a list of one or none."""
    body = text[start:end]
    if count == 0 or not body.strip() or all(token.kind in ("space", "comment") for token in tokens(body)):
        return []
    begin = start + len(body) - len(body.lstrip())
    return [Batch(body.strip(), _line(text, begin), count)]


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
