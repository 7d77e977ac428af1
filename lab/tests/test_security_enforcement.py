"""What a login may do with its rights, statement by statement, and within and across ownership chains."""

from __future__ import annotations

import pytest

from lab.server.engine import permissions
from lab.tests.logins import create_login, enter
from lab.tests.recorder import call, log_in, ok, open_engine, run


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    engine = open_engine(tmp_path_factory.mktemp("data"))
    session = log_in(engine)
    create_login(session, "app")
    ok(
        session,
        "CREATE DATABASE d CREATE DATABASE e CREATE DATABASE spare",
        "CREATE PROCEDURE master_p AS SELECT 1",
        "USE e CREATE TABLE t (a int) INSERT t VALUES (7)",
        "USE d CREATE USER app FOR LOGIN app CREATE ROLE crew ALTER ROLE crew ADD MEMBER app",
        "CREATE TABLE t (a int, b int) INSERT t VALUES (1, 2)",
        "CREATE TYPE ty FROM int",
        "CREATE PROCEDURE p AS SELECT a FROM t",
        "CREATE INDEX ix ON t (a)",
    )
    yield session
    session.close()
    engine.close()


STATEMENTS = {
    # rights in d, statement, error without them, words of the error
    "SELECT": (
        "SELECT ON t",
        "SELECT a FROM t",
        229,
        "The SELECT permission was denied on the object 't', database 'd'",
    ),
    "SELECT in a condition": ("SELECT ON t", "IF EXISTS (SELECT 1 FROM t) PRINT 'x'", 229, "SELECT"),
    "SELECT by a variable": ("SELECT ON t", "DECLARE @a int SET @a = (SELECT MAX(a) FROM t)", 229, "SELECT"),
    "SELECT by three parts": ("SELECT ON t", "SELECT a FROM d.dbo.t", 229, "SELECT"),
    "INSERT": ("INSERT ON t", "INSERT t VALUES (3, 4)", 229, "The INSERT permission"),
    "UPDATE": ("UPDATE ON t", "UPDATE t SET a = 1", 229, "The UPDATE permission"),
    "UPDATE WHERE": ("SELECT, UPDATE ON t", "UPDATE t SET a = 1 WHERE b = 3", 229, "permission"),
    "DELETE": ("DELETE ON t", "DELETE t", 229, "The DELETE permission"),
    "DELETE WHERE": ("SELECT, DELETE ON t", "DELETE t WHERE a = 3", 229, "permission"),
    "EXECUTE": ("EXECUTE ON p", "EXEC p", 229, "The EXECUTE permission was denied on the object 'p'"),
    "CREATE TABLE": (
        "CREATE TABLE, ALTER ANY SCHEMA",
        "CREATE TABLE n (a int)",
        262,
        "CREATE TABLE permission denied in database 'd'.",
    ),
    "CREATE PROCEDURE": (
        "CREATE PROCEDURE",
        "CREATE PROCEDURE n AS SELECT 1",
        262,
        "CREATE PROCEDURE permission denied",
    ),
    "CREATE TYPE": ("CREATE TYPE", "CREATE TYPE n FROM int", 262, "CREATE TYPE permission denied"),
    "ALTER PROCEDURE": ("ALTER ON p", "ALTER PROCEDURE p AS SELECT 2", 3704, "procedure 'p'"),
    "DROP TABLE": ("CONTROL ON t", "DROP TABLE t", 3701, "Cannot drop the table 't'"),
    "DROP PROCEDURE": ("CONTROL ON p", "DROP PROCEDURE p", 3701, "Cannot drop the procedure 'p'"),
    "DROP TYPE": ("CONTROL ON TYPE::ty", "DROP TYPE ty", 218, "Could not find the type 'ty'"),
    "CREATE INDEX": ("ALTER ON t", "CREATE INDEX i2 ON t (b)", 1088, 'Cannot find the object "t"'),
    "DROP INDEX": ("ALTER ON t", "DROP INDEX ix ON t", 3701, "Cannot drop the index 't.ix'"),
    "CREATE USER": ("ALTER", "CREATE USER u FOR LOGIN nix", 15247, "perform this action"),
    "CREATE ROLE": ("ALTER", "CREATE ROLE r2", 15247, "perform this action"),
    "DROP ROLE": ("ALTER", "DROP ROLE crew", 15151, "Cannot drop the role 'crew'"),
    "ALTER ROLE": ("ALTER", "ALTER ROLE crew DROP MEMBER app", 15151, "Cannot alter the role 'crew'"),
    "GRANT in the database": ("CONTROL", "GRANT SELECT TO crew", 4613, "Grantor does not have"),
    "GRANT on an object": ("CONTROL ON t", "GRANT SELECT ON t TO crew", 15151, "Cannot find the object 't'"),
}
OUTCOMES_OF_THE_ADMINISTRATOR = {"CREATE USER": [15007], "DROP ROLE": [15144]}


