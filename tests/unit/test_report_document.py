"""What hosts told becomes a report: what counts, what cannot be clean, and report.json as its schema has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aspstate import report as package
from aspstate.errors import Refused
from aspstate.finding import FINDINGS
from aspstate.report.document import fails
from aspstate.report.waivers import waivers
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.unit.reports import NOW, SAMPLE, finding, host, ids, kept, run_of

SCHEMA = json.loads((Path(package.__file__).parent / "report.schema.json").read_text())
WAIVER = {"id": "ASP403", "subject": "database ASP*", "reason": "known", "owner": "dba", "until": "2026-11-22"}


def violations(report: object) -> list[str]:
    validator = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return [each.message for each in validator.iter_errors(report)]


BLIND = {"status": "incomplete", "reason": "the login lacks VIEW SERVER STATE"}
# the hosts, fail_on, then the status and whether the run fails
STATUSES: dict[str, tuple[list[dict[str, Any]], str, str, bool]] = {
    "nothing": ([host()], "info", "clean", False),
    "no host": ([], "info", "clean", False),
    "at the threshold": ([host("a", finding())], "warning", "findings", True),
    "above it": ([host("a", finding("ASP402", "critical"))], "warning", "findings", True),
    "below it": ([host("a", finding())], "critical", "clean", False),
    "never, with a finding": ([host("a", finding())], "never", "findings", False),
    "never, with a note": ([host("a", finding("ASP409", "info"))], "never", "clean", False),
    "a host that is half seen": ([host("a", **BLIND)], "warning", "incomplete", True),
    "never, half seen": ([host("a", **BLIND)], "never", "incomplete", True),
    "one of two not reached": ([host("a", status="unreachable"), host("b")], "critical", "incomplete", True),
    "called checked, with something not known": ([host("a", finding("ASP001", "info"))], "never", "incomplete", True),
}


@pytest.mark.parametrize(("hosts", "fail_on", "status", "failed"), STATUSES.values(), ids=STATUSES)
def test_a_run_fails_on_what_it_was_told_to_and_on_what_nobody_saw(
    tmp_path: Path, hosts: list[dict[str, Any]], fail_on: str, status: str, failed: bool
) -> None:
    report = run_of(tmp_path, *hosts, fail_on=fail_on).report
    assert (report["status"], fails(report)) == (status, failed)
    assert not violations(kept(tmp_path))


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        ("unreachable", "timed out", "Ansible could not reach it: timed out"),
        ("unreachable", "", "Ansible could not reach it"),
        ("incomplete", "no right", "no right"),
        ("incomplete", "", "it was not fully checked"),
    ],
)
def test_a_host_that_was_not_checked_is_critical(tmp_path: Path, status: str, reason: str, message: str) -> None:
    report = run_of(tmp_path, host("sql01", status=status, reason=reason)).report
    assert [(each["id"], each["severity"], each["message"]) for each in report["findings"]] == [
        ("ASP001", "critical", message)
    ]


def test_what_is_not_known_is_critical_and_told_once(tmp_path: Path) -> None:
    blind = finding("ASP001", "info", message="no VIEW SERVER STATE")
    report = run_of(tmp_path, host("sql01", blind, **BLIND)).report
    assert [(each["severity"], each["message"]) for each in report["findings"]] == [
        ("critical", "no VIEW SERVER STATE")
    ]


def test_findings_carry_the_inventory_name_and_the_worst_come_first(tmp_path: Path) -> None:
    report = run_of(
        tmp_path,
        host("b", finding("ASP409", "info"), finding("ASP402", "critical")),
        host("a", finding("ASP409", "info"), finding()),
        waivers=tuple(waivers([WAIVER])),
    ).report
    assert [(each["host"], each["id"]) for each in report["findings"]] == [
        ("b", "ASP402"),
        ("a", "ASP409"),
        ("b", "ASP409"),
        ("a", "ASP403"),
    ]
    assert report["counts"] == {"critical": 1, "warning": 0, "info": 2, "waived": 1}


def test_a_waived_finding_stays_and_does_not_count(tmp_path: Path) -> None:
    made = run_of(tmp_path, host("a", finding()), waivers=tuple(waivers([WAIVER])))
    assert (made.report["status"], ids(made.report["findings"])) == ("clean", ["ASP403"])
    assert made.report["findings"][0]["waiver"] == {"reason": "known", "owner": "dba", "until": "2026-11-22"}
    assert not violations(kept(tmp_path))


def test_an_expired_waiver_waives_nothing_and_is_a_finding(tmp_path: Path) -> None:
    report = run_of(tmp_path, host("a", finding()), waivers=tuple(waivers([{**WAIVER, "until": "2026-11-21"}]))).report
    assert [(each["host"], each["id"], each["subject"], each["waiver"]) for each in report["findings"]] == [
        ("a", "ASP403", "database ASPState", None),
        ("report", "ASP002", "waiver ASP403 of database ASP*", None),
    ]


def test_one_thing_that_is_found_twice_has_two_keys_and_keeps_them(tmp_path: Path) -> None:
    twice = host("a", finding(message="one"), finding(message="two"))
    first, second = (run_of(tmp_path, twice, hours=hours).report for hours in (0, 1))
    keys = [each["key"] for each in first["findings"]]
    assert len(set(keys)) == 2
    assert [each["key"] for each in second["findings"]] == keys


# what is handed over, and what is said of it
REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a host twice": ([host("a"), host("a", kind="web")], "a is there twice"),
    "an id that there is not": ([host("a", finding("ASP999"))], "finding 1 of a is ASP999, which there is not"),
    "no id": ([host("a", finding(), {"message": "x"})], "finding 2 of a has no id and no subject"),
    "no text": ([host("a", finding(message=None))], "finding 1 of a has no message"),
    "another severity": ([host("a", finding(severity="error"))], "finding 1 of a has severity 'error'"),
}


@pytest.mark.parametrize(("hosts", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_finding_is_refused_before_anything_is_written(
    tmp_path: Path, hosts: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        run_of(tmp_path / "reports", *hosts)
    assert not (tmp_path / "reports").exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(st.characters(), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "id": st.sampled_from(sorted(FINDINGS)),
                "severity": st.sampled_from(["info", "warning", "critical"]),
                "subject": TEXT,
                "message": TEXT,
                "expected": JSON,
                "found": JSON,
            }
        ),
        max_size=4,
    )
)
def test_whatever_was_found_the_report_is_as_its_schema_says(
    tmp_path_factory: pytest.TempPathFactory, found: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("reports")
    run_of(path, host("sql01", *found, sample=SAMPLE))
    run_of(path, host("sql01", *found[1:]), hours=1)
    report = kept(path)
    assert not violations(report)
    assert len([each for each in report["findings"] if each["host"] == "sql01"]) == len(found[1:])


def test_the_schema_is_one_and_refuses_what_a_report_is_not(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    run_of(tmp_path, host("a", finding()))
    report = kept(tmp_path)
    assert violations({**report, "version": 2})
    assert violations({**report, "more": 1})
    assert violations({**report, "time": NOW.isoformat()})
    assert violations({key: value for key, value in report.items() if key != "status"})
