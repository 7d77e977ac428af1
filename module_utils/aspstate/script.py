"""A script that installs or removes session state: what it is, judged by what its statements do, before it runs.

The versions of Microsoft's scripts differ in nearly everything but the names of what they make, so those are looked
at, also in the strings that they execute.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from .batches import Batch, decode, split
from .database import FORMER_TYPES
from .errors import Refused
from .generation import NAMES
from .names import SYSTEM_DATABASES, USUAL
from .schema import STARTUP, TABLES
from .script_text import PLACEHOLDER, fill, has_placeholder
from .tsql import Token, significant

# What every version since 1.0 makes; 1.0 spells TempGetAppID otherwise.
_MADE_BY_ALL = (
    "TempGetAppID",
    "TempGetStateItem",
    "TempGetStateItemExclusive",
    "TempReleaseStateItemExclusive",
    "TempInsertStateItemShort",
    "TempInsertStateItemLong",
    "TempUpdateStateItemShort",
    "TempUpdateStateItemShortNullLong",
    "TempUpdateStateItemLong",
    "TempUpdateStateItemLongNullShort",
    "TempRemoveStateItem",
    "TempResetTimeout",
    "DeleteExpiredSessions",
)
_MARKS = {"sstype_temp": "temporary", "sstype_persisted": "persisted", "sstype_custom": "custom"}

_JOB = "_job_deleteexpiredsessions"
"""How the names of the jobs end that the scripts make."""

# As aspnet_regsql, and the folder of .NET Framework, call them.
_FILES = {"temporary": "SqlState.sql", "persisted": "PersistSqlState.sql", "custom": "SqlStateTemplate.sql"}
_VERBS = {"install": "Install", "uninstall": "Uninstall"}


@dataclass(frozen=True)
class Script:
    """`types` and `procedures` are what it makes in the database; `startup` and `job` whether it makes these too.

    `kind` is install or uninstall, `drops_database` whether it drops the database, `path` how messages call it.
    """

    path: str
    kind: str
    type: str
    batches: tuple[Batch, ...]
    types: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    startup: bool = False
    job: bool = False
    drops_database: bool = False


@dataclass
class _Found:
    """What the words of a script do, as far as they say it; `places` are the databases of its session tables."""

    created: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    marks: set[str] = field(default_factory=set)
    places: set[str] = field(default_factory=set)
    databases: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)
    drops: set[str] = field(default_factory=set)


def usual_file(kind: str, type_: str) -> str:
    """The name of the file that .NET Framework brings for it, as InstallPersistSqlState.sql."""
    return _VERBS[kind] + _FILES[type_]


def read_script(
    content: bytes,
    path: str,
    encoding: str | None,
    variables: Mapping[str, str],
    *,
    kind: str,
    type_: str,
    database: str,
) -> Script:
    """The script in a file, for `database`. Raises Refused for one that is not whole, or not of this kind and type."""
    text = decode(content, path, encoding)
    template = has_placeholder(text)
    if type_ != "custom" and template:
        raise Refused(
            f"{path}: it is a template for type custom, since it says {PLACEHOLDER}, and type {type_} was asked for; "
            f"nothing was changed; give {usual_file(kind, type_)}, or set aspstate_type"
        )
    try:
        batches = tuple(split(fill(text, path, database, variables)))
        for batch in batches:
            _must_be_whole(batch)
    except Refused as error:
        raise error if str(error).startswith(path) else Refused(f"{path}: {error}; nothing was changed") from None
    found = _Found()
    for batch in batches:
        _look(significant(batch.text), found)
    _must_be(path, _kind(path, found), _type(path, found, template=template), kind, type_)
    if kind == "uninstall":
        _must_drop_it_all(path, found, type_)
    _must_be_about(path, found, type_, database)
    return Script(
        path,
        kind,
        type_,
        batches,
        types=tuple(sorted(found.types)),
        procedures=tuple(sorted(found.created - {STARTUP})),
        startup=type_ == "temporary" and STARTUP in found.created,
        job="sp_add_job" in found.words,
        drops_database="database" in found.drops,
    )


def _look(words: Sequence[Token], found: _Found, *, in_string: bool = False) -> None:
    """At all that a batch says, and at what the strings in it say; some of those are for people."""
    plain = [word.text.strip('[]"') for word in words]
    lower = [word.casefold() for word in plain]
    found.words.update(lower)
    for place, word in enumerate(words):
        following = words[place + 1 : place + 7]
        if lower[place] in ("create", "drop") and len(following) > 1:
            _look_at_statement(lower[place], lower[place + 1], plain[place + 2 : place + 7], found, in_string)
        elif lower[place] == "use" and following and not in_string:
            found.databases.add(_unquoted(following[0]))
        elif lower[place] == "sp_addtype" and following:
            found.types.add(_first_argument(following))
        elif lower[place] == "sp_droptype":
            found.drops.add("type")
        elif lower[place] in _TABLES:
            found.places.update(_database_before(plain[:place]))
        elif word.kind in ("string", "quoted"):
            _look_within(word, lower[:place], found)


def _look_within(string: Token, before: list[str], found: _Found) -> None:
    inner = _unquoted(string)
    if inner.casefold() in _MARKS and _is_assigned(before):
        found.marks.add(_MARKS[inner.casefold()])
    if any(character.isspace() for character in inner):
        _look(significant(inner), found, in_string=True)


_TABLES = {name.casefold() for name in TABLES}
_KNOWN = {name.casefold() for name in (*NAMES, STARTUP)}


def _look_at_statement(verb: str, what: str, name: list[str], found: _Found, in_string: bool) -> None:
    """CREATE or DROP, and what; the name may have `dbo.` before it."""
    last = name[2] if name[1:2] == ["."] and len(name) > 2 else name[0]
    if verb == "drop":
        found.drops.add("procedure" if what == "proc" else what)
    elif what in ("proc", "procedure") and (not in_string or last.casefold() in _KNOWN):
        found.created.add(last)
    elif what == "type" and not in_string:
        found.types.add(last)
    if what == "database":
        found.databases.add(name[0])


def _first_argument(words: Sequence[Token]) -> str:
    """Of a call, by position or by name."""
    by_name = words[0].text.startswith("@") and len(words) > 2 and words[1].text == "="
    return _unquoted(words[2] if by_name else words[0])


def _unquoted(word: Token) -> str:
    text = word.text
    if word.kind == "string":
        return text[text.index("'") + 1 : -1].replace("''", "'")
    if word.kind == "quoted":
        return text[1:-1].replace('""', '"')
    return text.strip("[]")


def _database_before(before: list[str]) -> Iterator[str]:
    match before:
        case [*_, database, ".", "."] | [*_, database, ".", _, "."]:
            yield database


def _is_assigned(before: list[str]) -> bool:
    """Whether what follows these words becomes a variable's value, rather than being compared with one."""
    match before:
        case [*_, "set" | "select", variable, "="] if variable.startswith("@"):
            return True
    return False


