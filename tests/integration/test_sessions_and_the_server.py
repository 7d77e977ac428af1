"""Sessions and the server that they are on: its Agent and jobs, its start, tempdb, and logins that may see little."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from aspstate.login import Login
from aspstate.server import Server, connect
from aspstate.session_check import Question, Thresholds, check

from tests.integration.conftest import install, remove
from tests.integration.lab_login import OwnLab, let_in, own_lab
from tests.integration.session_rows import SHOP, ids, key, look, put, record

pytestmark = pytest.mark.controls_server


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    with own_lab("--agent", "--agent-minute", "0.1") as server:
        yield server


@pytest.fixture
def own(lab: OwnLab) -> Iterator[Server]:
    """sa's connection, with session state in ASPState; gone afterwards with all jobs."""
    with connect(lab.login) as server:
        install(server, "ASPState")
        yield server
        for (job,) in server.run("SELECT name FROM msdb.dbo.sysjobs").rows:
            server.run("EXEC msdb.dbo.sp_delete_job @job_name = %(job)s", {"job": job})
        remove(server, "ASPState", discard=True, terminate=True)


_JOB = """
DECLARE @id uniqueidentifier
EXEC msdb.dbo.sp_add_job @job_name = N'purge', @job_id = @id OUTPUT
EXEC msdb.dbo.sp_add_jobstep @job_id = @id, @step_name = N'step', @command = %(command)s, @database_name = %(database)s
EXEC msdb.dbo.sp_add_jobschedule @job_id = @id, @name = N'schedule', @freq_type = 4, @freq_interval = 1,
    @freq_subday_type = 4, @freq_subday_interval = 1
EXEC msdb.dbo.sp_add_jobserver @job_id = @id, @server_name = N'(local)'
"""


def add_job(server: Server, command: str, database: str, runs: int = 1) -> None:
    """A job, and wait until it ran so often."""
    server.run(_JOB, {"command": command, "database": database})
    deadline = time.monotonic() + 20
    while server.run("SELECT COUNT(*) FROM msdb.dbo.sysjobhistory WHERE step_id = 1").row[0] < runs:
        assert time.monotonic() < deadline
        time.sleep(0.05)


GOOD_JOBS = {
    "as Microsoft's": ("EXECUTE DeleteExpiredSessions", "ASPState"),
    "from another database": ("EXEC ASPState.dbo.DeleteExpiredSessions", "master"),
    "in brackets, without a schema": ("EXEC [ASPState]..[DeleteExpiredSessions]", "master"),
}
OTHER_JOBS = {
    "of another database": ("EXEC master.dbo.DeleteExpiredSessions", "ASPState"),
    "in a comment": ("SELECT 1 -- DeleteExpiredSessions", "ASPState"),
}


@pytest.mark.parametrize("kind", GOOD_JOBS)
def test_a_job_that_runs_well_is_found_by_what_it_executes(own: Server, kind: str) -> None:
    add_job(own, *GOOD_JOBS[kind])
    answer = check(own, Question("ASPState"))
    assert (answer["job"]["agent"], answer["job"]["jobs"], ids(answer)) == (True, ["purge"], [])
    assert 0 <= answer["job"]["last_good"] < 30


@pytest.mark.parametrize("kind", OTHER_JOBS)
def test_a_job_that_does_something_else_is_not_it(own: Server, kind: str) -> None:
    add_job(own, *OTHER_JOBS[kind])
    answer = check(own, Question("ASPState"))
    assert (answer["job"]["jobs"], ids(answer)) == ([], ["ASP202"])
    assert "no job executes DeleteExpiredSessions of database ASPState" in answer["findings"][0]["message"]


def test_a_job_that_fails_has_no_good_run(own: Server) -> None:
    own.run_in("ASPState", "DROP PROCEDURE dbo.DeleteExpiredSessions")
    add_job(own, "EXECUTE DeleteExpiredSessions", "ASPState")
    assert check(own, Question("ASPState"))["findings"] == []  # it is new
    time.sleep(2.1)
    (finding,) = check(own, Question("ASPState", thresholds=Thresholds(max_job_age=1)))["findings"]
    assert (finding["id"], finding["found"]) == ("ASP202", None)
    assert "the history has none" in finding["message"]


def test_a_good_run_that_is_too_long_ago_is_a_finding_and_so_is_an_agent_that_is_stopped(
    lab: OwnLab, own: Server
) -> None:
    add_job(own, "EXECUTE DeleteExpiredSessions", "ASPState")
    lab.own.agent(running=False)
    try:
        time.sleep(2.1)
        answer = check(own, Question("ASPState", thresholds=Thresholds(max_job_age=1)))
    finally:
        lab.own.agent(running=True)
    assert (ids(answer), answer["job"]["agent"]) == (["ASP201", "ASP202"], False)