@pytest.fixture
def rights(server):
    """Grants rights in d for one test; the result is a session of the login there."""
    made = []

    def give(*texts):
        ok(server, "USE d", *texts)
        made.append(enter(server.engine, "app", "d"))
        return made[-1]

    yield give
    for one in made:
        one.close()
    ok(
        server,
        "USE d REVOKE CONTROL, ALTER, SELECT, EXECUTE, CREATE TABLE, CREATE PROCEDURE, CREATE TYPE TO app",
        "REVOKE SELECT, INSERT, UPDATE, DELETE, ALTER, CONTROL ON t TO app, crew, [public]",
        "REVOKE EXECUTE, ALTER, CONTROL ON p TO app REVOKE ALTER, CONTROL ON SCHEMA::dbo TO app",
        "REVOKE CONTROL, REFERENCES ON TYPE::ty TO app",
    )


def in_a_transaction(session, text):
    """What a batch answers, without leaving anything behind."""
    ok(session, "BEGIN TRAN")
    answer = run(session, text)
    ok(session, "IF @@TRANCOUNT > 0 ROLLBACK")
    return answer


@pytest.mark.parametrize(("needed", "text", "number", "words"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_needs_its_right(rights, request, needed, text, number, words):
    name = request.node.callspec.id
    app = rights()
    answer = in_a_transaction(app, text)
    assert answer.numbers == [number]
    assert words in answer.errors[0].text
    app.close()
    if name in ("CREATE TABLE", "CREATE PROCEDURE", "CREATE TYPE"):
        app = rights(f"GRANT {name} TO app")
        assert in_a_transaction(app, text).numbers == [2760]
        app = rights("GRANT ALTER ON SCHEMA::dbo TO app")
    else:
        app = rights(f"GRANT {needed} TO app")
    assert in_a_transaction(app, text).numbers == OUTCOMES_OF_THE_ADMINISTRATOR.get(name, [])


def test_only_owners_choose_the_members_of_fixed_roles(rights, server):
    text = "ALTER ROLE db_datareader ADD MEMBER app"
    assert in_a_transaction(rights("GRANT CONTROL TO app"), text).numbers == [15151]
    app = rights("ALTER ROLE db_owner ADD MEMBER app")
    assert in_a_transaction(app, text).numbers == []
    ok(server, "ALTER ROLE db_owner DROP MEMBER app")


@pytest.mark.parametrize("text", ["UPDATE t SET a = b", "UPDATE t SET a = 1 WHERE b = 2", "DELETE t WHERE a = 1"])
def test_reading_what_is_changed_needs_select(rights, text):
    app = rights("GRANT UPDATE, DELETE ON t TO app")
    assert in_a_transaction(app, text).numbers == [229]
    app = rights("GRANT SELECT ON t TO app")
    assert in_a_transaction(app, text).numbers == []


WAYS = {
    "on the object": ("GRANT SELECT ON t TO app", True),
    "by a role": ("GRANT SELECT ON t TO crew", True),
    "by public": ("GRANT SELECT ON t TO [public]", True),
    "on the schema": ("GRANT SELECT ON SCHEMA::dbo TO app", True),
    "on the database": ("GRANT SELECT TO app", True),
    "CONTROL on the object": ("GRANT CONTROL ON t TO app", True),
    "CONTROL on the schema": ("GRANT CONTROL ON SCHEMA::dbo TO app", True),
    "CONTROL on the database": ("GRANT CONTROL TO app", True),
    "db_owner": ("ALTER ROLE db_owner ADD MEMBER app", True),
    "db_datareader": ("ALTER ROLE db_datareader ADD MEMBER app", True),
    "ALTER does not do": ("GRANT ALTER ON t TO app", False),
    "db_ddladmin does not do": ("ALTER ROLE db_ddladmin ADD MEMBER app", False),
    "denied to the user": ("GRANT SELECT TO app DENY SELECT ON t TO app", False),
    "denied to a role": ("GRANT SELECT ON t TO app DENY SELECT ON t TO crew", False),
    "denied around it": ("GRANT SELECT ON t TO app DENY SELECT TO app", False),
    "denied with CONTROL": ("GRANT SELECT ON t TO app DENY CONTROL ON t TO app", False),
    "denied to a db_owner": ("ALTER ROLE db_owner ADD MEMBER app DENY SELECT ON t TO app", False),
    "granted after a denial": ("DENY SELECT ON t TO app GRANT SELECT ON t TO app", True),
    "denial revoked": ("GRANT SELECT TO app DENY SELECT ON t TO app REVOKE SELECT ON t FROM app", True),
    "grant revoked": ("GRANT SELECT ON t TO app REVOKE SELECT ON t TO app", False),
}


@pytest.mark.parametrize(("grants", "allowed"), WAYS.values(), ids=WAYS)
def test_where_a_right_comes_from(tmp_path, grants, allowed):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "app")
    ok(
        session,
        "CREATE DATABASE d",
        "USE d CREATE USER app FOR LOGIN app CREATE ROLE crew ALTER ROLE crew ADD MEMBER app",
    )
    ok(session, "CREATE TABLE t (a int)", grants)
    app = enter(engine, "app", "d")
    assert run(app, "SELECT a FROM t").numbers == ([] if allowed else [229])
    answer = ok(app, "SELECT HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT'), OBJECT_ID('t')").rows[0]
    assert (answer[0] or 0) == int(allowed)
    app.close()
    session.close()
    engine.close()


def test_the_grant_of_one_session_is_seen_by_another_at_once_and_plans_carry_no_rights(rights, server):
    app = rights()
    for _ in range(2):
        assert ok(server, "SELECT COUNT(*) FROM d.dbo.t").value == 1
        assert run(app, "SELECT COUNT(*) FROM d.dbo.t").numbers == [229]
    ok(server, "USE d GRANT SELECT ON t TO app")
    assert ok(app, "SELECT COUNT(*) FROM d.dbo.t").value == 1
    ok(server, "REVOKE SELECT ON t TO app")
    assert run(app, "SELECT COUNT(*) FROM d.dbo.t").numbers == [229]


SERVER_STATEMENTS = {
    "CREATE DATABASE": ("CREATE ANY DATABASE", "CREATE DATABASE fresh", 262, "in database 'master'"),
    "DROP DATABASE": ("ALTER ANY DATABASE", "DROP DATABASE spare", 3701, "Cannot drop the database 'spare'"),
    "USE": ("CONNECT ANY DATABASE", "USE e", 916, '"app" is not able to access the database "e"'),
    "another database's table": ("CONTROL SERVER", "SELECT a FROM e.dbo.t", 916, '"e"'),
    "another database's nothing": ("CONTROL SERVER", "SELECT 1 FROM e.sys.tables", 916, '"e"'),
    "another database's procedure": ("CONNECT ANY DATABASE", "EXEC e.sys.sp_executesql N'SELECT 1'", 916, '"e"'),
    "a procedure of master": ("CONTROL SERVER", "EXEC master.dbo.master_p", 229, "'master_p'"),
    "a table in master": ("CONTROL SERVER", "USE master CREATE TABLE n (a int) DROP TABLE n", 262, "'master'"),
    "a table in tempdb": (
        "CONTROL SERVER",
        "CREATE TABLE tempdb.dbo.n (a int) DROP TABLE tempdb.dbo.n",
        262,
        "'tempdb'",
    ),
    "CREATE LOGIN": ("ALTER ANY LOGIN", "CREATE LOGIN n WITH PASSWORD = 'Some-Word-77' DROP LOGIN n", 15247, "action"),
    "ALTER LOGIN": ("ALTER ANY LOGIN", "ALTER LOGIN app WITH PASSWORD = 'Correct-Horse-9'", 15151, "alter the login"),
    "GRANT on the server": ("CONTROL SERVER", "USE master GRANT ALTER ANY LOGIN TO other", 4613, "Grantor"),
    "connections": ("VIEW SERVER STATE", "SELECT session_id FROM sys.dm_exec_connections", 300, "VIEW SERVER STATE"),
}


@pytest.mark.parametrize(("needed", "text", "number", "words"), SERVER_STATEMENTS.values(), ids=SERVER_STATEMENTS)
def test_a_statement_needs_its_right_on_the_server(tmp_path, needed, text, number, words):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "app")
    create_login(session, "other")
    ok(session, "CREATE DATABASE e CREATE DATABASE spare", "USE e CREATE TABLE t (a int)", "USE master")
    ok(session, "CREATE PROCEDURE master_p AS SELECT 1")
    app = enter(engine, "app")
    answer = run(app, text)
    assert answer.numbers[:1] == [number]
    assert words in answer.errors[0].text
    ok(session, f"GRANT {needed} TO app")
    assert run(app, text).numbers == []
    ok(session, f"DENY {needed} TO app")
    assert run(app, text).numbers[:1] == [number]
    app.close()
    session.close()
    engine.close()


