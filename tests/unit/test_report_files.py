"""What machines and terminals get of a report: JUnit, Prometheus, a few lines, and the lines of the trends."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from aspstate.report.summary import summary
from aspstate.report.trends import HEIGHT, WIDTH, charts
from aspstate.report.waivers import waivers
from junitparser import Error, Failure, JUnitXml, Skipped
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.reports import NOW, SAMPLE, finding, host, run_of

WAIVED = tuple(
    waivers([{"id": "ASP118", "subject": "*", "reason": "known", "owner": "dba", "until": "2026-12-31"}])
)  # fmt: skip
FARM = [
    host(
        "sql01",
        finding(),
        finding("ASP409", "info"),
        finding("ASP118"),
        sample=SAMPLE,
        job={"agent": "running", "jobs": 1, "last_good": 40, "duration": 2.5},
    ),
    host("sql02", status="unreachable", reason='it said <no> & "never"\x00'),
    host("web01", kind="web"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_of(tmp_path, *FARM, waivers=WAIVED).folder


def cases(folder: Path) -> dict[tuple[str, str], list[type]]:
    """Each test case by suite and name, with what came of it."""
    suites = JUnitXml.fromfile(str(folder / "report.xml"))
    return {(suite.name, case.name): [type(each) for each in case.result] for suite in suites for case in suite}


def test_a_ci_system_sees_a_suite_a_host_and_what_failed(folder: Path) -> None:
    assert cases(folder) == {
        ("sql01", "ASP403 database ASPState"): [Failure],
        ("sql01", "ASP409 database ASPState"): [],
        ("sql01", "ASP118 database ASPState"): [Skipped],
        ("sql01", "agent_job"): [],
        ("sql01", "grants"): [],
        ("sql02", "ASP001 the host"): [Error],
        ("sql02", "database"): [Skipped],
        ("sql02", "agent_job"): [Skipped],
        ("sql02", "grants"): [Skipped],
        ("sql02", "sessions"): [Skipped],
        ("web01", "web_config"): [],
        ("web01", "web_service"): [],
    }
    suites = JUnitXml.fromfile(str(folder / "report.xml"))
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (12, 1, 1, 5)


@pytest.mark.parametrize(("fail_on", "failures"), [("info", 2), ("critical", 0), ("never", 1)])
def test_what_fails_in_ci_is_what_the_run_fails_on(tmp_path: Path, fail_on: str, failures: int) -> None:
    made = run_of(tmp_path, *FARM, waivers=WAIVED, fail_on=fail_on)
    assert list(cases(made.folder).values()).count([Failure]) == failures


def metrics(folder: Path) -> dict[str, dict[tuple[str, ...], float]]:
    """Each metric by its labels' values, as Prometheus's own parser reads them."""
    families = text_string_to_metric_families((folder / "report.prom").read_text())
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in families:
        assert family.documentation
        assert family.type == "gauge"
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_prometheus_sees_what_was_found_and_when(folder: Path) -> None:
    found = metrics(folder)
    now = NOW.timestamp()
    assert found["aspstate_check_timestamp_seconds"] == {(): now}
    assert found["aspstate_check_status"] == {("clean",): 0, ("findings",): 0, ("incomplete",): 1}
    assert found["aspstate_host_checked"] == {("sql01", "database"): 1, ("sql02", "database"): 0, ("web01", "web"): 1}
    counted = {labels: value for labels, value in found["aspstate_findings"].items() if value}
    assert counted == {("sql01", "warning"): 1, ("sql01", "info"): 1, ("sql02", "critical"): 1}
    assert found["aspstate_findings"]["web01", "critical"] == 0
    assert found["aspstate_findings_by_id"] == {("sql01", "ASP403"): 1, ("sql01", "ASP409"): 1, ("sql02", "ASP001"): 1}
    assert found["aspstate_findings_waived"]["sql01",] == 1
    assert found["aspstate_sessions_live"] == {("sql01",): 120}
    assert found["aspstate_sessions_backlog_age_seconds"] == {("sql01",): 50}
    assert found["aspstate_job_last_good_timestamp_seconds"] == {("sql01",): now - 40}
    assert found["aspstate_job_duration_seconds"] == {("sql01",): 2.5}


def test_a_thousand_findings_make_no_more_metrics_than_one(tmp_path: Path) -> None:
    few, many = (
        run_of(tmp_path / str(number), host("sql01", *(finding(subject=f"s{each}") for each in range(number)))).folder
        for number in (1, 1000)
    )
    lines = [(each / "report.prom").read_text().count("\n") for each in (few, many)]
    assert lines[0] == lines[1]


def test_names_that_need_quoting_are_read_back(tmp_path: Path) -> None:
    name = 'sql"01\\\n'
    folder = run_of(tmp_path, host(name, sample=SAMPLE)).folder
    assert metrics(folder)["aspstate_sessions_live"] == {(name,): 120}


def test_a_terminal_gets_the_counts_the_worst_and_the_page(tmp_path: Path) -> None:
    made = run_of(tmp_path, *FARM, waivers=WAIVED)
    assert summary(made.report, made.folder).splitlines() == [
        "incomplete: 1 critical finding, 1 warning, 1 for information, 1 waived; 3 hosts, 1 not fully checked",
        'ASP001 (critical) sql02, the host: Ansible could not reach it: it said <no> & "never"\ufffd',
        "ASP403 (warning) sql01, database ASPState: there are too many",
        "ASP409 (info) sql01, database ASPState: there are too many",
        f"report: {made.folder}/report.html",
    ]


def test_a_terminal_gets_no_more_of_many_or_long_findings(tmp_path: Path) -> None:
    many = [finding(subject=f"s{each}", message="long\n" * 1000) for each in range(22)]
    made = run_of(tmp_path, host("sql01", *many))
    lines = summary(made.report, made.folder).splitlines()
    assert (len(lines), lines[-2]) == (13, "and 12 more")
    assert max(map(len, lines[1:-2])) == 300


def reports(*numbers: int | None, key: str = "live", facts: str = "sample") -> list[dict[str, Any]]:
    """Reports an hour apart, in which a host has these numbers."""
    return [
        {
            "time": f"2026-11-22T{hour:02}:00:00Z",
            "hosts": [{"name": "sql01", facts: None if number is None else {key: number}}],
        }
        for hour, number in enumerate(numbers)
    ]


def test_a_line_goes_over_the_box_and_has_a_gap_where_nothing_is_known() -> None:
    (chart,) = charts(reports(5, 10, None, 0, None, 5))["sql01"]
    assert (chart.label, chart.least, chart.most, chart.last, chart.points) == ("Live sessions", "0", "10", "5", 4)
    moves = re.findall(r"([ML])([\d.]+) ([\d.]+)", chart.path)
    assert [each for each, _, _ in moves] == ["M", "L", "M", "M"]
    places = [(float(x), float(y)) for _, x, y in moves]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert places[1][1] < places[0][1] < places[2][1]  # y grows downward: 10 is above 5, 0 below


@pytest.mark.parametrize("numbers", [(5,), (5, None), (None, None), ("5", "6"), (True, False)])
def test_one_number_makes_no_line(numbers: tuple[Any, ...]) -> None:
    assert charts(reports(*numbers))["sql01"] == []


@pytest.mark.parametrize(
    ("key", "facts", "number", "shown"),
    [
        ("bytes", "sample", 999, "999 B"),
        ("bytes", "sample", 1500, "1.5 kB"),
        ("bytes", "sample", 250_000_000, "250 MB"),
        ("bytes", "sample", 7_300_000_000_000_000, "7,300 TB"),
        ("oldest_expired", "sample", 1, "1 second"),
        ("oldest_expired", "sample", 7200, "2 hours"),
        ("oldest_expired", "sample", 86400 * 3, "3 days"),
        ("duration", "job", 119, "119 seconds"),
        ("live", "sample", 12345, "12,345"),
    ],
)
def test_a_number_is_shown_in_its_unit(key: str, facts: str, number: int, shown: str) -> None:
    (chart,) = charts(reports(number, number, key=key, facts=facts))["sql01"]
    assert (chart.least, chart.most, chart.last) == (shown, shown, shown)


def test_where_nothing_is_known_now_no_older_number_is_shown_as_the_last() -> None:
    (chart,) = charts(reports(5, 6, None))["sql01"]
    assert chart.last == "not known"
