"""Session state on its way from one place to another: the two places, and how far it has come.

A place is a database with the session procedures and the one with their tables: ASPState and tempdb for type temporary,
else one database for both. What is there tells how far it is; nothing is kept outside SQL Server.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .database import Database, read, refuse_other_type
from .errors import NotKnown, Refused
from .forwarding import forwards_to, session_procedures
from .names import database_name
from .rights import Right, demand
from .schema import TABLES, Schema, Table
from .server import Server

NOT_BEGUN, COPYING, SWITCHED, FINISHED = "not_begun", "copying", "switched", "finished"

# The mark is an extended property of tables that hold copies of what is kept elsewhere. It goes when they count.
_MARKED = """
SELECT COUNT(*)
FROM sys.extended_properties
WHERE class = 1 AND major_id = OBJECT_ID(N'dbo.ASPStateTempSessions') AND minor_id = 0 AND name = N'ASPState.Convert'
"""

# NOLOCK: counting must not make a request wait. Of what is being changed it is near enough.
_COUNT = """
SELECT COUNT(*), ISNULL(SUM(CASE WHEN Expires >= GETUTCDATE() THEN 1 ELSE 0 END), 0),
       ISNULL(SUM(ISNULL(CONVERT(bigint, DATALENGTH(SessionItemShort)), 0)
                  + ISNULL(CONVERT(bigint, DATALENGTH(SessionItemLong)), 0)), 0),
       (SELECT COUNT(*) FROM dbo.ASPStateTempApplications WITH (NOLOCK))
FROM dbo.ASPStateTempSessions WITH (NOLOCK)
"""


@dataclass(frozen=True)
class Place:
    """`copies`: its session tables are marked as such; `forwards`: the database that its procedures forward to."""

    type: str
    database: Database
    schema: Schema
    copies: bool = False
    forwards: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"

    @property
    def name(self) -> str:
        """Its database of the procedures."""
        return self.database.name

    @property
    def tables_in(self) -> str:
        """The database of its session tables, which may be none yet."""
        return "tempdb" if self.type == "temporary" else self.name

    @property
    def tables(self) -> dict[str, Table]:
        """Its session tables, whether or not they are the ones in use."""
        found = self.database
        return (found.outside.tables or found.leftovers.tables) if self.type == "temporary" else found.contents.tables

    @property
    def installed(self) -> bool:
        """Whether its database has session state."""
        return self.database.exists and self.database.type != ""


@dataclass(frozen=True)
class Rows:
    """How many rows the tables have. `live` of the sessions have not expired, `bytes` is the size of their items."""

    sessions: int = 0
    applications: int = 0
    live: int = 0
    bytes: int = 0

    def facts(self) -> dict[str, int]:
        """As plain data for a module's result."""
        return {"sessions": self.sessions, "applications": self.applications}


@dataclass(frozen=True)
class Move:
    """Sessions that are at `source`, or were, and are to be at `target`. To take it back is the same the other way.

    `untouched`: it is to be taken back, and was not begun. What is at `source` has no sessions, and may be anybody's.
    """

    source: Place
    target: Place
    untouched: bool = False

    @property
    def in_place(self) -> bool:
        """Whether the procedures stay in their database, and only where it keeps its tables changes."""
        return self.source.name.casefold() == self.target.name.casefold()

    @property
    def state(self) -> str:
        """One of the four."""
        return self._state_in_place() if self.in_place else self._state_of_two()

    def _state_in_place(self) -> str:
        if (self.source.database.type == "temporary") is (self.source.type == "temporary"):
            return COPYING if self.target.copies else NOT_BEGUN
        return SWITCHED if self.source.copies or self.left_startup else FINISHED

    def _state_of_two(self) -> str:
        if self.source.forwards:
            return SWITCHED
        if self.target.forwards:
            return COPYING
        if self.untouched:
            return FINISHED
        if not self.target.installed or self.source.installed:
            return NOT_BEGUN
        return SWITCHED if self.source.database.type else FINISHED  # what type temporary keeps outside its database

    @property
    def left_startup(self) -> bool:
        """Whether type temporary's startup procedure is there and nothing needs it any more."""
        return self.source.type == "temporary" and self.source.database.leftovers.startup is not None

    @property
    def at(self) -> Place:
        """Where the sessions are now."""
        return self.source if self.state in (NOT_BEGUN, COPYING) else self.target

    @property
    def forwarding(self) -> dict[str, str]:
        """Which database forwards to which, as plain data."""
        return {place.name: place.forwards for place in (self.source, self.target) if place.forwards}