def test_server_roles(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "app")
    app = enter(engine, "app")
    ok(session, "ALTER SERVER ROLE dbcreator ADD MEMBER app")
    ok(app, "CREATE DATABASE own", "USE own", "CREATE TABLE t (a int)", "USE master", "DROP DATABASE own")
    ok(session, "CREATE DATABASE d", "ALTER SERVER ROLE dbcreator DROP MEMBER app")
    assert run(app, "DROP DATABASE d").numbers == [3701]
    ok(session, "ALTER SERVER ROLE sysadmin ADD MEMBER app DENY CONTROL SERVER TO app")
    ok(app, "USE d", "CREATE TABLE t (a int)", "RAISERROR('x', 1, 1) WITH LOG", "USE master", "DROP DATABASE d")
    ok(session, "ALTER SERVER ROLE sysadmin DROP MEMBER app")
    assert run(app, "RAISERROR('x', 1, 1) WITH LOG").numbers == [2778]
    app.close()
    session.close()
    engine.close()


def test_temporary_tables_are_anyone_s(rights):
    app = rights()
    ok(app, "CREATE TABLE #t (a int PRIMARY KEY) INSERT #t VALUES (1) CREATE INDEX i ON #t (a) DROP INDEX i ON #t")
    assert ok(app, "UPDATE #t SET a += 1 SELECT a FROM #t").value == 2
    ok(app, "DELETE #t WHERE a = 2 DROP TABLE #t")


