"""What a runbook says to paste into a query window runs, as it stands, where session state is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aspstate.login import Login
from aspstate.server import connect

from tests.integration.checking import Site
from tests.integration.lab_login import own_lab

pytestmark = pytest.mark.controls_server

PAGES = Path(__file__).parents[2] / "docs/runbooks"
TSQL = ("ALTER", "DECLARE", "DELETE", "EXEC", "EXECUTE", "SELECT", "USE")
COMMANDS = ("ansible", "ansible-playbook", "cat", "curl", "date", "jq", "python3", "systemctl", "&", "(New-Object")
"""What the other indented blocks begin with: they are for a shell, of the controller or a web host."""
CMDLET = re.compile(r"(Get|Start)-[A-Z][A-Za-z]+")


def blocks() -> Iterator[tuple[str, str]]:
    """Each indented block with its place: page, section, number within it."""
    for page in sorted(PAGES.glob("*.md")):
        for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE):
            found = re.findall(r"(?:^    .*\n(?:\n(?=    ))?)+", section, re.MULTILINE)
            for number, block in enumerate(found, 1):
                yield f"{page.stem}-{section.partition(chr(10))[0]}-{number}", block


BLOCKS = dict(blocks())
STATEMENTS = {place: block for place, block in BLOCKS.items() if block.split()[0] in TSQL}


@pytest.fixture(scope="module")
def in_database() -> Iterator[Login]:
    """sa in ASPState, where everything has the name that the runbooks give it."""
    with own_lab("--agent") as lab:
        with connect(lab.login) as server:
            server.run("CREATE LOGIN shop WITH PASSWORD = N'Aa1!Aa1!Aa1!'")
        application = replace(lab.login, user="shop", password="Aa1!Aa1!Aa1!")
        Site(lab.login, application).converge()
        yield replace(lab.login, database="ASPState")


def test_every_block_is_for_a_query_window_or_for_a_shell() -> None:
    others = {place: block.split()[0] for place, block in BLOCKS.items() if place not in STATEMENTS}
    assert {place: word for place, word in others.items() if not (word in COMMANDS or CMDLET.fullmatch(word))} == {}
    assert STATEMENTS and others


@pytest.mark.parametrize("place", STATEMENTS)
def test_a_statement_of_a_runbook_runs_as_it_stands(in_database: Login, place: str) -> None:
    with connect(in_database) as server:
        result = server.run(STATEMENTS[place])
        assert result.sets or STATEMENTS[place].split()[0] in ("ALTER", "DELETE")
