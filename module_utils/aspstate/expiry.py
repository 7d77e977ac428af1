"""Expiring sessions as it was planned: by the database's own procedure, or in batches of the project's.

A batch is one statement, one transaction and one round trip. It tests Expires where it deletes, so that a session that
was renewed meanwhile stays, passes over rows that a request has locked, and shares DeleteExpiredSessions' application
lock, which belongs to the database that the procedure is in.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from .errors import AspstateError, ConnectionLost, Refused, SqlServerError
from .expiry_plan import ExpiryPlan, How, count_expired
from .schema import in_tempdb
from .server import Server

DEADLOCK_RETRIES = 5
REPORT_SECONDS = 10

# The lock is waited for, since the job's run gives it up after each of its batches, and ends when it is taken then.
_BATCH = """
SET NOCOUNT ON
SET XACT_ABORT ON
SET DEADLOCK_PRIORITY LOW
SET TRANSACTION ISOLATION LEVEL READ COMMITTED
DECLARE @lock int
DECLARE @rows int
BEGIN TRANSACTION
EXEC @lock = sys.sp_getapplock
    @Resource = N'ASPState.DeleteExpiredSessions',
    @LockMode = 'Exclusive',
    @LockOwner = 'Transaction',
    @LockTimeout = 5000
IF @lock >= 0
BEGIN
    DELETE TOP (@batch_size) FROM dbo.ASPStateTempSessions WITH (ROWLOCK, READPAST, READCOMMITTEDLOCK)
    WHERE Expires < @before
    SET @rows = @@ROWCOUNT
END
COMMIT TRANSACTION
SELECT @rows
"""

_PROCEDURE = {
    (): "EXEC dbo.DeleteExpiredSessions SELECT NULL",
    ("@batchSize", "@deleted"): """
DECLARE @rows int
EXEC dbo.DeleteExpiredSessions @batchSize = @batch_size, @deleted = @rows OUTPUT
SELECT @rows
""",
}

_DEADLOCK = 1205


@dataclass(frozen=True)
class Outcome:
    """What was done. Of the procedure's batches nothing is known; `rows` and `left` None are not known either.

    `left` had expired when it began and are there still; `busy` tells that another expiry had the lock.
    """

    rows: int | None = 0
    batches: int | None = 0
    seconds: float = 0.0
    longest_batch: float | None = 0.0
    retries: int = 0
    left: int | None = None
    busy: bool = False

    @property
    def finished(self) -> bool | None:
        """Whether none is left; None where that is not known."""
        return None if self.left is None else self.left == 0

    def why_left(self, how: How) -> str:
        """A sentence, for `left` that is not 0."""
        if self.busy:
            return "another run has the lock, and goes on with them"
        if how.max_duration and self.seconds >= how.max_duration:
            return f"max_duration is {how.max_duration} s; run it again, it goes on"
        if self.batches is None:
            return "another run has the lock, or requests have them locked; run it again"
        return "requests have them locked; the next run takes them"


def expire(
    server: Server,
    plan: ExpiryPlan,
    how: How,
    report: Callable[[Outcome], None] = lambda _: None,
    every: float = REPORT_SECONDS,
) -> Outcome:
    """Do it. `report` is told how far it is, each so many seconds. Raises Refused if another expiry has the lock."""
    if plan.method == "procedure":
        done = _run_procedure(server, plan, how)
    else:
        done = _Batches(server, plan, how, report, every).run()
    return replace(done, left=None if plan.expired is None else count_expired(server, plan))


def _run_procedure(server: Server, plan: ExpiryPlan, how: How) -> Outcome:
    known = ("@batchSize", "@deleted") if {"@batchSize", "@deleted"} <= set(plan.parameters) else ()
    declare, values = ("@batch_size int", {"batch_size": how.batch_size}) if known else ("", {})
    begin = time.monotonic()
    try:
        (rows,) = server.run_in(plan.database, _PROCEDURE[known], declare, values).row
    except ConnectionLost as lost:
        lost.add_note("what DeleteExpiredSessions had committed stays; run again, or with method: project")
        raise
    if rows is None and plan.expired is not None:
        rows = max(0, plan.expired - count_expired(server, plan))
    return Outcome(rows, None, round(time.monotonic() - begin, 3), None)


class _Batches:
    """One run of the project's batches."""

    def __init__(
        self, server: Server, plan: ExpiryPlan, how: How, report: Callable[[Outcome], None], every: float
    ) -> None:
        self._server, self._plan, self._how, self._report, self._every = server, plan, how, report, every
        self._batch = in_tempdb(_BATCH) if plan.tables_in == "tempdb" else _BATCH
        self._begin = self._reported = time.monotonic()
        self._done = Outcome()

    def run(self) -> Outcome:
        """Batch after batch, until one is not full, the time is up, or another expiry has the lock."""
        try:
            while self._one() and self._goes_on():
                pass
        except AspstateError as error:
            if self._done.rows:
                error.add_note(
                    f"{self._done.rows} expired sessions were deleted in {self._done.batches} batches before; run it "
                    "again: it goes on"
                )
            raise
        return replace(self._done, seconds=round(time.monotonic() - self._begin, 3))

    def _one(self) -> bool:
        """One batch; whether there may be more to do."""
        begin = time.monotonic()
        rows = self._delete()
        if rows is None:
            self._done = replace(self._done, busy=True)
            self._must_have_begun()
            return False
        now, done = time.monotonic(), self._done
        self._done = replace(
            done,
            rows=done.rows + rows,
            batches=done.batches + 1,
            seconds=round(now - self._begin, 3),
            longest_batch=max(done.longest_batch, round(now - begin, 3)),
        )
        if now - self._reported >= self._every:
            self._reported = now
            self._report(self._done)
        return rows == self._how.batch_size

    def _delete(self) -> int | None:
        """Delete a batch, again if it lost a deadlock; None where another expiry has the lock."""
        values = {"batch_size": self._how.batch_size, "before": self._plan.before}
        for attempt in range(DEADLOCK_RETRIES + 1):
            try:
                return self._server.run_in(
                    self._plan.database, self._batch, "@batch_size int, @before datetime", values
                ).row[0]
            except SqlServerError as error:
                if error.error.number != _DEADLOCK or attempt == DEADLOCK_RETRIES:
                    raise
                self._done = replace(self._done, retries=self._done.retries + 1)
                time.sleep(0.1 * (attempt + 1))
        return None

    def _must_have_begun(self) -> None:
        if not self._done.batches:
            raise Refused(
                f"another run is expiring the sessions of database {self._plan.database} on {self._server.address} (it "
                "holds the application lock ASPState.DeleteExpiredSessions, as the job's does); nothing was deleted; "
                "wait until it has ended, and run again"
            )

    def _goes_on(self) -> bool:
        """Pause; whether there is time for one more batch."""
        time.sleep(self._how.pause / 1000)
        limit = self._how.max_duration
        return not limit or time.monotonic() - self._begin < limit
