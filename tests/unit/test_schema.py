"""The shipped schema, and how definitions are compared."""

from __future__ import annotations

from pathlib import Path

import pytest
from aspstate.errors import Refused
from aspstate.schema import STARTUP, TYPES, as_alter, base_type, in_tempdb, normalized, schema, uses_tempdb

from tests.shipped import FILES as FOLDERS
from tests.shipped import definitions

FILES = sorted(FOLDERS.glob("*/*.sql"))

# what System.Web 2.0 to 4.8 calls: SqlSessionStateStore in microsoft/referencesource
CALLED_BY_SYSTEM_WEB = {
    "GetMajorVersion",
    "TempGetVersion",
    "TempGetAppID",
    "TempGetStateItem3",
    "TempGetStateItemExclusive3",
    "TempReleaseStateItemExclusive",
    "TempInsertUninitializedItem",
    "TempInsertStateItemShort",
    "TempInsertStateItemLong",
    "TempUpdateStateItemShort",
    "TempUpdateStateItemShortNullLong",
    "TempUpdateStateItemLong",
    "TempUpdateStateItemLongNullShort",
    "TempRemoveStateItem",
    "TempResetTimeout",
}
CALLED_BY_OTHERS = {
    "GetHashCode",
    "CreateTempTables",
    "DeleteExpiredSessions",
    "TempGetStateItem",
    "TempGetStateItem2",
    "TempGetStateItemExclusive",
    "TempGetStateItemExclusive2",
}


def test_the_shipped_files_are_one_object_each_named_after_it() -> None:
    for file in FILES:
        objects = schema([file.read_text(encoding="utf-8")], "temporary" if file.stem == STARTUP else "persisted")
        found = [*objects.types, *objects.procedures, *([STARTUP] if objects.startup else [])]
        assert found == [file.stem]


def test_every_procedure_of_the_contract_is_shipped() -> None:
    for type_ in TYPES:
        objects = schema(definitions(type_), type_)
        assert set(objects.procedures) == CALLED_BY_SYSTEM_WEB | CALLED_BY_OTHERS
        assert bool(objects.startup) == (type_ == "temporary")
        assert set(objects.types) == {"tSessionId", "tAppName", "tSessionItemShort", "tSessionItemLong"}


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        (["CREATE VIEW dbo.v AS SELECT 1"], "begins with 'CREATE VIEW dbo . v'"),
        (["CREATE PROCEDURE p AS SELECT 1"], "begins with 'CREATE PROCEDURE p AS SELECT'"),
        (["CREATE OR ALTER PROCEDURE dbo.p AS SELECT 1"], "begins with 'CREATE OR"),
        ([""], "begins with ''"),
        (["CREATE PROCEDURE dbo.p AS SELECT 1"] * 2, "has PROCEDURE dbo.p twice"),
    ],
)
def test_a_schema_of_anything_else_is_refused(definitions: list[str], message: str) -> None:
    with pytest.raises(Refused, match=message):
        schema(definitions)


def test_the_base_of_a_type_reads_as_the_catalogue_describes_it() -> None:
    assert base_type("CREATE TYPE dbo.t FROM nvarchar( 88 )  NOT NULL -- x") == "nvarchar(88) NOT NULL"


SAME = [
    ("white space", "CREATE  PROCEDURE dbo.p\r\n\tAS SELECT 1"),
    ("comments", "-- made by hand\nCREATE PROCEDURE /* it */ dbo.p AS SELECT 1"),
    ("ALTER", "alter PROCEDURE dbo.p AS SELECT 1"),
    ("a last semicolon", "CREATE PROCEDURE dbo.p AS SELECT 1 ;"),
]
DIFFERENT = [
    ("another value", "CREATE PROCEDURE dbo.p AS SELECT 2"),
    ("a blank in a string", "CREATE PROCEDURE dbo.p AS SELECT 1 PRINT ' '"),
    ("the case of a name", "CREATE PROCEDURE dbo.P AS SELECT 1"),
    ("one statement more", "CREATE PROCEDURE dbo.p AS SELECT 1 RETURN"),
]


@pytest.mark.parametrize("definition", [row[1] for row in SAME], ids=[row[0] for row in SAME])
def test_what_does_not_matter_is_no_difference(definition: str) -> None:
    assert normalized(definition) == normalized("CREATE PROCEDURE dbo.p AS SELECT 1")


@pytest.mark.parametrize("definition", [row[1] for row in DIFFERENT], ids=[row[0] for row in DIFFERENT])
def test_what_matters_is_a_difference(definition: str) -> None:
    assert normalized(definition) != normalized("CREATE PROCEDURE dbo.p AS SELECT 1")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_altering_changes_one_word(file: Path) -> None:
    definition = file.read_text(encoding="utf-8")
    altered = as_alter(definition)
    assert normalized(altered) == normalized(definition)
    assert altered.replace("ALTER ", "CREATE ", 1) == definition


def test_type_temporary_differs_from_the_files_in_the_place_of_the_tables_alone() -> None:
    shipped = schema(definitions("persisted")).procedures
    turned = schema(definitions("temporary"), "temporary").procedures
    for name in sorted(set(shipped) - {"CreateTempTables"}):
        assert turned[name].replace("tempdb.dbo.", "dbo.") == shipped[name]
        assert uses_tempdb(turned[name]) == ("dbo.ASPStateTemp" in shipped[name])
        assert not uses_tempdb(shipped[name])


@pytest.mark.parametrize(
    ("definition", "turned"),
    [
        ("DELETE dbo.ASPStateTempSessions", "DELETE tempdb.dbo.ASPStateTempSessions"),
        ("DELETE tempdb.dbo.ASPStateTempSessions", "DELETE tempdb.dbo.ASPStateTempSessions"),
        ("EXEC dbo.TempGetAppID", "EXEC dbo.TempGetAppID"),
        ("-- dbo.ASPStateTempSessions\nSELECT 'x dbo.ASPStateTempSessions'", None),
        (
            "SELECT 1 FROM dbo.ASPStateTempSessions, dbo.ASPStateTempApplications",
            "SELECT 1 FROM tempdb.dbo.ASPStateTempSessions, tempdb.dbo.ASPStateTempApplications",
        ),
    ],
)
def test_only_the_names_of_the_two_tables_are_turned_to_tempdb(definition: str, turned: str | None) -> None:
    assert in_tempdb(definition) == (turned or definition)


@pytest.mark.parametrize(("of", "as_type"), [("temporary", "persisted"), ("persisted", "temporary")])
def test_the_files_of_another_type_are_refused(of: str, as_type: str) -> None:
    with pytest.raises(Refused, match=f"dbo.{STARTUP}, which type temporary has and no other"):
        schema(definitions(of), as_type)
