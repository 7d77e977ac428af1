"""What check.yml reports of a server that is as the inventory says."""

from __future__ import annotations

from typing import Any


def test_nothing_is_to_be_done(report: dict[str, Any]) -> None:
    assert report["status"] == "clean"
    assert [each["id"] for each in report["findings"] if each["severity"] != "info"] == []
    assert [each["status"] for each in report["hosts"]] == ["checked"]
