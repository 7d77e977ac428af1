"""A real server for every test: the one that ASPSTATE_TEST_SERVER names, else a lab server a test process."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aspstate.client import Client
from aspstate.database import Database, apply_absent, plan_absent, plan_present, read, read_usage, wanted
from aspstate.instance import read_presence
from aspstate.login import Login
from aspstate.plan import Plan, apply
from aspstate.schema import Schema, schema
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from lab.own_server import own_server
from tests.conftest import OTHER_SERVER
from tests.integration.playbook import Playbooks

CHECKOUT = Path(__file__).parents[2]
SCHEMA_FILES = sorted((CHECKOUT / "roles/aspstate_database/files/schema").glob("*.sql"))


@pytest.fixture(scope="session")
def login() -> Iterator[Login]:
    """The operator's login to master."""
    if OTHER_SERVER in os.environ:
        host, _, port = os.environ[OTHER_SERVER].partition(":")
        user, password = os.environ["ASPSTATE_TEST_USER"], os.environ["ASPSTATE_TEST_PASSWORD"]
        yield Login(host, int(port or 1433), user, password)
    else:
        with own_server() as server:
            yield Login(server.host, server.port, "sa", server.home.password())


@pytest.fixture
def server(login: Login) -> Iterator[Server]:
    """The operator's connection."""
    with connect(login) as connection:
        yield connection


@pytest.fixture(scope="session")
def objects() -> Schema:
    """The shipped schema."""
    return schema(file.read_text(encoding="utf-8") for file in SCHEMA_FILES)


@pytest.fixture
def name(login: Login) -> Iterator[str]:
    """A database name that nobody uses; dropped afterwards if the test left it."""
    name = f"aspstate_test_{secrets.token_hex(4)}"
    yield name
    with connect(login) as server:
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
def installed(server: Server, name: str, objects: Schema) -> str:
    """The name of a database with the shipped schema."""
    install(server, name, objects)
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


def install(server: Server, name: str, objects: Schema) -> Plan:
    """Bring a database to the schema; returns the plan that was applied."""
    current, _ = read(server, name, objects)
    plan = plan_present(current, wanted(name, objects), objects)
    apply(server, plan)
    return plan


def remove(server: Server, name: str, objects: Schema, discard: bool = False) -> Plan:
    """Remove a database; returns the plan that was applied."""
    current, presence = read(server, name, objects)
    plan = plan_absent(current, read_usage(server, current, presence), discard)
    apply_absent(server, plan, name)
    return plan


def wait_until_nobody_is_in(server: Server, name: str) -> None:
    """A connection that was closed a moment ago may still be listed."""
    deadline = time.monotonic() + 10
    while read_presence(server, name).holders:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def current(server: Server, name: str, objects: Schema) -> Database:
    """The database as it is."""
    return read(server, name, objects)[0]
