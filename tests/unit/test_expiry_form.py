"""Which DeleteExpiredSessions is fit to be run is told from its text."""

from __future__ import annotations

import pytest
from aspstate.expiry_form import LOOP, NO_TEST, ONE_DELETE, OTHER, form_of
from aspstate.schema import in_tempdb

from lab import expiry_forms
from tests.shipped import FILES

SHIPPED = (FILES / "schema/DeleteExpiredSessions.sql").read_text(encoding="utf-8")
HEAD = "CREATE PROCEDURE dbo.DeleteExpiredSessions AS DECLARE @now datetime = GETUTCDATE() "

FORMS = {
    "the project's": (SHIPPED, LOOP),
    "the project's, of type temporary": (in_tempdb(SHIPPED), LOOP),
    "row by row, with a test": (expiry_forms.ROW_BY_ROW_TESTED, LOOP),
    "row by row, without a test": (expiry_forms.ROW_BY_ROW, NO_TEST),
    "row by row, with the test in a comment": (
        expiry_forms.ROW_BY_ROW.replace("= @id", "= @id -- AND Expires < @now"),
        NO_TEST,
    ),
    "by a join with a list": (
        HEAD + "DELETE s FROM dbo.ASPStateTempSessions AS s JOIN #gone AS g ON g.SessionId = s.SessionId",
        NO_TEST,
    ),
    "one DELETE": (expiry_forms.ONE_DELETE, ONE_DELETE),
    "one DELETE in brackets and capitals": (
        expiry_forms.ONE_DELETE.replace(
            "dbo.ASPStateTempSessions", "FROM [tempdb].[dbo].[ASPSTATETEMPSESSIONS]"
        ).upper(),
        ONE_DELETE,
    ),
    "one DELETE of everything in a loop": (
        HEAD + "WHILE 1 = 1 BEGIN DELETE dbo.ASPStateTempSessions WHERE Expires < @now BREAK END",
        ONE_DELETE,
    ),
    "batches by SET ROWCOUNT": (
        HEAD + "SET ROWCOUNT 500 DELETE dbo.ASPStateTempSessions WHERE Expires < @now "
        "WHILE @@ROWCOUNT > 0 DELETE dbo.ASPStateTempSessions WHERE Expires < @now SET ROWCOUNT 0",
        LOOP,
    ),
    "batches, and one DELETE without a test": (
        HEAD + "WHILE 1 = 1 DELETE TOP (5) dbo.ASPStateTempSessions WHERE Expires < @now "
        "DELETE TOP (5) dbo.ASPStateTempSessions WHERE Timeout = 0",
        NO_TEST,
    ),
    "another procedure": (HEAD + "EXEC dbo.Purge", OTHER),
    "text that is run": (HEAD + "EXEC (N'DELETE dbo.ASPStateTempSessions WHERE Expires < GETUTCDATE()')", OTHER),
    "TRUNCATE TABLE": (HEAD + "TRUNCATE TABLE dbo.ASPStateTempSessions", OTHER),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_is_recognized(kind: str) -> None:
    text, form = FORMS[kind]
    assert form_of(text).kind == form
    assert form_of(text).why
