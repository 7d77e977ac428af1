"""Whether SQL Server Agent runs, and when a job of its last expired the sessions of a database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from .agent import EXPRESS
from .jobs import names_procedure
from .server import Server

# Asked in one batch, each together with the right without which it would answer with nothing. Times of the history
# are the server's own local ones, as GETDATE() is. The last run and how long it took come as one number, which counts
# years from 2000 to fit into a bigint.
_ASK = """
DECLARE @may_see_services bit = HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')
DECLARE @may_see_jobs bit = CASE
    WHEN HAS_PERMS_BY_NAME(N'msdb.dbo.sysjobs', 'OBJECT', 'SELECT') = 1
        AND HAS_PERMS_BY_NAME(N'msdb.dbo.sysjobsteps', 'OBJECT', 'SELECT') = 1
        AND HAS_PERMS_BY_NAME(N'msdb.dbo.sysjobhistory', 'OBJECT', 'SELECT') = 1 THEN 1
    ELSE 0 END

SELECT @may_see_services, @may_see_jobs, CONVERT(int, SERVERPROPERTY('EngineEdition')), GETDATE()

IF @may_see_services = 1
    SELECT status_desc
    FROM sys.dm_server_services
    WHERE servicename LIKE N'SQL Server Agent%'
ELSE
    SELECT NULL

IF @may_see_jobs = 1
    SELECT j.name, j.enabled, s.command, s.database_name, DATEDIFF(second, j.date_created, GETDATE()),
           MAX(((CONVERT(bigint, h.run_date) - 20000000) * 1000000 + h.run_time) * 1000000 + h.run_duration)
    FROM msdb.dbo.sysjobs AS j WITH (NOLOCK)
    JOIN msdb.dbo.sysjobsteps AS s WITH (NOLOCK) ON s.job_id = j.job_id
    LEFT JOIN msdb.dbo.sysjobhistory AS h WITH (NOLOCK)
        ON h.job_id = s.job_id AND h.step_id = s.step_id AND h.run_status = 1
    WHERE s.command LIKE N'%DeleteExpiredSessions%'
    GROUP BY j.name, j.enabled, s.command, s.database_name, j.date_created
"""


@dataclass(frozen=True)
class ExpiryJob:
    """`jobs` are those of which a step executes DeleteExpiredSessions for the database, enabled or `disabled`.

    `last_good` is how many seconds ago such a step last began that ended well, `duration` how many it took then; None
    where the history has none.
    `age` is how many seconds ago the oldest of the jobs was created.
    `agent` and `jobs` are None where the login may not see that; `not_known` says so.
    """

    express: bool
    agent: bool | None
    jobs: tuple[str, ...] | None
    disabled: tuple[str, ...] = ()
    last_good: int | None = None
    duration: int | None = None
    age: int = 0
    not_known: tuple[str, ...] = ()


def read_expiry_job(server: Server, database: str) -> ExpiryJob:
    """What runs DeleteExpiredSessions of `database`; one round trip, from master."""
    ((may_see_services, may_see_jobs, edition, now),), services, *steps = server.run(_ASK).sets
    ours = (
        [step for step in steps[0] if names_procedure(step[2] or "", step[3] or "", database)] if may_see_jobs else []
    )
    last = max((each for *_, each in ours if each is not None), default=None)
    return ExpiryJob(
        express=edition == EXPRESS,
        agent=services == [("Running",)] if may_see_services else None,
        jobs=tuple(sorted({name for name, *_ in ours})) if may_see_jobs else None,
        disabled=tuple(sorted({name for name, enabled, *_ in ours if not enabled})),
        last_good=None if last is None else _seconds_since(now, last // 1_000_000),
        duration=None if last is None else _seconds(last % 1_000_000),
        age=max((age for *_, age, _ in ours), default=0),
        not_known=tuple(_not_known(server, bool(may_see_services), bool(may_see_jobs))),
    )


def _not_known(server: Server, services: bool, jobs: bool) -> Iterator[str]:
    if not services:
        yield (
            f"whether SQL Server Agent runs on {server.address} is not known: login {server.user} lacks VIEW SERVER "
            "STATE"
        )
    if not jobs:
        yield (
            f"when a job last expired sessions on {server.address} is not known: login {server.user} lacks SELECT on "
            "sysjobs, sysjobsteps and sysjobhistory in msdb"
        )


def _seconds_since(now: datetime, number: int) -> int:
    """`number` is 261121170959, as the history has date and time, in years from 2000."""
    return max(0, round((now - datetime.strptime(f"20{number:012d}", "%Y%m%d%H%M%S")).total_seconds()))


def _seconds(duration: int) -> int:
    """`duration` is 10203 for an hour, two minutes and three seconds, as the history has it."""
    return duration // 10_000 * 3600 + duration // 100 % 100 * 60 + duration % 100
