"""The daily check of a server: every difference by id and subject, once, in the words of the plan that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aspstate.agent_job import usual_name
from aspstate.server import Server, connect

from tests.integration.checking import Site, told
from tests.integration.grants import ROLE
from tests.integration.lab_login import OwnLab, own_lab

pytestmark = pytest.mark.controls_server

QUIET = {"agent_job": {"manage_agent_history": True, "history_rows": -1}}
"""With SQL Server Agent's usual limits, ASP205 says how little history is kept."""


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    with own_lab("--agent") as server:
        yield server


@pytest.fixture
def site(lab: OwnLab, name: str) -> Site:
    """Converged, in a database of its own."""
    site = Site(lab.login, lab.login_with(), name, options=QUIET)
    site.converge()
    return site


@pytest.fixture
def login(lab: OwnLab) -> Any:
    return lab.login


@pytest.mark.parametrize("probe", ["full", "rights"])
def test_a_server_that_is_as_declared_has_no_findings(site: Site, probe: str) -> None:
    result = site.check(probe)
    assert (result["status"], result["findings"]) == ("checked", [])
    assert result["instance"]["product_version"]
    assert result["sample"]["rows"] == 0
    assert result["job"]["jobs"] == [usual_name(site.name)]
    assert [each["login"] for each in result["probes"]] == (["sa", site.application.user] if probe == "full" else [])
    assert site.check(probe)["findings"] == []


def in_database(statement: str) -> Callable[[Server, Site], None]:
    """Done in the session database; {user} is the application's, {database} the database."""
    return lambda server, site: (
        server.run_in(site.name, statement.format(user=site.application.user, database=site.name)) and None
    )


def to_job(statement: str) -> Callable[[Server, Site], None]:
    return lambda server, site: (
        server.run(
            statement,
            {"job": usual_name(site.name), "schedule": usual_name(site.name, "JobSchedule"), "name": site.name},
        )
        and None
    )


@dataclass(frozen=True)
class Kind:
    """What somebody did, and what is found, as lines of id and subject; `mended` by what site.yml does."""

    did: Callable[[Server, Site], None]
    found: tuple[str, ...]
    mended: bool = True


DATABASE, TABLE = "database {database}", "table dbo.ASPStateTempSessions in database {database}"
USER, LOGIN, A_ROLE = "user {user} in database {database}", "login {user}", f"role {ROLE} in database {{database}}"
JOB = "{database}_Job_DeleteExpiredSessions"
SCHEDULE = "schedule {database}_JobSchedule_DeleteExpiredSessions of job " + JOB
PROCEDURE = "procedure dbo.TempResetTimeout in database {database}"
GRANT = f"EXECUTE on dbo.TempResetTimeout of {A_ROLE}"

