"""Plans: what is missing is created, what differs is altered, and nothing is lost that nobody asked to lose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from aspstate.catalog import Contents, Procedure
from aspstate.database import (
    Database,
    Usage,
    describe,
    missing_or_different,
    plan_absent,
    plan_present,
    wanted,
)
from aspstate.errors import Refused
from aspstate.instance import Holder
from aspstate.schema import TABLES, schema
from hypothesis import given
from hypothesis import strategies as st

FILES = sorted((Path(__file__).parents[2] / "roles/aspstate_database/files/schema").glob("*.sql"))
SCHEMA = schema(file.read_text(encoding="utf-8") for file in FILES)
WANTED = wanted("ASPState", SCHEMA)
ABSENT = Database("ASPState", exists=False)
EMPTY = Database("ASPState", exists=True)


def with_contents(**changes: object) -> Database:
    """The wanted database with some of its contents replaced."""
    return replace(WANTED, contents=replace(WANTED.contents, **changes))


def test_nothing_is_planned_for_a_database_that_is_as_wanted() -> None:
    plan = plan_present(WANTED, WANTED, SCHEMA)
    assert (plan.steps, plan.before) == ((), plan.after)


def test_an_empty_server_gets_everything() -> None:
    plan = plan_present(ABSENT, WANTED, SCHEMA)
    assert plan.before == "database ASPState: absent\n"
    assert plan.after == describe(WANTED)
    assert plan.steps[0].sentence == "create database ASPState"
    assert plan.steps[-1].statement == "EXEC dbo.CreateTempTables"
    assert len(plan.steps) == 1 + len(FILES) + 1


_NAMES = sorted(SCHEMA.procedures)


@given(
    missing=st.sets(st.sampled_from(_NAMES)),
    changed=st.sets(st.sampled_from(_NAMES)),
    types=st.sets(st.sampled_from(sorted(SCHEMA.types))),
    tables=st.sets(st.sampled_from(sorted(TABLES))),
)
def test_a_half_finished_or_changed_database_gets_what_it_lacks_and_nothing_else(
    missing: set[str], changed: set[str], types: set[str], tables: set[str]
) -> None:
    changed -= missing
    procedures = {name: value for name, value in WANTED.contents.procedures.items() if name not in missing}
    procedures |= {name: Procedure(f"CREATE PROCEDURE dbo.{name} AS RETURN 1") for name in changed}
    current = with_contents(
        types={name: value for name, value in WANTED.contents.types.items() if name not in types},
        tables={name: value for name, value in TABLES.items() if name not in tables},
        procedures=procedures,
    )
    plan = plan_present(current, WANTED, SCHEMA)
    expected = {f"create type dbo.{name}" for name in types}
    expected |= {f"create procedure dbo.{name}" for name in missing}
    expected |= {f"alter procedure dbo.{name}" for name in changed}
    if tables:
        expected.add("create " + ", ".join(f"table dbo.{name}" for name in sorted(tables)))
    assert {step.sentence for step in plan.steps} == expected
    assert (plan.before == plan.after) == (not plan.steps)
    assert not any("DROP" in step.statement for step in plan.steps)
    assert missing_or_different(current, WANTED, SCHEMA) == [step.sentence for step in plan.steps]


def test_a_changed_procedure_is_shown_with_both_texts() -> None:
    name = "TempResetTimeout"
    changed = {**WANTED.contents.procedures, name: Procedure("CREATE PROCEDURE dbo.TempResetTimeout AS\nRETURN 7")}
    plan = plan_present(with_contents(procedures=changed), WANTED, SCHEMA)
    assert f"procedure dbo.{name}\n  CREATE PROCEDURE dbo.{name} AS\n  RETURN 7\n" in plan.before
    assert "  UPDATE dbo.ASPStateTempSessions" in "\n".join(line[2:] for line in plan.after.split("\n"))


@pytest.mark.parametrize(
    "procedure",
    [
        Procedure(None),
        replace(WANTED.contents.procedures["GetHashCode"], quoted_identifier=False),
        replace(WANTED.contents.procedures["GetHashCode"], ansi_nulls=False),
    ],
    ids=["encrypted", "QUOTED_IDENTIFIER OFF", "ANSI_NULLS OFF"],
)
def test_a_procedure_that_cannot_be_compared_or_has_other_options_is_altered(procedure: Procedure) -> None:
    current = with_contents(procedures={**WANTED.contents.procedures, "GetHashCode": procedure})
    plan = plan_present(current, WANTED, SCHEMA)
    assert [step.sentence for step in plan.steps] == ["alter procedure dbo.GetHashCode"]
    assert plan.before != plan.after


def test_an_install_that_was_cut_off_is_completed_beside_what_the_database_has_from_model() -> None:
    begun = Contents(types={"tSessionId": "nvarchar(88) NOT NULL"}, others=("sql stored procedure dbo.from_model",))
    plan = plan_present(replace(EMPTY, contents=begun), WANTED, SCHEMA)
    assert plan.steps[-1].sentence == "create table dbo.ASPStateTempApplications, table dbo.ASPStateTempSessions"


def test_what_an_administrator_added_stays_and_is_shown_on_both_sides() -> None:
    sessions = TABLES["ASPStateTempSessions"]
    added = replace(sessions, indexes=("Index_Expires (Expires)", "ix_created (Created)"))
    current = with_contents(
        types={**WANTED.contents.types, "tTextPtr": "varbinary(16) NULL"},
        tables={**TABLES, "ASPStateTempSessions": added},
        procedures={**WANTED.contents.procedures, "ResetData": Procedure("CREATE PROCEDURE dbo.ResetData AS RETURN")},
        others=("view dbo.v_sessions",),
    )
    plan = plan_present(current, WANTED, SCHEMA)
    assert (plan.steps, plan.before) == ((), plan.after)
    assert "view dbo.v_sessions (not managed)" in plan.before


def test_a_missing_index_is_created() -> None:
    bare = replace(TABLES["ASPStateTempSessions"], indexes=())
    plan = plan_present(with_contents(tables={**TABLES, "ASPStateTempSessions": bare}), WANTED, SCHEMA)
    assert [step.sentence for step in plan.steps] == [
        "create index Index_Expires (Expires) on dbo.ASPStateTempSessions"
    ]


def _sessions(**changes: object) -> Database:
    table = replace(TABLES["ASPStateTempSessions"], **changes)
    return with_contents(tables={**TABLES, "ASPStateTempSessions": table})


COLUMNS = TABLES["ASPStateTempSessions"].columns
OTHER_MAKES = [
    (
        "something else",
        replace(EMPTY, contents=Contents(others=("user table dbo.orders",))),
        "it holds something else and no session tables: user table dbo.orders",
    ),
    (
        "something else with a procedure of a known name",
        replace(
            EMPTY,
            contents=Contents(
                procedures={"GetHashCode": Procedure("CREATE PROCEDURE dbo.GetHashCode AS RETURN 1")},
                others=("user table dbo.orders",),
            ),
        ),
        "it holds something else and no session tables: user table dbo.orders",
    ),
    (
        "type temporary",
        with_contents(
            tables={},
            procedures={
                "TempResetTimeout": Procedure("CREATE PROCEDURE dbo.TempResetTimeout AS DELETE [tempdb].dbo.t")
            },
        ),
        "its sessions are in tempdb, by procedure dbo.TempResetTimeout: type temporary is not supported yet",
    ),
    (
        "a name too long for the log file's",
        Database("x" * 124, exists=False),
        "a new database's name may have 123 characters",
    ),
    (
        "a procedure of ASP.NET 1.0",
        with_contents(others=("sql stored procedure dbo.TempGetAppId",)),
        "sql stored procedure dbo.TempGetAppId is named dbo.TempGetAppID today",
    ),
    (
        "a type of ASP.NET 1.x",
        with_contents(types={**WANTED.contents.types, "tSessionId": "char(32) NOT NULL"}),
        r"type dbo.tSessionId is char\(32\) NOT NULL, not nvarchar\(88\) NOT NULL",
    ),
    ("a column too few", _sessions(columns=COLUMNS[:-1]), "lacks the column Flags int NOT NULL DEFAULT 0"),
    ("a column too many", _sessions(columns=(*COLUMNS, "x int NULL")), "has the column x int NULL"),
    (
        "an index of the same name over another column",
        _sessions(indexes=("Index_Expires (Created)",)),
        r"has the index Index_Expires \(Created\), not Index_Expires \(Expires\)",
    ),
    (
        "an index that lets no two sessions expire at once",
        _sessions(indexes=("Index_Expires (Expires) UNIQUE",)),
        r"has the index Index_Expires \(Expires\) UNIQUE, not Index_Expires \(Expires\)",
    ),
    ("no primary key", _sessions(key=""), r"has the primary key \(\), not \(SessionId\)"),
]


@pytest.mark.parametrize(("current", "message"), [row[1:] for row in OTHER_MAKES], ids=[row[0] for row in OTHER_MAKES])
def test_a_database_of_another_make_is_refused_and_not_altered(current: Database, message: str) -> None:
    with pytest.raises(Refused, match=message):
        plan_present(current, WANTED, SCHEMA)
    assert missing_or_different(current, WANTED, SCHEMA)


NOBODY = Usage(0, ())
WEB = Holder("WEB01", ".Net SqlClient Data Provider", "shop", 3)


@pytest.mark.parametrize("current", [WANTED, EMPTY, with_contents(tables={})], ids=["whole", "empty", "half"])
def test_removing_drops_the_database(current: Database) -> None:
    plan = plan_absent(current, NOBODY, discard_live_sessions=False)
    assert [step.sentence for step in plan.steps] == ["drop database ASPState"]
    assert (plan.before, plan.after) == (describe(current), "database ASPState: absent\n")


def test_removing_what_is_not_there_is_nothing_to_do() -> None:
    plan = plan_absent(ABSENT, NOBODY, discard_live_sessions=False)
    assert (plan.steps, plan.before) == ((), plan.after)


KEPT = [
    ("live sessions", WANTED, Usage(7, ()), "holds 7 live session.*discard_live_sessions"),
    ("sessions that cannot be counted", WANTED, Usage(None, ()), "holds an unknown number of live session"),
    (
        "somebody is connected",
        WANTED,
        Usage(0, (WEB,)),
        r"is in use.*WEB01, .Net SqlClient Data Provider, as shop \(3 connections\)",
    ),
    (
        "sessions in tempdb",
        with_contents(
            tables={}, procedures={"GetHashCode": Procedure("CREATE PROCEDURE p AS SELECT 1 FROM TempDB..t")}
        ),
        NOBODY,
        "is not one that can be removed: its sessions are in tempdb",
    ),
    (
        "objects that are not session state",
        with_contents(others=tuple(f"view dbo.v{number}" for number in range(7))),
        NOBODY,
        "also holds view dbo.v0, view dbo.v1, view dbo.v2, view dbo.v3, view dbo.v4 and 2 more",
    ),
]


@pytest.mark.parametrize(("current", "usage", "message"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_removing_is_refused_for_what_would_be_lost(current: Database, usage: Usage, message: str) -> None:
    with pytest.raises(Refused, match=message):
        plan_absent(current, usage, discard_live_sessions=False)


def test_discarding_live_sessions_discards_nothing_else() -> None:
    assert plan_absent(WANTED, Usage(7, ()), discard_live_sessions=True).steps
    assert plan_absent(WANTED, Usage(None, None), discard_live_sessions=True).steps
    for _, current, usage, message in KEPT[2:]:
        with pytest.raises(Refused, match=message):
            plan_absent(current, usage, discard_live_sessions=True)
