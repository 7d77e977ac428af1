"""What is wrong with the job that expires sessions, or around it."""

from __future__ import annotations

from collections.abc import Iterator

from .agent import Agent
from .finding import Finding
from .job_owner import JobLogins, MayDo
from .jobs import HOURS, Job, Jobs

ROWS_PER_RUN = 2
"""Of history: one for the step and one for the job."""

DAY = 24 * 60


def job_findings(
    host: str, database: str, agent: Agent, jobs: Jobs, job: Job, logins: JobLogins, may_do: MayDo | None
) -> Iterator[Finding]:
    """Of the job as it will be. `may_do` is None while the database is not there."""
    if agent.runs is False:
        way_out = "start it, or expire sessions with playbooks/expire.yml on a timer"
        yield Finding(
            "ASP201",
            host,
            "SQL Server Agent",
            f"does not run, so sessions never end; {way_out}",
            "Running",
            agent.status,
        )
    for other in jobs.expiring:
        if other.id != job.id:
            yield Finding(
                "ASP203",
                host,
                f"job {other.name}",
                f"does the same as job {job.name}: it executes DeleteExpiredSessions of database {database}; delete it",
            )
    if may_do is not None and not may_do.execute:
        yield Finding(
            "ASP204",
            host,
            f"job {job.name}",
            f"runs as its owner {logins.owner}, who may not execute DeleteExpiredSessions of database {database}",
            "EXECUTE",
        )
    yield from _history_findings(host, job, agent)


def _history_findings(host: str, job: Job, agent: Agent) -> Iterator[Finding]:
    if agent.history_rows is None or -1 in (agent.history_rows, agent.history_rows_per_job):
        return
    minutes = min(
        (each.interval * (60 if each.subday_type == HOURS else 1) for each in job.schedules if each.enabled), default=0
    )
    kept = agent.history_rows_per_job // ROWS_PER_RUN * minutes
    if minutes and kept < DAY:
        yield Finding(
            "ASP205",
            host,
            f"job {job.name}",
            f"writes {ROWS_PER_RUN} rows of history a run, every {minutes} minute(s): SQL Server Agent keeps "
            f"{agent.history_rows_per_job} of a job, the last {kept} minutes, and {agent.history_rows} of all jobs, "
            "where it takes the place of others; set manage_agent_history with larger limits, or a longer interval",
            DAY,
            kept,
        )
