"""The probe finds what would break an application, and says what the application would show."""

from __future__ import annotations

import pytest
from aspstate.client import Client
from aspstate.probe import RESERVED_APPLICATION, ProbeFailed, probe
from aspstate.schema import Schema, as_alter
from aspstate.server import Server

from tests.unit.test_schema import CALLED_BY_SYSTEM_WEB

COUNTS = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions SELECT COUNT(*) FROM dbo.ASPStateTempApplications"


def test_a_sound_database_passes_and_keeps_no_trace(application: Server) -> None:
    report = probe(application)
    assert {call.procedure for call in report.calls} == CALLED_BY_SYSTEM_WEB - {"TempGetVersion"} | {
        "visibility of TempGetVersion"
    }
    assert all(call.milliseconds > 0 for call in report.calls)
    assert (report.application, report.residue) == (RESERVED_APPLICATION, "")
    assert application.run(COUNTS).sets == ([(0,)], [(0,)])


def test_an_application_that_is_recorded_is_used_and_stays(application: Server, client: Client) -> None:
    client.app_id("/LM/W3SVC/1/ROOT")
    assert probe(application).application == "/lm/w3svc/1/root"
    assert application.run(COUNTS).sets == ([(0,)], [(1,)])


@pytest.mark.parametrize("procedure", sorted(CALLED_BY_SYSTEM_WEB - {"TempGetVersion"}))
def test_a_missing_procedure_is_found(application: Server, procedure: str) -> None:
    application.run(f"DROP PROCEDURE dbo.{procedure}")
    with pytest.raises(ProbeFailed) as failed:
        probe(application)
    assert str(failed.value).startswith(f"{procedure} failed: ")
    assert failed.value.error.number == 2812
    assert "the application would" in str(failed.value)


def test_without_tempgetversion_the_application_would_say_that_nothing_is_installed(application: Server) -> None:
    application.run("DROP PROCEDURE dbo.TempGetVersion")
    with pytest.raises(ProbeFailed, match=r"ASP.NET version 2.0 Session State is not installed on the SQL server"):
        probe(application)


# each row: what is wrong, the procedure, what is replaced in its text by what, what the message must say
BROKEN = [
    (
        "an old version",
        "GetMajorVersion",
        "SET @@ver = CONVERT",
        "SET @@ver = 7 RETURN 0 SET @@ver = CONVERT",
        "answered 7",
    ),
    ("no version", "GetMajorVersion", "SET @@ver = CONVERT", "RETURN 0 SET @@ver = CONVERT", "answered None"),
    ("another hash", "GetHashCode", "bigint = 5381", "bigint = 5382", "whose hash is"),
    ("a row of NULL", "TempGetStateItem3", "IF @itemLong IS NOT NULL", "", "returned a row with NULL"),
    ("no lock cookie", "TempGetStateItem3", "@lockCookie = LockCookie,", "", "left @lockCookie"),
    ("no action flags", "TempGetStateItemExclusive3", "@actionFlags = Flags & 1,", "", "left @lockCookie, @lockAge or"),
    ("no item", "TempGetStateItem3", "@itemShort = CASE Locked WHEN 0 THEN SessionItemShort END,", "", "no item"),
    ("a flag that stays", "TempGetStateItemExclusive3", "Flags = Flags & ~1,", "", "uninitialized"),
    ("a lock for everybody", "TempGetStateItemExclusive3", "Locked = 1", "Locked = 0", "another request has"),
    ("an update that ignores the cookie", "TempUpdateStateItemShort", "AND LockCookie = @lockCookie", "", "7 bytes"),
    ("a long item that stays", "TempUpdateStateItemShortNullLong", "SessionItemLong = NULL", "Flags = 0", "as a row"),
    (
        "a lost byte",
        "TempInsertStateItemLong",
        "@itemLong, @timeout",
        "SUBSTRING(@itemLong, 1, 7000), @timeout",
        "7000",
    ),
    (
        "a session that stays",
        "TempRemoveStateItem",
        "AND LockCookie = @lockCookie",
        "AND 1 = 0",
        "would need no session",
    ),
]


@pytest.mark.parametrize(
    ("procedure", "text", "instead", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_a_procedure_that_answers_wrongly_is_found(
    application: Server, objects: Schema, procedure: str, text: str, instead: str, message: str
) -> None:
    definition = objects.procedures[procedure]
    assert text in definition
    application.run(as_alter(definition).replace(text, instead))
    with pytest.raises(ProbeFailed, match=message):
        probe(application)


def test_a_session_that_can_be_made_twice_is_found(application: Server) -> None:
    application.run("DROP TABLE dbo.ASPStateTempSessions")
    application.run(
        "CREATE TABLE dbo.ASPStateTempSessions (SessionId nvarchar(88) NOT NULL, Created datetime NOT NULL DEFAULT "
        "(GETUTCDATE()), Expires datetime NOT NULL, LockDate datetime NOT NULL, LockDateLocal datetime NOT NULL, "
        "LockCookie int NOT NULL, Timeout int NOT NULL, Locked bit NOT NULL, SessionItemShort varbinary(7000) NULL, "
        "SessionItemLong varbinary(max) NULL, Flags int NOT NULL DEFAULT (0))"
    )
    with pytest.raises(ProbeFailed, match=r"took the same session twice; ASP.NET needs error 2627"):
        probe(application)


def test_a_missing_table_is_found_and_named(application: Server) -> None:
    application.run("DROP TABLE dbo.ASPStateTempSessions")
    with pytest.raises(ProbeFailed, match=r"error 208.*'Unable to connect to SQL Server session database.'"):
        probe(application)
    assert application.run("SELECT COUNT(*) FROM dbo.ASPStateTempApplications").row == (0,)


def test_a_failed_probe_does_not_hinder_the_next(application: Server, objects: Schema) -> None:
    wrong = as_alter(objects.procedures["GetHashCode"]).replace("bigint = 5381", "bigint = 5382")
    application.run(wrong)
    with pytest.raises(ProbeFailed):
        probe(application)
    application.run(as_alter(objects.procedures["GetHashCode"]))
    assert probe(application).residue == ""
    assert application.run(COUNTS).sets == ([(0,)], [(0,)])


def test_what_a_probe_left_when_it_was_cut_off_is_taken_away_by_the_next(application: Server, client: Client) -> None:
    client.app_id(RESERVED_APPLICATION)
    assert probe(application).application == RESERVED_APPLICATION
    assert application.run(COUNTS).sets == ([(0,)], [(0,)])


def test_a_probe_that_was_cut_off_leaves_a_session_of_one_minute(application: Server) -> None:
    application.run("DROP PROCEDURE dbo.TempReleaseStateItemExclusive")
    with pytest.raises(ProbeFailed):
        probe(application)
    assert application.run("SELECT Timeout FROM dbo.ASPStateTempSessions").row == (1,)
