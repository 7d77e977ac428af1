"""The Agent's job on a server: sessions end, an existing job is taken over, and what keeps it from working is told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aspstate.agent_job import JobChoices, plan_job_absent, usual_name
from aspstate.client import Client
from aspstate.errors import AspstateError, NotKnown, Refused
from aspstate.job_owner import read_job_logins
from aspstate.job_present import Commands, Prepared, prepare_job
from aspstate.jobs import Jobs, read_jobs
from aspstate.login import Login
from aspstate.plan import apply, demand_rights
from aspstate.properties import SA
from aspstate.server import Server, connect

from tests.integration.conftest import install, remove
from tests.integration.lab_login import OwnLab, let_in, own_lab

pytestmark = pytest.mark.controls_server

FILES = Path(__file__).parents[2] / "roles/aspstate_agent_job/files"
COMMANDS = Commands(
    (FILES / "step.sql").read_text(encoding="utf-8"),
    (FILES / "step_in_availability_group.sql").read_text(encoding="utf-8"),
)
NAME = "ASPState"
JOB = usual_name(NAME)
KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
MINUTE = 0.5
"""Seconds that the Agent takes for one."""
USUAL = JobChoices()


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server whose Agent has a short minute, with a session database."""
    with own_lab("--agent", "--agent-minute", str(MINUTE)) as own:
        with connect(own.login) as server:
            install(server, NAME)
        yield own


@pytest.fixture
def login(lab: OwnLab) -> Login:
    """sa."""
    return lab.login


@pytest.fixture
def server(login: Login) -> Iterator[Server]:
    """The operator's connection; afterwards there is no job."""
    with connect(login) as connection:
        yield connection
        for (job,) in connection.run_in("msdb", "SELECT name FROM dbo.sysjobs").rows:
            connection.run("EXEC msdb.dbo.sp_delete_job @job_name = %(job)s", {"job": job})


def set_up(server: Server, choices: JobChoices = USUAL) -> Prepared:
    """Create or alter the job."""
    prepared = prepare_job(server, NAME, choices, COMMANDS, applies=True)
    demand_rights(server, prepared.plan)
    apply(server, prepared.plan)
    return prepared


def take_down(server: Server) -> None:
    """Delete it."""
    plan = plan_job_absent(jobs(server), NAME, read_job_logins(server, SA, NAME))
    demand_rights(server, plan)
    apply(server, plan)


def jobs(server: Server) -> Jobs:
    return read_jobs(server, NAME, JOB, USUAL.category)


def ids(prepared: Prepared) -> list[str]:
    return [finding.id for finding in prepared.findings if finding.id != "ASP205"]


def add_expired_session(login: Login, server: Server) -> None:
    """One whose minute has passed."""
    with connect(replace(login, database=NAME)) as application:
        Client(application).insert(KEY, b"x", 1)
    server.run_in(NAME, "UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, -2, Expires)")


def is_gone(server: Server, seconds: float) -> bool:
    """Whether all sessions are gone within so many seconds."""
    deadline = time.monotonic() + seconds
    while server.run_in(NAME, "SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row != (0,):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_an_expired_session_is_deleted_by_the_agent_and_a_stopped_agent_is_said(
    lab: OwnLab, login: Login, server: Server
) -> None:
    assert ids(set_up(server)) == []
    add_expired_session(login, server)
    assert is_gone(server, 10)
    lab.own.agent(running=False)
    try:
        add_expired_session(login, server)
        assert ids(set_up(server)) == ["ASP201"]
        assert not is_gone(server, 4 * MINUTE)
    finally:
        lab.own.agent(running=True)
    assert is_gone(server, 10)