def test_an_alias_type_needs_references(rights):
    app = rights("GRANT CREATE TABLE, CREATE PROCEDURE TO app GRANT ALTER ON SCHEMA::dbo TO app")
    assert in_a_transaction(app, "CREATE TABLE n (a ty)").numbers == [2715]
    assert in_a_transaction(app, "CREATE PROCEDURE n @a ty AS SELECT 1").numbers == [2715]
    app = rights("GRANT REFERENCES ON TYPE::ty TO app")
    assert in_a_transaction(app, "CREATE TABLE n (a ty)").numbers == []


CHAINS = {
    "its own tables": (
        "AS SELECT a FROM t INSERT t VALUES (5, 5) UPDATE t SET b = a WHERE a = 5 DELETE t WHERE a = 5",
        [],
    ),
    "a procedure": ("AS EXEC p", []),
    "a text breaks the chain": ("AS EXEC ('SELECT a FROM t')", [229]),
    "sp_executesql breaks it": ("AS EXEC sp_executesql N'SELECT a FROM t'", [229]),
    "a procedure in a text is asked for": ("AS EXEC ('EXEC p')", [229]),
    "definitions are the caller's": ("AS CREATE TABLE n (a int)", [262]),
    "so is DROP": ("AS DROP TABLE t", [3701]),
    "another database": ("AS SELECT a FROM e.dbo.t", [916]),
}


