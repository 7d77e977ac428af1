"""What check.yml reports of what somebody did by hand."""

from __future__ import annotations

from typing import Any

TABLE = "table dbo.ASPStateTempSessions in database ASPState"
GRANT = "EXECUTE on dbo.TempGetVersion of role aspstate_application in database ASPState"


def test_each_difference_is_told_by_name(report: dict[str, Any]) -> None:
    assert report["status"] == "findings"
    found = {(each["id"], each["subject"]) for each in report["findings"] if each["severity"] != "info"}
    assert found == {
        ("ASP111", TABLE),
        ("ASP118", "auto_close of database ASPState"),
        ("ASP206", "job ASPState_Job_DeleteExpiredSessions"),
        ("ASP301", "login app_user"),
        ("ASP307", GRANT),
    }
    assert all(each["new"] for each in report["findings"] if each["severity"] != "info")
