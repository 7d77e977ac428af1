"""What a check found, by a stable id: what is wrong, where, and the page that says what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SEVERITIES = ("info", "warning", "critical")

FINDINGS: dict[str, tuple[str, str]] = {
    "ASP001": ("critical", "not_known"),  # what could not be seen
    "ASP002": ("warning", "report"),  # a waiver that has expired
    "ASP003": ("warning", "report"),  # an older report that cannot be read
    "ASP004": ("warning", "report"),  # a clock that went back
    "ASP101": ("info", "database"),  # session state of Microsoft's making
    "ASP102": ("warning", "database"),  # procedures of several generations
    "ASP103": ("warning", "database"),  # edited procedures
    "ASP104": ("critical", "database"),  # procedures that are missing
    "ASP105": ("critical", "database"),  # tables that are missing
    "ASP106": ("warning", "database"),  # DeleteExpiredSessions makes requests wait
    "ASP107": ("critical", "database"),  # DeleteExpiredSessions deletes renewed sessions
    "ASP108": ("critical", "database"),  # DeleteExpiredSessions fails on a case-sensitive collation
    "ASP109": ("critical", "database"),  # times that are local
    "ASP110": ("warning", "database"),  # columns made with ANSI_PADDING OFF
    "ASP111": ("warning", "database"),  # no index on Expires
    "ASP112": ("warning", "database"),  # leftovers
    "ASP113": ("critical", "database"),  # tables that a restart does not bring back
    "ASP114": ("critical", "database"),  # tables that are not System.Web's
    "ASP115": ("warning", "database"),  # a job without its database
    "ASP116": ("warning", "database"),  # a conversion that is not finished
    "ASP117": ("critical", "database"),  # no database
    "ASP118": ("warning", "database"),  # properties that differ
    "ASP119": ("warning", "database"),  # objects that differ
    "ASP120": ("critical", "database"),  # what site.yml would refuse
    "ASP121": ("warning", "database"),  # objects that nobody declared
    "ASP122": ("warning", "database"),  # a log that cannot be reused
    "ASP123": ("info", "database"),  # what a DBA would want to know
    "ASP124": ("critical", "database"),  # a session that cannot be lived through
    "ASP201": ("critical", "agent_job"),  # SQL Server Agent does not run
    "ASP202": ("critical", "agent_job"),  # no good run of the job
    "ASP203": ("warning", "agent_job"),  # two jobs do the same
    "ASP204": ("critical", "agent_job"),  # the job's owner may not execute the procedure
    "ASP205": ("info", "agent_job"),  # the history of a day is not kept
    "ASP206": ("warning", "agent_job"),  # a job that differs
    "ASP207": ("critical", "agent_job"),  # what site.yml would refuse
    "ASP301": ("critical", "grants"),  # a login cannot execute what its client calls
    "ASP302": ("warning", "grants"),  # more rights than the client needs
    "ASP303": ("warning", "grants"),  # rights in tempdb
    "ASP304": ("critical", "grants"),  # an orphaned user
    "ASP305": ("critical", "grants"),  # a broken ownership chain
    "ASP306": ("critical", "grants"),  # a login that cannot connect
    "ASP307": ("warning", "grants"),  # logins, users and members that differ
    "ASP308": ("warning", "grants"),  # users that nobody declared
    "ASP309": ("critical", "grants"),  # what site.yml would refuse
    "ASP401": ("critical", "sessions"),  # no session tables
    "ASP402": ("critical", "sessions"),  # a session expired long ago and is still there
    "ASP403": ("warning", "sessions"),  # too many expired sessions
    "ASP404": ("info", "sessions"),  # sessions that expired before SQL Server started
    "ASP405": ("warning", "sessions"),  # stuck locks
    "ASP406": ("warning", "sessions"),  # too many bytes
    "ASP407": ("warning", "sessions"),  # grows too fast
    "ASP408": ("warning", "sessions"),  # sessions of no application
    "ASP409": ("info", "sessions"),  # applications without sessions
    "ASP410": ("info", "sessions"),  # applications that differ in the site only
    "ASP411": ("critical", "sessions"),  # applications of one id
    "ASP412": ("info", "sessions"),  # SQL Server was restarted
    "ASP413": ("warning", "sessions"),  # will be full soon
    "ASP501": ("critical", "web_config"),  # a <sessionState> that ASP.NET does not load
    "ASP502": ("critical", "web_config"),  # a connection string that it refuses
    "ASP503": ("warning", "web_config"),  # a retry interval that does not retry
    "ASP504": ("warning", "web_config"),  # what does not do what it says
    "ASP505": ("warning", "web_config"),  # a password in plain text
    "ASP506": ("critical", "web_config"),  # web hosts of one farm that differ
    "ASP507": ("critical", "web_config"),  # applications of one farm with different ids
    "ASP508": ("warning", "web_config"),  # a <sessionState> that differs
    "ASP509": ("critical", "web_config"),  # what site.yml would refuse
    "ASP601": ("critical", "web_service"),  # it does not run
    "ASP602": ("critical", "web_service"),  # an application that does not answer
    "ASP603": ("warning", "web_service"),  # stopped by a run that was cut off
    "ASP701": ("warning", "schedule"),  # a timer that is missing or differs
    "ASP702": ("critical", "schedule"),  # a timer that does not do its work
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
