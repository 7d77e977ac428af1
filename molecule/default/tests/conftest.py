"""A connection to the server of the scenario's inventory, with the variables that the playbooks use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3] / "module_utils"))

from aspstate.login import Login
from aspstate.server import Server, connect


@pytest.fixture
def server(host: Any) -> Iterator[Server]:
    """The instance that is the inventory host."""
    names = ("host", "port", "user", "password")
    values = host.ansible("debug", f"msg={{{{ [{', '.join(f'aspstate_login_{name}' for name in names)}] }}}}")["msg"]
    with connect(Login(**dict(zip(names, values, strict=True)))) as connection:
        yield connection