def _kind(path: str, found: _Found) -> str:
    created = {name.casefold() for name in found.created}
    missing = [name for name in _MADE_BY_ALL if name.casefold() not in created]
    if not missing:
        _must_have_whole_job(path, found)
        return "install"
    if len(missing) < len(_MADE_BY_ALL):
        raise Refused(
            f"{path}: it does not create {', '.join(missing)}, as every version's install does; is the file whole? "
            "Nothing was changed"
        )
    if {"database", "procedure"} & found.drops and _names_session_state(found):
        return "uninstall"
    raise Refused(
        f"{path}: it neither installs nor removes ASP.NET session state: it creates none of its procedures, and drops "
        "nothing of it; nothing was changed; give one of the scripts that come with .NET Framework, such as "
        "InstallPersistSqlState.sql"
    )


def _must_have_whole_job(path: str, found: _Found) -> None:
    """The job comes last in every version, so a file that was cut off between two batches lacks an end of it."""
    if {"sp_delete_job", "sp_add_category", "sp_add_job"} & found.words and "sp_add_jobserver" not in found.words:
        raise Refused(
            f"{path}: it begins to make a job and does not call sp_add_jobserver for it; is the file whole? Nothing "
            "was changed"
        )


def _must_drop_it_all(path: str, found: _Found, type_: str) -> None:
    """Tables go before the database, or the types, so a file that was cut off drops the one and not the other."""
    last = "type" if type_ == "custom" else "database"
    if last not in found.drops:
        what = "the types of session state" if type_ == "custom" else "its database"
        raise Refused(
            f"{path}: it removes session state of type {type_} and does not drop {what}; is the file whole? Nothing "
            "was changed"
        )


