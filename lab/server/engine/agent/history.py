"""What the Agent writes into msdb: that a job runs, how its steps and itself ended, and no more than is to be kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from lab.server.engine.agent.due import as_date, as_duration, as_time
from lab.server.engine.agent.step import Outcome
from lab.server.engine.msdb import rows
from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.running import UNLIMITED
from lab.server.product import SERVER_NAME

JOB_OUTCOME = "(Job outcome)"


@contextmanager
def writing(engine: Any) -> Iterator[Any]:
    """A session in msdb that has the turn; what is changed in the block is committed together.

    One at a time: two runs that end would wait for each other's rows.
    """
    with engine.agent.writes, reading(engine) as session:
        yield session


@contextmanager
def reading(engine: Any) -> Iterator[Any]:
    """The same, for who changes nothing."""
    with engine.turn.taken():
        session = engine.agent_session(engine.find_database("msdb"), "SQLAgent - Job Manager")
    try:
        with engine.turn.taken(), session.statement():
            yield session
    finally:
        session.close()


def agent_started(session: Any) -> int:
    """Note that the Agent started; the number of its session."""
    number = rows.next_id(session, "syssessions")
    rows.insert(session, "syssessions", session_id=number, agent_start_date=session.engine.now())
    return number


def job_started(session: Any, agent_session: int, job_id: bytes, next_run: datetime | None) -> None:
    """In `sysjobactivity`, and when it runs next also in `sysjobschedules`."""
    now = session.engine.now()
    values = {
        "run_requested_date": now,
        "start_execution_date": now,
        "stop_execution_date": None,
        "job_history_id": None,
        "next_scheduled_run_date": next_run,
    }
    found = rows.first(session, "sysjobactivity", session_id=agent_session, job_id=job_id)
    if found:
        rows.update(session, found, **values)
    else:
        rows.insert(session, "sysjobactivity", session_id=agent_session, job_id=job_id, **values)
    for one in rows.find(session, "sysjobschedules", job_id=job_id):
        if next_run:
            rows.update(session, one, next_run_date=as_date(next_run), next_run_time=as_time(next_run))


def step_ended(session: Any, step: Found, outcome: Outcome, started: datetime) -> None:
    """In `sysjobhistory` and `sysjobsteps`."""
    seconds = (session.engine.now() - started).total_seconds()
    _insert(session, step["job_id"], step["step_id"], step["step_name"], outcome, started)
    present = rows.first(session, "sysjobsteps", job_id=step["job_id"], step_id=step["step_id"])
    if present:
        rows.update(session, present, **_last_run(outcome, started, seconds))


def job_ended(session: Any, agent_session: int, job_id: bytes, outcome: Outcome, started: datetime) -> None:
    """In `sysjobhistory`, `sysjobservers` and `sysjobactivity`; then the oldest history goes."""
    seconds = (session.engine.now() - started).total_seconds()
    instance = _insert(session, job_id, 0, JOB_OUTCOME, outcome, started)
    server = rows.first(session, "sysjobservers", job_id=job_id)
    if server:
        rows.update(session, server, last_outcome_message=outcome.message, **_last_run(outcome, started, seconds))
    activity = rows.first(session, "sysjobactivity", session_id=agent_session, job_id=job_id)
    if activity:
        rows.update(session, activity, stop_execution_date=session.engine.now(), job_history_id=instance)
    _trim(session, job_id)


def _last_run(outcome: Outcome, started: datetime, seconds: float) -> dict[str, Any]:
    return {
        "last_run_outcome": outcome.status,
        "last_run_date": as_date(started),
        "last_run_time": as_time(started),
        "last_run_duration": as_duration(seconds),
    }


def _insert(session: Any, job_id: bytes, step: int, name: str, outcome: Outcome, started: datetime) -> int:
    number = rows.next_id(session, "sysjobhistory")
    rows.insert(
        session,
        "sysjobhistory",
        instance_id=number,
        job_id=job_id,
        step_id=step,
        step_name=name,
        sql_message_id=outcome.number,
        sql_severity=outcome.severity,
        message=outcome.message,
        run_status=outcome.status,
        run_date=as_date(started),
        run_time=as_time(started),
        run_duration=as_duration((session.engine.now() - started).total_seconds()),
        server=SERVER_NAME,
    )
    return number


def _trim(session: Any, job_id: bytes) -> None:
    """The rows of the job first, then those of all jobs."""
    most, most_of_job = session.engine.find_database("msdb").history_limits
    if most == UNLIMITED:
        return
    of_job = rows.find(session, "sysjobhistory", read_past=True, job_id=job_id)
    rows.delete(session, of_job[: max(0, len(of_job) - most_of_job)])
    everything = rows.find(session, "sysjobhistory", read_past=True)
    rows.delete(session, everything[: max(0, len(everything) - most)])