@pytest.mark.parametrize(("body", "numbers"), CHAINS.values(), ids=CHAINS)
def test_a_procedure_is_enough_for_what_its_owner_owns(rights, server, body, numbers):
    ok(server, "USE d", f"CREATE PROCEDURE chain {body}", "GRANT EXECUTE ON chain TO app")
    app = rights()
    assert run(app, "EXEC chain").numbers == numbers
    assert call(app, "dbo.chain").numbers == numbers
    app.close()
    ok(server, "DROP PROCEDURE chain")


def test_chains_across_databases(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "app")
    create_login(session, "owner")
    ok(session, "CREATE DATABASE d CREATE DATABASE e", "USE e CREATE TABLE t (a int) CREATE USER app FOR LOGIN app")
    ok(session, "CREATE TABLE tempdb.dbo.t (a int)", "USE d CREATE USER app FOR LOGIN app")
    ok(session, "CREATE PROCEDURE p AS SELECT a FROM e.dbo.t", "CREATE PROCEDURE q AS SELECT a FROM tempdb.dbo.t")
    ok(session, "GRANT EXECUTE TO app")
    app = enter(engine, "app", "d")
    assert run(app, "EXEC p").numbers == [229]
    ok(session, "ALTER DATABASE d SET DB_CHAINING ON")
    assert run(app, "EXEC p").numbers == [229]
    ok(app, "EXEC q")
    ok(session, "ALTER DATABASE e SET DB_CHAINING ON")
    ok(app, "EXEC p")
    ok(session, "ALTER AUTHORIZATION ON DATABASE::e TO owner")
    assert run(app, "EXEC p").numbers == [229]
    ok(session, "ALTER AUTHORIZATION ON DATABASE::d TO owner")
    ok(app, "EXEC p")
    assert run(app, "EXEC q").numbers == [229]
    for one in (app, session):
        one.close()
    engine.close()


UNCOMMITTED = (
    "SELECT a FROM t",
    "SELECT HAS_PERMS_BY_NAME('t', 'OBJECT', 'SELECT')",
    "SELECT HAS_PERMS_BY_NAME('d.dbo.t', 'OBJECT', 'SELECT')",
    "SELECT IS_MEMBER('crew')",
    "SELECT name FROM sys.tables",
)


@pytest.mark.parametrize("text", UNCOMMITTED)
def test_nobody_sees_a_grant_before_it_is_committed(rights, server, text):
    app = rights()
    run(app, text)
    ok(server, "BEGIN TRAN GRANT SELECT ON t TO app")
    assert run(app, f"SET LOCK_TIMEOUT 0 {text}").numbers == [1222]
    ok(server, "ROLLBACK")
    assert run(app, "SELECT a FROM t").numbers == [229]


GIVEN_TOO_EARLY = {
    "ALTER DATABASE e SET RECOVERY FULL": "CREATE USER app FOR LOGIN app GRANT ALTER TO app",
    "USE e": "CREATE USER app FOR LOGIN app",
    "EXEC e.sys.sp_executesql N'SELECT 1'": "CREATE USER app FOR LOGIN app",
    "SELECT HAS_DBACCESS('e')": "CREATE USER app FOR LOGIN app",
    "DROP DATABASE e": "CREATE USER app FOR LOGIN app GRANT CONTROL TO app",
}


