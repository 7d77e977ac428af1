"""Expired sessions go, in batches that can be counted; live ones stay, and so do those that are renewed meanwhile."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.errors import AspstateError, ConnectionLost, Refused, SqlServerError, explain
from aspstate.expiry import Outcome, expire
from aspstate.expiry_plan import How, plan_expired
from aspstate.login import Login
from aspstate.server import Server, connect

from lab import expiry_forms
from lab.expiry_forms import fill
from tests.integration.conftest import install
from tests.integration.cutting_proxy import losing
from tests.integration.lab_login import OwnLab, let_in, own_lab
from tests.integration.playbook import Playbooks

PROJECT = How("project")


def run(server: Server, database: str, how: How = PROJECT, type_: str = "persisted") -> Outcome:
    return expire(server, plan_expired(server, database, type_, how), how)


def rows(server: Server, database: str) -> int:
    return server.run_in(database, "SELECT COUNT(*) FROM dbo.ASPStateTempSessions WITH (NOLOCK)").row[0]


def alter(server: Server, database: str, form: str) -> None:
    server.run_in(database, form.replace("CREATE PROCEDURE", "ALTER PROCEDURE"))


@contextmanager
def transaction(login: Login, database: str, statement: str) -> Iterator[Server]:
    """Somebody else's open transaction."""
    with connect(replace(login, database=database)) as other:
        other.run("BEGIN TRANSACTION " + statement)
        yield other


APPLOCK = (
    "EXEC sys.sp_getapplock @Resource = N'ASPState.DeleteExpiredSessions', @LockMode = 'Exclusive', "
    "@LockOwner = 'Transaction', @LockTimeout = 0"
)

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


# what needs faults or logins: a server of one's own


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    with own_lab() as server:
        yield server


@pytest.fixture
def own(lab: OwnLab, name: str, login: Login) -> Iterator[tuple[Server, str]]:
    """sa's connection to that server, and a database there with session state."""
    with connect(lab.login) as server:
        install(server, name)
        yield server, name
        server.run_in(
            "master",
            "DECLARE @d nvarchar(300) = N'DROP DATABASE ' + QUOTENAME(@n) EXEC (@d)",
            "@n sysname",
            {"n": name},
        )


DELETE = "^delete top"


@pytest.mark.controls_server
def test_a_session_that_is_renewed_while_it_runs_stays(lab: OwnLab, own: tuple[Server, str]) -> None:
    server, name = own
    fill(server, name, 15)
    lab.fail(match=DELETE, nth=2, action="stall", seconds=1.0)
    try:
        with connect(lab.login) as operator, connect(replace(lab.login, database=name)) as application:
            running = threading.Thread(target=run, args=(operator, name, How("project", 10)))
            running.start()
            time.sleep(0.5)
            renewed = application.run("SELECT SessionId FROM dbo.ASPStateTempSessions WITH (NOLOCK)").rows
            for (key,) in renewed:
                Client(application).reset_timeout(key)
            running.join(10)
    finally:
        lab.faults.unlink()
    assert len(renewed) == 5
    assert rows(server, name) == 5


DEADLOCKS = {"once": (1, 1), "five times in a row": (5, 5)}


def deadlocks(lab: OwnLab, times: int) -> None:
    faults = [{"match": DELETE, "nth": 2 + each, "action": "error", "number": 1205} for each in range(times)]
    lab.faults.write_text(json.dumps(faults))


@pytest.mark.controls_server
@pytest.mark.parametrize("kind", DEADLOCKS)
def test_a_batch_that_loses_a_deadlock_is_sent_again(lab: OwnLab, own: tuple[Server, str], kind: str) -> None:
    server, name = own
    times, retries = DEADLOCKS[kind]
    fill(server, name, 25)
    deadlocks(lab, times)
    try:
        with connect(lab.login) as operator:
            done = run(operator, name, How("project", 10))
    finally:
        lab.faults.unlink()
    assert (done.rows, done.batches, done.retries, done.finished) == (25, 3, retries, True)


@pytest.mark.controls_server
def test_a_batch_that_always_loses_is_an_error_that_says_how_far_it_came(lab: OwnLab, own: tuple[Server, str]) -> None:
    server, name = own
    fill(server, name, 25)
    deadlocks(lab, 6)
    try:
        with connect(lab.login) as operator, pytest.raises(SqlServerError) as failed:
            run(operator, name, How("project", 10))
    finally:
        lab.faults.unlink()
    assert "error 1205" in str(failed.value)
    assert "10 expired sessions were deleted in 1 batches before; run it again" in explain(failed.value)


