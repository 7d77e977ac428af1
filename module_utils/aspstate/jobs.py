"""SQL Server Agent's jobs that execute DeleteExpiredSessions, as msdb has them.

Tables: https://learn.microsoft.com/sql/relational-databases/system-tables/sql-server-agent-tables-transact-sql
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .errors import NotKnown
from .server import Server
from .tsql import significant

PROCEDURE = "DeleteExpiredSessions"

_READ = (
    "sysjobs",
    "sysjobsteps",
    "sysjobschedules",
    "sysschedules",
    "sysjobservers",
    "syscategories",
)

_ALL_READABLE = " AND ".join(f"HAS_PERMS_BY_NAME(N'dbo.{table}', 'OBJECT', 'SELECT') = 1" for table in _READ)

_MAY_READ = """
DECLARE @may_read bit = CASE WHEN {all readable} THEN 1 ELSE 0 END
SELECT @may_read
IF @may_read = 0
    RETURN
""".replace("{all readable}", _ALL_READABLE)

# The jobs that may be meant: one of that name, and all that have the procedure's name in a step.
_JOBS = """
CREATE TABLE #jobs (job_id uniqueidentifier NOT NULL PRIMARY KEY)
INSERT #jobs (job_id)
SELECT job_id
FROM dbo.sysjobs
WHERE name = @job OR job_id IN (SELECT job_id FROM dbo.sysjobsteps WHERE command LIKE N'%DeleteExpiredSessions%')

SELECT CONVERT(nvarchar(36), j.job_id), j.name, j.enabled, j.description, j.start_step_id, c.name,
       CASE WHEN j.owner_sid = 0x01 THEN N'sa' ELSE SUSER_SNAME(j.owner_sid) END,
       (SELECT COUNT(*) FROM dbo.sysjobservers AS s WHERE s.job_id = j.job_id AND s.server_id = 0)
FROM #jobs AS m
JOIN dbo.sysjobs AS j ON j.job_id = m.job_id
LEFT JOIN dbo.syscategories AS c ON c.category_id = j.category_id
ORDER BY j.name

SELECT CONVERT(nvarchar(36), s.job_id), s.step_id, s.step_name, s.subsystem, s.command, s.database_name,
       s.on_success_action, s.on_fail_action
FROM #jobs AS m
JOIN dbo.sysjobsteps AS s ON s.job_id = m.job_id
ORDER BY s.step_id

SELECT CONVERT(nvarchar(36), a.job_id), s.schedule_id, s.name, s.enabled, s.freq_type, s.freq_interval,
       s.freq_subday_type, s.freq_subday_interval, s.active_start_date, s.active_end_date, s.active_start_time,
       s.active_end_time, (SELECT COUNT(*) FROM dbo.sysjobschedules AS o WHERE o.schedule_id = s.schedule_id)
FROM #jobs AS m
JOIN dbo.sysjobschedules AS a ON a.job_id = m.job_id
JOIN dbo.sysschedules AS s ON s.schedule_id = a.schedule_id
ORDER BY s.schedule_id

SELECT GETDATE(), (SELECT COUNT(*) FROM dbo.syscategories WHERE name = @category AND category_class = 1)
"""

DAILY, MINUTES, HOURS = 4, 4, 8
"""freq_type and freq_subday_type of sysschedules."""

FIRST_DAY, LAST_DAY, LAST_SECOND = 20000101, 99991231, 235959


@dataclass(frozen=True)
class JobStep:
    """`on_success` and `on_failure` are msdb's: 1 quit with success, 2 quit with failure, 3 next step, 4 another."""

    name: str
    command: str
    database: str
    subsystem: str = "TSQL"
    on_success: int = 1
    on_failure: int = 2
    number: int = 1


@dataclass(frozen=True)
class Schedule:
    """When a job starts, in the words of sysschedules; `jobs` is how many jobs have it, `id` is 0 for a new one."""

    name: str
    interval: int = 1
    enabled: bool = True
    freq_type: int = DAILY
    freq_interval: int = 1
    subday_type: int = MINUTES
    start_date: int = FIRST_DAY
    end_date: int = LAST_DAY
    start_time: int = 0
    end_time: int = LAST_SECOND
    id: int = 0
    jobs: int = 1

    def __str__(self) -> str:
        if (self.freq_type, self.freq_interval) != (DAILY, 1) or self.subday_type not in (MINUTES, HOURS):
            return f"freq_type {self.freq_type}, {self.freq_interval}, {self.subday_type}, {self.interval}"
        unit = "minute(s)" if self.subday_type == MINUTES else "hour(s)"
        days = f"{self.start_date} to {self.end_date}, {self.start_time:06} to {self.end_time:06}"
        return f"every {self.interval} {unit}, {days}"


