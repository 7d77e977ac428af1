"""Removing: never a session or a foreign object that nobody asked to lose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.database import Database, describe
from aspstate.errors import Refused
from aspstate.instance import Holder
from aspstate.plan import Plan
from aspstate.removal import Usage, Wishes, plan_absent
from aspstate.schema import STARTUP, TABLES, TYPES
from aspstate.temporary import Outside

from tests.unit.states import OURS, absent, empty, whole, with_contents

NOBODY = Usage(0, 0, ())
WEB = Holder("WEB01", "10.0.0.11", ".Net SqlClient Data Provider", "shop", 3)


def sentences(made: Plan) -> list[str]:
    return [step.sentence for step in made.steps]


@pytest.mark.parametrize(
    "current", [whole(), empty(), with_contents(whole(), tables={})], ids=["whole", "empty", "half"]
)
def test_removing_type_persisted_drops_the_database(current: Database) -> None:
    made = plan_absent(current, "persisted", NOBODY, Wishes())
    assert sentences(made) == ["drop database ASPState"]
    assert (made.before, made.after) == (describe(current), "database ASPState: absent\n")


def test_removing_type_temporary_drops_the_database_first_and_then_what_is_outside() -> None:
    made = plan_absent(whole("temporary"), "temporary", NOBODY, Wishes())
    assert sentences(made) == [
        "drop database ASPState",
        f"drop procedure master.dbo.{STARTUP}",
        "drop table dbo.ASPStateTempApplications, dbo.ASPStateTempSessions in tempdb",
    ]
    assert made.after == "database ASPState: absent\n"


def test_a_removal_of_type_temporary_that_was_cut_off_is_completed() -> None:
    made = plan_absent(replace(absent("temporary"), outside=whole("temporary").outside), "temporary", NOBODY, Wishes())
    assert sentences(made)[0] == f"drop procedure master.dbo.{STARTUP}"
    assert "dbo.ASPStateTempSessions" in made.before


def test_removing_type_custom_keeps_the_database_and_what_else_is_in_it() -> None:
    current = with_contents(whole("custom"), others=("user table dbo.orders",))
    made = plan_absent(current, "custom", Usage(0, 0, (WEB,)), Wishes())
    assert sentences(made) == ["drop the procedures, tables and types of session state in database Shop"]
    assert "database Shop: present" in made.after
    assert "user table dbo.orders" in made.after
    assert "dbo.ASPState" not in made.after
    (step,) = made.steps
    assert "DROP DATABASE" not in step.statement
    assert "orders" not in step.statement


def test_removing_type_custom_twice_is_removing_it_once() -> None:
    made = plan_absent(replace(empty("custom")), "custom", NOBODY, Wishes())
    assert (made.steps, made.before) == ((), made.after)


@pytest.mark.parametrize("type_", TYPES)
def test_removing_what_is_not_there_is_nothing_to_do(type_: str) -> None:
    made = plan_absent(absent(type_), type_, NOBODY, Wishes())
    assert (made.steps, made.before) == ((), made.after)


KEPT = [
    ("live sessions", "persisted", whole(), Usage(7, 0, ()), "database ASPState holds 7 live session.*discard_live"),
    ("live sessions in tempdb", "temporary", whole("temporary"), Usage(7, 0, ()), "database tempdb holds 7 live"),
    ("live sessions in type custom", "custom", whole("custom"), Usage(7, 0, ()), "database Shop holds 7 live session"),
    ("sessions that cannot be counted", "persisted", whole(), Usage(None, 0, ()), "holds an unknown number of live"),
    (
        "somebody is connected",
        "persisted",
        whole(),
        Usage(0, 0, (WEB,)),
        r"is in use.*WEB01 at 10.0.0.11, .Net SqlClient Data Provider, as shop \(3 connections\)",
    ),
    ("type temporary", "persisted", whole("temporary"), NOBODY, "is of type temporary, not persisted"),
    ("type persisted", "temporary", whole(), NOBODY, "is of type persisted or custom, not temporary"),
    (
        "objects that are not session state",
        "persisted",
        with_contents(whole(), others=tuple(f"view dbo.v{number}" for number in range(7))),
        NOBODY,
        "also holds view dbo.v0, view dbo.v1, view dbo.v2, view dbo.v3, view dbo.v4 and 2 more",
    ),
]


@pytest.mark.parametrize(
    ("type_", "current", "usage", "message"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT]
)
def test_removing_is_refused_for_what_would_be_lost(type_: str, current: Database, usage: Usage, message: str) -> None:
    with pytest.raises(Refused, match=message):
        plan_absent(current, type_, usage, Wishes())


def test_discarding_live_sessions_discards_nothing_else() -> None:
    for _, type_, current, usage, _ in KEPT[:4]:
        assert plan_absent(current, type_, usage, Wishes(discard_live_sessions=True)).steps
    for _, type_, current, usage, message in KEPT[4:]:
        with pytest.raises(Refused, match=message):
            plan_absent(current, type_, usage, Wishes(discard_live_sessions=True))


def test_terminating_connections_terminates_them_and_loses_nothing_else() -> None:
    made = plan_absent(whole(), "persisted", Usage(0, 0, (WEB,)), Wishes(terminate_connections=True))
    assert made.steps[0].values["termination"] == "ROLLBACK IMMEDIATE"
    with pytest.raises(Refused, match="holds 7 live"):
        plan_absent(whole(), "persisted", Usage(7, 0, (WEB,)), Wishes(terminate_connections=True))
    with pytest.raises(Refused, match="one of type custom is shared: it is never done there"):
        plan_absent(whole("custom"), "custom", NOBODY, Wishes(terminate_connections=True))


@pytest.mark.parametrize("client", ["web01", "WEB01", "10.0.0.11"])
def test_connections_of_expected_clients_are_no_reason_to_refuse(client: str) -> None:
    wishes = Wishes(expected_clients=("web02", client))
    assert plan_absent(whole(), "persisted", Usage(0, 0, (WEB,)), wishes).steps
    assert Usage(0, 0, (WEB, replace(WEB, host="web02", connections=2))).expected_connections(wishes) == 5
    assert Usage(0, 0, None).expected_connections(wishes) is None
    report = Holder("SSMS7", "10.0.0.9", "Report", "dba", 1)
    with pytest.raises(Refused, match=r"connected are: SSMS7 at 10\.0\.0\.9, Report, as dba\. Stop them"):
        plan_absent(whole(), "persisted", Usage(None, None, (WEB, report)), wishes)


@pytest.mark.parametrize("client", ["web0", "", "10.0.0.1", ".Net SqlClient Data Provider", "shop"])
def test_a_client_is_known_by_its_whole_name_or_address_only(client: str) -> None:
    nameless = replace(WEB, host=None, program=None)
    for holder in (WEB, nameless):
        with pytest.raises(Refused, match="is in use"):
            plan_absent(whole(), "persisted", Usage(0, 0, (holder,)), Wishes(expected_clients=(client,)))


def test_nobody_is_thrown_out_unasked() -> None:
    made = plan_absent(whole(), "persisted", NOBODY, Wishes())
    assert made.steps[0].values["termination"] == "NO_WAIT"


def test_leftovers_go_on_request_only() -> None:
    current = replace(absent(), leftovers=Outside(TABLES))
    assert plan_absent(current, "persisted", NOBODY, Wishes()).steps == ()
    made = plan_absent(current, "persisted", NOBODY, Wishes(remove_leftovers=True))
    assert sentences(made) == ["drop table dbo.ASPStateTempApplications, dbo.ASPStateTempSessions in tempdb"]
    with pytest.raises(Refused, match="database tempdb holds 2 live"):
        plan_absent(current, "persisted", Usage(0, 2, ()), Wishes(remove_leftovers=True))


def test_what_sql_server_would_refuse_too_late_is_refused_first() -> None:
    read_only = replace(whole("custom"), properties=replace(OURS, read_only=True))
    with pytest.raises(Refused, match="database Shop is read-only; nothing was changed"):
        plan_absent(read_only, "custom", NOBODY, Wishes())
    in_group = replace(whole(), properties=replace(OURS, in_availability_group=True))
    with pytest.raises(Refused, match="is in an availability group, and cannot be dropped"):
        plan_absent(in_group, "persisted", NOBODY, Wishes())
