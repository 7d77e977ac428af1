"""Logins, users, roles and owners: making and dropping them, logging in, and what a restart keeps."""

from __future__ import annotations

import pytest

from lab.server.engine.engine import LOG_FILE
from lab.server.errors import SqlError
from lab.tests.logins import SECRET, create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "app")
    create_login(session, "other")
    ok(session, "CREATE DATABASE d", "USE d", "CREATE USER [app_user] FOR LOGIN [app]", "CREATE ROLE [readers]")
    yield session
    if session in engine.sessions:
        session.close()
        engine.close()


def refusal(engine, *arguments):
    with pytest.raises(SqlError) as caught:
        enter(engine, *arguments)
    return caught.value.number


def test_a_login_enters_with_its_password_only_and_as_its_user(session):
    engine = session.engine
    app = enter(engine, "APP", "d")
    assert ok(app, "SELECT SUSER_SNAME(), USER_NAME()").rows == [("app", "app_user")]
    assert refusal(engine, "app", "d", "Wrong-1") == 18456
    assert refusal(engine, "public", "", "") == 18456
    ok(session, "ALTER LOGIN app WITH PASSWORD = N'Another-Horse-9'")
    assert refusal(engine, "app", "d") == 18456
    enter(engine, "app", "d", "Another-Horse-9").close()
    app.close()
    ok(session, "DROP LOGIN app")
    assert refusal(engine, "app", "d", "Another-Horse-9") == 18456


@pytest.mark.parametrize(
    ("database", "user"), {"master": "guest", "msdb": "guest", "tempdb": "guest", "model": None, "d": None}.items()
)
def test_where_a_login_without_user_may_be(session, database, user):
    if user is None:
        assert refusal(session.engine, "other", database) == 4060
    else:
        assert ok(enter(session.engine, "other", database), "SELECT USER_NAME()").value == user


ERRORS = {
    "login exists": ("CREATE LOGIN APP WITH PASSWORD = 'Some-Word-77'", 15025),
    "login called as a role": ("CREATE LOGIN sysadmin WITH PASSWORD = 'Some-Word-77'", 15025),
    "login of Windows": (r"CREATE LOGIN [a\b] WITH PASSWORD = 'Some-Word-77'", 15006),
    "weak password": ("CREATE LOGIN x WITH PASSWORD = 'weak'", 15118),
    "password with the name": ("CREATE LOGIN tomato WITH PASSWORD = 'Tomato-77'", 15118),
    "weak new password": ("ALTER LOGIN app WITH PASSWORD = 'weak'", 15118),
    "no login to alter": ("ALTER LOGIN nix WITH PASSWORD = 'Some-Word-77'", 15151),
    "no login to drop": ("DROP LOGIN nix", 15151),
    "sa cannot go": ("DROP LOGIN sa", 15150),
    "no server role": ("ALTER SERVER ROLE nix ADD MEMBER app", 15151),
    "no login for a role": ("ALTER SERVER ROLE sysadmin ADD MEMBER nix", 15151),
    "sa stays in sysadmin": ("ALTER SERVER ROLE sysadmin DROP MEMBER sa", 15405),
    "public of the server": ("ALTER SERVER ROLE [public] ADD MEMBER app", 15081),
    "user exists": ("CREATE USER APP_USER FOR LOGIN other", 15023),
    "user called as a role": ("CREATE USER readers FOR LOGIN other", 15023),
    "login has a user": ("CREATE USER u FOR LOGIN app", 15063),
    "no login for a user": ("CREATE USER u FOR LOGIN nix", 15007),
    "user for sa": ("CREATE USER u FOR LOGIN sa", 15405),
    "no user to drop": ("DROP USER nix", 15151),
    "a role is no user": ("DROP USER readers", 15151),
    "dbo cannot go": ("DROP USER dbo", 15150),
    "role exists": ("CREATE ROLE db_owner", 15023),
    "no role to drop": ("DROP ROLE app_user", 15151),
    "fixed role cannot go": ("DROP ROLE db_owner", 15150),
    "role with members": ("ALTER ROLE readers ADD MEMBER app_user DROP ROLE readers", 15144),
    "no role": ("ALTER ROLE nix ADD MEMBER app_user", 15151),
    "no member": ("ALTER ROLE readers ADD MEMBER nix", 15151),
    "not a member": ("ALTER ROLE readers DROP MEMBER app_user", 15151),
    "dbo as member": ("ALTER ROLE readers ADD MEMBER dbo", 15405),
    "public of the database": ("ALTER ROLE [public] ADD MEMBER app_user", 15081),
    "no database to own": ("ALTER AUTHORIZATION ON DATABASE::nix TO other", 15151),
    "no login to own": ("ALTER AUTHORIZATION ON DATABASE::d TO nix", 15151),
    "owner is a user already": ("ALTER AUTHORIZATION ON DATABASE::d TO app", 15110),
    "master keeps its owner": ("ALTER AUTHORIZATION ON DATABASE::master TO other", 15109),
    "login in a transaction": ("BEGIN TRAN CREATE LOGIN x WITH PASSWORD = 'Some-Word-77'", 59999),
    "user in model": ("EXEC ('USE model CREATE USER u FOR LOGIN other')", 59999),
    "role in a role": ("CREATE ROLE r ALTER ROLE r ADD MEMBER readers", 59999),
    "other server role": ("ALTER SERVER ROLE diskadmin ADD MEMBER app", 59999),
    "other fixed role": ("ALTER ROLE db_backupoperator ADD MEMBER app_user", 59999),
    "password of sa": ("ALTER LOGIN sa WITH PASSWORD = 'Some-Word-77'", 59999),
    "login in a procedure": ("CREATE PROCEDURE p AS CREATE LOGIN x WITH PASSWORD = 'Some-Word-77'", 59999),
}


