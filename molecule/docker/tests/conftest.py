"""The farm of the scenario's inventory, as a visitor and as its operator see it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[3]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "module_utils")]

from aspstate.login import Login
from aspstate.server import Server, connect


def variable(host: Any, text: str) -> Any:
    """What a template is on a host."""
    return host.ansible("debug", f"msg={{{{ {text} }}}}")["msg"]


@pytest.fixture
def url(host: Any) -> str:
    """Where the host's application answers."""
    return variable(host, "aspstate_web_url")


@pytest.fixture
def urls(host: Any) -> dict[str, str]:
    """The same of all web hosts."""
    hosts = variable(host, "groups['aspstate_web']")
    return {name: variable(host, f"hostvars['{name}'].aspstate_web_url") for name in hosts}


@pytest.fixture
def server(host: Any) -> Iterator[Server]:
    """A connection of sa to the database host."""
    names = ("host", "port", "user", "password")
    values = variable(host, f"[{', '.join(f'hostvars.sql01.aspstate_login_{name}' for name in names)}]")
    with connect(Login(**dict(zip(names, values, strict=True)))) as connection:
        yield connection
