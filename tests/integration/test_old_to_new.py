"""A session database from an old script to its end: adopted, converted round the types and back, removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from aspstate.generation import BUILT_IN
from aspstate.installation import generation
from aspstate.server import Server, connect

from tests.integration.conftest import current, install, remove, wait_until_nobody_is_in
from tests.integration.converting import NAMES, Route
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.scripted import OLD, Scripted, client_of
from tests.integration.test_adopt import must_be_readable, store

pytestmark = pytest.mark.controls_server


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


@pytest.fixture
def server(lab: OwnLab) -> Iterator[Server]:
    """A connection to it, in no database of session state."""
    with connect(lab.login) as connection:
        connection.run("IF DB_ID(N'Shop') IS NULL CREATE DATABASE Shop")
        yield connection


def round_trip(type_: str) -> list[str]:
    """From a type through the two others and back to it."""
    types = list(NAMES)
    first = types.index(type_)
    return [*types[first:], *types[:first], type_]


@pytest.mark.parametrize(("dialect", "type_"), OLD, ids=map(" ".join, OLD))
def test_every_session_goes_all_the_way(lab: OwnLab, server: Server, dialect: str, type_: str) -> None:
    old = Scripted(lab.login, dialect, type_)
    old.make()
    made, rows = store(old), old.rows()
    install(server, old.name, type_)
    for source, target in pairwise(round_trip(type_)):
        wait_until_nobody_is_in(server, NAMES[source])
        Route(source, target).whole(server)
        assert Scripted(lab.login, dialect, target).rows() == rows, (source, target)
    assert generation(current(server, old.name, type_)).name == BUILT_IN
    with connect(replace(lab.login, database=old.name)) as application:
        must_be_readable(client_of(dialect, application), made)
    wait_until_nobody_is_in(server, old.name)
    remove(server, old.name, type_, discard=True)
    for each, name in NAMES.items():
        assert current(server, name, each).type == "", each
