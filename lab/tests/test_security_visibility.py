"""What a login sees of the catalog."""

from __future__ import annotations

import pytest

from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run


@pytest.fixture
def session(tmp_path):
    engine = open_engine(tmp_path)
    session = log_in(engine)
    create_login(session, "app")
    create_login(session, "other")
    ok(
        session,
        "CREATE DATABASE d CREATE DATABASE e",
        "USE d CREATE USER app FOR LOGIN app CREATE USER other FOR LOGIN other CREATE ROLE crew",
        "CREATE TYPE ty FROM int CREATE TABLE t (a int CONSTRAINT pk PRIMARY KEY, b ty CONSTRAINT df DEFAULT 1)",
        "CREATE PROCEDURE p @a int AS SELECT a FROM t",
    )
    yield session
    for one in list(engine.sessions):
        one.close()
    engine.close()


VIEWS = {
    "objects": ["p", "t"],
    "tables": ["t"],
    "procedures": ["p"],
    "columns": ["t"],
    "parameters": ["p"],
    "indexes": ["t"],
    "index_columns": ["t"],
    "sql_modules": ["p"],
    "key_constraints": ["t"],
    "default_constraints": ["t"],
}
_HOLDER = {"key_constraints": "parent_object_id", "default_constraints": "parent_object_id"}


def seen(session, view):
    """The ids of the objects that a view has rows of."""
    column = _HOLDER.get(view, "object_id")
    rows = ok(session, f"SELECT DISTINCT {column} FROM sys.{view}").rows  # noqa: S608 - from the table above
    return {row[0] for row in rows}


@pytest.mark.parametrize(("view", "names"), VIEWS.items())
def test_a_view_shows_what_one_has_a_right_on(session, view, names):
    ids = {name: ok(session, f"SELECT OBJECT_ID('{name}')").value for name in ("p", "t", "pk", "df")}
    app = enter(session.engine, "app", "d")
    assert seen(app, view) == set()
    ok(session, "GRANT EXECUTE ON p TO app GRANT DELETE ON t TO app")
    expected = {ids[name] for name in names}
    assert seen(app, view) >= expected
    ok(session, "REVOKE EXECUTE ON p TO app REVOKE DELETE ON t TO app GRANT VIEW DEFINITION TO app")
    assert seen(app, view) >= expected
    ok(session, "REVOKE VIEW DEFINITION TO app", "USE master GRANT VIEW ANY DEFINITION TO app")
    assert seen(app, view) >= expected


def test_names_ids_and_definitions(session):
    asked = """SELECT OBJECT_ID('t'), OBJECT_ID('d.dbo.p'), OBJECT_ID('pk'),
        (SELECT user_type_id FROM sys.types WHERE name = 'ty')"""
    ids = ok(session, asked).rows
    app = enter(session.engine, "app", "d")
    assert ok(app, asked).rows == [(None,) * 4]
    definitions = "SELECT MAX(definition) FROM sys.sql_modules"
    ok(session, "GRANT EXECUTE ON p TO app GRANT SELECT ON t TO app GRANT EXECUTE ON TYPE::ty TO app")
    assert ok(app, asked).rows == ids
    assert ok(app, definitions).value is None
    assert ok(app, "SELECT definition FROM sys.default_constraints").value is None
    ok(session, "GRANT VIEW DEFINITION ON p TO app GRANT ALTER ON t TO app")
    assert "SELECT a FROM t" in ok(app, definitions).value
    assert ok(app, "SELECT definition FROM sys.default_constraints").value == "((1))"


SIGHT = {
    "EXECUTE is not for tables": ("GRANT EXECUTE TO app", ["p"]),
    "EXECUTE on the schema": ("GRANT EXECUTE ON SCHEMA::dbo TO app", ["p"]),
    "SELECT is not for procedures": ("GRANT SELECT TO app", ["t", "df", "pk"]),
    "nor for db_datareader": ("ALTER ROLE db_datareader ADD MEMBER app", ["t", "df", "pk"]),
    "sight denied": ("GRANT SELECT, EXECUTE TO app DENY VIEW DEFINITION ON t TO app", ["p"]),
    "sight denied altogether": ("GRANT CONTROL ON t TO app DENY VIEW DEFINITION TO app", []),
}


@pytest.mark.parametrize(("rights", "names"), SIGHT.values(), ids=SIGHT)
def test_who_sees_which_objects(session, rights, names):
    ok(session, rights)
    app = enter(session.engine, "app", "d")
    assert sorted(ok(app, "SELECT name FROM sys.objects").rows) == sorted((name,) for name in names)


def test_databases(session):
    names = "SELECT name FROM sys.databases"
    app = enter(session.engine, "app")
    assert len(ok(app, names).rows) == 6
    ok(session, "USE master REVOKE VIEW ANY DATABASE FROM [public]")
    assert ok(app, names).rows == [("master",), ("tempdb",)]
    assert ok(app, "SELECT DB_ID('e'), DB_NAME(5), HAS_DBACCESS('e'), HAS_DBACCESS('d'), HAS_DBACCESS('nix')").rows == [
        (None, None, 0, 1, None)
    ]
    ok(app, "USE d")
    assert ok(app, names).rows == [("master",), ("tempdb",), ("d",)]
    ok(session, "ALTER AUTHORIZATION ON DATABASE::e TO app")
    assert ok(app, names).rows == [("master",), ("tempdb",), ("d",), ("e",)]
    ok(session, "GRANT VIEW ANY DATABASE TO [public] DENY VIEW ANY DATABASE TO app")
    assert ok(app, names).rows == [("master",), ("tempdb",), ("d",), ("e",)]
    assert len(ok(enter(session.engine, "other"), names).rows) == 6


