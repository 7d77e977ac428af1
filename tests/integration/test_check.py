"""The daily check of a server: every difference by id and subject, once, in the words of the plan that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from aspstate.agent_job import usual_name
from aspstate.app_id import app_id
from aspstate.check import look
from aspstate.check_wishes import CHECK_ARGUMENTS
from aspstate.client import Client, session_key
from aspstate.findings import Findings
from aspstate.server import Server, connect

from tests.integration.checking import Site, told
from tests.integration.conftest import remove
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


TEMPORARY = {
    "the startup procedure is gone": "DROP PROCEDURE dbo.ASPState_Startup",
    "it does not run at the start": "EXEC sys.sp_procoption N'dbo.ASPState_Startup', 'startup', 'off'",
}


@pytest.mark.parametrize("kind", TEMPORARY)
def test_what_type_temporary_keeps_in_master_is_compared_too(lab: OwnLab, kind: str) -> None:
    chain = {"manage_ownership_chain": True}
    site = Site(lab.login, lab.login_with(), "ASPState", "temporary", {**QUIET, "database": chain, "grants": chain})
    try:
        site.converge()
        assert site.check()["findings"] == []
        with connect(site.login) as server:
            server.run_in("master", TEMPORARY[kind])
        assert told(site.check()) == [("ASP113", "procedure dbo.ASPState_Startup in master")]
        site.converge()
        with connect(site.login) as server:
            server.run("ALTER DATABASE ASPState SET DB_CHAINING OFF")
        chained = "ownership chain from database ASPState to tempdb"
        assert told(site.check()) == [("ASP118", "db_chaining of database ASPState"), ("ASP305", chained)]
        site.converge()
        assert site.check()["findings"] == []
    finally:
        with connect(site.login) as server:
            remove(server, "ASPState", "temporary", discard=True)
            server.run("EXEC msdb.dbo.sp_delete_job @job_name = N'ASPState_Job_DeleteExpiredSessions'")


def test_a_database_of_yours_may_hold_other_things(site: Site) -> None:
    site.type = "custom"
    with connect(site.login) as server:
        server.run_in(site.name, "CREATE TABLE dbo.mine (a int NULL)")
        server.run_in(site.name, "EXEC (N'CREATE PROCEDURE dbo.mine_too AS RETURN 0')")
    assert site.check()["findings"] == []


def test_a_database_that_is_not_there_is_one_difference_and_its_job_another(lab: OwnLab, name: str) -> None:
    site = Site(lab.login, lab.login_with(), name, options=QUIET)
    assert told(site.check()) == [
        ("ASP117", f"database {name}"),
        ("ASP206", f"job {usual_name(name)}"),
    ]


def earlier(site: Site, **changes: Any) -> dict[str, Any]:
    """A sample of before, as the report keeps it."""
    return {**site.check()["sample"], **changes}


def test_a_restart_since_the_last_check_is_told(site: Site) -> None:
    site.options = {**QUIET, "previous": earlier(site, started="2020-01-01T00:00:00Z", time="2020-01-02T00:00:00Z")}
    assert told(site.check()) == [("ASP412", "SQL Server")]


def test_how_long_there_is_room_at_the_present_growth_is_told(site: Site) -> None:
    with connect(replace(site.login, database=site.name)) as own:
        Client(own).insert(session_key("a" * 24, app_id("/shop")), bytes(7000), 20)
        Client(own).app_id("/shop")
    sample = site.check()["sample"]
    before = (datetime.fromisoformat(sample["time"]) - timedelta(hours=1)).isoformat()
    limits = {"max_bytes": 14_000, "min_hours_to_fill": 2}
    previous = {**sample, "time": before, "rows": 0, "bytes": 0}
    site.options = {**QUIET, "sessions": limits, "previous": previous}
    found = site.check()["findings"]
    assert [(each["id"], each["expected"], each["found"]) for each in found if each["id"] != "ASP408"] == [
        ("ASP413", 2, 1.0)
    ]


def test_a_sample_from_the_future_costs_the_growth_and_no_more(site: Site) -> None:
    site.options = {**QUIET, "previous": earlier(site, time="2999-01-01T00:00:00Z")}
    result = site.check()
    assert told(result) == [("ASP004", f"sample of database {site.name}")]
    assert (result["status"], result["growth"]) == ("checked", None)
    assert result["sample"]["rows"] == 0


def test_a_server_that_answers_half_way_is_incomplete_and_keeps_what_was_seen(lab: OwnLab, site: Site) -> None:
    with connect(site.login) as server:
        server.run_in(site.name, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")
    lab.fail(match="sysjobhistory", nth=1, action="drop_before", program="aspstate")
    try:
        result = site.check()
    finally:
        lab.faults.unlink()
    assert result["status"] == "incomplete"
    assert [each["id"] for each in result["findings"]] == ["ASP111", "ASP001"]
    assert "the connection" in result["findings"][1]["message"]
    lab.fail(match="sysschedules", nth=1, action="error", number=1205, program="aspstate")
    try:
        result = site.check()
    finally:
        lab.faults.unlink()
    assert [each["id"] for each in result["findings"]] == ["ASP111", "ASP001"]
    assert "error 1205" in result["findings"][1]["message"]


@pytest.mark.parametrize("type_", ["persisted", "temporary"])
def test_a_check_logs_in_once_and_asks_little_besides_its_probe(
    lab: OwnLab, name: str, type_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = {"manage_ownership_chain": type_ == "temporary"}
    options = {**QUIET, "database": chain, "grants": chain}
    site = Site(lab.login, lab.login_with(), name if type_ == "persisted" else "ASPState", type_, options)
    try:
        site.converge()
        asked: list[str] = []
        run = Server.run
        monkeypatch.setattr(Server, "run", lambda self, *given: asked.append(self.user) or run(self, *given))
        findings = Findings("")
        with connect(site.login) as server:
            look(server, site.declared, findings, {})
        assert list(findings) == []
        assert 0 < len(asked) <= 12
    finally:
        if type_ == "temporary":
            with connect(site.login) as server:
                remove(server, "ASPState", "temporary", discard=True)
                server.run("EXEC msdb.dbo.sp_delete_job @job_name = N'ASPState_Job_DeleteExpiredSessions'")


OTHER = "(another login)"
CHOICES = {
    ("database", "owner"): (OTHER, ["ASP118"]),
    ("database", "recovery_model"): ("full", ["ASP118"]),
    ("database", "collation"): ("Latin1_General_BIN2", ["ASP120"]),
    ("database", "auto_close"): (True, ["ASP118", "ASP123"]),
    ("database", "auto_shrink"): (True, ["ASP118", "ASP123"]),
    ("database", "data_file_size"): (100, ["ASP118"]),
    ("database", "data_file_growth"): (100, ["ASP118"]),
    ("database", "log_file_size"): (100, ["ASP118"]),
    ("database", "log_file_growth"): (100, ["ASP118"]),
    ("agent_job", "job_name"): ("mine", []),
    ("agent_job", "command"): ("EXEC dbo.DeleteExpiredSessions", ["ASP206"]),
    ("agent_job", "interval"): (5, ["ASP206"]),
    ("agent_job", "enabled"): (False, ["ASP206"]),
    ("agent_job", "owner"): (OTHER, ["ASP204", "ASP206"]),
    ("agent_job", "category"): ("Sessions", ["ASP206", "ASP206"]),
    ("agent_job", "history_rows"): (5000, ["ASP206"]),
    ("grants", "logins"): ([{"name": OTHER}], ["ASP306", "ASP302", "ASP308"]),
    ("grants", "role"): ("mine", ["ASP302", "ASP307", "ASP307"]),
    ("grants", "clients"): (["system_web", "async_compat"], ["ASP301", "ASP307", "ASP307"]),
    ("grants", "exclusive"): (True, []),
}
"""An option, another value than the server has, and what is found. A job that is there keeps its name."""

NOT_COMPARED = {
    "database": {"manage_ownership_chain", "adopt", "overwrite_edited", "remove_leftovers", "discard_live_sessions"},
    "agent_job": {"availability_group_command", "manage_agent_history", "history_rows_per_job"},
    "grants": {"manage_ownership_chain"},
}
"""What has a meaning elsewhere: with type temporary, in an availability group, or together with another option."""


def test_every_option_of_the_inventory_is_here() -> None:
    for noun, not_compared in NOT_COMPARED.items():
        here = {option for each, option in CHOICES if each == noun}
        assert here | not_compared == set(CHECK_ARGUMENTS[noun]["options"])
        assert not here & not_compared


@pytest.mark.parametrize(("noun", "option"), CHOICES, ids=lambda word: word)
def test_what_the_inventory_says_otherwise_is_a_difference(lab: OwnLab, site: Site, noun: str, option: str) -> None:
    value, found = CHOICES[noun, option]
    other = lab.login_with()
    if value == OTHER:
        value = other.user
    elif value == [{"name": OTHER}]:
        value = [{"name": other.user, "password": other.password}]
    site.options = {**QUIET, noun: {**QUIET.get(noun, {}), option: value}}
    assert sorted(id_ for id_, _ in told(site.check())) == sorted(found)


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


def _orphan(server: Server, site: Site) -> None:
    """As after a restore on another server: the login of that name has another SID."""
    login = site.application
    server.run(f"DROP LOGIN {login.user}")
    server.run(f"CREATE LOGIN {login.user} WITH PASSWORD = N'{login.password}', CHECK_POLICY = OFF")


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
    "the schedule is gone": Kind(
        to_job(
            "DECLARE @id int = (SELECT schedule_id FROM msdb.dbo.sysschedules WHERE name = %(schedule)s) "
            "EXEC msdb.dbo.sp_detach_schedule @job_name = %(job)s, @schedule_id = @id, @delete_unused_schedule = 1"
        ),
        (f"ASP206 {SCHEDULE}",),
    ),
    "a second job": Kind(
        to_job(
            "EXEC msdb.dbo.sp_add_job @job_name = N'mine' "
            "EXEC msdb.dbo.sp_add_jobstep @job_name = N'mine', @step_name = N'mine', @database_name = %(name)s, "
            "@command = N'EXEC dbo.DeleteExpiredSessions' EXEC msdb.dbo.sp_add_jobserver @job_name = N'mine'"
        ),
        ("ASP203 job mine",),
        mended=False,
    ),
    "its owner is another": Kind(
        in_database(
            "CREATE LOGIN [{database}_owner] WITH PASSWORD = N'Aa1!Aa1!Aa1!' "
            "ALTER AUTHORIZATION ON DATABASE::[{database}] TO [{database}_owner]"
        ),
        (f"ASP118 owner of {DATABASE}",),
    ),
    "the data file grows by percent": Kind(
        in_database("ALTER DATABASE [{database}] MODIFY FILE (NAME = aspstate_data, FILEGROWTH = 10%)"),
        (f"ASP118 growth of data file aspstate_data of {DATABASE}",),
    ),
    "the user's login is gone and was made anew": Kind(_orphan, (f"ASP304 {LOGIN}",)),
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
