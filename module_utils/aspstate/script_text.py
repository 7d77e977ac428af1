"""A script before it runs: the name of its database and the variables of sqlcmd filled in.

Both are replaced as text, so a value may not leave the string or name that it stands in, nor change the lines.
Variables: https://learn.microsoft.com/sql/tools/sqlcmd/sqlcmd-use-scripting-variables
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .errors import Refused
from .tsql import tokens

PLACEHOLDER = "DatabaseNamePlaceHolder"
"""What InstallSqlStateTemplate.sql and UninstallSqlStateTemplate.sql say for the name of the database."""

_PLACE = re.compile(rf"\$\((?P<variable>[A-Za-z_][\w-]*)\)|(?P<placeholder>{PLACEHOLDER})")
_COMMAND = re.compile(r"^[^\S\n]*(:[A-Za-z!]+|!!).*", re.MULTILINE)
_PLAIN = re.compile(r"[\w@#$]+")
_ENDS = {"string": "'", "bracket": "]", "quoted": '"'}
_WITHIN = {"string": "a string", "bracket": "a name in brackets", "quoted": "double quotes"}


@dataclass(frozen=True)
class _Place:
    """Something to fill in: `name` is the variable's, or empty for the placeholder; `kind` the token it stands in."""

    name: str
    start: int
    end: int
    kind: str


def has_placeholder(text: str) -> bool:
    """Whether it is one of the templates, which are for a database of any name."""
    return any(not place.name for place in _places(text))


def fill(text: str, source: str, database: str, variables: Mapping[str, str]) -> str:
    """`text` with the placeholder and the variables filled in, but for comments; line for line as it was.

    Raises Refused with the line for a variable without a value, a value that does not fit where it stands, and a
    command of sqlcmd's; and for a variable that nothing asks for. Names of variables are in any case, as sqlcmd's.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    _must_have_no_command(text, source)
    values = {name.casefold(): value for name, value in variables.items()}
    places = list(_places(text))
    if unused := {name for name in variables if name.casefold() not in {place.name for place in places}}:
        raise Refused(
            f"{source}: it has no variable $({min(unused)}); nothing was changed; correct the name, or give no value"
        )
    result = text
    for place in reversed(places):
        if place.name and place.name not in values:
            raise Refused(
                f"{source}, line {_line(text, place.start)}: the variable {text[place.start : place.end]} has no "
                "value; nothing was changed; give it in variables (aspstate_database_scripts_variables)"
            )
        value = values[place.name] if place.name else database
        _must_fit(value, place, f"{source}, line {_line(text, place.start)}: {text[place.start : place.end]}")
        result = result[: place.start] + value + result[place.end :]
    return result


def _places(text: str) -> Iterator[_Place]:
    """A variable outside of strings and names is several tokens: `$`, `(`, its name, `)`."""
    spans = [(token.start, token.start + len(token.text), token.kind) for token in tokens(text)]
    ends = iter(spans)
    _, end, kind = next(ends, (0, 0, ""))
    for match in _PLACE.finditer(text):
        while end <= match.start():
            _, end, kind = next(ends)
        if kind != "comment":
            yield _Place((match["variable"] or "").casefold(), match.start(), match.end(), kind)


def _must_fit(value: str, place: _Place, where: str) -> None:
    if place.kind in _ENDS:
        fits, within = _ENDS[place.kind] not in value, _WITHIN[place.kind]
    else:
        fits, within = _PLAIN.fullmatch(value) is not None, "plain text, where only letters, digits and _ @ # $ may"
    if not fits or any(ord(character) < 32 for character in value):
        raise Refused(f"{where} stands in {within}, and {value!r} does not fit there; nothing was changed")


def _must_have_no_command(text: str, source: str) -> None:
    inside = [(t.start, t.start + len(t.text)) for t in tokens(text) if t.kind not in ("space", "word", "symbol")]
    for command in _COMMAND.finditer(text):
        if not any(start <= command.start(1) < end for start, end in inside):
            raise Refused(
                f"{source}, line {_line(text, command.start(1))}: {command.group().strip()!r} is a command of sqlcmd, "
                "which is not obeyed here; nothing was changed; take it out, and give values of variables in variables "
                "(aspstate_database_scripts_variables)"
            )


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