@pytest.mark.parametrize(("text", "given"), GIVEN_TOO_EARLY.items(), ids=GIVEN_TOO_EARLY)
def test_nobody_uses_a_right_to_a_database_before_it_is_committed(rights, server, text, given):
    app = rights()
    ok(server, f"USE e BEGIN TRAN {given}")
    try:
        answer = run(app, f"SET LOCK_TIMEOUT 0 {text}")
    finally:
        ok(server, "ROLLBACK USE master")
    assert answer.numbers[:1] == [1222]


def test_who_lost_the_right_to_be_in_a_database_can_do_nothing_there(rights, server):
    app = rights()
    ok(server, "DENY CONNECT TO app")
    try:
        assert run(app, "SELECT 1").numbers == call(app, "dbo.p").numbers == [916]
    finally:
        ok(server, "REVOKE CONNECT TO app GRANT CONNECT TO app")
    ok(app, "SELECT 1")


ADMINISTRATION = {
    "ALTER DATABASE": ("ALTER DATABASE d SET RECOVERY FULL", 5011, "USE d GRANT ALTER TO app"),
    "MODIFY FILE": ("ALTER DATABASE d MODIFY FILE (NAME = d, FILEGROWTH = 1MB)", 5011, "USE d GRANT ALTER TO app"),
    "DB_CHAINING": ("ALTER DATABASE d SET DB_CHAINING ON", 15247, "ALTER SERVER ROLE sysadmin ADD MEMBER app"),
    "KILL": ("KILL 32767", 6102, "USE master GRANT ALTER ANY CONNECTION TO app"),
    "sp_procoption": (
        "EXEC master.sys.sp_procoption N'dbo.nix', 'startup', 'on'",
        15247,
        "ALTER SERVER ROLE sysadmin ADD MEMBER app",
    ),
}


@pytest.mark.parametrize(("text", "number", "given"), ADMINISTRATION.values(), ids=ADMINISTRATION)
def test_statements_about_databases_and_sessions_need_their_right(rights, server, text, number, given):
    app = rights("GRANT ALTER TO app") if number == 15247 and "DATABASE" in text else rights()
    assert run(app, text).numbers[:1] == [number]
    ok(server, given)
    try:
        assert run(app, text).numbers[:1] in ([], [6106], [15009])
    finally:
        if "sysadmin" in given:  # the next case is of a login that is no member
            ok(server, given.replace("ADD", "DROP"))


def test_the_grant_and_owner_errors(server):
    ok(server, "USE d")
    cases = {
        "GRANT SELECT ON t TO nix": 15151,
        "GRANT SELECT ON nix TO app": 15151,
        "GRANT SELECT ON SCHEMA::nix TO app": 15151,
        "GRANT EXECUTE ON TYPE::nix TO app": 15151,
        "GRANT EXECUTE ON t TO app": 4606,
        "GRANT SELECT ON p TO app": 4606,
        "GRANT SELECT ON t TO dbo": 4624,
        "GRANT SELECT ON t TO db_owner": 4617,
        "GRANT VIEW SERVER STATE TO app": 4621,
        "USE master GRANT VIEW SERVER STATE TO sa": 4624,
        "USE master GRANT VIEW SERVER STATE TO sysadmin": 4617,
        "USE master GRANT VIEW SERVER STATE TO nix": 15151,
        "USE master BEGIN TRAN GRANT VIEW SERVER STATE TO app": 59999,
        "IF @@TRANCOUNT > 0 ROLLBACK USE master GRANT IMPERSONATE ON LOGIN::nix TO app": 15151,
    }
    assert {text: run(server, text).numbers for text in cases} == {text: [number] for text, number in cases.items()}


def test_rights_cost_the_administrator_nearly_nothing(server, monkeypatch):
    def never(*_):
        raise AssertionError("asked for the administrator's rights")

    ok(server, "USE d")
    monkeypatch.setattr(permissions, "_judge", never)
    monkeypatch.setattr(permissions, "check_needs", never)
    ok(server, "DECLARE @i int = 0 WHILE @i < 300 BEGIN EXEC p SET @i += 1 END")
