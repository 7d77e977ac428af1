"""Databases in an availability group: the role of this server, and that a secondary cannot be changed."""

from __future__ import annotations

import pytest

from lab.server.__main__ import _parser
from lab.tests.logins import create_login, enter
from lab.tests.recorder import log_in, ok, open_engine, run

ROLES = """SELECT d.name, s.is_local, s.role, s.role_desc FROM sys.databases AS d
    JOIN sys.dm_hadr_availability_replica_states AS s ON s.replica_id = d.replica_id ORDER BY d.name"""


@pytest.fixture
def session(tmp_path):
    """`a` is primary, `b` secondary, `c` in no group."""
    session = log_in(open_engine(tmp_path))
    for name in "abc":
        ok(session, f"CREATE DATABASE {name}", f"CREATE TABLE {name}.dbo.t (a int)", f"INSERT {name}.dbo.t VALUES (1)")  # noqa: S608
    create_login(session, "app")
    session.engine.close()
    session.close()
    return log_in(open_engine(tmp_path, availability_groups=("A", "b"), secondaries=("B",)))


def test_roles(session):
    assert ok(session, ROLES).rows == [("a", 1, 1, "PRIMARY"), ("b", 1, 2, "SECONDARY")]
    assert run(enter(session.engine, "app"), ROLES).numbers == [300]


CHANGES = (
    "INSERT {}.dbo.t VALUES (2)",
    "UPDATE {}.dbo.t SET a = 2",
    "DELETE {}.dbo.t WHERE a = 7",
    "CREATE TABLE {}.dbo.u (a int)",
    "DROP TABLE {}.dbo.t",
    "USE {} EXEC ('CREATE PROCEDURE p AS RETURN')",
    "USE {} CREATE USER app FOR LOGIN app",
)


@pytest.mark.parametrize("text", CHANGES)
def test_only_a_secondary_refuses_changes(session, text):
    assert run(session, text.format("b")).numbers == [3906]
    assert ok(session, "SELECT a FROM b.dbo.t").value == 1
    for name in "ac":
        ok(session, text.format(name))


def test_the_option():
    words = ["--data", "x", "--availability-group", "a=primary", "--availability-group", "b=secondary"]
    options = _parser().parse_args([*words, "--availability-group", "c=d"])
    assert options.availability_group == [("a", "primary"), ("b", "secondary"), ("c=d", "primary")]
