"""An old script's error names the version of SQL Server that dropped what the script says."""

from __future__ import annotations

import pytest
from aspstate.dropped_features import dropped
from aspstate.errors import SqlError


def error(number: int, text: str = "Incorrect syntax") -> SqlError:
    return SqlError(number, 16, 1, "", 1, text)


MISSING = "Could not find stored procedure '{}'."

# each row: the error, the batch, the version and what it dropped
DROPPED = [
    (
        error(2812, MISSING.format("sp_dboption")),
        "EXEC sp_dboption 'x', 'trunc. log', 'true'",
        "2012 dropped sp_dboption",
    ),
    (error(2812, MISSING.format("dbo.sp_addalias")), "exec dbo.SP_ADDALIAS 'a', 'b'", "2008 dropped sp_addalias"),
    (error(2812, MISSING.format("sp_addgroup")), "EXEC sp_addgroup 'a'", "2008 dropped groups of users"),
    (error(102), "RAISERROR 50001 'no'", "2012 dropped RAISERROR without parentheses"),
    (error(102), "RAISERROR @number 'no'", "2012 dropped RAISERROR without parentheses"),
    (error(156), "DUMP TRANSACTION x WITH NO_LOG", "2008 dropped DUMP"),
    (error(156), "LOAD DATABASE x FROM y", "2008 dropped LOAD"),
]


@pytest.mark.parametrize(("answer", "batch", "said"), DROPPED)
def test_what_was_dropped_is_named_with_the_version(answer: SqlError, batch: str, said: str) -> None:
    assert f"SQL Server {said}; in its place is " in dropped(answer, batch)


# each row: what it is about, the error, the batch
NOT_DROPPED = [
    ("another procedure is missing", error(2812, MISSING.format("sp_other")), "EXEC sp_dboption 'x' EXEC sp_other"),
    ("another mistake", error(102), "RAISERROR ('no', 16, 1) SELECT , FROM"),
    ("another error", error(208), "RAISERROR 50001 'no'"),
    ("only in a comment", error(102), "-- RAISERROR 50001 'no'\nSELECT ,"),
    ("only in a string", error(102), "PRINT 'RAISERROR 50001' SELECT ,"),
]


@pytest.mark.parametrize(("answer", "batch"), [row[1:] for row in NOT_DROPPED], ids=[row[0] for row in NOT_DROPPED])
def test_nothing_is_said_to_be_dropped_that_was_not_meant(answer: SqlError, batch: str) -> None:
    assert dropped(answer, batch) == ""