@pytest.mark.parametrize(("text", "number"), ERRORS.values(), ids=ERRORS)
def test_refused_statements(session, text, number):
    assert run(session, text).numbers == [number]


def test_who_is_logged_in_or_owns_a_database_cannot_be_dropped(session):
    app = enter(session.engine, "app", "d")
    assert run(session, "DROP LOGIN app").numbers == [15434]
    app.close()
    ok(session, "ALTER AUTHORIZATION ON DATABASE::d TO other")
    assert run(session, "DROP LOGIN other").numbers == [15174]
    ok(session, "ALTER AUTHORIZATION ON DATABASE::d TO sa", "DROP LOGIN other", "DROP LOGIN app")


def test_the_owner_is_dbo_and_the_creator_is_the_owner(session):
    ok(session, "ALTER AUTHORIZATION ON DATABASE::d TO other", "ALTER SERVER ROLE dbcreator ADD MEMBER app")
    other = enter(session.engine, "other", "d")
    assert ok(other, "SELECT USER_NAME(), IS_MEMBER('db_owner')").rows == [("dbo", 1)]
    app = enter(session.engine, "app")
    ok(app, "CREATE DATABASE own", "USE own")
    owners = "SELECT name, SUSER_SNAME(owner_sid) FROM sys.databases WHERE database_id > 4"
    assert ok(app, owners).rows == [("d", "other"), ("own", "app")]
    sids = "SELECT sid FROM sys.database_principals WHERE name = 'dbo'"
    assert ok(app, sids).value == ok(app, "SELECT SUSER_SID()").value