def read_move(
    server: Server, source: tuple[str, str, Schema], target: tuple[str, str, Schema], *, back: bool = False
) -> Move:
    """Both places, each as name, type and schema; `back` from the second to the first.

    Raises Refused for what is no conversion, or is in the middle of another one; NotKnown where something cannot be
    seen.
    """
    places = [
        _read_place(server, database_name(name, type_), type_, schema) for name, type_, schema in (source, target)
    ]
    move = Move(*reversed(places)) if back else Move(*places)
    _refuse_nonsense(move)
    if back and move.state == NOT_BEGUN and move.target.installed:
        return replace(move, untouched=_live(server, move.source) == 0)
    return move


def _live(server: Server, place: Place) -> int:
    return count_rows(server, place).live if len(place.tables) == len(TABLES) else 0


def _read_place(server: Server, name: str, type_: str, schema: Schema) -> Place:
    name = database_name(name, type_)
    database, _ = read(server, name, type_, schema)
    if database.not_known:
        raise NotKnown("; ".join(database.not_known))
    procedures = database.contents.procedures
    forwards = {forwards_to(procedures[each].definition) for each in session_procedures(schema) if each in procedures}
    if len(forwards) > 1:
        raise Refused(
            f"database {name}: of its procedures some forward to database {', '.join(filter(None, sorted(forwards)))} "
            "and some do not, which no run of this project leaves; nothing was changed; restore the ones that were "
            "edited"
        )
    place = Place(type_, database, schema, forwards="".join(forwards))
    if "ASPStateTempSessions" not in place.tables:
        return place
    (marks,) = server.run_in(place.tables_in, _MARKED).row
    return Place(type_, database, schema, bool(marks), place.forwards)


def _refuse_nonsense(move: Move) -> None:
    source, target = move.source, move.target
    if move.in_place and (source.type == "temporary") is (target.type == "temporary"):
        raise Refused(
            f"{source} and {target} are one place: nothing was changed; to call it by another type, set aspstate_type"
        )
    for one, other in ((source, target), (target, source)):
        if not move.in_place:
            refuse_other_type(one.database, one.type)
        if one.forwards and one.forwards.casefold() != other.name.casefold():
            raise Refused(
                f"database {one.name} forwards to database {one.forwards}: another conversion is under way; nothing "
                "was changed; finish that first, or take it back"
            )
    if source.forwards and target.forwards:
        raise Refused(
            f"databases {source.name} and {target.name} forward to each other, which no run of this project leaves; "
            "nothing was changed; run playbooks/site.yml for neither, and restore the procedures of the one that has "
            "the sessions"
        )
    if not source.installed and not target.installed:
        raise Refused(
            f"there is no session state in {source}, nor in {target}: nothing was changed; correct name and type"
        )


def count_rows(server: Server, place: Place) -> Rows:
    """The rows of a place that has session tables. Raises Refused where the login may not read them."""
    tables = ("ASPStateTempSessions", "ASPStateTempApplications")
    demand(server, [Right("SELECT", "OBJECT", table, place.tables_in) for table in tables])
    sessions, live, size, applications = server.run_in(place.tables_in, _COUNT).row
    return Rows(sessions, applications, live, size)


def count_move(server: Server, move: Move) -> Rows | None:
    """The same of the place that has the sessions; None where its tables are missing."""
    return count_rows(server, move.at) if len(move.at.tables) == len(TABLES) else None
