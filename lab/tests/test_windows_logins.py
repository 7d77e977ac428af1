"""Logins of Windows accounts, logins with a sid, orphaned users, and the roles that have members."""

from __future__ import annotations

import pytest

from lab.server.errors import SqlError
from lab.server.instance import Instance
from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

ACCOUNTS = ("CONTOSO\\web$", "IIS APPPOOL\\DefaultAppPool", "CONTOSO\\ann")
POOL_SID = bytes.fromhex("010600000000000552000000") + b"".join(
    number.to_bytes(4, "little") for number in (3006700770, 424185619, 1745488364, 794895919, 4004696415)
)


@pytest.fixture
def session(tmp_path):
    session = log_in(open_engine(tmp_path, windows_principals=ACCOUNTS))
    ok(session, "CREATE DATABASE d", "USE d")
    return session


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_gets_a_login_and_a_user(session, account):
    sid = ok(session, f"SELECT SUSER_SID('{account.upper()}')").value
    assert len(sid) in (28, 32)
    assert ok(session, f"SELECT SUSER_SNAME(SUSER_SID('{account}'))").value == account
    ok(session, f"CREATE LOGIN [{account}] FROM WINDOWS CREATE USER [{account}] FOR LOGIN [{account}]")
    of = f"WHERE name = '{account}'"
    assert ok(session, f"SELECT type, type_desc, sid FROM sys.server_principals {of}").rows == [  # noqa: S608
        ("U", "WINDOWS_LOGIN", sid)
    ]
    assert ok(session, f"SELECT type, type_desc, sid FROM sys.database_principals {of}").rows == [  # noqa: S608
        ("U", "WINDOWS_USER", sid)
    ]
    assert ok(session, f"EXECUTE AS LOGIN = '{account}' SELECT SUSER_SNAME(), USER_NAME()").rows == [(account,) * 2]
    with pytest.raises(SqlError) as caught:
        enter(session.engine, account)
    assert caught.value.number == 18456


def test_the_sid_of_a_pool_is_what_windows_computes(session):
    assert ok(session, "SELECT SUSER_SID('IIS APPPOOL\\DefaultAppPool')").value == POOL_SID
    assert ok(session, "SELECT SUSER_SID('CONTOSO\\nobody')").value is None


def test_a_restart_keeps_the_type(session, tmp_path):
    ok(session, "CREATE LOGIN [CONTOSO\\ann] FROM WINDOWS CREATE USER [CONTOSO\\ann] FOR LOGIN [CONTOSO\\ann]")
    query = "SELECT type, sid FROM sys.server_principals WHERE name LIKE 'CONTOSO%'"
    before = ok(session, query).rows
    session.close()
    session.engine.close()
    session = log_in(open_engine(tmp_path), "d")
    assert ok(session, query).rows == before
    assert ok(session, "SELECT type FROM sys.database_principals WHERE name LIKE 'CONTOSO%'").value == "U"


ERRORS = {
    r"CREATE LOGIN [CONTOSO\nobody] FROM WINDOWS": 15401,
    "CREATE LOGIN ann FROM WINDOWS": 15407,
    r"CREATE LOGIN [CONTOSO\ann] FROM WINDOWS CREATE LOGIN [contoso\ANN] FROM WINDOWS": 15025,
    r"CREATE USER [CONTOSO\ann] FOR LOGIN [CONTOSO\ann]": 15007,
    r"CREATE USER [a\b] FOR LOGIN other": 15006,
    r"CREATE LOGIN [CONTOSO\ann] FROM WINDOWS ALTER LOGIN [CONTOSO\ann] WITH PASSWORD = 'Some-Word-77'": 59999,
    r"DROP LOGIN [NT SERVICE\SQLSERVERAGENT]": 59999,
    r"ALTER SERVER ROLE sysadmin DROP MEMBER [NT SERVICE\SQLSERVERAGENT]": 59999,
    "CREATE LOGIN x WITH PASSWORD = 'Some-Word-77', SID = 0x01": 15419,
    "CREATE LOGIN x WITH PASSWORD = 'Some-Word-77', SID = 'x'": 102,
    f"CREATE LOGIN x WITH PASSWORD = 'Some-Word-77', SID = 0x{'07' * 16}": 15433,
    "ALTER USER nix WITH LOGIN = other": 15151,
    "ALTER USER db_owner WITH LOGIN = other": 15151,
    "ALTER USER dbo WITH LOGIN = other": 15150,
    "ALTER USER app WITH LOGIN = nix": 15007,
    "ALTER USER app WITH LOGIN = sa": 15405,
    "CREATE USER o FOR LOGIN other ALTER USER app WITH LOGIN = other": 15063,
    r"CREATE LOGIN [CONTOSO\ann] FROM WINDOWS ALTER USER app WITH LOGIN = [CONTOSO\ann]": 59999,
}


