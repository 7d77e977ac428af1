"""How expired sessions are to be deleted: by the database's own procedure where that does it well, else in batches.

The rights are asked for together with what is there, before anything is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .errors import Refused
from .expiry_form import LOOP, NO_TEST, Form, form_of
from .instance import read_presence
from .rights import Right
from .schema import uses_tempdb
from .server import Server
from .sessions import NoTables

METHODS = ("auto", "procedure", "project")
LARGEST_BATCH = 100_000

_ASK = """
SELECT OBJECT_ID(@table, 'U'),
       HAS_PERMS_BY_NAME(QUOTENAME(@tables_in), 'DATABASE', 'VIEW DEFINITION'),
       HAS_PERMS_BY_NAME(@table, 'OBJECT', 'SELECT'),
       HAS_PERMS_BY_NAME(@table, 'OBJECT', 'DELETE'),
       OBJECT_ID(N'dbo.DeleteExpiredSessions', 'P'),
       HAS_PERMS_BY_NAME(N'dbo.DeleteExpiredSessions', 'OBJECT', 'EXECUTE'),
       CONVERT(nvarchar(23), GETUTCDATE(), 126)

SELECT definition FROM sys.sql_modules WHERE object_id = OBJECT_ID(N'dbo.DeleteExpiredSessions', 'P')

SELECT name FROM sys.parameters WHERE object_id = OBJECT_ID(N'dbo.DeleteExpiredSessions', 'P')
"""

_COUNT = """
SELECT COUNT(*) FROM dbo.ASPStateTempSessions WITH (NOLOCK) WHERE Expires < @before
"""


@dataclass(frozen=True)
class How:
    """`pause` is in milliseconds, after each batch; `max_duration` in seconds, 0 for no limit."""

    method: str = "auto"
    batch_size: int = 1000
    pause: int = 0
    max_duration: int = 0

    def __post_init__(self) -> None:
        """Raises Refused for what cannot be."""
        if not 1 <= self.batch_size <= LARGEST_BATCH:
            raise Refused(
                f"batch_size is {self.batch_size}; give 1 to {LARGEST_BATCH}; from 5000 locks on SQL Server locks the "
                "whole table"
            )
        for name in ("pause", "max_duration"):
            if (value := getattr(self, name)) < 0:
                raise Refused(f"{name} is {value}; give 0 or more")

    @property
    def is_paced(self) -> bool:
        """Whether something was asked for that no procedure can do."""
        return bool(self.pause or self.max_duration)


@dataclass(frozen=True)
class ExpiryPlan:
    """How it will be done: what expired before `before`, the server's clock, goes; `expired` None is not known."""

    database: str
    tables_in: str
    method: str
    why: str
    before: str
    parameters: tuple[str, ...] = ()
    expired: int | None = None


@dataclass(frozen=True)
class _There:
    """What is in the database, and what the login may do with it."""

    select: bool
    delete: bool
    procedure: bool
    execute: bool
    definition: str | None
    parameters: tuple[str, ...]
    before: str

    @property
    def form(self) -> Form | None:
        return form_of(self.definition) if self.definition else None


def plan_expired(server: Server, database: str, type_: str, how: How) -> ExpiryPlan:
    """Decide how, and count where that may be seen. Raises Refused, with nothing changed."""
    presence = read_presence(server, database, look_for_holders=False)
    if not presence.exists:
        raise Refused(f"{server.address} has no database {database}; nothing was changed")
    if presence.closed:
        raise Refused(presence.closed)
    tables_in = "tempdb" if type_ == "temporary" else database
    there = _there(server, database, tables_in)
    if there.definition and uses_tempdb(there.definition) is not (type_ == "temporary"):
        raise Refused(
            f"database {database}: its DeleteExpiredSessions is not that of type {type_}; nothing was changed; set "
            "aspstate_type to what is there"
        )
    method, why = _method(server, database, tables_in, there, how)
    plan = ExpiryPlan(database, tables_in, method, why, there.before, there.parameters)
    return replace(plan, expired=count_expired(server, plan) if there.select else None)


def why_not_counted(server: Server, plan: ExpiryPlan) -> str:
    """A sentence, for a plan whose `expired` is not known."""
    return (
        f"how many sessions have expired in database {plan.database} is not known: login {server.user} on "
        f"{server.address} lacks {Right('SELECT', 'OBJECT', 'ASPStateTempSessions', plan.tables_in)}"
    )


def _there(server: Server, database: str, tables_in: str) -> _There:
    table = "dbo.ASPStateTempSessions"
    values = {"table": f"tempdb.{table}" if tables_in == "tempdb" else table, "tables_in": tables_in}
    asked, definitions, parameters = server.run_in(
        database, _ASK, "@table nvarchar(300), @tables_in sysname", values
    ).sets
    ((table_id, may_see, select, delete, procedure_id, execute, before),) = asked
    if table_id is None and may_see:
        raise NoTables(
            f"database {tables_in} on {server.address} has no session tables; nothing was changed; if session state is "
            "of another type, set aspstate_type to it"
        )
    return _There(
        select=bool(select),
        delete=bool(delete),
        procedure=procedure_id is not None,
        execute=bool(execute),
        definition=definitions[0][0] if definitions else None,
        parameters=tuple(name for (name,) in parameters),
        before=before,
    )


def _method(server: Server, database: str, tables_in: str, there: _There, how: How) -> tuple[str, str]:
    """The method and why it is that."""
    form = there.form
    if how.method == "procedure":
        return "procedure", _must_suit(server, database, there, how)
    if how.method == "project":
        why = "it was asked for"
    elif not there.procedure:
        why = "the database has no procedure DeleteExpiredSessions that the login may see"
    elif form is None:
        why = "the login may not see the text of DeleteExpiredSessions"
    elif form.kind != LOOP:
        why = f"of the database's DeleteExpiredSessions, {form.why}"
    elif not there.execute:
        why = "the login may not execute DeleteExpiredSessions"
    elif how.is_paced:
        why = "DeleteExpiredSessions knows neither pause nor max_duration"
    else:
        return "procedure", f"of the database's DeleteExpiredSessions, {form.why}"
    rights = {"SELECT": there.select, "DELETE": there.delete}
    lacking = [Right(name, "OBJECT", "ASPStateTempSessions", tables_in) for name, has in rights.items() if not has]
    _must_have(server, lacking, f" (the project's own batches are used, since {why})")
    return "project", why


def _must_suit(server: Server, database: str, there: _There, how: How) -> str:
    form = there.form
    if there.procedure and form and form.kind == NO_TEST:
        raise Refused(f"database {database}: DeleteExpiredSessions is not run: {form.why}; use method: project")
    if how.is_paced:
        raise Refused("pause and max_duration are for method: project; DeleteExpiredSessions knows neither")
    lacking = [] if there.execute else [Right("EXECUTE", "OBJECT", "DeleteExpiredSessions", database)]
    _must_have(server, lacking, "" if there.procedure else " (if there is such a procedure)")
    return "it was asked for"


def _must_have(server: Server, lacking: list[Right], remark: str) -> None:
    if lacking:
        raise Refused(
            f"login {server.user} on {server.address} lacks {', '.join(map(str, lacking))}, which this needs{remark}; "
            "nothing was changed; grant that, or use another login"
        )


def count_expired(server: Server, plan: ExpiryPlan) -> int:
    """How many are there that had expired when it was planned."""
    return server.run_in(plan.tables_in, _COUNT, "@before datetime", {"before": plan.before}).row[0]
