"""What the text functions do to values that are not NULL. Positions count from 1; REPLACE ignores case."""

from __future__ import annotations

import re

from lab.server import code_page
from lab.server.errors import SqlError


def substring(value: str | bytes, start: int, length: int) -> str | bytes:
    """SUBSTRING: a start before 1 takes places from the length. Raises 537 for a negative length."""
    if length < 0:
        raise SqlError(537, "Invalid length parameter passed to the LEFT or SUBSTRING function.")
    return value[max(start - 1, 0) : max(start - 1 + length, 0)]


def left(value: str, length: int) -> str:
    """LEFT; raises 537 for a negative length."""
    return substring(value, 1, length)


def right(value: str, length: int) -> str:
    """RIGHT; raises 536 for a negative length."""
    if length < 0:
        raise SqlError(536, "Invalid length parameter passed to the right function.")
    return value[max(len(value) - length, 0) :]


def position(found: str, value: str, start: int = 1) -> int:
    """CHARINDEX: 0 where it is not; without regard to case."""
    if not found:
        return 0
    return upper(value).find(upper(found), max(start - 1, 0)) + 1


def code(value: str) -> int | None:
    """ASCII: the first byte in the code page, NULL of nothing."""
    return code_page.encode(value[:1])[0] if value else None


def _one_to_one(character: str, changed: str) -> str:
    return changed if len(changed) == 1 else character


def lower(value: str) -> str:
    """LOWER never changes the length."""
    return "".join(_one_to_one(character, character.lower()) for character in value)


def upper(value: str) -> str:
    """UPPER never changes the length."""
    return "".join(_one_to_one(character, character.upper()) for character in value)


def replace(value: str, found: str, new: str) -> str:
    """REPLACE."""
    return re.sub(re.escape(found), lambda match: new, value, flags=re.IGNORECASE) if found else value


def character(code: int) -> str | None:
    """CHAR: NULL outside 0 to 255."""
    return code_page.decode(bytes((code,))) if 0 <= code <= 255 else None


def national_character(code: int) -> str | None:
    """NCHAR: NULL outside 0 to 65535."""
    return chr(code) if 0 <= code <= 65535 else None


def replicate(value: str, count: int, limit: int | None) -> str | None:
    """REPLICATE: NULL for a negative count; cut at the limit."""
    if count < 0:
        return None
    if limit is not None and value:
        count = min(count, limit // len(value) + 1)
    return (value * count)[:limit]


_QUOTES = {
    "[": "[]",
    "]": "[]",
    "'": "''",
    '"': '""',
    "(": "()",
    ")": "()",
    "<": "<>",
    ">": "<>",
    "{": "{}",
    "}": "{}",
    "`": "``",
}


def quote_name(name: str, quote: str = "[") -> str | None:
    """QUOTENAME: NULL for a name of more than 128 characters or an unknown quote."""
    quotes = _QUOTES.get(quote[:1])
    if len(name) > 128 or quotes is None:
        return None
    opening, closing = quotes
    return f"{opening}{name.replace(closing, closing * 2)}{closing}"


_NAME_PART = re.compile(
    r"""
    (?: \[ (?P<bracketed> [^\]]*+ (?: \]\] [^\]]*+ )*+ ) \]
      | " (?P<quoted> [^"]*+ (?: "" [^"]*+ )*+ ) "
      | (?P<plain> [^\[\]".]*+ )
    ) (?P<dot> \. )?
    """,
    re.VERBOSE,
)


def parse_name(name: str, piece: int) -> str | None:
    """PARSENAME: part 1 is the last; NULL if there is no such part, or if this is no name of one to four parts."""
    parts = name_parts(name)
    if not parts or not 1 <= piece <= len(parts):
        return None
    return parts[-piece] or None


def name_parts(name: str) -> tuple[str, ...]:
    """The parts of a name as text, without brackets or quotes; empty if this is no name of one to four parts."""
    parts: list[str] = []
    at = 0
    more = True
    while more:
        match = _NAME_PART.match(name, at)
        if match is None:
            return ()
        bracketed, quoted, plain = match["bracketed"], match["quoted"], match["plain"]
        if plain is not None:
            parts.append(plain)
        else:
            parts.append(quoted.replace('""', '"') if bracketed is None else bracketed.replace("]]", "]"))
        at = match.end()
        more = match["dot"] is not None
    return tuple(parts) if at == len(name) and len(parts) <= 4 and parts[-1] else ()
