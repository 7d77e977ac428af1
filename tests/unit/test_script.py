"""A script is known by what its statements do, and is refused before anything of it runs."""

from __future__ import annotations

import re

import pytest
from aspstate.batches import split
from aspstate.errors import Refused
from aspstate.schema import TYPES
from aspstate.script import Script, read_script, usual_file
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scripts import DIALECTS, PLACEHOLDER, file_name, script

ALL = [
    (dialect, kind, type_)
    for dialect in DIALECTS
    for kind in ("install", "uninstall")
    for type_ in TYPES
    if (dialect, type_) != ("1.1", "custom")
]
PERSISTED = script("2.0", "install", "persisted")
_GO = list(re.finditer(r"\nGO\n", PERSISTED))


def judge(
    text: str, kind: str = "install", type_: str = "persisted", database: str = "ASPState", **variables: str
) -> Script:
    return read_script(text.encode(), "x.sql", None, variables, kind=kind, type_=type_, database=database)


@pytest.mark.parametrize(("dialect", "kind", "type_"), ALL)
def test_a_script_of_each_dialect_is_taken_for_what_it_is_and_for_nothing_else(
    dialect: str, kind: str, type_: str
) -> None:
    database = "Shop" if type_ == "custom" else "ASPState"
    text = script(dialect, kind, type_, PLACEHOLDER if type_ == "custom" else database)
    judged = judge(text, kind, type_, database)
    assert (judged.kind, judged.type) == (kind, type_)
    assert judged.startup is ((kind, type_) == ("install", "temporary"))
    for other_kind in ("install", "uninstall"):
        for other in TYPES:
            if (other_kind, other) != (kind, type_):
                with pytest.raises(Refused, match=r"^x\.sql: .*othing was changed"):
                    judge(text, other_kind, other, "Shop" if other == "custom" else "ASPState")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_an_install_makes_is_known_by_name(dialect: str) -> None:
    made = judge(script(dialect, "install", "persisted"))
    assert made.job
    assert made.types == ("tAppName", "tSessionId", "tSessionItemLong", "tSessionItemShort", "tTextPtr")
    assert {"CreateTempTables", "TempGetAppID", "DeleteExpiredSessions"} <= set(made.procedures)
    assert ("TempGetStateItem3" in made.procedures) is (dialect != "1.1")
    assert ("ResetData" in made.procedures) is (dialect == "1.1")


def test_a_script_exported_for_one_database_is_taken_for_that_one() -> None:
    assert judge(script("4.x", "install", "custom", "Shop"), type_="custom", database="shop").type == "custom"


# each row: what is wrong, the script, what is asked for (kind, type, database), what the message says
REFUSED = [
    (
        "another script",
        "CREATE TABLE dbo.t (a int)",
        ("install", "persisted", "ASPState"),
        "neither installs nor removes",
    ),
    ("nothing", "-- nothing", ("uninstall", "persisted", "ASPState"), "neither installs nor removes"),
    (
        "one that drops a database of somebody else's",
        "DROP DATABASE Shop",
        ("uninstall", "custom", "Shop"),
        "neither installs nor removes",
    ),
    (
        "a procedure less",
        PERSISTED.replace("TempResetTimeout", "TempResetTime"),
        ("install", "persisted", "ASPState"),
        "does not create TempResetTimeout",
    ),
    (
        "a template, of another type",
        script("2.0", "install", "custom", PLACEHOLDER),
        ("install", "persisted", "ASPState"),
        "a template for type custom",
    ),
    (
        "a database of another name",
        script("2.0", "install", "custom", "Other"),
        ("install", "custom", "Shop"),
        "about database Other, not Shop",
    ),
    (
        "the tables' place not replaced",
        script("2.0", "install", "custom", PLACEHOLDER).replace(f"[{PLACEHOLDER}].dbo.ASP", "[tempdb].dbo.ASP"),
        ("install", "custom", "Shop"),
        "was only part of it replaced",
    ),
    (
        "the tables' place replaced in part",
        script("1.1", "install", "persisted").replace("[ASPState].dbo.ASP", "[tempdb].dbo.ASP", 1),
        ("install", "persisted", "ASPState"),
        "tables are in ASPState and tempdb",
    ),
    ("a variable without a value", "PRINT '$(x)'", ("install", "persisted", "ASPState"), "line 1: the variable"),
    ("GO that is none", "PRINT 1\nGO;", ("install", "persisted", "ASPState"), "line 2: 'GO;' is no separator"),
    (
        "a BEGIN that does not end",
        "PRINT 1\nGO\nIF 1 = 1\nBEGIN\nBEGIN TRAN SELECT CASE WHEN 1 = 1 THEN 2 END",
        ("install", "persisted", "ASPState"),
        "line 4: the BEGIN here is not closed; is the file whole",
    ),
    ("a parenthesis that does not end", "EXEC (\n'a'", ("install", "persisted", "ASPState"), "line 1: the \\( here"),
    ("an END too many", "PRINT 1\nEND", ("install", "persisted", "ASPState"), "line 2: this END closes nothing"),
    (
        "a label that is missing",
        "PRINT 1\nGOTO Done",
        ("install", "persisted", "ASPState"),
        "line 2: the label of this GOTO",
    ),
    (
        "an uninstall without its database",
        script("2.0", "uninstall", "persisted").replace("DROP DATABASE", "PRINT"),
        ("uninstall", "persisted", "ASPState"),
        "does not drop its database; is the file whole",
    ),
    (
        "an uninstall without its types",
        script("2.0", "uninstall", "custom", PLACEHOLDER).replace("sp_droptype", "sp_help"),
        ("uninstall", "custom", "Shop"),
        "does not drop the types of session state; is the file whole",
    ),
    (
        "an END in parentheses",
        "BEGIN (\nEND )",
        ("install", "persisted", "ASPState"),
        "line 2: this END closes nothing",
    ),
]


@pytest.mark.parametrize(("text", "asked", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_is_not_the_script_that_was_asked_for_is_refused(
    text: str, asked: tuple[str, str, str], message: str
) -> None:
    with pytest.raises(Refused, match=rf"^x\.sql[:,] .*{message}"):
        judge(text, *asked)


@given(st.integers(0, len(PERSISTED) - 1) | st.sampled_from([match.end() for match in _GO]))
@settings(max_examples=60, deadline=None)
def test_an_install_that_was_cut_off_is_refused_unless_only_words_are_lost(place: int) -> None:
    try:
        judge(PERSISTED[:place])
    except Refused:
        return
    assert place > PERSISTED.rindex(":\n")  # the last label


def test_prose_in_a_script_makes_nothing() -> None:
    prose = "\nGO\nPRINT 'use the next one: create procedure dbo.Nothing, create type Nothing, drop database nothing'"
    judged = judge(PERSISTED + prose)
    assert (judged.procedures, judged.types) == (judge(PERSISTED).procedures, judge(PERSISTED).types)


@pytest.mark.parametrize(("kind", "type_"), [(kind, type_) for kind in ("install", "uninstall") for type_ in TYPES])
def test_messages_call_the_files_as_operators_do(kind: str, type_: str) -> None:
    assert usual_file(kind, type_) == file_name(kind, type_)


def test_the_lines_of_batches_are_those_of_the_file() -> None:
    lines = PERSISTED.split("\n")
    assert all(lines[batch.line - 1].strip() == batch.text.split("\n")[0] for batch in split(PERSISTED))
