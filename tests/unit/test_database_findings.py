"""What the lab server cannot be damaged into is found as well."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from aspstate.catalog import Procedure
from aspstate.database import Database
from aspstate.database_findings import database_findings
from aspstate.forwarding import forwarder
from aspstate.generation import EXPIRY
from aspstate.installation import generation, missing_or_different
from aspstate.schema import TABLES, Table, as_alter

from tests.scripts import delete_expired
from tests.unit.states import OURS, SCHEMAS, whole, with_contents

SESSIONS = TABLES["ASPStateTempSessions"]
SERVER = SimpleNamespace(address="sql01:1433")


def with_sessions(*columns: str) -> Database:
    return with_contents(whole(), tables={**TABLES, "ASPStateTempSessions": replace(SESSIONS, columns=columns)})


def with_expiry(form: str, collation: str) -> Database:
    procedures = {**whole().contents.procedures, EXPIRY: Procedure(delete_expired(form))}
    return replace(with_contents(whole(), procedures=procedures), properties=replace(OURS, collation=collation))


NOT_PADDED = with_sessions(*(line + " (ANSI_PADDING OFF)" * ("Short" in line) for line in SESSIONS.columns))
OF_1_0 = with_contents(
    whole(),
    procedures={
        "TempResetTimeout": Procedure(
            "CREATE PROCEDURE TempResetTimeout @id tSessionId AS UPDATE ASPState..ASPStateTempSessions "
            "SET Expires = DATEADD(n, Timeout, GETDATE()) WHERE SessionId = @id"
        )
    },
    tables={
        **TABLES,
        "ASPStateTempSessions": Table(
            tuple(
                line.replace("nvarchar(88)", "char(32)").replace("varbinary(max)", "image")
                for line in SESSIONS.columns
                if not line.startswith(("Flags", "LockDateLocal"))
            ),
            "SessionId",
            SESSIONS.indexes,
        ),
    },
)
KINDS = {
    "nothing": (whole(), set()),
    "columns that lose zeros": (NOT_PADDED, {"ASP110"}),
    "ASP.NET 1.0": (OF_1_0, {"ASP109"}),
    "4.0's, case-sensitive": (with_expiry("4.0", "Latin1_General_CS_AS"), {"ASP108"}),
    "4.0's, binary": (with_expiry("4.0", "Latin1_General_BIN2"), {"ASP108"}),
    "4.0's, where case does not count": (with_expiry("4.0", "Latin1_General_CI_AS"), set()),
    "4.x's, case-sensitive": (with_expiry("4.x", "Latin1_General_CS_AS"), set()),
    "one that forwards": (
        with_contents(
            whole(),
            tables={},
            procedures={
                name: Procedure(forwarder(each.definition).replace("other's", "Shop"))
                for name, each in whole().contents.procedures.items()
            },
        ),
        {"ASP116"},
    ),
    "a table of nobody's": (with_sessions("SessionId int NOT NULL"), {"ASP114"}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_finding(kind: str) -> None:
    database, ids = KINDS[kind]
    found = database_findings(SERVER, database, generation(database))
    assert {each.id for each in found} == ids
    assert all(each.host == SERVER.address and each.subject and each.message for each in found)


def test_columns_that_lose_zeros_are_altered_with_nothing_else() -> None:
    assert missing_or_different(NOT_PADDED, "persisted", SCHEMAS["persisted"]) == [
        "in one transaction: convert column SessionItemShort"
    ]


def test_asp_net_1_0_is_refused_with_the_reason() -> None:
    why, *_ = missing_or_different(OF_1_0, "persisted", SCHEMAS["persisted"])
    assert "whose times are local" in why


def test_an_altered_procedure_is_told_like_a_created_one() -> None:
    altered = {name: Procedure(as_alter(p.definition)) for name, p in whole().contents.procedures.items()}
    assert generation(with_contents(whole(), procedures=altered)) == generation(whole())