ENOUGH = {
    "for its procedure": (("EXECUTE ON dbo.DeleteExpiredSessions", "VIEW DEFINITION ON dbo.DeleteExpiredSessions"),
                          "auto", "procedure"),
    "for batches": (("SELECT ON dbo.ASPStateTempSessions", "DELETE ON dbo.ASPStateTempSessions"), "auto", "project"),
}  # fmt: skip


@pytest.mark.controls_server
@pytest.mark.parametrize("kind", ENOUGH)
def test_two_rights_suffice(lab: OwnLab, own: tuple[Server, str], kind: str) -> None:
    server, name = own
    rights, method, used = ENOUGH[kind]
    fill(server, name, 25)
    operator = lab.login_with()
    let_in(server, operator, name, *rights)
    with connect(operator) as connection:
        plan = plan_expired(connection, name, "persisted", How(method))
        assert (plan.method, expire(connection, plan, How(method)).rows) == (used, 25)


TOO_LITTLE = {
    "nothing": ((), "auto", "lacks SELECT on dbo.ASPStateTempSessions in database {}, DELETE on"),
    "no DELETE": (("SELECT",), "auto", "lacks DELETE on dbo.ASPStateTempSessions in database {}, which this needs"),
    "no SELECT": (("DELETE",), "project", "lacks SELECT on dbo.ASPStateTempSessions in database {}, which this needs"),
    "no EXECUTE": (("SELECT", "DELETE"), "procedure", "lacks EXECUTE on dbo.DeleteExpiredSessions in database {}"),
    "a procedure whose text is hidden": (("EXECUTE",), "auto", "may not see the text of DeleteExpiredSessions"),
}


@pytest.mark.controls_server
@pytest.mark.parametrize("kind", TOO_LITTLE)
def test_rights_that_are_missing_are_named_before_anything_is_deleted(
    lab: OwnLab, own: tuple[Server, str], kind: str
) -> None:
    server, name = own
    rights, method, message = TOO_LITTLE[kind]
    fill(server, name, 25)
    operator = lab.login_with()
    let_in(server, operator, name, *rights)
    with connect(operator) as connection, pytest.raises(AspstateError) as refused:
        run(connection, name, How(method))
    assert message.format(name) in str(refused.value)
    assert "nothing was changed" in str(refused.value)
    assert rows(server, name) == 25


@pytest.mark.controls_server
@pytest.mark.parametrize("check", [True, False])
def test_a_login_that_may_not_count_is_told_so(lab: OwnLab, own: tuple[Server, str], check: bool) -> None:
    server, name = own
    fill(server, name, 25)
    operator = lab.login_with()
    let_in(server, operator, name, *ENOUGH["for its procedure"][0])
    answer = Playbooks(operator).module("aspstate_sessions", name=name, check=check)
    assert answer.code == 0, answer.output
    facts = [answer.result[fact] for fact in ("changed", "rows", "left", "finished", "method")]
    assert facts == [True, None if check else 25, None, None, "procedure"]
    assert f"how many sessions have expired in database {name} is not known" in " ".join(answer.output.split())
    assert rows(server, name) == (25 if check else 0)


@pytest.mark.controls_server
def test_of_type_temporary_it_deletes_in_tempdb_with_the_lock_of_the_session_database() -> None:
    with own_lab() as lab, connect(lab.login) as server:
        install(server, "ASPState", "temporary")
        for method in ("procedure", "project"):
            fill(server, "tempdb", 25)
            done = run(server, "ASPState", How(method), "temporary")
            assert (done.rows, done.finished) == (25, True)
        fill(server, "tempdb", 25)
        with transaction(lab.login, "ASPState", APPLOCK), pytest.raises(Refused, match="another run is expiring"):
            run(server, "ASPState", PROJECT, "temporary")
        with pytest.raises(Refused, match="no session tables"):
            run(server, "ASPState")
        install(server, "Other")
        with pytest.raises(Refused, match="DeleteExpiredSessions is not that of type temporary"):
            run(server, "Other", PROJECT, "temporary")