def test_what_is_set_up_is_as_planned(server: Server) -> None:
    choices = JobChoices(interval=5, enabled=False, category="Sessions")
    assert [step.sentence for step in set_up(server, choices).plan.steps] == [
        f"create job {JOB}, every 5 minute(s), 20000101 to 99991231, 000000 to 235959"
    ]
    again = set_up(server, choices)
    assert (again.plan.steps, again.plan.before) == ((), again.plan.after)
    (job,) = jobs(server).expiring
    assert (job.owner, job.enabled, job.category, job.local) == ("sa", False, "Sessions", True)
    assert [step.sentence for step in set_up(server).plan.steps] == [
        f"set enabled, category [Uncategorized (Local)] of job {JOB}",
        f"set schedule {usual_name(NAME, 'JobSchedule')} to every 1 minute(s), 20000101 to 99991231, 000000 to 235959",
    ]
    take_down(server)
    assert jobs(server).expiring == ()
    assert server.run_in("msdb", "SELECT COUNT(*) FROM dbo.sysschedules").row == (0,)


ADD = """
DECLARE @job uniqueidentifier
EXEC msdb.dbo.sp_add_job @job_name = %(name)s, @enabled = 0, @job_id = @job OUTPUT
EXEC msdb.dbo.sp_add_jobstep @job_id = @job, @step_name = 'expire', @command = %(command)s, @database_name = %(in)s
"""
EXISTING = [
    ("aspnet_regsql's", JOB, "EXECUTE DeleteExpiredSessions", NAME),
    ("one in brackets", f"[{NAME}]_Job_DeleteExpiredSessions", "EXECUTE DeleteExpiredSessions", NAME),
    ("one of another name", "SessionState_Job", "EXECUTE dbo.DeleteExpiredSessions", NAME),
    ("one that runs elsewhere", "Nightly", f"EXEC {NAME}..DeleteExpiredSessions", "master"),
]


@pytest.mark.parametrize(("name", "command", "where"), [row[1:] for row in EXISTING], ids=[row[0] for row in EXISTING])
def test_a_job_that_is_there_is_taken_over_and_not_doubled(
    login: Login, server: Server, name: str, command: str, where: str
) -> None:
    server.run(ADD, {"name": name, "command": command, "in": where})
    set_up(server)
    (job,) = jobs(server).expiring
    assert (job.name, job.enabled, job.local, len(job.schedules)) == (name, True, True, 1)
    assert (job.steps[0].command, job.steps[0].database) == ("EXECUTE dbo.DeleteExpiredSessions", NAME)
    assert set_up(server).plan.steps == ()
    add_expired_session(login, server)
    assert is_gone(server, 10)


def test_a_second_job_that_does_the_same_is_a_finding(server: Server) -> None:
    set_up(server)
    server.run(ADD, {"name": "copy", "command": "EXEC DeleteExpiredSessions", "in": NAME})
    prepared = set_up(server)
    assert (ids(prepared), prepared.plan.steps) == (["ASP203"], ())
    assert prepared.findings[0].subject == "job copy"
    take_down(server)
    assert jobs(server).expiring == ()


def test_a_job_of_that_name_that_does_something_else_is_left_alone(server: Server) -> None:
    server.run(ADD, {"name": JOB, "command": "PRINT 'backup'", "in": "master"})
    with pytest.raises(Refused, match=f"job {JOB} is there and does not execute DeleteExpiredSessions"):
        set_up(server)
    take_down(server)
    assert server.run_in("msdb", "SELECT name FROM dbo.sysjobs").rows == [(JOB,)]


def test_limits_of_the_history_are_told_and_changed_on_request(server: Server) -> None:
    (finding,) = set_up(server).findings
    assert (finding.id, finding.found) == ("ASP205", 50)
    generous = JobChoices(manage_agent_history=True, history_rows=9000, history_rows_per_job=3000)
    usual = JobChoices(manage_agent_history=True, history_rows=1000, history_rows_per_job=100)
    assert len(set_up(server, generous).plan.steps) == 1
    assert set_up(server, generous).findings == ()
    set_up(server, usual)


def test_an_owner_who_may_not_execute_the_procedure_is_a_finding_and_one_who_may_does_the_work(
    lab: OwnLab, login: Login, server: Server
) -> None:
    owner = lab.login_with()
    assert ids(set_up(server, JobChoices(owner=owner.user))) == ["ASP204"]
    let_in(server, owner, NAME)
    assert ids(set_up(server, JobChoices(owner=owner.user))) == ["ASP204"]
    server.run_in(NAME, f"GRANT EXECUTE ON dbo.DeleteExpiredSessions TO {owner.user}")
    prepared = set_up(server, JobChoices(owner=owner.user))
    assert (ids(prepared), prepared.plan.steps) == ([], ())
    add_expired_session(login, server)
    assert is_gone(server, 10)


