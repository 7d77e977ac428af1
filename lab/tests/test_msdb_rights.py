"""Who may read the tables of msdb, execute its procedures, and change whose jobs."""

from __future__ import annotations

import pytest

from lab.tests.jobs import add_job
from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

ROLES = ("SQLAgentUserRole", "SQLAgentReaderRole", "SQLAgentOperatorRole")


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path), "msdb")
    for name in ("app", "other"):
        create_login(session, name)
        ok(session, f"CREATE USER {name} FOR LOGIN {name}")
    add_job(session, "of sa")
    return session


def as_member(session, role, login="app"):
    ok(session, f"ALTER ROLE {role} ADD MEMBER {login}")
    return enter(session.engine, login, "msdb")


def test_without_a_right_nothing_is_read_or_executed(session):
    app = enter(session.engine, "app", "msdb")
    for text in ("SELECT name FROM dbo.sysjobs", "EXEC sp_add_job 'x'", "EXEC sp_start_job 'of sa'"):
        assert run(app, text).numbers == [229]
    assert ok(app, "SELECT HAS_PERMS_BY_NAME('dbo.sp_add_job', 'OBJECT', 'EXECUTE')").value is None


@pytest.mark.parametrize("way", ["ALTER ROLE db_datareader ADD MEMBER app", "GRANT SELECT ON dbo.sysjobs TO app"])
def test_a_right_to_read_is_enough_to_read(session, way):
    ok(session, way)
    app = enter(session.engine, "app")
    assert ok(app, "SELECT name FROM msdb.dbo.sysjobs").value == "of sa"
    assert run(app, "EXEC msdb.dbo.sp_delete_job @job_name = 'of sa'").numbers == [229]


@pytest.mark.parametrize("role", ROLES)
def test_members_have_jobs_of_their_own(session, role):
    app = as_member(session, role)
    add_job(app, "mine", more=", @owner_login_name = N'app'")
    assert ok(app, "SELECT HAS_PERMS_BY_NAME('dbo.sp_add_job', 'OBJECT', 'EXECUTE')").value == 1
    assert ok(app, "SELECT IS_MEMBER('SQLAgentUserRole'), IS_MEMBER('SQLAgentOperatorRole')").rows == [
        (1, int(role == "SQLAgentOperatorRole"))
    ]
    ok(session, "SELECT name FROM sysjobs WHERE owner_sid = SUSER_SID('app')")
    assert run(app, "EXEC sp_add_job 'x', @owner_login_name = 'other'").numbers == [14515]
    assert run(app, "EXEC sp_update_job @job_name = 'mine', @owner_login_name = 'other'").numbers == [14242]
    assert run(app, "EXEC sp_add_category 'JOB', 'LOCAL', 'x'").numbers == [229]
    assert run(app, "EXEC sp_set_sqlagent_properties @jobhistory_max_rows = -1").numbers == [229]
    ok(app, "EXEC sp_update_job @job_name = 'mine', @enabled = 0", "EXEC sp_delete_job @job_name = 'mine'")


@pytest.mark.parametrize(("role", "seen"), list(zip(ROLES, (False, True, True), strict=True)))
def test_jobs_of_others(session, role, seen):
    app = as_member(session, role)
    for text in (
        "sp_update_job @job_name = 'of sa', @enabled = 0",
        "sp_delete_job @job_name = 'of sa'",
        "sp_add_jobstep @job_name = 'of sa', @step_name = 'x'",
    ):
        assert run(app, f"EXEC {text}").numbers == [14525 if seen else 14262]
    started = {"SQLAgentUserRole": 14262, "SQLAgentReaderRole": 14393, "SQLAgentOperatorRole": 22022}
    assert run(app, "EXEC sp_start_job 'of sa'").numbers == [started[role]]
    changed = run(app, "EXEC sp_update_schedule @name = 'schedule of of sa', @enabled = 0").numbers
    assert changed == [14394 if seen else 14262]


def test_an_administrator_gives_a_job_to_somebody_else(session):
    ok(session, "EXEC sp_update_job @job_name = 'of sa', @owner_login_name = 'app'")
    app = as_member(session, "SQLAgentUserRole")
    ok(app, "EXEC sp_update_job @job_name = 'of sa', @enabled = 0")


def test_the_roles_are_there_for_good(session):
    assert run(session, "DROP ROLE SQLAgentUserRole").numbers == [59999]
    ok(session, "ALTER ROLE SQLAgentUserRole ADD MEMBER app", "ALTER ROLE SQLAgentUserRole DROP MEMBER app")
    assert run(enter(session.engine, "app", "msdb"), "EXEC sp_add_job 'x'").numbers == [229]
    members = """SELECT r.name, m.name FROM sys.database_role_members AS b
        JOIN sys.database_principals AS r ON r.principal_id = b.role_principal_id
        JOIN sys.database_principals AS m ON m.principal_id = b.member_principal_id WHERE r.name LIKE 'SQLAgent%'"""
    assert sorted(ok(session, members).rows) == [
        ("SQLAgentReaderRole", "SQLAgentOperatorRole"),
        ("SQLAgentUserRole", "SQLAgentReaderRole"),
    ]