def test_what_the_catalog_and_the_functions_say(session):
    ok(session, "ALTER ROLE readers ADD MEMBER app_user", "ALTER SERVER ROLE sysadmin ADD MEMBER other")
    server = ok(session, "SELECT name, type, type_desc, is_disabled FROM sys.server_principals").rows
    expected = {("sa", "S", "SQL_LOGIN", 0), ("app", "S", "SQL_LOGIN", 0), ("sysadmin", "R", "SERVER_ROLE", 0)}
    assert expected <= set(server)
    users = ok(session, "SELECT name, type, type_desc FROM sys.database_principals").rows
    assert {("dbo", "S", "SQL_USER"), ("readers", "R", "DATABASE_ROLE"), ("app_user", "S", "SQL_USER")} <= set(users)
    members = """SELECT r.name, m.name FROM sys.database_role_members x
        JOIN sys.database_principals r ON r.principal_id = x.role_principal_id
        JOIN sys.database_principals m ON m.principal_id = x.member_principal_id ORDER BY r.name"""
    assert ok(session, members).rows == [("db_owner", "dbo"), ("readers", "app_user")]
    counted = "SELECT role_principal_id, COUNT(*) FROM sys.server_role_members GROUP BY role_principal_id"
    assert ok(session, counted).rows == [(3, 3)]  # sa, other, and the account of the Agent
    assert ok(session, "SELECT SUSER_SID('sa'), SUSER_SNAME(0x01), SUSER_SNAME(0x77), SUSER_SID('nix')").rows == [
        (b"\x01", "sa", None, None)
    ]
    assert len(ok(session, "SELECT SUSER_SID('app')").value) == 16
    roles = """SELECT IS_SRVROLEMEMBER('sysadmin'), IS_SRVROLEMEMBER('sysadmin', 'other'),
        IS_SRVROLEMEMBER('dbcreator'), IS_SRVROLEMEMBER('sysadmin', 'app'), IS_SRVROLEMEMBER('nix'),
        IS_SRVROLEMEMBER('public', 'nix')"""
    assert ok(session, roles).rows == [(1, 1, 0, 0, None, None)]
    app = enter(session.engine, "app", "d")
    roles = "SELECT IS_MEMBER('readers'), IS_MEMBER('db_owner'), IS_MEMBER('nix'), IS_MEMBER('public')"
    assert ok(app, roles).rows == [(1, 0, None, 1)]


def test_a_rollback_takes_users_and_roles_back(session):
    before = ok(session, "SELECT name FROM sys.database_principals").rows
    ok(
        session,
        "BEGIN TRAN CREATE USER o FOR LOGIN other CREATE ROLE r ALTER ROLE r ADD MEMBER o DROP USER app_user ROLLBACK",
    )
    assert ok(session, "SELECT name FROM sys.database_principals").rows == before
    assert ok(session, "SELECT COUNT(*) FROM sys.database_role_members").value == 1
    enter(session.engine, "app", "d").close()


QUERIES = (
    "SELECT name, principal_id, sid FROM sys.server_principals",
    "SELECT role_principal_id, member_principal_id FROM sys.server_role_members",
    "SELECT class, major_id, grantee_principal_id, permission_name, state_desc FROM sys.server_permissions",
    "SELECT name, owner_sid FROM sys.databases",
    "SELECT name, principal_id, sid, type FROM sys.database_principals",
    "SELECT role_principal_id, member_principal_id FROM sys.database_role_members",
    "SELECT class, major_id, minor_id, grantee_principal_id, permission_name, state_desc FROM sys.database_permissions",
)


