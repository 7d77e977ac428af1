"""One run of a job: its steps one after the other, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.agent import history
from lab.server.engine.agent.step import CANCELLED, FAILED, LONGEST_MESSAGE, SUCCEEDED, Outcome, run_step
from lab.server.engine.locks import Cancelled
from lab.server.engine.msdb import rows
from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.steps import FAIL, GO_TO_STEP, NEXT_STEP

log = logging.getLogger(__name__)

_SAID = {
    SUCCEEDED: "The job succeeded.",
    FAILED: "The job failed.",
    CANCELLED: "The job was stopped prior to completion",
}


class JobRun:
    """`source` says who asked for it, like `User sa` or `Schedule 3 (nightly)`."""

    def __init__(self, agent: Any, job_id: bytes, source: str, next_run: datetime | None) -> None:
        self.agent = agent
        self.job_id = job_id
        self.source = source
        self.stopped_by = ""
        self._next_run = next_run
        self._session: Any = None
        self._mutex = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"job {job_id.hex()}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, who: str) -> None:
        """End it as soon as it can; its history says who asked for that."""
        with self._mutex:
            self.stopped_by = self.stopped_by or who
            if self._session is not None:
                self._session.cancel()

    def wait(self, seconds: float) -> None:
        """Until it has ended."""
        self._thread.join(seconds)

    def _tell(self, session: Any) -> bool:
        with self._mutex:
            self._session = session
            return bool(self.stopped_by)

    def _run(self) -> None:
        try:
            self._run_job()
        except Cancelled:
            log.info("job %s: the Agent ended before its history was written", self.job_id.hex())
        except Exception:
            log.exception("job %s", self.job_id.hex())
        finally:
            self.agent.ended(self)

    def _run_job(self) -> None:
        engine = self.agent.engine
        with history.writing(engine) as session:
            job = rows.first(session, "sysjobs", job_id=self.job_id)
            if job is None:
                return
            steps = rows.find(session, "sysjobsteps", job_id=self.job_id)
            history.job_started(session, self.agent.session_id, self.job_id, self._next_run)
        started = engine.now()
        outcome = self._run_steps(job, {step["step_id"]: step for step in steps})
        with history.writing(engine) as session:
            history.job_ended(session, self.agent.session_id, self.job_id, outcome, started)

    def _run_steps(self, job: Found, steps: dict[int, Found]) -> Outcome:
        engine, number, last = self.agent.engine, job["start_step_id"], None
        with engine.turn.taken():
            owner = engine.security.login_with(job["owner_sid"])
        if owner is None:
            why = f"The owner ({unique_owner(job)}) of job {job['name']} does not have server access."
            return self._job_outcome(FAILED, last, why)
        while number in steps:
            last = steps[number]
            outcome = self._run_step(last, owner)
            if outcome.status == CANCELLED:
                return self._job_outcome(CANCELLED, last)
            succeeded = outcome.status == SUCCEEDED
            action = last["on_success_action"] if succeeded else last["on_fail_action"]
            if action == NEXT_STEP:
                number += 1
            elif action == GO_TO_STEP:
                number = last["on_success_step_id"] if succeeded else last["on_fail_step_id"]
            else:
                return self._job_outcome(FAILED if action == FAIL else SUCCEEDED, last)
        return self._job_outcome(FAILED, last)

    def _run_step(self, step: Found, owner: Any) -> Outcome:
        engine = self.agent.engine
        started = engine.now()
        program = f"SQLAgent - TSQL JobStep (Job 0x{self.job_id.hex().upper()} : Step {step['step_id']})"
        identity = None if owner.is_sysadmin else owner
        outcome = run_step(engine, step["command"] or "", step["database_name"], identity, program, self._tell)
        with history.writing(engine) as session:
            history.step_ended(session, step, outcome, started)
        return outcome

    def _job_outcome(self, status: int, last: Found | None, why: str = "") -> Outcome:
        said = _SAID[status]
        if status == CANCELLED:
            said += f" by {self.stopped_by}."
        parts = [said, why, f"The Job was invoked by {self.source}."]
        if last is not None:
            parts.append(f"The last step to run was step {last['step_id']} ({last['step_name']}).")
        return Outcome(status, "  ".join(part for part in parts if part)[:LONGEST_MESSAGE])


def unique_owner(job: Found) -> str:
    """How the history shows an owner that no login is."""
    sid = job["owner_sid"]
    return unique_ids.shown(sid) if len(sid) == unique_ids.LENGTH else f"0x{sid.hex().upper()}"