def _names_session_state(found: _Found) -> bool:
    names = {STARTUP.casefold(), *_TABLES, *(name.casefold() for name in FORMER_TYPES)}
    return bool(found.marks or names & found.words) or any(_JOB in word for word in found.words)


def _type(path: str, found: _Found, *, template: bool) -> str:
    """Its own word for it, or where its tables are; they must agree."""
    places = {place.casefold() for place in found.places}
    marks = {"custom"} if template else found.marks
    in_tempdb = "tempdb" in places or (not places and not marks and STARTUP.casefold() in found.words)
    if len(places) > 1 or len(marks) > 1 or any((mark == "temporary") is not in_tempdb for mark in marks if places):
        raise Refused(
            f"{path}: it says that it is of type {' and '.join(sorted(marks)) or 'unknown'}, and its session tables "
            f"are in {' and '.join(sorted(found.places))}; was only part of it replaced? Nothing was changed"
        )
    if marks:
        return min(marks)
    if in_tempdb:
        return "temporary"
    own = places or {name.casefold() for name in _own(found.databases)}
    return "persisted" if USUAL.casefold() in own else "custom"


def _own(databases: Iterable[str]) -> set[str]:
    return {name for name in databases if name.casefold() not in SYSTEM_DATABASES}


def _must_be_about(path: str, found: _Found, type_: str, database: str) -> None:
    places = set() if type_ == "temporary" else _own(found.places)
    about = places or _own(found.databases)
    if about and database.casefold() not in {name.casefold() for name in about}:
        raise Refused(
            f"{path}: it is about database {' and '.join(sorted(about))}, not {database}; nothing was changed; give a "
            f"script for that one, or {usual_file('install', 'custom')}, whose {PLACEHOLDER} is filled in"
        )


def _must_be(path: str, kind: str, type_: str, wanted_kind: str, wanted_type: str) -> None:
    usual = usual_file(wanted_kind, wanted_type)
    if kind != wanted_kind:
        raise Refused(
            f"{path}: it is a script that {kind}s session state, and one that {wanted_kind}s it was asked for; nothing "
            f"was changed; give {usual}"
        )
    if type_ != wanted_type:
        raise Refused(
            f"{path}: it {kind}s session state of type {type_}, and type {wanted_type} was asked for; nothing was "
            f"changed; give {usual}, or set aspstate_type to {type_}"
        )


# Reserved words: a name like them stands in brackets.
_CLOSES = {"end": ("begin", "case"), ")": ("(",)}


def _must_be_whole(batch: Batch) -> None:
    """Raises Refused with the line of what ends in vain, or is not closed, or has no label: the file was cut off."""
    words = significant(batch.text)
    lower = [word.text.casefold() for word in words]
    open_: list[int] = []
    for place, word in enumerate(lower):
        following = lower[place + 1] if place + 1 < len(lower) else ""
        if word in ("case", "(") or (word == "begin" and following not in ("tran", "transaction", "distributed")):
            open_.append(place)
        elif word in _CLOSES and (not open_ or lower[open_.pop()] not in _CLOSES[word]):
            raise Refused(f"line {_line(batch, words[place])}: this {words[place].text} closes nothing")
    if open_:
        opened = words[open_[-1]]
        raise Refused(f"line {_line(batch, opened)}: the {opened.text} here is not closed; is the file whole?")
    labels = {label for label, colon in pairwise(lower) if colon == ":"}
    for place, word in enumerate(lower):
        if word == "goto" and not labels.issuperset(lower[place + 1 : place + 2]):
            raise Refused(f"line {_line(batch, words[place])}: the label of this GOTO is missing; is the file whole?")


def _line(batch: Batch, word: Token) -> int:
    return batch.line + batch.text.count("\n", 0, word.start)
