"""What is new, what is gone and what nobody could see, from one run to the next; and reports that no longer count."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aspstate.errors import Refused
from aspstate.report.history import Run, read, runs
from aspstate.report.history import run_of as run_named

from tests.unit.reports import NOW, SAMPLE, finding, host, ids, run_of

FIRST, SECOND, THIRD = "2026-11-22T01:44:10Z", "2026-11-22T02:44:10Z", "2026-11-22T03:44:10Z"
A, B = finding(subject="a"), finding(subject="b")


def subjects(entries: Any) -> list[str]:
    return [each["subject"] for each in entries]


def test_the_first_run_has_nothing_to_compare_with(tmp_path: Path) -> None:
    report = run_of(tmp_path, host("sql01", A)).report
    assert (report["previous"], report["resolved"], report["not_known"]) == (None, [], [])
    assert [(each["new"], each["first_seen"]) for each in report["findings"]] == [(False, FIRST)]


def test_what_stays_keeps_its_day_what_comes_is_new_and_what_goes_is_resolved(tmp_path: Path) -> None:
    run_of(tmp_path, host("sql01", A))
    report = run_of(tmp_path, host("sql01", A, B), hours=1).report
    assert [(each["subject"], each["new"], each["first_seen"]) for each in report["findings"]] == [
        ("a", False, FIRST),
        ("b", True, SECOND),
    ]
    report = run_of(tmp_path, host("sql01", B), hours=2).report
    assert (report["previous"], subjects(report["resolved"])) == (SECOND, ["a"])
    assert (report["resolved"][0]["first_seen"], report["resolved"][0]["last_seen"]) == (FIRST, SECOND)
    report = run_of(tmp_path, host("sql01", A, B), hours=3).report
    assert [(each["subject"], each["new"]) for each in report["findings"]] == [("a", True), ("b", False)]


NOT_SEEN: dict[str, list[dict[str, Any]]] = {
    "not reached": [host("sql01", status="unreachable")],
    "half seen": [host("sql01", status="incomplete", reason="no right")],
    "called checked, with something not known": [host("sql01", finding("ASP001"))],
    "left out by --limit": [host("sql02")],
}


@pytest.mark.parametrize("hosts", NOT_SEEN.values(), ids=NOT_SEEN)
def test_what_was_found_where_nobody_looked_is_not_resolved_and_keeps_its_day(
    tmp_path: Path, hosts: list[dict[str, Any]]
) -> None:
    run_of(tmp_path, host("sql01", A, B))
    for hours in (1, 2):
        report = run_of(tmp_path, *hosts, hours=hours).report
        assert (report["resolved"], subjects(report["not_known"])) == ([], ["a", "b"])
    report = run_of(tmp_path, host("sql01", A), hours=3).report
    (found,) = [each for each in report["findings"] if each["subject"] == "a"]
    assert (found["new"], found["first_seen"]) == (False, FIRST)
    assert "b" in subjects(report["resolved"])
    assert report["not_known"] == []


def test_a_host_that_is_gone_for_good_is_forgotten_with_the_last_report_that_had_it(tmp_path: Path) -> None:
    for hours, hosts in enumerate(([host("old", A), host("new")], [host("new")], [host("new")], [host("new")])):
        report = run_of(tmp_path, *hosts, hours=hours, keep=2).report
        assert subjects(report["not_known"]) == (["a"] if hours in (1, 2) else [])


def test_findings_of_the_report_itself_are_resolved_like_others(tmp_path: Path) -> None:
    run_of(tmp_path, host("sql01"), hours=-1)
    (tmp_path / run_name(-1) / "report.json").write_text("{")
    assert ids(run_of(tmp_path, host("sql01")).report["findings"]) == ["ASP003"]
    (tmp_path / run_name(-1) / "report.json").unlink()
    assert ids(run_of(tmp_path, host("sql01"), hours=1).report["resolved"]) == ["ASP003"]


def run_name(hours: float) -> str:
    return Run(NOW + timedelta(hours=hours)).name


def changed(**values: object) -> Callable[[str], str]:
    return lambda text: json.dumps({**json.loads(text), **values})


# what became of the older report.json, and what is said of it
UNREADABLE: dict[str, tuple[Callable[[str], str], str]] = {
    "cut off": (lambda text: text[: len(text) // 2], "it is not JSON, or was cut off"),
    "empty": (lambda text: "", "it is not JSON"),
    "a list": (lambda text: "[]", "it has no version"),
    "nested too deeply": (lambda text: "[" * 200000, "it is not JSON"),
    "of another version": (changed(version=2), "it is of version 2, and this project reads version 1"),
    "without a time": (changed(time="yesterday"), "it is not as a report is"),
    "without findings": (changed(findings=None), "it is not as a report is"),
    "a finding without a host": (changed(findings=[{"id": "ASP403"}]), "it is not as a report is (KeyError"),
    "hosts that are texts": (changed(hosts=["sql01"]), "it is not as a report is"),
    "a sample that is a text": (
        changed(hosts=[{"name": "sql01", "status": "checked", "sample": "x"}]),
        "it is not as a report is (TypeError: sample is 'x')",
    ),
}


@pytest.mark.parametrize(("spoil", "why"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_report_that_cannot_be_read_is_named_and_the_one_before_it_counts(
    tmp_path: Path, spoil: Callable[[str], str], why: str
) -> None:
    run_of(tmp_path, host("sql01", A, sample=SAMPLE))
    spoilt = run_of(tmp_path, host("sql01", A, sample=SAMPLE), hours=1).folder / "report.json"
    spoilt.write_text(spoil(spoilt.read_text()))
    report = run_of(tmp_path, host("sql01", A), hours=2).report
    assert [(each["id"], each["subject"]) for each in report["findings"]] == [
        ("ASP003", f"{run_name(1)}/report.json"),
        ("ASP403", "a"),
    ]
    assert why in report["findings"][0]["message"]
    assert (report["previous"], report["findings"][1]["first_seen"]) == (FIRST, FIRST)


def test_a_report_from_the_future_is_named_and_passed_over(tmp_path: Path) -> None:
    run_of(tmp_path, host("sql01", A, sample={**SAMPLE, "live": 1}))
    run_of(tmp_path, host("sql01", B, sample={**SAMPLE, "live": 2}), hours=5)
    report = run_of(tmp_path, host("sql01", A), hours=1).report
    assert [(each["id"], each["subject"]) for each in report["findings"]] == [
        ("ASP004", f"run {run_name(5)}"),
        ("ASP403", "a"),
    ]
    assert (report["previous"], report["findings"][1]["new"]) == (FIRST, False)
    known = read(tmp_path, NOW + timedelta(hours=1)).last_known()
    assert known["sql01"]["sample"]["live"] == 1


def test_the_newest_numbers_of_each_host_are_known_also_where_the_last_run_had_none(tmp_path: Path) -> None:
    instance = {"started": "2026-11-01T00:00:00Z"}
    run_of(tmp_path, host("sql01", sample={**SAMPLE, "live": 1}, instance=instance), host("sql02", sample=SAMPLE))
    run_of(tmp_path, host("sql01", sample={**SAMPLE, "live": 2}), host("sql02", status="unreachable"), hours=1)
    known = read(tmp_path, NOW + timedelta(hours=2)).last_known()
    assert known == {
        "sql01": {"sample": {**SAMPLE, "live": 2}, "instance": None, "time": SECOND},
        "sql02": {"sample": SAMPLE, "instance": None, "time": FIRST},
    }


@pytest.mark.parametrize(
    ("name", "is_run"),
    [
        ("2026-11-22T014410Z", True),
        ("2026-11-22T014410Z-2", True),
        ("2026-11-22T014410Z-10", True),
        ("2026-11-22T014410Z-1", False),
        ("2026-11-22T014410Z-02", False),
        (".2026-11-22T014410Z", False),
        ("2026-13-22T014410Z", False),
        ("2026-11-22T014410Z.old", False),
        ("latest", False),
    ],
)
def test_a_run_is_told_by_its_name(name: str, is_run: bool) -> None:
    assert (run_named(name) is not None) == is_run


def test_runs_are_in_their_order_and_nothing_else_is_one(tmp_path: Path) -> None:
    names = ["2026-11-22T014410Z", "2026-11-22T014410Z-2", "2026-11-22T014410Z-10", "2026-11-22T014411Z"]
    for name in reversed(names):
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").touch()
    (tmp_path / "2026-11-22T014412Z").mkdir()
    (tmp_path / "2026-11-22T014413Z").symlink_to(names[0])
    assert [run.name for run in runs(tmp_path)] == names


def test_a_folder_that_cannot_be_listed_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused, match="cannot be listed: Not a directory"):
        runs(tmp_path / "file")
