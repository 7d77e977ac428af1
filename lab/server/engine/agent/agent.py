"""The Agent: looks which jobs are due, runs each at most once at a time, and can be stopped and started."""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Any

from lab.server.engine.agent import history
from lab.server.engine.agent.due import Timing
from lab.server.engine.agent.run import JobRun
from lab.server.engine.msdb import rows

MINUTE = 60.0
STOP_SECONDS = 5
"""How long a job that runs may take to notice that the Agent ends."""

log = logging.getLogger(__name__)

_Key = tuple[bytes, int, Timing]


class Agent:
    """`minute` is how many seconds a minute of a schedule has."""

    def __init__(self, engine: Any, minute: float = MINUTE) -> None:
        self.engine = engine
        self.minute = minute
        self.session_id = 0
        self.started: datetime | None = None
        self.writes = threading.Lock()
        """Held while the Agent changes msdb."""
        self._mutex = threading.Lock()
        self._runs: dict[bytes, JobRun] = {}
        self._due: dict[_Key, datetime | None] = {}
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Whether it takes requests."""
        return self._thread is not None and not self._stopping.is_set()

    def start(self) -> None:
        """Begin, unless it runs."""
        if self._thread is not None:
            return
        with history.writing(self.engine) as session:
            self.session_id = history.agent_started(session)
        self.started = self.engine.now()
        self._stopping.clear()
        self._due.clear()
        self._thread = threading.Thread(target=self._look, name="agent", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it and the jobs that run."""
        if self._thread is None:
            return
        self._stopping.set()
        self._thread.join()
        self._thread = None
        with self._mutex:
            runs = list(self._runs.values())
        for run in runs:
            run.stop("the stop of SQLServerAgent")
        for run in runs:
            run.wait(STOP_SECONDS)

    def running_for(self, job_id: bytes) -> str:
        """Who asked for the run of a job that runs now, or ''."""
        with self._mutex:
            run = self._runs.get(job_id)
            return run.source if run else ""

    def request(self, job_id: bytes, source: str) -> bool:
        """Run a job, unless it runs; whether it begins."""
        with self._mutex:
            if job_id in self._runs or not self.is_running:
                return False
            due = [moment for (id_, _, _), moment in self._due.items() if id_ == job_id and moment]
            run = self._runs[job_id] = JobRun(self, job_id, source, min(due, default=None))
        run.start()
        return True

    def ended(self, run: JobRun) -> None:
        """A run is over."""
        with self._mutex:
            del self._runs[run.job_id]

    def _look(self) -> None:
        pause = max(0.02, min(1.0, self.minute / 30))
        while not self._stopping.wait(pause):
            try:
                self._start_due()
            except Exception:
                log.exception("the Agent")

    def _start_due(self) -> None:
        now, known = self.engine.now(), self._schedules()
        due: list[tuple[bytes, str]] = []
        with self._mutex:
            for gone in self._due.keys() - known.keys():
                del self._due[gone]
            for key, name in known.items():
                job_id, schedule_id, timing = key
                moment = self._due.get(key)
                if moment is not None and moment <= now:
                    due.append((job_id, f"Schedule {schedule_id} ({name})"))
                if key not in self._due or (moment is not None and moment <= now):
                    self._due[key] = timing.after(now)
        for job_id, source in due:
            self.request(job_id, source)

    def _schedules(self) -> dict[_Key, str]:
        """The names of the enabled schedules of enabled jobs on this server. What others are changing is left out."""
        with history.reading(self.engine) as session:

            def read(name: str, **wanted: Any) -> list[rows.Found]:
                return rows.find(session, name, read_past=True, **wanted)

            jobs = {one["job_id"] for one in read("sysjobs", enabled=1)}
            jobs &= {one["job_id"] for one in read("sysjobservers")}
            schedules = {one["schedule_id"]: one for one in read("sysschedules", enabled=1)}
            found = {}
            for one in read("sysjobschedules"):
                schedule = schedules.get(one["schedule_id"])
                if schedule and one["job_id"] in jobs:
                    found[one["job_id"], schedule["schedule_id"], Timing.of(schedule, self.minute)] = schedule["name"]
            return found