def test_an_owner_that_is_no_login_is_refused(server: Server) -> None:
    with pytest.raises(Refused, match=r"has no login 'nobody'; give another one in aspstate_agent_job_owner"):
        set_up(server, JobChoices(owner="nobody"))


READS = ("sysjobs", "sysjobsteps", "sysjobschedules", "sysschedules", "sysjobservers", "syscategories")


def test_jobs_that_a_login_may_not_see_are_not_taken_for_none(lab: OwnLab, server: Server) -> None:
    set_up(server)
    operator = lab.login_with("VIEW SERVER STATE")
    let_in(server, operator, NAME, "EXECUTE")
    with connect(operator) as own:
        with pytest.raises(NotKnown, match=r"which jobs .* has is not known: login .* lacks SELECT on dbo\.sysjobs"):
            set_up(own)
        with pytest.raises(NotKnown, match=r"which jobs .* is not known"):
            take_down(own)
        let_in(server, operator, "msdb", *(f"SELECT ON dbo.{table}" for table in READS))
        assert set_up(own).plan.steps == ()
        with pytest.raises(Refused, match="lacks membership in sysadmin, which this needs; nothing was changed"):
            set_up(own, JobChoices(interval=5))
        with pytest.raises(Refused, match="lacks membership in sysadmin"):
            take_down(own)


def test_a_member_of_the_agents_user_role_may_have_a_job_of_its_own(lab: OwnLab, login: Login, server: Server) -> None:
    operator = lab.login_with("VIEW SERVER STATE")
    let_in(server, operator, NAME, "EXECUTE")
    let_in(server, operator, "msdb", *(f"SELECT ON dbo.{table}" for table in READS))
    own_job = JobChoices(owner=operator.user)
    with connect(operator) as own:
        with pytest.raises(Refused, match=r"lacks EXECUTE on dbo\.sp_add_job in database msdb"):
            set_up(own, own_job)
        server.run_in("msdb", f"ALTER ROLE SQLAgentUserRole ADD MEMBER {operator.user}")
        set_up(own, own_job)
        assert set_up(own, replace(own_job, interval=2)).plan.steps
        add_expired_session(login, server)
        assert is_gone(server, 10)
        take_down(own)
    assert jobs(server).expiring == ()


def test_without_view_server_state_whether_the_agent_runs_is_not_known(lab: OwnLab, server: Server) -> None:
    set_up(server)
    operator = lab.login_with()
    let_in(server, operator, NAME, "EXECUTE")
    let_in(server, operator, "msdb", *(f"SELECT ON dbo.{table}" for table in READS))
    with connect(operator) as own:
        prepared = set_up(own)
    assert prepared.agent.runs is None
    assert any("whether SQL Server Agent runs is not known" in sentence for sentence in prepared.not_known)


def test_without_the_database_it_is_planned_and_not_applied(server: Server) -> None:
    assert prepare_job(server, "Shop", USUAL, COMMANDS, applies=False).plan.steps
    with pytest.raises(Refused, match="database Shop is not there; nothing was changed; install it first"):
        prepare_job(server, "Shop", USUAL, COMMANDS, applies=True)