def test_sessions(session):
    app = enter(session.engine, "app")
    asked = "SELECT session_id, login_name FROM sys.dm_exec_sessions"
    assert ok(app, asked).rows == [(app.spid, "app")]
    assert run(app, "SELECT session_id FROM sys.dm_exec_connections").numbers == [300]
    ok(session, "USE master GRANT VIEW SERVER STATE TO app")
    assert len(ok(app, asked).rows) == len(ok(app, "SELECT session_id FROM sys.dm_exec_connections").rows) == 2


def made(session, view, first):
    """The names in a view of principals that somebody made."""
    query = f"SELECT name FROM sys.{view} WHERE principal_id >= {first} AND principal_id < 16384 ORDER BY name"  # noqa: S608
    return [row[0] for row in ok(session, query).rows]


def test_principals_and_their_permissions(session):
    ok(session, "ALTER ROLE crew ADD MEMBER other GRANT SELECT ON t TO other GRANT SELECT ON t TO app")
    app = enter(session.engine, "app", "d")
    assert made(app, "server_principals", 257) == ["app"]
    assert made(app, "database_principals", 5) == ["app"]
    members = "SELECT COUNT(*) FROM sys.database_role_members"
    granted = "SELECT COUNT(*) FROM sys.database_permissions WHERE permission_name = 'SELECT'"
    on_server = "SELECT COUNT(*) FROM sys.server_permissions WHERE permission_name = 'CONNECT SQL'"
    assert [ok(app, text).value for text in (members, granted, on_server)] == [0, 1, 1]
    ok(session, "GRANT VIEW DEFINITION TO app", "USE master GRANT VIEW ANY DEFINITION TO app")
    assert made(app, "server_principals", 257) == ["app", "other"]
    assert made(app, "database_principals", 5) == ["app", "crew", "other"]
    assert [ok(app, text).value for text in (members, granted, on_server)] == [2, 2, 2]
    ok(session, "REVOKE VIEW ANY DEFINITION TO app")
    assert made(app, "server_principals", 257) == ["app"]
    ok(session, "GRANT IMPERSONATE ON LOGIN::other TO app")
    assert made(app, "server_principals", 257) == ["app", "other"]


HAS_PERMISSION = {
    # arguments: before and after the grants of the test
    "NULL, NULL, 'VIEW ANY DATABASE'": (1, 1),
    "NULL, NULL, 'VIEW SERVER STATE'": (0, 1),
    "NULL, NULL, 'CREATE ANY DATABASE'": (0, 1),
    "NULL, NULL, 'ALTER ANY CONNECTION'": (0, 0),
    "'d', 'DATABASE', 'CREATE TABLE'": (0, 1),
    "'[d]', 'DATABASE', 'VIEW DEFINITION'": (0, 0),
    "'d', 'DATABASE', 'CONNECT'": (1, 1),
    "'e', 'DATABASE', 'CONNECT'": (0, 0),
    "'e', 'DATABASE', 'ALTER'": (0, 1),
    "'e', 'DATABASE', 'CONTROL'": (0, 0),
    "'nix', 'DATABASE', 'ALTER'": (None, None),
    "'dbo', 'SCHEMA', 'ALTER'": (0, 1),
    "'nix', 'SCHEMA', 'ALTER'": (None, None),
    "'dbo.t', 'OBJECT', 'SELECT'": (None, 1),
    "'d.dbo.t', 'OBJECT', 'SELECT'": (None, 1),
    "'t', 'OBJECT', 'CONTROL'": (None, 0),
    "'p', 'OBJECT', 'EXECUTE'": (None, 0),
    "'e.dbo.t', 'OBJECT', 'SELECT'": (None, None),
    "'nix', 'OBJECT', 'SELECT'": (None, None),
    "'dbo.ty', 'TYPE', 'EXECUTE'": (None, 1),
    "'nix', 'TYPE', 'EXECUTE'": (None, None),
    "'app', 'LOGIN', 'ALTER'": (0, 0),
    "'other', 'LOGIN', 'IMPERSONATE'": (None, 1),
    "'nix', 'LOGIN', 'IMPERSONATE'": (None, None),
}


def test_has_perms_by_name(session):
    ok(session, "CREATE TABLE e.dbo.t (a int)")
    app = enter(session.engine, "app", "d")
    query = "SELECT " + ", ".join(f"HAS_PERMS_BY_NAME({arguments})" for arguments in HAS_PERMISSION)
    before = ok(app, query).rows[0]
    assert dict(zip(HAS_PERMISSION, before, strict=True)) == {key: pair[0] for key, pair in HAS_PERMISSION.items()}
    ok(session, "GRANT SELECT ON t TO app GRANT EXECUTE ON TYPE::ty TO app GRANT CREATE TABLE TO app")
    ok(session, "GRANT ALTER ON SCHEMA::dbo TO app", "USE master GRANT VIEW SERVER STATE, ALTER ANY DATABASE TO app")
    ok(session, "GRANT IMPERSONATE ON LOGIN::other TO app")
    after = ok(app, query).rows[0]
    assert dict(zip(HAS_PERMISSION, after, strict=True)) == {key: pair[1] for key, pair in HAS_PERMISSION.items()}