@pytest.mark.parametrize(("text", "number"), ERRORS.items(), ids=ERRORS)
def test_refused(session, text, number):
    ok(session, f"CREATE LOGIN app WITH PASSWORD = 'Some-Word-77', SID = 0x{'07' * 16}, CHECK_POLICY = OFF")
    ok(session, "CREATE LOGIN other WITH PASSWORD = 'Some-Word-77'", "CREATE USER app FOR LOGIN app")
    assert run(session, text).numbers == [number]


def test_an_orphaned_user_is_found_and_given_its_login(session, tmp_path):
    create_login(session, "app")
    ok(session, "CREATE USER app FOR LOGIN app", "DROP LOGIN app")
    create_login(session, "app")
    orphans = """SELECT u.name FROM sys.database_principals AS u LEFT JOIN sys.server_principals AS l ON l.sid = u.sid
        WHERE u.type = 'S' AND u.principal_id > 4 AND l.sid IS NULL"""
    assert ok(session, orphans).rows == [("app",)]
    with pytest.raises(SqlError) as caught:
        enter(session.engine, "app", "d")
    assert caught.value.number == 4060
    ok(session, "BEGIN TRANSACTION ALTER USER app WITH LOGIN = app ROLLBACK")
    assert ok(session, orphans).rows == [("app",)]
    ok(session, "ALTER USER app WITH LOGIN = app")
    assert ok(session, orphans).rows == []
    assert ok(enter(session.engine, "app", "d"), "SELECT USER_NAME()").value == "app"


def test_a_login_made_again_with_its_sid_needs_no_repair(session):
    create_login(session, "app")
    sid = ok(session, "CREATE USER app FOR LOGIN app SELECT SUSER_SID('app')").value
    ok(session, "DROP LOGIN app", f"CREATE LOGIN app WITH PASSWORD = N'Correct-Horse-9', SID = 0x{sid.hex()}")
    assert ok(enter(session.engine, "app", "d"), "SELECT USER_NAME()").value == "app"
    query = "SELECT name, sid, is_policy_checked FROM sys.sql_logins WHERE name = 'app'"
    assert ok(session, query).rows == [("app", sid, 1)]


@pytest.mark.parametrize("role", ["db_datawriter", "db_accessadmin", "db_securityadmin"])
def test_more_fixed_roles_have_members(session, role):
    create_login(session, "app")
    ok(session, "CREATE TABLE t (a int)", "CREATE USER app FOR LOGIN app", f"ALTER ROLE {role} ADD MEMBER app")
    app = enter(session.engine, "app", "d")
    assert ok(app, f"SELECT IS_MEMBER('{role}')").value == 1
    assert run(app, "INSERT t VALUES (1) DELETE t").numbers == ([] if role == "db_datawriter" else [229, 229])


def test_the_account_of_the_agent_is_a_sysadmin(session):
    query = """SELECT p.type, p.principal_id FROM sys.server_principals AS p JOIN sys.server_role_members AS m
        ON m.member_principal_id = p.principal_id WHERE p.name = 'NT SERVICE\\SQLSERVERAGENT'"""
    assert ok(session, query).rows == [("U", 256)]
    assert Instance().windows_principals == ()
