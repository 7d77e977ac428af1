"""A forwarder has the parameters of the procedure whose place it takes, and is known again by its text."""

from __future__ import annotations

import pytest
from aspstate.catalog import Contents, Procedure
from aspstate.errors import Refused
from aspstate.forwarding import forwarder, forwarding, forwards_to, refuse_forwarding, session_procedures
from aspstate.tsql import significant

from tests.unit.states import SCHEMAS

SCHEMA = SCHEMAS["persisted"]
NAMES = session_procedures(SCHEMA)


def header(definition: str) -> list[str]:
    words = [word.text for word in significant(definition)]
    return words[: words.index("AS")]


def test_what_uses_the_tables_forwards_and_what_makes_them_does_not() -> None:
    rest = {"CreateTempTables", "GetHashCode", "GetMajorVersion", "TempGetVersion"}
    assert set(NAMES) == set(SCHEMA.procedures) - rest


@pytest.mark.parametrize("name", NAMES)
def test_it_has_the_same_header_and_passes_every_parameter_on(name: str) -> None:
    definition = SCHEMA.procedures[name]
    text = forwarder(definition)
    assert header(text) == header(definition)
    call = text.partition("EXEC @forwarded = [other's].dbo.")[2].partition("\n")[0]
    parameters = [line.strip().rstrip(",") for line in definition.split("\nAS\n")[0].splitlines() if "    @" in line]
    passed = [f"{each.split()[0]} = {each.split()[0]}{' OUTPUT' * each.endswith('OUTPUT')}" for each in parameters]
    assert call == f"{name} {', '.join(passed)}"


@pytest.mark.parametrize("database", ["Shop", "my shop", "a.b", "other"])
def test_it_tells_where_it_forwards_to(database: str) -> None:
    text = forwarder(SCHEMA.procedures["TempResetTimeout"]).replace("other's", database)
    assert forwards_to(text) == database
    texts = (None, SCHEMA.procedures["TempGetVersion"], text)
    contents = Contents(procedures={str(number): Procedure(each) for number, each in enumerate(texts)})
    assert forwarding(contents) == database
    with pytest.raises(Refused, match=f"forwards to database {database}"):
        refuse_forwarding("ASPState", contents)


@pytest.mark.parametrize("definition", [None, "", *SCHEMA.procedures.values()])
def test_nothing_else_forwards(definition: str | None) -> None:
    assert forwards_to(definition) == ""