@pytest.mark.parametrize("compacted", [False, True])
def test_a_restart_keeps_all_of_it(session, tmp_path, monkeypatch, compacted):
    ok(
        session,
        "ALTER ROLE readers ADD MEMBER app_user ALTER ROLE db_owner ADD MEMBER app_user",
        "ALTER SERVER ROLE sysadmin ADD MEMBER other",
        "CREATE LOGIN gone WITH PASSWORD = N'', CHECK_POLICY = OFF DROP LOGIN gone",
        "ALTER LOGIN app WITH PASSWORD = N'Another-Horse-9'",
        "CREATE TABLE t (a int) CREATE TABLE u (a int) CREATE TYPE ty FROM int",
        "GRANT SELECT ON t TO readers DENY INSERT ON u TO app_user GRANT EXECUTE ON TYPE::ty TO app_user",
        "GRANT SELECT TO app_user REVOKE SELECT TO app_user DROP TABLE u",
        "CREATE DATABASE e ALTER AUTHORIZATION ON DATABASE::e TO other",
        "USE master REVOKE VIEW ANY DATABASE FROM public GRANT VIEW SERVER STATE TO app",
        "GRANT IMPERSONATE ON LOGIN::other TO app",
        "USE d",
    )
    before = [ok(session, query).rows for query in QUERIES]
    engine = session.engine
    session.close()
    if compacted:
        monkeypatch.setattr("lab.server.engine.engine.FEW_RECORDS", -1000)
    engine.close()
    engine = open_engine(tmp_path)
    after = log_in(engine, "d")
    assert [ok(after, query).rows for query in QUERIES] == before
    enter(engine, "app", "d", "Another-Horse-9").close()
    other = enter(engine, "other")
    assert ok(other, "SELECT IS_SRVROLEMEMBER('sysadmin')").value == 1
    ok(other, "CREATE DATABASE made_by_other")
    engine.close()


SPOILT = (
    f"CREATE LOGIN x WITH PASSWORD N'{SECRET}'",
    f"CREATE LOGIN x WITH PASSWORD = N'{SECRET}' '{SECRET}'",
    f"CREATE LOGIN x WITH PASSWORD = N'{SECRET}",
    f"CREATE LOGIN x WITH PASSWORD = 'It''s {SECRET}",
    f"CREATE LOGIN x WITH PASSWORD = {SECRET}",
    f"CREATE LOGIN x WITH PASSWORD = N'{SECRET}' {SECRET}",
    f'ALTER LOGIN app WITH PASSWORD = "{SECRET}"',
    f"ALTER LOGIN app WITH PASSWORD = [{SECRET}]",
    f"EXEC ('CREATE LOGIN x WITH PASSWORD = N''{SECRET}'''' ')",
    f"CREATE LOGIN app WITH PASSWORD = N'{SECRET}'",
)


@pytest.mark.parametrize("text", SPOILT)
def test_no_error_shows_a_password(session, text):
    answer = run(session, text)
    assert answer.errors
    assert not [error for error in answer.errors if "Correct" in error.text or "Horse" in error.text]


def test_the_log_has_no_password(session, tmp_path):
    content = (tmp_path / LOG_FILE).read_bytes()
    assert b"app_user" in content
    for encoding in ("utf-8", "utf-16-le"):
        assert SECRET.encode(encoding) not in content


def test_a_login_without_connect_sql_does_not_enter(session):
    engine = session.engine
    enter(engine, "app").close()
    for statement in ("DENY CONNECT SQL TO app", "REVOKE CONNECT SQL TO app"):
        ok(session, f"USE master {statement}")
        assert refusal(engine, "app") == 18456
    ok(session, "GRANT CONNECT SQL TO app")
    enter(engine, "app").close()


# the right in d, and what it allows; the words of the error without it
RIGHTS_ON_PRINCIPALS = {
    "ALTER ANY USER": ("CREATE USER new FOR LOGIN fresh DROP USER new", 15247),
    "CREATE ROLE": ("CREATE ROLE new", 15247),
    "ALTER ANY ROLE": ("ALTER ROLE readers DROP MEMBER someone DROP ROLE readers", 15151),
}


@pytest.mark.parametrize("right", RIGHTS_ON_PRINCIPALS)
def test_users_and_roles_have_rights_of_their_own(session, right):
    statement, number = RIGHTS_ON_PRINCIPALS[right]
    create_login(session, "fresh")
    create_login(session, "whose")
    ok(session, "USE d CREATE USER someone FOR LOGIN whose ALTER ROLE readers ADD MEMBER someone")
    others = [f"GRANT {other} TO app_user" for other in RIGHTS_ON_PRINCIPALS if other != right]
    ok(session, *others)
    app = enter(session.engine, "app", "d")
    assert number in run(app, statement).numbers
    ok(session, f"GRANT {right} TO app_user")
    ok(app, statement)