def test_express_has_no_agent() -> None:
    with own_lab("--engine-edition", "4") as lab, connect(lab.login) as server:
        install(server, "ASPState")
        (finding,) = check(server, Question("ASPState"))["findings"]
    assert (finding["id"], finding["severity"]) == ("ASP201", "info")
    assert "let a timer run playbooks/expire.yml" in finding["message"]


def test_sessions_that_expired_while_the_server_was_down_are_counted() -> None:
    with own_lab() as lab:
        with connect(lab.login) as server:
            install(server, "ASPState")
            record(lab.login, "ASPState", SHOP)
            put(server, "ASPState", key("down"), expires=1)
            put(server, "ASPState", key("live"))
        time.sleep(1.1)
        lab.restart()
        with connect(lab.login) as server:
            put(server, "ASPState", key("later"), expires=0)
            answer = look(server, "ASPState")
    assert (answer["sample"]["expired_before_start"], answer["sample"]["expired"]) == (1, 2)
    assert [each["id"] for each in answer["findings"]] == ["ASP404"]


def test_of_type_temporary_the_tables_are_in_tempdb() -> None:
    with own_lab() as lab, connect(lab.login) as server:
        install(server, "ASPState", "temporary")
        record(lab.login, "ASPState", SHOP)
        put(server, "tempdb", key("live"))
        answer = look(server, "ASPState", type="temporary")
        assert (answer["tables_in"], answer["sample"]["live"], ids(answer)) == ("tempdb", 1, [])
        wrong = look(server, "ASPState")
        assert (ids(wrong), wrong["sample"]) == (["ASP401"], None)
        assert "if session state is of another type, set aspstate_type to it" in wrong["findings"][0]["message"]


NOT_SEEN = {
    "the sessions": (
        ("VIEW SERVER STATE",), ("VIEW DEFINITION",), ("sysjobs", "sysjobsteps", "sysjobhistory"),
        "lacks SELECT on the session tables",
    ),
    "one of the tables": (
        ("VIEW SERVER STATE",), ("SELECT ON dbo.ASPStateTempSessions",), ("sysjobs", "sysjobsteps", "sysjobhistory"),
        "lacks SELECT on the session tables",
    ),
    "the Agent": ((), ("SELECT",), ("sysjobs", "sysjobsteps", "sysjobhistory"), "lacks VIEW SERVER STATE"),
    "the job's history": (
        ("VIEW SERVER STATE",), ("SELECT",), ("sysjobs", "sysjobsteps"), "lacks SELECT on sysjobs, sysjobsteps and",
    ),
    "the database": (
        ("VIEW SERVER STATE",), None, ("sysjobs", "sysjobsteps", "sysjobhistory"), "may not enter database ASPState",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NOT_SEEN)
def test_what_may_not_be_seen_is_a_finding_of_its_own(lab: OwnLab, own: Server, kind: str) -> None:
    on_server, inside, tables, message = NOT_SEEN[kind]
    add_job(own, "EXECUTE DeleteExpiredSessions", "ASPState")
    monitor = monitor_with(lab, own, on_server, inside, tables)
    with connect(monitor) as server:
        answer = check(server, Question("ASPState"))
    assert ids(answer) == ["ASP001"]
    assert (len(answer["not_known"]), message in answer["not_known"][0]) == (1, True), answer["not_known"]
    assert answer["findings"][0]["severity"] == "critical"
    assert answer["findings"][0]["runbook"] == "docs/runbooks/not_known.md#asp001"


def test_what_the_readme_says_of_its_rights_suffices(lab: OwnLab, own: Server) -> None:
    add_job(own, "EXECUTE DeleteExpiredSessions", "ASPState")
    tables = ("sysjobs", "sysjobsteps", "sysjobhistory")
    monitor = monitor_with(
        lab, own, ("VIEW SERVER STATE",),
        ("SELECT ON dbo.ASPStateTempSessions", "SELECT ON dbo.ASPStateTempApplications"), tables,
    )  # fmt: skip
    with connect(monitor) as server:
        answer = check(server, Question("ASPState"))
    assert (ids(answer), answer["not_known"], answer["job"]["jobs"]) == ([], [], ["purge"])


def monitor_with(
    lab: OwnLab, own: Server, on_server: tuple[str, ...], inside: tuple[str, ...] | None, tables: tuple[str, ...]
) -> Login:
    """A login with these rights on the server, in the database (None: it is no user there) and on tables of msdb."""
    monitor = lab.login_with(*on_server)
    if inside is not None:
        let_in(own, monitor, "ASPState", *inside)
    let_in(own, monitor, "msdb", *(f"SELECT ON dbo.{table}" for table in tables))
    return monitor
