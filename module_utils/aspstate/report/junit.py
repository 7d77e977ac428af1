"""The report as CI systems read it: a test suite a host, a test case a finding or a family without any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ..finding import FINDINGS
from .document import counts_for
from .text import REPORT

_FAMILIES = {
    "database": ("database", "agent_job", "grants", "sessions"),
    "web": ("web_config", "web_service"),
    "controller": ("schedule",),
}


def junit(report: Mapping[str, Any]) -> str:
    """A finding on which the run fails is a failure, ASP001 an error, a waived one skipped, any other passes with its
    text. A family of which nothing was found passes only where the host was fully checked.
    """
    everything = JUnitXml(report["title"])
    found = defaultdict(list)
    for each in report["findings"]:
        found[each["host"]].append(each)
    for host in report["hosts"]:
        findings = found[host["name"]]
        everything.add_testsuite(_suite(host["name"], [*_cases(findings, report), *_quiet(host, findings)], report))
    everything.add_testsuite(_suite(REPORT, list(_cases(found[REPORT], report)), report))
    everything.update_statistics()
    return everything.tostring().decode()


def _suite(name: str, cases: list[TestCase], report: Mapping[str, Any]) -> TestSuite:
    suite = TestSuite(name)
    suite.timestamp = report["time"].removesuffix("Z")
    suite.add_testcases(cases)
    return suite


def _cases(findings: list[Mapping[str, Any]], report: Mapping[str, Any]) -> Iterator[TestCase]:
    for each in findings:
        case = TestCase(f"{each['id']} {each['subject']}", f"{each['host']}.{_family(each)}")
        text = f"{each['severity']}: {each['message']}\nfirst seen {each['first_seen']}\nsee {each['runbook']}"
        if each["id"] == "ASP001":
            case.result = [_with_text(Error(each["message"], each["severity"]), text)]
        elif each["waiver"]:
            waiver = each["waiver"]
            case.result = [Skipped(f"waived until {waiver['until']} by {waiver['owner']}: {waiver['reason']}")]
        elif counts_for(each, report["fail_on"]):
            case.result = [_with_text(Failure(each["message"], each["severity"]), text)]
        else:
            case.system_out = text
        yield case


def _quiet(host: Mapping[str, Any], findings: list[Mapping[str, Any]]) -> Iterator[TestCase]:
    """The families in which nothing was found."""
    for family in _FAMILIES[host["kind"]]:
        if any(_family(each) == family for each in findings):
            continue
        case = TestCase(family, f"{host['name']}.{family}")
        if host["status"] != "checked":
            case.result = [Skipped(f"not known: the host is {host['status']}")]
        yield case


def _family(finding: Mapping[str, Any]) -> str:
    return FINDINGS[finding["id"]][1]


def _with_text(result: Failure | Error, text: str) -> Failure | Error:
    result.text = text
    return result
