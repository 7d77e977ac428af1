"""Expiry where something goes wrong or is not allowed: deadlocks, renewals meanwhile, rights; and of type temporary."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.errors import AspstateError, Refused, SqlServerError, explain
from aspstate.expiry import expire
from aspstate.expiry_plan import How, plan_expired
from aspstate.login import Login
from aspstate.server import Server, connect

from lab.expiry_forms import fill
from tests.integration.conftest import install
from tests.integration.expiring import APPLOCK, PROJECT, rows, run, transaction
from tests.integration.lab_login import OwnLab, let_in, own_lab
from tests.integration.playbook import Playbooks

pytestmark = pytest.mark.controls_server


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
