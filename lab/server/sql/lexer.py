"""From the text of a batch to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from lab.server.errors import Reach, SqlError, unsupported


class Kind(Enum):
    WORD = "word"
    BRACKETED = "bracketed"
    DOUBLE_QUOTED = "double_quoted"
    STRING = "string"
    NATIONAL_STRING = "national_string"
    HEXADECIMAL = "hexadecimal"
    DECIMAL = "decimal"
    INTEGER = "integer"
    VARIABLE = "variable"
    OPERATOR = "operator"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is as written; `value` is the name or string without quotes; `upper` is for words and operators only."""

    kind: Kind
    text: str
    start: int
    line: int
    value: str = ""
    upper: str = ""


MAXIMUM_NAME = 128

_TOKEN = re.compile(
    r"""
      (?P<blank>           [\s\ufeff]++ | --[^\n]*+ )
    | (?P<comment>         /\* )
    | (?P<national_string> [Nn] ' (?P<national> [^']*+ (?: '' [^']*+ )*+ ) ' )
    | (?P<string>          ' (?P<plain> [^']*+ (?: '' [^']*+ )*+ ) ' )
    | (?P<double_quoted>   " (?P<double> [^"]*+ (?: "" [^"]*+ )*+ ) " )
    | (?P<bracketed>       \[ (?P<bracket> [^\]]*+ (?: \]\] [^\]]*+ )*+ ) \] )
    | (?P<hexadecimal>     0[xX] [0-9a-fA-F]*+ )
    | (?P<decimal>         (?: [0-9]++ \. [0-9]*+ | \. [0-9]++ | [0-9]++ (?=[eE]) ) (?: [eE] [-+]? [0-9]*+ )? )
    | (?P<integer>         [0-9]++ )
    | (?P<variable>        @ [\w@\#$]++ )
    | (?P<word>            [^\W\d] [\w@\#$]*+ | \#\#? [\w@\#$]++ )
    | (?P<operator>        <> | != | <= | >= | !< | !> | [-+*/%&|^]= | [-+*/%&|^~=<>().,;:] )
    """,
    re.VERBOSE,
)

_COMMENT_EDGE = re.compile(r"/\*|\*/")
_INNER = {
    "national_string": ("national", "'"),
    "string": ("plain", "'"),
    "double_quoted": ("double", '"'),
    "bracketed": ("bracket", "]"),
}


def tokens(text: str) -> list[Token]:
    """All tokens of a batch, then one of kind END on the last line.

    Raises 102 (no token), 103 (name too long), 105 (unclosed quotation mark) and 113 (unclosed comment).
    """
    result = []
    at, line = 0, 1
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _no_token(text, at, line)
        group = match.lastgroup
        end = _comment_end(text, match.end(), line) if group == "comment" else match.end()
        if group not in ("blank", "comment"):
            result.append(_token(match, line))
        line += text.count("\n", at, end)
        at = end
    result.append(Token(Kind.END, "", at, line))
    return result


def _token(match: re.Match[str], line: int) -> Token:
    kind = Kind(match.lastgroup)
    text = match[0]
    if inner := _INNER.get(kind.value):
        group, quote = inner
        value = match[group].replace(quote * 2, quote)
    else:
        value = text
    if kind in (Kind.WORD, Kind.BRACKETED, Kind.VARIABLE) and len(value) > MAXIMUM_NAME:
        raise name_too_long(value, line)
    upper = text.upper() if kind in (Kind.WORD, Kind.OPERATOR) else ""
    return Token(kind, text, match.start(), line, value, upper)


def _comment_end(text: str, start: int, line: int) -> int:
    """Where the comment ends whose inside begins at `start`; comments nest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(text, start):
        depth += 1 if edge[0] == "/*" else -1
        if depth == 0:
            return edge.end()
    raise SqlError(113, "Missing end comment mark '*/'.", severity=15, reach=Reach.PARSE, line=line)


def name_too_long(name: str, line: int) -> SqlError:
    """103."""
    text = f"The identifier that starts with '{name[:MAXIMUM_NAME]}' is too long. Maximum length is {MAXIMUM_NAME}."
    return SqlError(103, text, severity=15, reach=Reach.PARSE, line=line)


def _no_token(text: str, at: int, line: int) -> SqlError:
    if text[at] in "'\"[":
        message = f"Unclosed quotation mark after the character string '{text[at + 1 :]}'."
        return SqlError(105, message, severity=15, reach=Reach.PARSE, line=line)
    if text[at] in "${":  # money and $-columns; ODBC's escapes
        return unsupported(re.match(r".\w*", text[at:])[0], line)
    return SqlError(102, f"Incorrect syntax near '{text[at]}'.", severity=15, reach=Reach.PARSE, line=line)
