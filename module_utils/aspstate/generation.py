"""Which generation of session state a database holds, told from its catalogue alone.

Microsoft shipped schemas with .NET 1.0, 1.1, 2.0 and 4.x whose procedures do different things; the asynchronous
provider and the In-Memory OLTP samples use the same names for something else. No text is compared with theirs: a
procedure is judged by its parameters, by the tables and columns that it names, and by how it handles times, ids and
long items. One that does none of the known things has been edited.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from .behavior import Behavior, behavior_of
from .catalog import Contents, Procedure
from .expiry_form import LOOP, NO_TEST, ONE_DELETE, Form, form_of
from .forwarding import forwards_to
from .schema import Table

BUILT_IN, ASYNC, IN_MEMORY = "built-in", "async provider", "in-memory sample"
MIXED, UNKNOWN = "mixed", "unknown"
FIRST, ADOPTABLE, CLASSIC = "1.0", ("1.1", "2.0", "4.x"), ("2.0", "4.x")
"""What is called 4.x came with service packs of 2.0 too."""

EXPIRY = "DeleteExpiredSessions"
FORMER = ("DropTempTables", "ResetData")
"""Of ASP.NET 1.x; they stay as they were where that is adopted."""
_TELLS_NOTHING = (EXPIRY, *FORMER)
"""A hotfix replaces the first."""
_SESSIONS, _APPLICATIONS = "aspstatetempsessions", "aspstatetempapplications"
_LATER = frozenset((*ADOPTABLE, BUILT_IN))

# Parameters, the one change, and the columns besides LockDate and LockDateLocal, of which 1.0 has one only.
_READ = "sessionid expires timeout locked lockcookie sessionitemshort sessionitemlong"
_INSERT = "sessionid expires timeout locked lockcookie"
_BY_DATE, _BY_AGE = "@id @itemshort @locked @lockdate @lockcookie", "@id @itemshort @locked @lockage @lockcookie"
_CALLS = {
    "TempGetStateItem": (_BY_DATE, "update", _READ),
    "TempGetStateItem2": (_BY_AGE, "update", _READ),
    "TempGetStateItem3": (f"{_BY_AGE} @actionflags", "update", f"{_READ} flags"),
    "TempGetStateItemExclusive": (_BY_DATE, "update", _READ),
    "TempGetStateItemExclusive2": (_BY_AGE, "update", _READ),
    "TempGetStateItemExclusive3": (f"{_BY_AGE} @actionflags", "update", f"{_READ} flags"),
    "TempReleaseStateItemExclusive": ("@id @lockcookie", "update", _INSERT),
    "TempInsertUninitializedItem": ("@id @itemshort @timeout", "insert", f"{_INSERT} sessionitemshort flags"),
    "TempInsertStateItemShort": ("@id @itemshort @timeout", "insert", f"{_INSERT} sessionitemshort"),
    "TempInsertStateItemLong": ("@id @itemlong @timeout", "insert", f"{_INSERT} sessionitemlong"),
    "TempUpdateStateItemShort": ("@id @itemshort @timeout @lockcookie", "update", f"{_INSERT} sessionitemshort"),
    "TempUpdateStateItemShortNullLong": ("@id @itemshort @timeout @lockcookie", "update", _READ),
    "TempUpdateStateItemLong": ("@id @itemlong @timeout @lockcookie", "update", f"{_INSERT} sessionitemlong"),
    "TempUpdateStateItemLongNullShort": ("@id @itemlong @timeout @lockcookie", "update", _READ),
    "TempRemoveStateItem": ("@id @lockcookie", "delete", "sessionid lockcookie"),
    "TempResetTimeout": ("@id", "update", "sessionid expires timeout"),
}
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Generation:
    """`name` is 1.0, 1.1, 2.0, 4.x, "built-in" or another word of this file; "" where there is no session state.

    `procedures` has for each which generation's it may be, empty for one that was edited. `expiry` is the form of
    DeleteExpiredSessions, None where it is missing or encrypted. `table` is what the table of sessions may be of.
    """

    name: str = ""
    procedures: dict[str, frozenset[str]] = field(default_factory=dict)
    expiry: Form | None = None
    table: frozenset[str] = frozenset((BUILT_IN,))

    @property
    def edited(self) -> tuple[str, ...]:
        """The procedures that do none of the known things."""
        return tuple(name for name, may_be in self.procedures.items() if not may_be)

    @property
    def is_built_in(self) -> bool:
        """Whether nothing that tells is of Microsoft's making."""
        others = (may_be for name, may_be in self.procedures.items() if may_be and name not in _TELLS_NOTHING)
        return all(BUILT_IN in may_be for may_be in (self.table or {BUILT_IN}, *others))

    def label(self, name: str) -> str:
        """The generation of one procedure, for people."""
        may_be = self.procedures[name]
        if not may_be:
            return "edited"
        if name == EXPIRY and self.expiry:
            return expiry_generation(self.expiry)
        return self.name if self.name in may_be else " or ".join(sorted(may_be))


