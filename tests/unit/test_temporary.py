"""Type temporary: why its tables are missing after a restart of SQL Server, each cause told apart."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from aspstate.schema import TABLES
from aspstate.temporary import Outside, leftovers, why_no_tables

from tests.unit.states import whole

RUNNING = replace(whole("temporary").outside, tables={}, seconds=10)
CAUSES = [
    ("there by now", replace(RUNNING, tables=TABLES), "are there by now; try again"),
    ("no procedure", replace(RUNNING, startup=None), "the startup procedure dbo.ASPState_Startup is missing in master"),
    ("not marked", replace(RUNNING, marked=False), "does not run at the start of SQL Server; run playbooks/site.yml"),
    ("not scanned", replace(RUNNING, scanned=False), "started without running startup procedures"),
    ("a moment ago", RUNNING, "not there yet: SQL Server started 10 s ago"),
    ("long ago", replace(RUNNING, seconds=9999), "started 9999 s ago .* did not make them: ASPState was not online"),
]


@pytest.mark.parametrize(("outside", "message"), [row[1:] for row in CAUSES], ids=[row[0] for row in CAUSES])
def test_each_cause_of_missing_tables_has_its_own_words(outside: Outside, message: str) -> None:
    assert re.search(message, why_no_tables(outside))
    assert sum(bool(re.search(row[2], why_no_tables(outside))) for row in CAUSES) == 1


def test_each_leftover_is_named() -> None:
    assert leftovers(Outside()) == []
    assert leftovers(whole("temporary").outside) == [
        "procedure dbo.ASPState_Startup in master, which fails at each start of SQL Server",
        "table dbo.ASPStateTempApplications in tempdb",
        "table dbo.ASPStateTempSessions in tempdb",
    ]