@dataclass(frozen=True)
class Job:
    """`owner` is "sa" for SID 0x01, None where no login has its SID; `local`: it is for this server; `id` is msdb's."""

    name: str
    enabled: bool
    description: str
    category: str | None
    owner: str | None
    steps: tuple[JobStep, ...]
    schedules: tuple[Schedule, ...]
    start_step: int = 1
    local: bool = True
    id: str = ""


@dataclass(frozen=True)
class Jobs:
    """`expiring` delete the expired sessions of the database; `namesake` has the name that is wanted and does not.

    `today` is the server's day, as msdb writes it; `category_exists` is of the category that is wanted.
    """

    expiring: tuple[Job, ...] = ()
    namesake: Job | None = None
    today: int = FIRST_DAY
    category_exists: bool = True


def read_jobs(server: Server, database: str, name: str, category: str) -> Jobs:
    """The jobs for `database`, the one called `name`, and whether jobs may be of `category`.

    Raises NotKnown where the login may not read msdb."""
    values = {"job": name, "category": category}
    ((may_read,),), *sets = server.run_in("msdb", _MAY_READ + _JOBS, "@job sysname, @category sysname", values).sets
    if not may_read:
        raise NotKnown(
            f"which jobs {server.address} has is not known: login {server.user} lacks SELECT on "
            f"{', '.join(f'dbo.{table}' for table in _READ)} in msdb; grant it (or db_datareader there), or use "
            "another login"
        )
    jobs, steps, schedules, ((now, categories),) = sets
    found = [_job(row, steps, schedules) for row in jobs]
    expiring = tuple(job for job in found if any(deletes_expired(step, database) for step in job.steps))
    namesakes = [job for job in found if job.name.casefold() == name.casefold() and job not in expiring]
    return Jobs(expiring, namesakes[0] if namesakes else None, _day(now), bool(categories))


def _job(row: tuple[Any, ...], steps: list[tuple[Any, ...]], schedules: list[tuple[Any, ...]]) -> Job:
    id_, name, enabled, description, start_step, category, owner, servers = row
    return Job(
        name,
        bool(enabled),
        description or "",
        category,
        owner,
        tuple(_step(*rest) for job, *rest in steps if job == id_),
        tuple(_schedule(*rest) for job, *rest in schedules if job == id_),
        start_step,
        bool(servers),
        id_,
    )


def _step(
    number: int, name: str, subsystem: str, command: str | None, database: str | None, success: int, failure: int
) -> JobStep:
    return JobStep(name, command or "", database or "master", subsystem, success, failure, number)


def _schedule(id_: int, name: str, enabled: int, *timing: int) -> Schedule:
    freq_type, freq_interval, subday_type, interval, *active, jobs = timing
    return Schedule(name, interval, bool(enabled), freq_type, freq_interval, subday_type, *active, id_, jobs)


def deletes_expired(step: JobStep, database: str) -> bool:
    """Whether a step executes DeleteExpiredSessions of a database."""
    return step.subsystem.upper() == "TSQL" and names_procedure(step.command, step.database, database)


def names_procedure(command: str, where: str, database: str) -> bool:
    """Whether a command that runs in database `where` names `[[database.][schema].]DeleteExpiredSessions`."""
    words = [token.text.strip('[]"').casefold() for token in significant(command)]
    named = [_database_of(words[:place]) for place, word in enumerate(words) if word == PROCEDURE.casefold()]
    return any((each or where.casefold()) == database.casefold() for each in named)


def _database_of(before: list[str]) -> str:
    """The database that the words before a procedure's name name, if any."""
    match before:
        case [*_, database, ".", "."] | [*_, database, ".", _, "."]:
            return database
    return ""


def _day(now: datetime) -> int:
    return now.year * 10000 + now.month * 100 + now.day
