"""sp_start_job, and what the Agent keeps of its history."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.msdb import messages, rights, rows
from lab.server.engine.msdb.shipped_procedure import raised
from lab.server.errors import unsupported
from lab.server.interface import Column
from lab.server.types import INT

STARTED = 14243
UNLIMITED = -1
MOST_HISTORY = 999_999


def start_job(session: Any, given: SimpleNamespace) -> None:
    """sp_start_job: it asks the Agent, and does not wait."""
    job = rights.runnable_job(session, given)
    name = job["name"]
    if not rows.first(session, "sysjobservers", job_id=job["job_id"]):
        text = (
            f'Cannot start the job "{name}" (ID {unique_ids.shown(job["job_id"])}) because it does not have any job'
            " server or servers defined. Associate the job with a job server by calling sp_add_jobserver."
        )
        raise raised(14256, text)
    if given.step_name is not None:
        raise unsupported(f"@step_name = {given.step_name!r}")
    agent = _running_agent(session)
    running = agent.running_for(job["job_id"])
    if running:
        text = (
            f"SQLServerAgent Error: Request to run job {name} (from User {session.login_name}) refused because the job"
            f" is already running from a request by {running}."
        )
        raise raised(22022, text)
    agent.request(job["job_id"], f"User {session.login_name}")
    session.client.message(STARTED, 0, 1, f"Job '{name}' started successfully.", "sp_start_job", 1)


def _running_agent(session: Any) -> Any:
    agent = session.engine.agent
    if agent is None or not agent.is_running:
        raise raised(22022, "SQLServerAgent is not currently running so it cannot be notified of this action.")
    return agent


def get_properties(session: Any, given: SimpleNamespace) -> None:
    """sp_get_sqlagent_properties: of its columns the two about the history."""
    limits = session.engine.find_database("msdb").history_limits
    client = session.client
    client.columns([Column("jobhistory_max_rows", INT), Column("jobhistory_max_rows_per_job", INT)])
    client.row(limits)
    client.done(1, select=True)


def set_properties(session: Any, given: SimpleNamespace) -> None:
    """sp_set_sqlagent_properties: how much history is kept. As in SQL Server, no rollback undoes it."""
    msdb = session.engine.find_database("msdb")
    rows_, per_job = msdb.history_limits
    rows_ = rows_ if given.jobhistory_max_rows is None else given.jobhistory_max_rows
    per_job = per_job if given.jobhistory_max_rows_per_job is None else given.jobhistory_max_rows_per_job
    if rows_ == UNLIMITED:
        per_job = 0
    else:
        messages.check_one_of("@jobhistory_max_rows", rows_, range(2, MOST_HISTORY + 1), f"-1, 2..{MOST_HISTORY}")
        messages.check_one_of("@jobhistory_max_rows_per_job", per_job, range(2, rows_ + 1), f"2..{rows_}")
    msdb.history_limits = (rows_, per_job)
    session.engine.write([["history limits", msdb.database_id, rows_, per_job]])