KINDS = {
    "recovery model": Kind(
        in_database("ALTER DATABASE [{database}] SET RECOVERY FULL"),
        (f"ASP118 recovery_model of {DATABASE}", f"ASP122 log of {DATABASE}"),
    ),
    "AUTO_CLOSE": Kind(
        in_database("ALTER DATABASE [{database}] SET AUTO_CLOSE ON"), (f"ASP118 auto_close of {DATABASE}",)
    ),
    "AUTO_SHRINK": Kind(
        in_database("ALTER DATABASE [{database}] SET AUTO_SHRINK ON"), (f"ASP118 auto_shrink of {DATABASE}",)
    ),
    "file growth": Kind(
        in_database("ALTER DATABASE [{database}] MODIFY FILE (NAME = aspstate_log, FILEGROWTH = 10 MB)"),
        (f"ASP118 growth of log file aspstate_log of {DATABASE}",),
    ),
    "a procedure is missing": Kind(
        in_database("DROP PROCEDURE dbo.TempResetTimeout"),
        (f"ASP104 {PROCEDURE}", f"ASP307 {GRANT}", f"ASP301 {LOGIN}"),
    ),
    "a procedure differs": Kind(
        in_database("EXEC (N'ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 0')"),
        (f"ASP119 {PROCEDURE}",),
    ),
    "an index is missing": Kind(
        in_database("DROP INDEX Index_Expires ON dbo.ASPStateTempSessions"), (f"ASP111 {TABLE}",)
    ),
    "a table is missing": Kind(in_database("DROP TABLE dbo.ASPStateTempSessions"), (f"ASP105 {TABLE}",)),
    "a column more": Kind(
        in_database("ALTER TABLE dbo.ASPStateTempSessions ADD Remark int NULL"), (f"ASP120 {DATABASE}",), mended=False
    ),
    "a procedure more": Kind(
        in_database("EXEC (N'CREATE PROCEDURE dbo.mine AS RETURN 0')"),
        (f"ASP121 sql stored procedure dbo.mine in {DATABASE}",),
        mended=False,
    ),
    "a table more": Kind(
        in_database("CREATE TABLE dbo.mine (a int NULL)"), (f"ASP121 user table dbo.mine in {DATABASE}",), mended=False
    ),
    "an index more": Kind(
        in_database("CREATE INDEX mine ON dbo.ASPStateTempSessions (Created)"),
        (f"ASP121 index mine on dbo.ASPStateTempSessions in {DATABASE}",),
        mended=False,
    ),
    "the job is missing": Kind(
        to_job("EXEC msdb.dbo.sp_delete_job @job_name = %(job)s"), (f"ASP206 job {JOB}", f"ASP202 {DATABASE}")
    ),
    "the job is disabled": Kind(
        to_job("EXEC msdb.dbo.sp_update_job @job_name = %(job)s, @enabled = 0"), (f"ASP206 job {JOB}",)
    ),
    "the job has another description": Kind(
        to_job("EXEC msdb.dbo.sp_update_job @job_name = %(job)s, @description = N'mine'"), (f"ASP206 job {JOB}",)
    ),
    "the step runs elsewhere": Kind(
        to_job(
            "DECLARE @command nvarchar(400) = N'EXEC [' + %(name)s + N'].dbo.DeleteExpiredSessions' "
            "EXEC msdb.dbo.sp_update_jobstep @job_name = %(job)s, @step_id = 1, @command = @command"
        ),
        (f"ASP206 step 1 of job {JOB}",),
    ),
    "the schedule is slower": Kind(
        to_job(
            "DECLARE @id int = (SELECT schedule_id FROM msdb.dbo.sysschedules WHERE name = %(schedule)s) "
            "EXEC msdb.dbo.sp_update_schedule @schedule_id = @id, @freq_subday_interval = 30"
        ),
        (f"ASP206 {SCHEDULE}",),
    ),
    "the schedule is disabled": Kind(
        to_job(
            "DECLARE @id int = (SELECT schedule_id FROM msdb.dbo.sysschedules WHERE name = %(schedule)s) "
            "EXEC msdb.dbo.sp_update_schedule @schedule_id = @id, @enabled = 0"
        ),
        (f"ASP206 {SCHEDULE}",),
    ),
    "the role is missing": Kind(
        in_database(f"ALTER ROLE {ROLE} DROP MEMBER {{user}} DROP ROLE {ROLE}"),
        (f"ASP307 {A_ROLE}", f"ASP307 {USER}", f"ASP301 {LOGIN}"),
    ),
    "a grant is missing": Kind(
        in_database(f"REVOKE EXECUTE ON dbo.TempResetTimeout FROM {ROLE}"), (f"ASP307 {GRANT}", f"ASP301 {LOGIN}")
    ),
    "the login is no member": Kind(
        in_database(f"ALTER ROLE {ROLE} DROP MEMBER {{user}}"), (f"ASP307 {USER}", f"ASP301 {LOGIN}")
    ),
    "the login has no user": Kind(
        in_database(f"ALTER ROLE {ROLE} DROP MEMBER {{user}} DROP USER {{user}}"), (f"ASP306 {LOGIN}",)
    ),
    "the user may not connect": Kind(in_database("REVOKE CONNECT FROM {user}"), (f"ASP306 {LOGIN}",)),
    "the login has more": Kind(
        in_database("GRANT SELECT ON dbo.ASPStateTempSessions TO {user}"), (f"ASP302 {LOGIN}",), mended=False
    ),
    "somebody else is a user": Kind(
        in_database(
            "CREATE LOGIN [{database}_other] WITH PASSWORD = N'Aa1!Aa1!Aa1!' "
            "CREATE USER [{database}_other] FOR LOGIN [{database}_other]"
        ),
        ("ASP308 user {database}_other in database {database}",),
        mended=False,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_difference_is_told_once_as_the_plan_says_it_and_gone_when_it_is_mended(site: Site, kind: str) -> None:
    happened = KINDS[kind]
    with connect(site.login) as server:
        happened.did(server, site)
    result = site.check()
    subjects = {"database": site.name, "user": site.application.user}
    assert sorted(map(" ".join, told(result))) == sorted(line.format(**subjects) for line in happened.found)
    if not happened.mended:
        return
    assert result["status"] == "checked"
    messages = [each["message"] for each in result["findings"]]
    for sentence in site.predicted():
        assert any(sentence in message for message in messages), sentence
    assert site.converge()
    assert site.check()["findings"] == []
