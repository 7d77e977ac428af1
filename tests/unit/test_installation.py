"""Installing: what is missing is created, what differs is altered, and nothing is lost that nobody asked to lose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.catalog import Contents, Procedure
from aspstate.database import Database, describe
from aspstate.errors import Refused
from aspstate.installation import missing_or_different, plan_present
from aspstate.plan import Plan
from aspstate.property_changes import Choices
from aspstate.schema import STARTUP, TABLES, TYPES
from aspstate.temporary import Outside
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.states import NAMES, OURS, SA, SCHEMAS, THEIRS, absent, empty, whole, with_contents


def plan(current: Database, type_: str = "persisted", choices: Choices | None = None, **options: object) -> Plan:
    return plan_present(current, type_, SCHEMAS[type_], choices or Choices(), SA, **options)


def sentences(made: Plan) -> list[str]:
    return [step.sentence for step in made.steps]


@pytest.mark.parametrize("type_", TYPES)
def test_nothing_is_planned_for_what_is_as_wanted(type_: str) -> None:
    made = plan(whole(type_), type_)
    assert (made.steps, made.before) == ((), made.after)


@pytest.mark.parametrize("type_", TYPES)
def test_an_empty_server_gets_everything(type_: str) -> None:
    made = plan(absent(type_), type_)
    name = NAMES[type_]
    assert made.before == f"database {name}: absent\n"
    assert sentences(made)[0] == f"create database {name}"
    assert made.steps[-1].statement == "EXEC dbo.CreateTempTables"
    created = [line for line in sentences(made) if line.startswith(("create type", "create procedure dbo"))]
    assert len(created) == len(SCHEMAS[type_].types) + len(SCHEMAS[type_].procedures)
    own = {"temporary": "table tempdb.dbo.ASPStateTempSessions", "persisted": "table dbo.ASPStateTempSessions"}
    assert own.get(type_, own["persisted"]) in made.after
    assert (f"procedure master.dbo.{STARTUP}: runs at each start" in made.after) == (type_ == "temporary")


@pytest.mark.parametrize("type_", TYPES)
@given(data=st.data())
def test_a_half_finished_or_changed_one_gets_what_it_lacks_and_nothing_else(type_: str, data: st.DataObject) -> None:
    full, shipped = whole(type_), SCHEMAS[type_]
    missing = data.draw(st.sets(st.sampled_from(sorted(shipped.procedures))))
    # without CreateTempTables and tables nothing tells of which type it is; that is another test's
    changed = data.draw(st.sets(st.sampled_from(sorted(set(shipped.procedures) - {"CreateTempTables"})))) - missing
    types = data.draw(st.sets(st.sampled_from(sorted(shipped.types))))
    tables = data.draw(st.sets(st.sampled_from(sorted(TABLES))))
    procedures = {name: value for name, value in full.contents.procedures.items() if name not in missing}
    procedures |= {name: Procedure(f"CREATE PROCEDURE dbo.{name} AS RETURN 1") for name in changed}
    there = {name: value for name, value in TABLES.items() if name not in tables}
    current = with_contents(
        full,
        types={name: value for name, value in full.contents.types.items() if name not in types},
        tables={} if type_ == "temporary" else there,
        procedures=procedures,
    )
    if type_ == "temporary":
        current = replace(current, outside=replace(current.outside, tables=there))
    made = plan(current, type_)
    expected = {f"create type dbo.{name}" for name in types}
    expected |= {f"create procedure dbo.{name}" for name in missing}
    expected |= {f"alter procedure dbo.{name}" for name in changed}
    if tables:
        where = " in tempdb" if type_ == "temporary" else ""
        expected.add("create " + ", ".join(f"table dbo.{name}" for name in sorted(tables)) + where)
    assert set(sentences(made)) == expected
    assert (made.before == made.after) == (not made.steps)
    assert not any("DROP" in step.statement for step in made.steps)
    assert missing_or_different(current, type_, shipped) == sentences(made)


RUN_AT_START = f"run procedure master.dbo.{STARTUP} at each start of SQL Server"


@pytest.mark.parametrize(
    ("outside", "expected"),
    [
        (
            Outside(TABLES),
            [
                f"create procedure master.dbo.{STARTUP}",
                RUN_AT_START,
            ],
        ),
        (
            replace(whole("temporary").outside, startup=Procedure("CREATE PROCEDURE dbo.ASPState_Startup AS RETURN")),
            [f"alter procedure master.dbo.{STARTUP}"],
        ),
        (
            replace(whole("temporary").outside, marked=False),
            [RUN_AT_START],
        ),
        (
            replace(whole("temporary").outside, scan=False),
            [RUN_AT_START],
        ),
        (
            replace(whole("temporary").outside, tables={}),
            ["create table dbo.ASPStateTempApplications, table dbo.ASPStateTempSessions in tempdb"],
        ),
    ],
    ids=["no startup procedure", "another one", "not marked", "scan option off", "after a restart"],
)
def test_what_type_temporary_needs_outside_is_made_again(outside: Outside, expected: list[str]) -> None:
    made = plan(replace(whole("temporary"), outside=outside), "temporary")
    assert sentences(made) == expected
    assert made.before != made.after
    assert made.after == describe(whole("temporary"), [STARTUP] if "alter" in expected[0] else [])


def test_a_changed_procedure_is_shown_with_both_texts() -> None:
    name = "TempResetTimeout"
    full = whole()
    changed = {**full.contents.procedures, name: Procedure("CREATE PROCEDURE dbo.TempResetTimeout AS\nRETURN 7")}
    made = plan(with_contents(full, procedures=changed))
    assert f"procedure dbo.{name}\n  CREATE PROCEDURE dbo.{name} AS\n  RETURN 7\n" in made.before
    assert "  UPDATE dbo.ASPStateTempSessions" in "\n".join(line[2:] for line in made.after.split("\n"))


_HASH = whole().contents.procedures["GetHashCode"]


@pytest.mark.parametrize(
    "procedure",
    [Procedure(None), replace(_HASH, quoted_identifier=False), replace(_HASH, ansi_nulls=False)],
    ids=["encrypted", "QUOTED_IDENTIFIER OFF", "ANSI_NULLS OFF"],
)
def test_a_procedure_that_cannot_be_compared_or_has_other_options_is_altered(procedure: Procedure) -> None:
    full = whole()
    made = plan(with_contents(full, procedures={**full.contents.procedures, "GetHashCode": procedure}))
    assert sentences(made) == ["alter procedure dbo.GetHashCode"]
    assert made.before != made.after


def test_an_install_that_was_cut_off_is_completed_beside_what_the_database_has_from_model() -> None:
    begun = Contents(types={"tSessionId": "nvarchar(88) NOT NULL"}, others=("sql stored procedure dbo.from_model",))
    made = plan(replace(empty(), contents=begun))
    assert sentences(made)[-1] == "create table dbo.ASPStateTempApplications, table dbo.ASPStateTempSessions"


def test_what_an_administrator_added_stays_and_is_shown_on_both_sides() -> None:
    full = whole()
    added = replace(TABLES["ASPStateTempSessions"], indexes=("Index_Expires (Expires)", "ix_created (Created)"))
    current = with_contents(
        full,
        types={**full.contents.types, "tTextPtr": "varbinary(16) NULL"},
        tables={**TABLES, "ASPStateTempSessions": added},
        procedures={**full.contents.procedures, "ResetData": Procedure("CREATE PROCEDURE dbo.ResetData AS RETURN")},
        others=("view dbo.v_sessions",),
    )
    made = plan(current)
    assert (made.steps, made.before) == ((), made.after)
    assert "view dbo.v_sessions (not managed)" in made.before


def test_a_missing_index_is_created() -> None:
    bare = replace(TABLES["ASPStateTempSessions"], indexes=())
    made = plan(with_contents(whole(), tables={**TABLES, "ASPStateTempSessions": bare}))
    assert sentences(made) == ["create index Index_Expires (Expires) on dbo.ASPStateTempSessions"]


def test_type_custom_takes_its_place_beside_what_is_there() -> None:
    shop = Database("Shop", exists=True, contents=Contents(others=("user table dbo.orders",)), properties=THEIRS)
    made = plan(shop, "custom")
    assert sentences(made)[0] == "create type dbo.tAppName"
    assert "user table dbo.orders (not managed)" in made.after
    assert not any("ALTER DATABASE" in step.statement for step in made.steps)


def _sessions(**changes: object) -> Database:
    return with_contents(whole(), tables={**TABLES, "ASPStateTempSessions": replace(_TABLE, **changes)})


_TABLE = TABLES["ASPStateTempSessions"]
COLUMNS = _TABLE.columns
ORDERS = Contents(others=("user table dbo.orders",))
KNOWN_NAME = replace(ORDERS, procedures={"GetHashCode": Procedure("CREATE PROCEDURE dbo.GetHashCode AS RETURN 1")})
READ_ONLY = replace(OURS, read_only=True)
REFUSED = [
    (
        "something else",
        "persisted",
        replace(empty(), contents=ORDERS),
        "it holds something else and no session tables: user table dbo.orders",
    ),
    (
        "something else with a procedure of a known name",
        "persisted",
        replace(empty(), contents=KNOWN_NAME),
        "it holds something else and no session tables: user table dbo.orders",
    ),
    ("type temporary for persisted", "persisted", whole("temporary"), "is of type temporary, not persisted"),
    (
        "type temporary for custom",
        "custom",
        replace(whole("temporary"), name="Shop"),
        "is of type temporary, not custom",
    ),
    ("type persisted for temporary", "temporary", whole(), "is of type persisted or custom, not temporary"),
    (
        "a cut off removal",
        "persisted",
        replace(whole(), user_access="SINGLE_USER"),
        r"it is in SINGLE_USER mode.*ALTER DATABASE \.\.\. SET MULTI_USER",
    ),
    (
        "a read-only database",
        "persisted",
        replace(whole(), properties=READ_ONLY),
        "it is read-only",
    ),
    (
        "temporary in an availability group",
        "temporary",
        replace(whole("temporary"), properties=replace(OURS, in_availability_group=True)),
        "it is in an availability group, where type temporary does not work",
    ),
    (
        "a procedure of ASP.NET 1.0",
        "persisted",
        with_contents(whole(), others=("sql stored procedure dbo.TempGetAppId",)),
        "sql stored procedure dbo.TempGetAppId is named dbo.TempGetAppID today",
    ),
    (
        "another type of its name",
        "persisted",
        with_contents(whole(), types={**whole().contents.types, "tSessionId": "int NOT NULL"}),
        r"type dbo.tSessionId is int NOT NULL, not nvarchar\(88\) NOT NULL",
    ),
    ("a column too few", "persisted", _sessions(columns=COLUMNS[:-2]), "lacks the column SessionItemLong varbinary"),
    ("a column too many", "custom", _sessions(columns=(*COLUMNS, "x int NULL")), "has the column x int NULL"),
    (
        "a column too many in tempdb",
        "temporary",
        replace(
            whole("temporary"),
            outside=Outside({"ASPStateTempSessions": replace(_TABLE, columns=(*COLUMNS, "x int NULL"))}),
        ),
        "has the column x int NULL",
    ),
    (
        "an index of the same name over another column",
        "persisted",
        _sessions(indexes=("Index_Expires (Created)",)),
        r"has the index Index_Expires \(Created\), not Index_Expires \(Expires\)",
    ),
    (
        "an index that lets no two sessions expire at once",
        "persisted",
        _sessions(indexes=("Index_Expires (Expires) UNIQUE",)),
        r"has the index Index_Expires \(Expires\) UNIQUE, not Index_Expires \(Expires\)",
    ),
    ("no primary key", "persisted", _sessions(key=""), r"has the primary key \(\), not \(SessionId\)"),
]


@pytest.mark.parametrize(("type_", "current", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_could_lose_sessions_or_is_of_another_make_is_refused(type_: str, current: Database, message: str) -> None:
    with pytest.raises(Refused, match=message):
        plan(current, type_)
    assert missing_or_different(current, type_, SCHEMAS[type_])


LEFT = Outside(TABLES, Procedure("CREATE PROCEDURE dbo.ASPState_Startup AS RETURN"), marked=True, scan=True)


def test_leftovers_stay_unless_their_removal_is_asked_for() -> None:
    current = replace(whole(), leftovers=LEFT)
    assert plan(current).steps == ()
    made = plan(current, remove_leftovers=True)
    assert sentences(made) == [
        f"drop procedure master.dbo.{STARTUP}",
        "drop table dbo.ASPStateTempApplications, dbo.ASPStateTempSessions in tempdb",
    ]
    assert made.after == describe(whole())


def test_leftovers_with_live_sessions_are_kept() -> None:
    with pytest.raises(Refused, match=r"database tempdb holds 3 live session\(s\)"):
        plan(replace(whole(), leftovers=LEFT), remove_leftovers=True, live_leftovers=3)
    assert plan(
        replace(whole(), leftovers=LEFT), remove_leftovers=True, live_leftovers=3, discard_live_sessions=True
    ).steps
