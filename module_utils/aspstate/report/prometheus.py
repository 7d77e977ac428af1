"""The report as Prometheus's text format: what to alert on, by host; no label holds a text of a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

from ..finding import SEVERITIES
from .text import REPORT, moment

STATUSES = ("clean", "findings", "incomplete")

_SAMPLE = {
    "live": ("aspstate_sessions_live", "Sessions that have not expired."),
    "expired": ("aspstate_sessions_expired", "Sessions that have expired and are still there."),
    "stuck": ("aspstate_sessions_stuck_locks", "Sessions that are locked for longer than a request may run."),
    "bytes": ("aspstate_sessions_bytes", "Bytes of the items of all sessions."),
    "oldest_expired": (
        "aspstate_sessions_backlog_age_seconds",
        "How long ago the oldest session that is still there expired.",
    ),
}
_JOB = {
    "last_good": (
        "aspstate_job_last_good_timestamp_seconds",
        "When the job that deletes expired sessions last did so.",
    ),
    "duration": ("aspstate_job_duration_seconds", "How long that run of the job took."),
}


def prometheus(report: Mapping[str, Any]) -> str:
    """Only gauges: each run says all that is known of it. What a host did not tell has no sample."""
    registry = CollectorRegistry()
    now = moment(report["time"]).timestamp()
    _gauge(registry, "aspstate_check_timestamp_seconds", "When the check was made.").set(now)
    status = _gauge(
        registry, "aspstate_check_status", "1 for the status that the check has, 0 for the others.", "status"
    )
    for each in STATUSES:
        status.labels(each).set(report["status"] == each)
    _hosts(registry, report)
    _findings(registry, report)
    _numbers(registry, report, now)
    return generate_latest(registry).decode()


def _hosts(registry: CollectorRegistry, report: Mapping[str, Any]) -> None:
    checked = _gauge(registry, "aspstate_host_checked", "Whether all of the host was looked at.", "host", "kind")
    for host in report["hosts"]:
        checked.labels(host["name"], host["kind"]).set(host["status"] == "checked")


def _findings(registry: CollectorRegistry, report: Mapping[str, Any]) -> None:
    by_severity: Counter[tuple[str, str]] = Counter()
    by_id: Counter[tuple[str, str]] = Counter()
    waived: Counter[str] = Counter()
    for each in report["findings"]:
        if each["waiver"]:
            waived[each["host"]] += 1
        else:
            by_severity[each["host"], each["severity"]] += 1
            by_id[each["host"], each["id"]] += 1
    findings = _gauge(registry, "aspstate_findings", "Findings that are not waived.", "host", "severity")
    kept = _gauge(registry, "aspstate_findings_waived", "Findings that are waived.", "host")
    for name in [host["name"] for host in report["hosts"]] + [REPORT]:
        kept.labels(name).set(waived[name])
        for severity in SEVERITIES:
            findings.labels(name, severity).set(by_severity[name, severity])
    ids = _gauge(
        registry, "aspstate_findings_by_id", "Findings that are not waived, of ids that there are.", "host", "id"
    )
    for (name, id_), number in sorted(by_id.items()):
        ids.labels(name, id_).set(number)


def _numbers(registry: CollectorRegistry, report: Mapping[str, Any], now: float) -> None:
    for facts, numbers in (("sample", _SAMPLE), ("job", _JOB)):
        for key, (name, help_) in numbers.items():
            gauge = _gauge(registry, name, help_, "host")
            for host in report["hosts"]:
                value = (host[facts] or {}).get(key)
                if isinstance(value, int | float):
                    gauge.labels(host["name"]).set(now - value if key == "last_good" else value)


def _gauge(registry: CollectorRegistry, name: str, help_: str, *labels: str) -> Gauge:
    return Gauge(name, help_, labels, registry=registry)
