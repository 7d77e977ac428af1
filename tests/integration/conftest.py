"""A real server for every test: the one that ASPSTATE_TEST_SERVER names, else an own lab server a test process."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.adoption import FULL, Adoption, run_adopting
from aspstate.agent_job import usual_name
from aspstate.client import Client
from aspstate.database import Database, read
from aspstate.installation import plan_present
from aspstate.instance import read_presence
from aspstate.login import Login
from aspstate.plan import Plan, apply, demand_rights
from aspstate.property_changes import Choices, read_logins
from aspstate.removal import Wishes, apply_absent, live_leftovers, plan_absent, read_usage
from aspstate.schema import TYPES, Schema, schema
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from lab.own_server import own_server
from tests.conftest import OTHER_SERVER
from tests.integration.lab_login import OLDEST
from tests.integration.playbook import Playbooks
from tests.shipped import definitions

SCHEMAS = {type_: schema(definitions(type_), type_) for type_ in TYPES}
NO_CHOICES = Choices()


@pytest.fixture(scope="session")
def login() -> Iterator[Login]:
    """The operator's login to master."""
    if OTHER_SERVER in os.environ:
        host, _, port = os.environ[OTHER_SERVER].partition(":")
        user, password = os.environ["ASPSTATE_TEST_USER"], os.environ["ASPSTATE_TEST_PASSWORD"]
        yield Login(host, int(port or 1433), user, password)
    else:
        with own_server(*OLDEST) as server:
            yield Login(server.host, server.port, "sa", server.home.password())


@pytest.fixture
def server(login: Login) -> Iterator[Server]:
    """The operator's connection."""
    with connect(login) as connection:
        yield connection


@pytest.fixture(scope="session")
def objects() -> Schema:
    """The shipped schema, with the tables in the database."""
    return SCHEMAS["persisted"]


@pytest.fixture
def name(login: Login) -> Iterator[str]:
    """A database name that nobody uses; dropped afterwards, with its job, if the test left it."""
    name = f"aspstate_test_{secrets.token_hex(4)}"
    yield name
    with connect(login) as server:
        server.run(
            "IF EXISTS (SELECT 1 FROM msdb.dbo.sysjobs WHERE name = %(job)s) "
            "EXEC msdb.dbo.sp_delete_job @job_name = %(job)s",
            {"job": usual_name(name)},
        )
        server.run(
            "IF DB_ID(%(name)s) IS NOT NULL BEGIN "
            "DECLARE @drop nvarchar(300) = N'DROP DATABASE ' + QUOTENAME(%(name)s) EXEC (@drop) END",
            {"name": name},
        )


@pytest.fixture
def empty(server: Server, name: str) -> str:
    """The name of a database with nothing in it."""
    statement = "DECLARE @create nvarchar(300) = N'CREATE DATABASE ' + QUOTENAME(%(name)s) EXEC (@create)"
    server.run(statement, {"name": name})
    return name


@pytest.fixture
def installed(server: Server, name: str) -> str:
    """The name of a database with session state of type persisted."""
    install(server, name)
    return name


@pytest.fixture
def application(login: Login, installed: str) -> Iterator[Server]:
    """A connection to the session database as an application's."""
    with connect(replace(login, database=installed), APPLICATION_OPTIONS) as connection:
        yield connection


@pytest.fixture
def client(application: Server) -> Client:
    """ASP.NET's side, on a connection to the session database."""
    return Client(application)


@pytest.fixture
def playbooks(login: Login) -> Playbooks:
    """Runs playbooks against inventory/lab, pointed at the server of these tests."""
    return Playbooks(login)


def install(
    server: Server,
    name: str,
    type_: str = "persisted",
    choices: Choices = NO_CHOICES,
    *,
    leftovers: bool = False,
    adoption: Adoption = FULL,
) -> Plan:
    """Install session state, or complete it; returns the plan that was applied."""
    now = current(server, name, type_)
    logins, live = read_logins(server, choices, name if now.exists else ""), live_leftovers(server, now)
    plan = plan_present(
        now,
        type_,
        SCHEMAS[type_],
        choices,
        logins,
        adoption=adoption,
        remove_leftovers=leftovers,
        live_leftovers=live,
    )
    demand_rights(server, plan)
    apply(server, plan, run_adopting)
    return plan


def remove(
    server: Server,
    name: str,
    type_: str = "persisted",
    *,
    discard: bool = False,
    terminate: bool = False,
    leftovers: bool = False,
    expected: tuple[str, ...] = (),
    timeout: int = 0,
) -> Plan:
    """Remove session state; returns the plan that was applied."""
    wishes = Wishes(discard, terminate, leftovers, expected, timeout)
    now, presence = read(server, name, type_, SCHEMAS[type_])
    plan = plan_absent(now, type_, read_usage(server, now, presence, type_, wishes), wishes)
    demand_rights(server, plan)
    apply_absent(server, plan, wishes)
    return plan


def wait_until_nobody_is_in(server: Server, name: str) -> None:
    """A connection that was closed a moment ago may still be listed."""
    deadline = time.monotonic() + 10
    while read_presence(server, name).holders:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def current(server: Server, name: str, type_: str = "persisted") -> Database:
    """Session state as it is."""
    return read(server, name, type_, SCHEMAS[type_])[0]
