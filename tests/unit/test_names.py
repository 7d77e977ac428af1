"""Which names a session database may have."""

from __future__ import annotations

import pytest
from aspstate.errors import Refused
from aspstate.names import database_name


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("ASPState", "ASPState"),
        ("ASPState  ", "ASPState"),
        ("session state", "session state"),
        ("Sitzungen-Größe", "Sitzungen-Größe"),
        ("sessions 😀", "sessions 😀"),
        ("x" * 128, "x" * 128),
    ],
)
def test_a_name_is_taken_without_its_trailing_blanks(given: str, used: str) -> None:
    assert database_name(given) == used


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it is blank"),
        ("   ", "it is blank"),
        (" ASPState", "it begins with a blank"),
        ("ASP[State", r"it contains \[, which aspnet_regsql refuses"),
        ("ASP]State", "it contains ], which"),
        ("ASP'State", "it contains ', which"),
        ("ASP\nState", "it contains a control character"),
        ("x" * 129, "it has 129 characters, and SQL Server allows 128"),
        ("x" * 127 + "😀", "it has 129 characters"),
        ("master", "it is a system database"),
        ("TempDB", "it is a system database"),
    ],
)
def test_any_other_name_is_refused_with_the_reason_and_the_variable(name: str, why: str) -> None:
    with pytest.raises(Refused, match=f"{why}.*aspstate_database_name"):
        database_name(name)


@pytest.mark.parametrize(
    ("name", "type_", "why"),
    [
        ("Shop", "temporary", "type temporary is always in ASPState"),
        ("aspstate", "custom", "type custom needs the name of a database of yours"),
    ],
)
def test_a_name_that_does_not_suit_the_type_is_refused(name: str, type_: str, why: str) -> None:
    with pytest.raises(Refused, match=f"{why}.*aspstate_database_name"):
        database_name(name, type_)


@pytest.mark.parametrize(("name", "type_"), [("aspstate", "persisted"), ("Shop", "custom"), ("Shop", "persisted")])
def test_a_name_that_suits_the_type_is_taken(name: str, type_: str) -> None:
    assert database_name(name, type_) == name


def test_type_temporary_writes_the_name_as_its_startup_procedure_does() -> None:
    """On a server whose collation tells upper case from lower case, they would be two databases."""
    assert database_name("aspstate ", "temporary") == "ASPState"