def generation_of(contents: Contents, tables: dict[str, Table]) -> Generation:
    """Of the objects of one database; `tables` are the session tables, wherever they are."""
    procedures = {name: may_be_of(name, procedure) for name, procedure in sorted(contents.procedures.items())}
    text = contents.procedures[EXPIRY].definition if EXPIRY in contents.procedures else None
    found = [may_be for name, may_be in procedures.items() if may_be and name not in _TELLS_NOTHING]
    table = Generation.table
    if "ASPStateTempSessions" in tables:
        table = table_may_be_of(tables["ASPStateTempSessions"])
        found.append(table)
    return Generation(_name(contents, procedures, table, found), procedures, form_of(text) if text else None, table)


def _name(
    contents: Contents, procedures: dict[str, frozenset[str]], table: frozenset[str], found: list[frozenset[str]]
) -> str:
    """`found` is what everything that tells may be of."""
    if table == {ASYNC} or (not found and any("dbo.ASPNetSessionState" in other for other in contents.others)):
        return ASYNC
    if not found:
        return UNKNOWN if procedures else ""
    return " or ".join(sorted(frozenset.intersection(*found))) or (MIXED if table else UNKNOWN)


@lru_cache(maxsize=256)
def may_be_of(name: str, procedure: Procedure) -> frozenset[str]:
    """The generations in which a procedure of that name does what this one does; none for one that was edited."""
    if procedure.definition is None:
        return _NONE
    if forwards_to(procedure.definition):
        return frozenset((BUILT_IN,))
    if name == EXPIRY:
        return frozenset(expiry_generation(form_of(procedure.definition)).split(" or ")) - {UNKNOWN}
    does = behavior_of(procedure.definition)
    if "native_compilation" in does.options:
        return frozenset((IN_MEMORY,))
    if does.options:
        return _NONE
    return _call(name, does) if name in _CALLS else _OTHERS.get(name, lambda does: _NONE)(does)


def table_may_be_of(sessions: Table) -> frozenset[str]:
    """The same of the table of sessions; none for one of an unknown shape."""
    types = {name: type_ for name, type_, *_ in (line.split() for line in sessions.columns)}
    if "SessionItemShort" not in types:
        return frozenset((ASYNC,)) if "SessionItemLong" in types else _NONE
    match types.get("SessionId"), types.get("SessionItemLong"):
        case "char(32)", "image":
            return frozenset(("1.1",)) if "LockDateLocal" in types else frozenset((FIRST,))
        case "nvarchar(88)", "image":
            return frozenset((*CLASSIC, BUILT_IN)) if "Flags" in types else _NONE
        case "nvarchar(88)", "varbinary(max)":
            return frozenset((IN_MEMORY, BUILT_IN))
    return _NONE


def expiry_generation(form: Form) -> str:
    """Which DeleteExpiredSessions a form is; 4.0 is 4.x with a column's name in another case."""
    if form.local_time:
        return FIRST
    if form.kind == LOOP and form.by_row:
        return "4.0" if form.other_case else "4.x"
    if form.kind == LOOP and form.app_lock:
        return BUILT_IN
    if form.kind == NO_TEST and form.by_row:
        return "KB973849"
    return "1.1 or 2.0" if form.kind == ONE_DELETE else UNKNOWN