PARTS = ["sp_add_category", "sp_add_job ", "sp_add_jobstep", "sp_add_jobschedule", "sp_add_jobserver"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("way", [{"action": "error", "number": 50000}, {"action": "drop_after"}], ids=["error", "lost"])
def test_a_job_is_created_whole_or_not_at_all(lab: OwnLab, server: Server, part: str, way: dict[str, object]) -> None:
    choices = JobChoices(category=f"of {part} {way['action']}")
    lab.faults.write_text(json.dumps([{"match": f"dbo.{part}", "nth": 1, "program": "aspstate", **way}]))
    try:
        with connect(lab.login) as own, pytest.raises(AspstateError):
            set_up(own, choices)
    finally:
        lab.faults.unlink()
    assert server.run_in("msdb", "SELECT COUNT(*) FROM dbo.sysjobs").row == (0,)
    assert server.run_in("msdb", "SELECT COUNT(*) FROM dbo.sysschedules").row == (0,)
    assert set_up(server, choices).plan.steps
    assert set_up(server, choices).plan.steps == ()


def test_express_has_no_agent_and_the_way_out_is_named() -> None:
    with own_lab("--engine-edition", "4") as lab, connect(lab.login) as server:
        with pytest.raises(Refused, match=r"is SQL Server Express, which has no SQL Server Agent: .*expire\.yml"):
            set_up(server)
        take_down(server)


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_in_an_availability_group_the_job_works_on_the_primary_replica_alone(role: str) -> None:
    with own_lab("--agent", "--agent-minute", str(MINUTE)) as lab:
        with connect(lab.login) as server:
            install(server, NAME)
            add_expired_session(lab.login, server)
        lab.restart("--availability-group", f"{NAME}={role}")
        with connect(lab.login) as server:
            owner = lab.login_with()
            with pytest.raises(Refused, match="lacks VIEW SERVER STATE to ask for the role of the replica"):
                set_up(server, JobChoices(owner=owner.user))
            set_up(server)
            (job,) = jobs(server).expiring
            assert job.steps[0].database == "master"
            assert set_up(server).plan.steps == ()
            runs = "SELECT COUNT(*), MIN(run_status) FROM dbo.sysjobhistory WHERE step_id = 0"
            deadline = time.monotonic() + 10
            while server.run_in("msdb", runs).row[0] < 2:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert server.run_in("msdb", runs).row[1] == 1
            assert is_gone(server, 0) == (role == "primary")


def test_a_run_of_the_job_is_waited_for_before_the_database_is_removed(lab: OwnLab, server: Server) -> None:
    install(server, "Leaving")
    command = "EXEC dbo.DeleteExpiredSessions WAITFOR DELAY '00:00:02'"
    server.run(ADD, {"name": "leaving", "command": command, "in": "Leaving"})
    server.run("EXEC msdb.dbo.sp_add_jobserver @job_name = 'leaving' EXEC msdb.dbo.sp_start_job @job_name = 'leaving'")
    holders = "SELECT COUNT(*) FROM sys.dm_exec_sessions WHERE database_id = DB_ID('Leaving')"
    deadline = time.monotonic() + 10
    while server.run(holders).row == (0,):
        assert time.monotonic() < deadline
    assert remove(server, "Leaving").steps


def test_whether_another_login_may_do_the_work_is_not_known_without_impersonating_it(
    lab: OwnLab, server: Server
) -> None:
    owner, operator = lab.login_with(), lab.login_with("VIEW SERVER STATE", "VIEW ANY DEFINITION")
    set_up(server, JobChoices(owner=owner.user))
    let_in(server, operator, NAME)
    let_in(server, operator, "msdb", *(f"SELECT ON dbo.{table}" for table in READS))
    with connect(operator) as own:
        prepared = set_up(own, JobChoices(owner=owner.user))
        assert ids(prepared) == []
        (sentence,) = prepared.not_known
        assert f"whether login {owner.user}, as which the job runs, may execute DeleteExpiredSessions" in sentence
        assert "lacks IMPERSONATE on it" in sentence
    assert ids(set_up(server, JobChoices(owner=owner.user))) == ["ASP204"]


def test_a_schedule_that_another_job_has_too_is_left_as_it_is(server: Server) -> None:
    set_up(server)
    server.run(ADD, {"name": "report", "command": "PRINT 'report'", "in": "master"})
    schedule = usual_name(NAME, "JobSchedule")
    server.run("EXEC msdb.dbo.sp_attach_schedule @job_name = 'report', @schedule_name = %(name)s", {"name": schedule})
    (step,) = set_up(server, JobChoices(interval=5)).plan.steps
    assert step.sentence.startswith(f"add schedule {schedule}, every 5 minute(s)")
    (job,) = jobs(server).expiring
    assert [(each.interval, each.jobs) for each in job.schedules] == [(1, 2), (5, 1)]
    assert set_up(server, JobChoices(interval=5)).plan.steps == ()
