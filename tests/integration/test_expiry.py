"""Expired sessions go, in batches that can be counted; live ones stay, and so do those that are renewed meanwhile."""

from __future__ import annotations

import threading
import time

import pytest
from aspstate.errors import ConnectionLost, Refused, explain
from aspstate.expiry import expire
from aspstate.expiry_plan import How, plan_expired
from aspstate.login import Login
from aspstate.server import Server, connect

from lab import expiry_forms
from lab.expiry_forms import fill
from tests.integration.cutting_proxy import losing
from tests.integration.expiring import APPLOCK, PROJECT, alter, rows, run, transaction
from tests.integration.playbook import Playbooks

BATCHES = {
    "none": (0, 10, 1),
    "less than a batch": (7, 10, 1),
    "a full batch, and one to see that it was all": (10, 10, 2),
    "three batches": (25, 10, 3),
    "one row a batch": (3, 1, 4),
    "the default": (2500, 1000, 3),
}


@pytest.mark.parametrize("kind", BATCHES)
def test_what_has_expired_goes_in_batches_and_what_is_live_stays(server: Server, installed: str, kind: str) -> None:
    expired, size, batches = BATCHES[kind]
    fill(server, installed, 5, expires=600, prefix="live")
    if expired:
        fill(server, installed, expired)
    done = run(server, installed, How("project", size))
    assert (done.rows, done.batches, done.left, done.finished, done.retries) == (expired, batches, 0, True, 0)
    assert rows(server, installed) == 5
    assert done.seconds >= done.longest_batch > 0


def test_a_batch_is_one_round_trip(login: Login, server: Server, installed: str) -> None:
    trips = []
    for batches in (1, 4):
        fill(server, installed, batches * 10 - 5)
        with losing(login, 1000, after_answer=True) as (through, proxy), connect(through) as own:
            assert run(own, installed, How("project", 10)).batches == batches
        trips.append(proxy.seen)
    assert trips[1] - trips[0] == 3


def test_each_batch_is_a_transaction_of_its_own(login: Login, server: Server, installed: str) -> None:
    """Whenever it is cut off, what is gone is a number of whole batches."""
    fill(server, installed, 5)
    with losing(login, 1000, after_answer=True) as (through, proxy), connect(through) as own:
        run(own, installed, How("project", 10))
    before_batch = proxy.seen - 2  # the batch, and the last count
    left = []
    for more in range(3):
        fill(server, installed, 50)
        cut = losing(login, before_batch + more, after_answer=False)
        with cut as (through, _), connect(through) as own, pytest.raises(ConnectionLost) as lost:
            run(own, installed, How("project", 10))
        left.append(rows(server, installed))
        run(server, installed)
    assert left == [50, 40, 30]
    assert "expired sessions were deleted in" in explain(lost.value)


def test_a_session_that_a_request_has_locked_is_left_and_nobody_waits(
    login: Login, server: Server, installed: str
) -> None:
    fill(server, installed, 20)
    with transaction(login, installed, "UPDATE dbo.ASPStateTempSessions SET Flags = 0 WHERE SessionId = N'expired'"):
        begin = time.monotonic()
        done = run(server, installed)
        assert time.monotonic() - begin < 5
        assert (done.rows, done.left, done.finished) == (19, 1, False)
        assert done.why_left(PROJECT) == "requests have them locked; the next run takes them"
    assert run(server, installed).rows == 1


def test_a_run_that_holds_the_lock_is_named_and_nothing_is_deleted(
    login: Login, server: Server, installed: str
) -> None:
    fill(server, installed, 20)
    with transaction(login, installed, APPLOCK), pytest.raises(Refused) as refused:
        run(server, installed)
    assert f"another run is expiring the sessions of database {installed}" in str(refused.value)
    assert "nothing was deleted; wait until it has ended" in str(refused.value)
    assert rows(server, installed) == 20


def test_a_run_that_gives_way_is_waited_for(login: Login, server: Server, installed: str) -> None:
    fill(server, installed, 20)
    with transaction(login, installed, APPLOCK) as other:
        later = threading.Timer(0.5, lambda: other.run("ROLLBACK TRANSACTION"))
        later.start()
        assert run(server, installed).finished
        later.join()


def test_the_procedure_ends_early_where_another_run_has_the_lock_and_that_is_said(
    login: Login, server: Server, installed: str
) -> None:
    fill(server, installed, 20)
    with transaction(login, installed, APPLOCK):
        done = run(server, installed, How("procedure"))
    assert (done.rows, done.left, done.finished) == (0, 20, False)
    assert done.why_left(How()) == "another run has the lock, or requests have them locked; run it again"


METHODS = {
    "the shipped procedure": (None, How(), "procedure", "it deletes in small steps and tests Expires"),
    "row by row, with a test": (expiry_forms.ROW_BY_ROW_TESTED, How(), "procedure", "small steps"),
    "row by row, without a test": (expiry_forms.ROW_BY_ROW, How(), "project", "it does not test Expires"),
    "one DELETE": (expiry_forms.ONE_DELETE, How(), "project", "it deletes everything in one statement"),
    "one DELETE, asked for": (expiry_forms.ONE_DELETE, How("procedure"), "procedure", "it was asked for"),
    "something else": (
        "CREATE PROCEDURE dbo.DeleteExpiredSessions AS RETURN 0",
        How(),
        "project",
        "is not one that is",
    ),
    "a pause": (None, How(pause=1), "project", "knows neither pause nor max_duration"),
    "a limit": (None, How(max_duration=60), "project", "knows neither pause nor max_duration"),
    "the project's, asked for": (None, How("project"), "project", "it was asked for"),
}