def _call(name: str, does: Behavior) -> frozenset[str]:
    """Of the procedures that keep sessions."""
    parameters, change, columns = _CALLS[name]
    same = (
        does.parameters == tuple(parameters.split())
        and does.changes == (change,)
        and does.objects == {_SESSIONS}
        and does.columns - {"lockdate", "lockdatelocal"} == set(columns.split())
        and not any(does.assigned(each) for each in set(does.parameters) - does.outputs)
        and does.conditions == (_NONE if change == "insert" else _conditions(does))
        and does.assigned("timeout") <= {"@timeout"}
    )
    renews = ("@timeout", "timeout") if "@timeout" in does.parameters else ("timeout",)
    if not same or len(does.renewed_by) > 1 or not does.renewed_by <= set(renews) or not _locks_as(name, does):
        return _NONE
    if change == "delete":
        return _LATER | {FIRST}
    if "getutcdate" not in does.words:
        return frozenset((FIRST,)) if "getdate" in does.words and "flags" not in does.columns else _NONE
    return _of_later_call(name, does)


def _conditions(does: Behavior) -> frozenset[str]:
    """What finds the row: its id, and for whoever gives a cookie that too."""
    row = frozenset(("sessionid = @id",))
    return row | {"lockcookie = @lockcookie"} if "@lockcookie" in set(does.parameters) - does.outputs else row


def _locks_as(name: str, does: Behavior) -> bool:
    """Whether it takes the lock if that is its purpose, and otherwise gives it back or leaves it."""
    given = does.assigned("locked")
    return "1" in given if name.startswith("TempGetStateItemExclusive") else given <= {"0"}


def _of_later_call(name: str, does: Behavior) -> frozenset[str]:
    if name.startswith("TempGet"):
        if "textptr" not in does.words:
            return frozenset((BUILT_IN,))
        return frozenset(CLASSIC if "flags" in does.columns else ADOPTABLE)
    if name.startswith("TempUpdate"):
        return frozenset(("4.x", BUILT_IN) if does.renewed_by == {"@timeout"} else ("1.1", "2.0"))
    return _LATER - {"1.1"} if "flags" in does.columns else _LATER


def _major_version(does: Behavior) -> frozenset[str]:
    for word, generations in (("@@version", CLASSIC), ("xp_msver", ("1.1",)), ("serverproperty", (BUILT_IN,))):
        if word in does.words and does.parameters == ("@@ver",):
            return frozenset(generations)
    return _NONE


def _version(does: Behavior) -> frozenset[str]:
    return _LATER - {"1.1"} if does.parameters == ("@ver",) and does.objects == _NONE else _NONE


def _hash(does: Behavior) -> frozenset[str]:
    same = does.parameters == ("@input", "@hash") and does.objects == _NONE and {"5381", "^"} <= set(does.words)
    return _LATER - {"1.1"} if same else _NONE


def _app_id(does: Behavior) -> frozenset[str]:
    """By the hash; before 2.0 by the table's IDENTITY, which an INSERT of the name alone takes."""
    same = (
        does.parameters == ("@appname", "@appid")
        and does.changes == ("insert",)
        and does.objects <= {_APPLICATIONS, "gethashcode"}
        and does.assigned("@appname") <= {"lower"}
        and does.assigned("@appid") <= {"null", "appid", "@@identity", "scope_identity"}
        and does.assigned("appname") <= {"@appname", "lower"}
        and does.arguments("lower") | does.arguments("gethashcode") <= {"@appname"}
    )
    if same and "gethashcode" in does.objects:
        return _LATER - {"1.1"}
    if not same or "@appid" in does.inserted:
        return _NONE
    return frozenset(("1.1",) if "lower" in does.words else (FIRST, "1.1"))


def _tables(does: Behavior) -> frozenset[str]:
    if "create" not in does.words or not {_SESSIONS, _APPLICATIONS} <= does.objects:
        return _NONE
    if "object_id" in does.words:
        return frozenset((BUILT_IN,))
    if "flags" in does.columns:
        return frozenset(CLASSIC)
    return frozenset(("1.1",) if "lockdatelocal" in does.columns else (FIRST,))


def _before_2(does: Behavior) -> frozenset[str]:
    return frozenset((FIRST, "1.1"))


_OTHERS = {
    "GetMajorVersion": _major_version,
    "TempGetVersion": _version,
    "GetHashCode": _hash,
    "TempGetAppID": _app_id,
    "CreateTempTables": _tables,
    **dict.fromkeys(FORMER, _before_2),
}
NAMES = (*_CALLS, *_OTHERS, EXPIRY)
"""The procedures of session state that any generation has, but for TempGetAppId of 1.0."""
