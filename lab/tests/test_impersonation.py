"""EXECUTE AS LOGIN and REVERT."""

from __future__ import annotations

import pytest

from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

WHO = "SELECT SUSER_SNAME(), ORIGINAL_LOGIN(), USER_NAME(), IS_SRVROLEMEMBER('sysadmin'), IS_MEMBER('db_datareader')"


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path))
    create_login(session, "app")
    create_login(session, "other")
    ok(session, "CREATE DATABASE d", "USE d", "CREATE USER app_user FOR LOGIN app", "CREATE TABLE t (a int)")
    return session


def test_everything_is_asked_of_the_other_login(session):
    assert ok(session, f"EXECUTE AS LOGIN = 'app' {WHO}").rows == [("app", "sa", "app_user", 0, 0)]
    assert run(session, "SELECT a FROM t").numbers == [229]
    assert run(session, "CREATE LOGIN x WITH PASSWORD = 'Some-Word-77'").numbers == [15247]
    assert ok(session, "SELECT HAS_PERMS_BY_NAME('d', 'DATABASE', 'CONTROL'), SUSER_SID()").rows == [
        (0, ok(log_in(session.engine), "SELECT SUSER_SID('app')").value)
    ]
    query = "SELECT login_name, original_login_name FROM sys.dm_exec_sessions WHERE session_id = @@SPID"
    assert ok(session, query).rows == [("app", "sa")]
    assert ok(session, f"REVERT {WHO}").rows == [("sa", "sa", "dbo", 1, 0)]
    ok(session, "SELECT a FROM t", "REVERT")


def test_it_survives_use_and_is_reverted_where_it_was_said(session):
    ok(session, "DECLARE @who sysname = N'app' EXEC AS LOGIN = @who", "USE master")
    assert ok(session, WHO).rows == [("app", "sa", "guest", 0, 0)]
    assert run(session, "REVERT PRINT 'on'").printed == []
    assert run(session, "REVERT").numbers == [15199]
    ok(session, "USE d REVERT")
    assert ok(session, "SELECT SUSER_SNAME()").value == "sa"


def test_levels_are_left_one_by_one_and_a_reset_leaves_all(session):
    ok(session, "GRANT CONNECT TO app_user", "USE master GRANT IMPERSONATE ON LOGIN::other TO app")
    ok(session, "EXECUTE AS LOGIN = 'app' EXECUTE AS LOGIN = 'other'")
    assert ok(session, "SELECT SUSER_SNAME(), ORIGINAL_LOGIN()").rows == [("other", "sa")]
    assert ok(session, "REVERT SELECT SUSER_SNAME()").value == "app"
    ok(session, "EXECUTE AS LOGIN = 'other'")
    session.reset()
    assert ok(session, "SELECT SUSER_SNAME()").value == "sa"


def test_a_procedure_or_text_ends_its_own_only(session):
    ok(session, "CREATE PROCEDURE p AS EXECUTE AS LOGIN = 'app' SELECT SUSER_SNAME()")
    ok(session, "CREATE PROCEDURE r AS REVERT SELECT SUSER_SNAME()", "GRANT EXECUTE ON r TO app_user")
    assert ok(session, "EXEC p").value == "app"
    ok(session, "EXEC ('EXECUTE AS LOGIN = ''app''')")
    assert ok(session, "SELECT SUSER_SNAME()").value == "sa"
    assert ok(session, "EXECUTE AS LOGIN = 'app' EXEC r").value == "app"
    assert run(session, "EXEC ('EXECUTE AS LOGIN = ''app'' SELECT nix FROM t')").errors
    assert ok(session, "REVERT SELECT SUSER_SNAME()").value == "sa"


@pytest.mark.parametrize("name", ["'nix'", "'public'", "'other'", "'sa'", "NULL"])
def test_without_the_right_nothing_of_the_batch_goes_on(session, name):
    app = enter(session.engine, "app", "d")
    answer = run(app, f"DECLARE @who sysname = {name} EXECUTE AS LOGIN = @who PRINT 'on'")
    assert (answer.numbers, answer.printed) == ([15406], [])
    ok(app, "EXECUTE AS LOGIN = 'app'")


def test_a_login_that_may_not_enter_the_database_is_not_taken(session):
    assert run(session, "EXECUTE AS LOGIN = 'other'").numbers == [916]
    assert ok(session, "SELECT SUSER_SNAME()").value == "sa"


def test_who_impersonates_or_is_impersonated_cannot_be_dropped(session):
    ok(session, "ALTER SERVER ROLE sysadmin ADD MEMBER other")
    other = enter(session.engine, "other", "d")
    ok(other, "EXECUTE AS LOGIN = 'app'")
    for name in ("app", "other"):
        assert run(session, f"DROP LOGIN {name}").numbers == [15434]
