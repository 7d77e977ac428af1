"""Which jobs expire the sessions of a database."""

from __future__ import annotations

import pytest
from aspstate.jobs import JobStep, deletes_expired

DOES = [
    ("as aspnet_regsql writes it", "EXECUTE DeleteExpiredSessions", "ASPState"),
    ("with its schema", "exec dbo.deleteexpiredsessions", "aspstate"),
    ("in brackets", "EXEC [dbo].[DeleteExpiredSessions]", "ASPState"),
    ("from another database", "EXEC ASPState.dbo.DeleteExpiredSessions", "master"),
    ("from another database, in brackets", "SET NOCOUNT ON EXEC [ASPState]..[DeleteExpiredSessions]", "master"),
    ("among others", "EXEC other EXEC dbo.DeleteExpiredSessions @batchSize = 5", "ASPState"),
]
DOES_NOT = [
    ("in another database", "EXECUTE DeleteExpiredSessions", "Shop"),
    ("of another database", "EXEC Shop.dbo.DeleteExpiredSessions", "ASPState"),
    ("in a comment", "-- EXEC dbo.DeleteExpiredSessions\nSELECT 1", "ASPState"),
    ("in a string", "PRINT 'DeleteExpiredSessions'", "ASPState"),
    ("as the start of another name", "EXEC dbo.DeleteExpiredSessionsOfShop", "ASPState"),
]


@pytest.mark.parametrize(("command", "database"), [row[1:] for row in DOES], ids=[row[0] for row in DOES])
def test_a_step_that_deletes_expired_sessions_is_found(command: str, database: str) -> None:
    assert deletes_expired(JobStep("step", command, database), "ASPState")


@pytest.mark.parametrize(("command", "database"), [row[1:] for row in DOES_NOT], ids=[row[0] for row in DOES_NOT])
def test_a_step_that_does_something_else_is_not(command: str, database: str) -> None:
    assert not deletes_expired(JobStep("step", command, database), "ASPState")


def test_a_step_that_is_no_tsql_is_not() -> None:
    assert not deletes_expired(JobStep("step", "DeleteExpiredSessions", "ASPState", "CmdExec"), "ASPState")
