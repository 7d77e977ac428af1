"""What is wrong with a session database, told from its catalogue, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from .database import Database, some
from .errors import NotKnown
from .expiry_form import NO_TEST, ONE_DELETE
from .expiry_job import read_expiry_job
from .finding import Finding
from .forwarding import forwarding
from .generation import ASYNC, BUILT_IN, EXPIRY, FIRST, FORMER, IN_MEMORY, MIXED, NAMES, UNKNOWN, Generation
from .schema import STARTUP, TABLES
from .server import Server
from .temporary import leftovers

_ADOPT = "playbooks/site.yml brings it to the built-in schema"
_NOT_PADDED = " (ANSI_PADDING OFF)"
_SINCE_2 = (
    "GetHashCode",
    "TempGetStateItem3",
    "TempGetStateItemExclusive3",
    "TempGetVersion",
    "TempInsertUninitializedItem",
)


def database_findings(server: Server, database: Database, generation: Generation) -> list[Finding]:
    """Of one database. Raises NotKnown where there is none, and its job cannot be looked for."""
    host = server.address
    if not database.exists:
        found = list(_of_job(server, database.name))
    elif other := forwarding(database.contents):
        text = f"its procedures forward to database {other}: session state is being converted, and that is not finished"
        found = [Finding("ASP116", host, f"database {database.name}", text, "one place of sessions", other)]
    else:
        found = [
            *_of_generation(host, database, generation),
            *_of_procedures(host, database, generation),
            *_of_expiry(host, database, generation),
            *_of_tables(host, database, generation),
        ]
    return found + list(_of_leftovers(host, database))


def _of_job(server: Server, name: str) -> Iterator[Finding]:
    job = read_expiry_job(server, name)
    if job.jobs is None:
        raise NotKnown(job.not_known[-1])
    for each in job.jobs:
        text = f"it executes DeleteExpiredSessions of database {name}, which is not there: each of its runs fails"
        yield Finding("ASP115", server.address, f"job {each}", text, f"database {name}", "no database")


def _of_generation(host: str, database: Database, generation: Generation) -> Iterator[Finding]:
    subject, name = f"database {database.name}", generation.name
    if name == MIXED:
        labels = sorted({generation.label(each) for each in generation.procedures})
        text = f"its procedures and tables are of several generations ({', '.join(labels)}); {_ADOPT}"
        yield Finding("ASP102", host, subject, text, "one generation", labels)
    elif name == FIRST:
        text = "it is of ASP.NET 1.0, whose times are the server's local ones: nobody can tell when a session ends"
        yield Finding("ASP109", host, subject, text, "UTC", "local time")
    elif name in (ASYNC, IN_MEMORY) or not generation.table:
        text = f"its sessions are not in a table that System.Web's client and the built-in procedures know: {name}"
        yield Finding("ASP114", host, subject, text, "dbo.ASPStateTempSessions of ASP.NET 1.1 or later", name)
    elif name not in ("", BUILT_IN, UNKNOWN):
        yield Finding("ASP101", host, subject, f"its session state is of generation {name}; {_ADOPT}", BUILT_IN, name)
    if generation.edited:
        names = some(tuple(f"dbo.{each}" for each in generation.edited))
        text = f"somebody has edited {names}, or encrypted it: it does none of the things that are known of it"
        yield Finding("ASP103", host, subject, text, "known procedures", list(generation.edited))


def _of_procedures(host: str, database: Database, generation: Generation) -> Iterator[Finding]:
    needless = (*FORMER, *(_SINCE_2 if generation.name in (FIRST, "1.1") else ()))
    missing = [name for name in NAMES if name not in generation.procedures and name not in needless]
    if missing and (generation.procedures or database.tables) and generation.name not in (FIRST, ASYNC, IN_MEMORY):
        text = f"it lacks {some(tuple(f'dbo.{name}' for name in missing))}; playbooks/site.yml creates what is missing"
        yield Finding("ASP104", host, f"database {database.name}", text, "all procedures", missing)


def _of_expiry(host: str, database: Database, generation: Generation) -> Iterator[Finding]:
    form = generation.expiry
    if form is None:
        return
    subject = f"procedure dbo.{EXPIRY} in database {database.name}"
    if form.kind == ONE_DELETE:
        text = "it deletes everything in one statement, which locks the table for all requests"
        yield Finding("ASP106", host, subject, text, "small steps", "one statement")
    if form.kind == NO_TEST:
        text = "it does not test Expires where it deletes, so that it also deletes sessions that were renewed meanwhile"
        yield Finding("ASP107", host, subject, text, "a test of Expires", "none")
    collation = database.properties.collation if database.properties else ""
    if form.other_case and ("_CS_" in collation.upper() or "_BIN" in collation.upper()):
        text = f"it does not write SessionId as the table does, and fails under collation {collation}: no session ends"
        yield Finding("ASP108", host, subject, text, "SessionId", "another case")


def _of_tables(host: str, database: Database, generation: Generation) -> Iterator[Finding]:
    now, where = database.tables, database.tables_in
    missing = [name for name in TABLES if name not in now]
    if missing and (generation.procedures or now):
        text = f"{some(tuple(f'dbo.{name}' for name in missing))} is not there: every request fails"
        yield Finding("ASP105", host, f"database {where}", text, list(TABLES), sorted(now))
    for name, table in now.items():
        subject = f"table dbo.{name} in database {where}"
        bare = [line.split()[0] for line in table.columns if line.endswith(_NOT_PADDED)]
        if bare:
            text = f"{', '.join(bare)} was made with ANSI_PADDING OFF: zeros at the end of an item are lost"
            yield Finding("ASP110", host, subject, text, "ANSI_PADDING ON", bare)
        if name == "ASPStateTempSessions" and not any("(Expires)" in index for index in table.indexes):
            text = "it has no index on Expires: whoever deletes expired sessions reads the whole table"
            yield Finding("ASP111", host, subject, text, "Index_Expires (Expires)", list(table.indexes))
    outside = database.outside
    if database.type == "temporary" and not (outside.startup and outside.at_start):
        text = "it does not run at the start of SQL Server: after the next one every request fails"
        yield Finding("ASP113", host, f"procedure dbo.{STARTUP} in master", text, "runs at each start", "does not")


def _of_leftovers(host: str, database: Database) -> Iterator[Finding]:
    for each in leftovers(database.leftovers):
        subject = each.partition(",")[0]
        text = f"no session state of type temporary uses it: {each}"
        yield Finding("ASP112", host, subject, text, "nothing", each)
    for name in database.unused_tables:
        subject = f"table dbo.{name} in database {database.name}"
        text = "it is not used: the procedures keep their sessions in tempdb"
        yield Finding("ASP112", host, subject, text, "nothing", f"table dbo.{name}")