@pytest.mark.parametrize("kind", METHODS)
def test_the_databases_own_procedure_is_run_where_it_does_it_well(server: Server, installed: str, kind: str) -> None:
    form, how, method, why = METHODS[kind]
    if form:
        alter(server, installed, form)
    fill(server, installed, 30)
    plan = plan_expired(server, installed, "persisted", how)
    assert (plan.method, why in plan.why, plan.expired) == (method, True, 30), plan
    done = expire(server, plan, how)
    assert (done.rows, done.finished) == (30, True)
    assert (done.batches is None) is (method == "procedure")


def test_a_procedure_gets_the_batch_size_that_it_can_take(server: Server, installed: str) -> None:
    alter(
        server,
        installed,
        "CREATE PROCEDURE dbo.DeleteExpiredSessions @batchSize int, @deleted int OUTPUT AS SET @deleted = @batchSize",
    )
    assert run(server, installed, How("procedure", 77)).rows == 77


def test_a_procedure_that_would_delete_renewed_sessions_is_never_run(server: Server, installed: str) -> None:
    alter(server, installed, expiry_forms.ROW_BY_ROW)
    with pytest.raises(
        Refused, match=r"DeleteExpiredSessions is not run: it does not test Expires.*use method: project"
    ):
        run(server, installed, How("procedure"))


def test_long_work_says_now_and_then_how_far_it_is(server: Server, installed: str) -> None:
    fill(server, installed, 25)
    how, said = How("project", 10), []
    expire(server, plan_expired(server, installed, "persisted", how), how, said.append, every=0)
    assert [(done.rows, done.batches) for done in said] == [(10, 1), (20, 2), (25, 3)]


def test_pauses_are_made_between_batches(server: Server, installed: str) -> None:
    fill(server, installed, 30)
    begin = time.monotonic()
    assert run(server, installed, How("project", 10, pause=100)).batches == 4
    assert time.monotonic() - begin >= 0.3


def test_it_ends_when_the_time_is_up(server: Server, installed: str) -> None:
    fill(server, installed, 30)
    how = How("project", 10, pause=600, max_duration=1)
    done = run(server, installed, how)
    assert (done.rows, done.batches, done.left, done.finished) == (20, 2, 10, False)
    assert done.why_left(how) == "max_duration is 1 s; run it again, it goes on"


IMPOSSIBLE = {
    "batch_size 0": ({"batch_size": 0}, "batch_size is 0; give 1 to 100000"),
    "batch_size below zero": ({"batch_size": -5}, "batch_size is -5; give 1 to 100000"),
    "batch_size a million": ({"batch_size": 1_000_000}, "batch_size is 1000000; give 1 to 100000"),
    "pause below zero": ({"pause": -1}, "pause is -1; give 0 or more"),
    "max_duration below zero": ({"max_duration": -1}, "max_duration is -1; give 0 or more"),
}


@pytest.mark.parametrize("kind", IMPOSSIBLE)
def test_numbers_that_cannot_be_are_refused(kind: str) -> None:
    numbers, message = IMPOSSIBLE[kind]
    with pytest.raises(Refused, match=message):
        How(**numbers)


def test_a_pause_that_the_procedure_cannot_make_is_refused(server: Server, installed: str) -> None:
    with pytest.raises(Refused, match="pause and max_duration are for method: project"):
        run(server, installed, How("procedure", pause=5))


def test_a_database_that_is_not_there_is_refused(server: Server, name: str) -> None:
    with pytest.raises(Refused, match=f"has no database {name}; nothing was changed"):
        run(server, name)


def test_a_database_without_session_tables_is_refused(server: Server, empty: str) -> None:
    with pytest.raises(Refused, match=f"database {empty} on .* has no session tables; nothing was changed"):
        run(server, empty)


def test_the_module_counts_in_check_mode_and_deletes_otherwise(
    playbooks: Playbooks, server: Server, installed: str
) -> None:
    fill(server, installed, 30)
    fill(server, installed, 2, expires=600, prefix="live")
    checked = playbooks.module("aspstate_sessions", name=installed, check=True, method="project")
    assert checked.code == 0, checked.output
    assert (checked.result["changed"], checked.result["rows"], checked.result["method"]) == (True, 30, "project")
    assert rows(server, installed) == 32
    done = playbooks.module("aspstate_sessions", name=installed).result
    facts = {name: done[name] for name in ("changed", "method", "rows", "batches", "left", "finished", "retries")}
    assert facts == {
        "changed": True, "method": "procedure", "rows": 30, "batches": None, "left": 0, "finished": True, "retries": 0,
    }  # fmt: skip
    again = playbooks.module("aspstate_sessions", name=installed).result
    assert (again["changed"], again["rows"]) == (False, 0)
