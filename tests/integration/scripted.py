"""Session state that an old script has made."""

from __future__ import annotations

from aspstate.batches import split
from aspstate.errors import SqlServerError
from aspstate.login import Login
from aspstate.server import connect

from tests.scripts import script

EXPECTED = (14261, 14262)
"""Errors of a first run: the category is there, and no job is."""


def run_script(
    login: Login, dialect: str, verb: str, type_: str, name: str = "ASPState", form: str | None = None
) -> None:
    """Run a script of `tests/scripts` as sqlcmd would, on a connection of its own."""
    with connect(login) as server:
        for batch in split(script(dialect, verb, type_, name, form)):
            try:
                server.run(batch.text)
            except SqlServerError as error:
                if error.error.number not in EXPECTED:
                    raise
