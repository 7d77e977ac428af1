"""What a check found, by a stable id: what is wrong, where, and the page that says what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("info", "warning", "critical")

FINDINGS: dict[str, tuple[str, str]] = {
    "ASP201": ("critical", "agent_job"),  # SQL Server Agent does not run
    "ASP203": ("warning", "agent_job"),  # two jobs do the same
    "ASP204": ("critical", "agent_job"),  # the job's owner may not execute the procedure
    "ASP205": ("info", "agent_job"),  # the history of a day is not kept
    "ASP301": ("critical", "grants"),
    "ASP302": ("warning", "grants"),
    "ASP303": ("warning", "grants"),
    "ASP304": ("critical", "grants"),
    "ASP305": ("critical", "grants"),
    "ASP306": ("critical", "grants"),
}
"""Each id with its usual severity and its page in docs/runbooks, where it is a heading."""


@dataclass(frozen=True)
class Finding:
    """`host` is the server's address, `subject` the thing on it; `expected` and `found` are text or numbers.

    The id is one of FINDINGS; `severity` is its usual one where none is given.
    """

    id: str
    host: str
    subject: str
    message: str
    expected: object = None
    found: object = None
    severity: str = ""

    def facts(self) -> dict[str, Any]:
        """As plain data for a module's result, with the runbook's place in docs."""
        severity, page = FINDINGS[self.id]
        return {
            **asdict(self),
            "severity": self.severity or severity,
            "runbook": f"docs/runbooks/{page}.md#{self.id.lower()}",
        }
