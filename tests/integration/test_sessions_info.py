"""What is wrong with the sessions in a database, each thing by its id; and what cannot be seen is said to be that."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aspstate.client import Client, session_key
from aspstate.errors import Refused
from aspstate.login import Login
from aspstate.server import Server, connect
from aspstate.session_check import Question, Thresholds, check

from tests.integration.cutting_proxy import losing
from tests.integration.playbook import Playbooks
from tests.integration.session_rows import SHOP, SHOP_END, ids, key, look, put, record


@pytest.fixture
def shop(login: Login, server: Server, installed: str) -> str:
    """A database in which nothing is wrong: one application with a live session."""
    record(login, installed, SHOP)
    put(server, installed, key("live"))
    return installed


def test_nothing_is_found_where_nothing_is_wrong(server: Server, shop: str) -> None:
    answer = look(server, shop, applications=(SHOP.upper(),))
    assert (answer["findings"], answer["not_known"], answer["tables_in"]) == ([], [], shop)


def test_the_sample_counts_sessions_by_their_state_and_application(
    login: Login, server: Server, installed: str
) -> None:
    record(login, installed, SHOP, "/LM/W3SVC/1/ROOT/Idle")
    put(server, installed, key("live"))
    put(server, installed, key("locked"), locked=1, lock=60)
    put(server, installed, key("stuck"), locked=1, lock=600)
    put(server, installed, key("fresh"), flags=1)
    put(server, installed, key("gone"), expires=-90, flags=2)
    with connect(replace(login, database=installed)) as own:
        Client(own).insert(key("long"), bytes(9500), 20)
    answer = look(server, installed)
    sample = answer["sample"]
    assert {name: sample[name] for name in ("rows", "live", "expired", "locked", "stuck", "uninitialized", "long")} == {
        "rows": 6, "live": 5, "expired": 1, "locked": 2, "stuck": 1, "uninitialized": 1, "long": 1,
    }  # fmt: skip
    assert (sample["bytes"], sample["long_bytes"], sample["long_percent"]) == (10_000, 9500, 16.7)
    assert 90 <= sample["oldest_expired"] <= 120
    assert 600 <= sample["oldest_lock"] <= 630
    now = server.run("SELECT GETUTCDATE()").row[0]
    assert abs(now - datetime.strptime(sample["time"], "%Y-%m-%dT%H:%M:%SZ")) < timedelta(seconds=10)
    idle, shop = sorted(answer["applications"], key=lambda each: each["live"])
    assert (shop["application"], shop["suffix"], shop["live"], shop["expired"]) == (SHOP, SHOP_END, 5, 1)
    assert (idle["application"], idle["live"]) == ("/lm/w3svc/1/root/idle", 0)


KINDS: dict[str, tuple[str, Callable[[Login, Server, str], object], dict[str, Any]]] = {
    "a session that expired 20 minutes ago": (
        "ASP402",
        lambda login, server, name: put(server, name, key("old"), expires=-1200),
        {},
    ),
    "more expired sessions than may be": (
        "ASP403",
        lambda login, server, name: [put(server, name, key(each), expires=-5) for each in ("x", "y")],
        {"thresholds": Thresholds(max_expired=1)},
    ),
    "a lock that is older than a request may run": (
        "ASP405",
        lambda login, server, name: put(server, name, key("stuck"), locked=1, lock=111),
        {},
    ),
    "more bytes than may be": ("ASP406", lambda *_: None, {"thresholds": Thresholds(max_bytes=99)}),
    "sessions of no recorded application": (
        "ASP408",
        lambda login, server, name: put(server, name, key("other", "0badf00d")),
        {},
    ),
    "an application without sessions": ("ASP409", lambda login, server, name: record(login, name, SHOP + "/idle"), {}),
    "one application under two sites": (
        "ASP410",
        lambda login, server, name: (
            record(login, name, "/LM/W3SVC/2/ROOT"),
            put(server, name, session_key("x".ljust(24, "a"), server_id(login, name, "/LM/W3SVC/2/ROOT"))),
        ),
        {},
    ),
    "two given names of one id": ("ASP411", lambda *_: None, {"applications": ("/shop/aa2", "/shop/acP")}),
}


def server_id(login: Login, database: str, name: str) -> int:
    with connect(replace(login, database=database)) as own:
        return Client(own).app_id(name)


@pytest.mark.parametrize("kind", KINDS)
def test_each_thing_that_is_wrong_is_one_finding(login: Login, server: Server, shop: str, kind: str) -> None:
    id_, make, question = KINDS[kind]
    make(login, server, shop)
    answer = look(server, shop, **question)
    assert ids(answer) == [id_], answer
    finding = next(each for each in answer["findings"] if each["id"] == id_)
    assert finding["runbook"] == f"docs/runbooks/sessions.md#{id_.lower()}"
    assert finding["host"] == f"{login.host}:{login.port}"


NOT_WRONG: dict[str, tuple[Callable[[Server, str], object], dict[str, Any]]] = {
    "a session that expired within the time that the job has": (
        lambda server, name: put(server, name, key("old"), expires=-800),
        {},
    ),
    "as many expired sessions as may be": (
        lambda server, name: [put(server, name, key(each), expires=-5) for each in ("x", "y")],
        {"thresholds": Thresholds(max_expired=2)},
    ),
    "a lock of a request that still runs": (
        lambda server, name: put(server, name, key("locked"), locked=1, lock=90),
        {},
    ),
    "a lock that is old, of requests that may run long": (
        lambda server, name: put(server, name, key("locked"), locked=1, lock=900),
        {"thresholds": Thresholds(execution_timeout=1000)},
    ),
    "as many bytes as may be": (lambda *_: None, {"thresholds": Thresholds(max_bytes=100)}),
    "names of one hash, one of which has kept another id": (
        lambda server, name: [
            server.run_in(name, "INSERT dbo.ASPStateTempApplications (AppId, AppName) VALUES (1, '/shop/aa2')"),
            put(server, name, key("kept", "00000001")),
        ],
        {"applications": ("/shop/aa2", "/shop/acP")},
    ),
    "one name in two spellings": (lambda *_: None, {"applications": (SHOP, SHOP.upper() + " ")}),
}


@pytest.mark.parametrize("kind", NOT_WRONG)
def test_what_is_within_the_thresholds_is_no_finding(server: Server, shop: str, kind: str) -> None:
    make, question = NOT_WRONG[kind]
    make(server, shop)
    assert ids(look(server, shop, **question)) == []


def test_a_suffix_of_a_given_application_is_named(server: Server, shop: str) -> None:
    server.run_in(shop, "DELETE dbo.ASPStateTempApplications")
    (finding,) = look(server, shop, applications=("/LM/W3SVC/1/ROOT",))["findings"]
    assert (finding["id"], "that is the id of /LM/W3SVC/1/ROOT" in finding["message"]) == ("ASP408", True)


def test_a_suffix_that_is_not_the_one_recorded_for_an_application_is_not_named_after_it(
    server: Server, shop: str
) -> None:
    server.run_in(shop, "UPDATE dbo.ASPStateTempApplications SET AppId = 1")
    found = look(server, shop, applications=("/LM/W3SVC/1/ROOT",))["findings"]
    assert ["that is the id of" in each["message"] for each in found if each["id"] == "ASP408"] == [False]


def test_a_given_application_collides_with_a_recorded_one(login: Login, server: Server, shop: str) -> None:
    record(login, shop, "/shop/aa2")
    found = look(server, shop, applications=("/shop/acP",))["findings"]
    assert [each["found"] for each in found if each["id"] == "ASP411"] == [["/shop/aa2", "/shop/acp"]]


def test_growth_is_reckoned_an_hour_from_an_earlier_sample(server: Server, shop: str) -> None:
    before = look(server, shop)["sample"]
    before["time"] = (server.run("SELECT GETUTCDATE()").row[0] - timedelta(minutes=30)).isoformat() + "Z"
    for each in "xyz":
        put(server, shop, key(each))
    answer = look(server, shop, previous=before, thresholds=Thresholds(max_growth_per_hour=6))
    assert (answer["growth"]["rows_per_hour"], answer["growth"]["bytes_per_hour"]) == (6, 600)
    assert ids(answer) == []
    answer = look(server, shop, previous=before, thresholds=Thresholds(max_growth_per_hour=5))
    assert ids(answer) == ["ASP407"]


def test_a_sample_of_a_moment_ago_says_nothing_of_an_hour(server: Server, shop: str) -> None:
    before = look(server, shop)["sample"]
    put(server, shop, key("x"))
    answer = look(server, shop, previous=before, thresholds=Thresholds(max_growth_per_hour=0))
    assert (answer["growth"], ids(answer)) == (None, [])


SAMPLES = {
    "no dict of numbers": ({"a": 1}, "previous is no sample: it lacks time, started, database, rows"),
    "text for a number": ({"rows": "many"}, "previous is no sample: its rows is 'many'"),
    "a number below zero": ({"bytes": -1}, "previous is no sample: its bytes is -1"),
    "no time": ({"time": "yesterday"}, "previous is no sample: its time is 'yesterday'"),
    "of another database": ({"database": "Other"}, "previous is a sample of database Other, not of "),
    "from the future": ({"time": "2999-01-01T00:00:00Z"}, "previous is from the future: it was taken at 2999-01-01"),
}


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_previous_that_cannot_be_is_refused(server: Server, shop: str, kind: str) -> None:
    change, message = SAMPLES[kind]
    before = change if kind == "no dict of numbers" else {**look(server, shop)["sample"], **change}
    with pytest.raises(Refused, match=message):
        look(server, shop, previous=before)


def test_a_database_that_is_not_there_is_refused(server: Server, name: str) -> None:
    with pytest.raises(Refused, match=f"has no database {name}; install it"):
        look(server, name)


def test_a_database_without_the_tables_is_a_finding(server: Server, empty: str) -> None:
    answer = look(server, empty)
    assert (ids(answer), answer["sample"], answer["not_known"]) == (["ASP401"], None, [])


def test_an_application_name_that_is_not_ascii_is_refused(server: Server, shop: str) -> None:
    with pytest.raises(Refused, match="applications: application name '/größe' is not ASCII"):
        look(server, shop, applications=("/größe",))


def test_counting_does_not_wait_for_a_request_that_is_stuck(login: Login, server: Server, shop: str) -> None:
    with connect(replace(login, database=shop)) as other:
        other.run("BEGIN TRANSACTION UPDATE dbo.ASPStateTempSessions SET Locked = 1")
        started = time.monotonic()
        assert look(server, shop)["sample"]["rows"] == 1
        assert time.monotonic() - started < 5
        other.run("ROLLBACK TRANSACTION")


def test_it_takes_three_round_trips(login: Login, shop: str) -> None:
    trips = []
    for question in (None, Question(shop, applications=(SHOP,))):
        with losing(login, 1000, after_answer=True) as (through, proxy), connect(through) as own:
            if question:
                check(own, question)
        trips.append(proxy.seen)
    assert trips[1] - trips[0] == 3


@pytest.mark.parametrize("argument", ["execution_timeout", *(f"max_{each}" for each in (
    "expired_age", "expired", "stuck_locks", "bytes", "growth_per_hour", "job_age"))])  # fmt: skip
def test_a_threshold_below_zero_is_refused(argument: str) -> None:
    with pytest.raises(Refused, match=f"{argument} is -1; give 0 or more"):
        Thresholds(**{argument: -1})


def test_the_module_returns_a_sample_that_it_takes_again(playbooks: Playbooks, shop: str) -> None:
    first = playbooks.module("aspstate_sessions_info", name=shop, agent_job=False).result
    assert (first["changed"], first["findings"]) == (False, [])
    again = playbooks.module("aspstate_sessions_info", name=shop, agent_job=False, previous=first["sample"])
    assert again.code == 0, again.output
    refused = playbooks.module("aspstate_sessions_info", name=shop, max_bytes=-1)
    assert (refused.code, refused.result["msg"]) == (2, "max_bytes is -1; give 0 or more")
