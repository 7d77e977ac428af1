"""The numbers of one look at the sessions, kept by whoever asks, and the growth from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any

from .errors import Refused
from .sessions import Look

LEAST_SECONDS = 60
"""Growth an hour is not reckoned from samples that are closer together."""


@dataclass(frozen=True)
class Sample:
    """Plain numbers; `time` is the server's, in UTC, and times in seconds are as of then; `started` is its start."""

    time: str
    started: str
    database: str
    rows: int
    live: int
    expired: int
    oldest_expired: int
    expired_before_start: int
    locked: int
    stuck: int
    oldest_lock: int
    uninitialized: int
    long: int
    long_percent: float
    bytes: int
    long_bytes: int

    @property
    def moment(self) -> datetime:
        """`time` as such; ValueError where it is none."""
        return _moment(self.time)

    def restarted(self, before: Sample) -> bool:
        """Whether SQL Server was started between the two; its own clock gives the start to the minute."""
        return (_moment(self.started) - _moment(before.started)).total_seconds() > 2 * LEAST_SECONDS


@dataclass(frozen=True)
class Growth:
    """How much there is more an hour, over so many seconds; negative where it shrank."""

    rows_per_hour: int
    bytes_per_hour: int
    seconds: int


def sample(look: Look, database: str) -> Sample:
    """All sessions of one look together."""
    each = look.sessions
    rows, long = sum(one.live + one.expired for one in each), sum(one.long for one in each)
    expires = min((one.oldest_expires for one in each if one.oldest_expires), default=look.now)
    locks = min((one.oldest_lock for one in each if one.oldest_lock), default=look.now)
    return Sample(
        time=_iso(look.now),
        started=_iso(look.started),
        database=database,
        rows=rows,
        live=sum(one.live for one in each),
        expired=sum(one.expired for one in each),
        oldest_expired=_seconds(look.now, expires),
        expired_before_start=sum(one.expired_before_start for one in each),
        locked=sum(one.locked for one in each),
        stuck=sum(one.stuck for one in each),
        oldest_lock=_seconds(look.now, locks),
        uninitialized=sum(one.uninitialized for one in each),
        long=long,
        long_percent=round(100 * long / rows, 1) if rows else 0.0,
        bytes=sum(one.bytes for one in each),
        long_bytes=sum(one.long_bytes for one in each),
    )


def sample_facts(one: Sample) -> dict[str, Any]:
    """A sample as plain data."""
    return asdict(one)


def earlier(given: Mapping[str, Any] | None, database: str) -> Sample | None:
    """The sample that an earlier run returned. Raises Refused for what is none, or of another database."""
    if not given:
        return None
    names = [field.name for field in fields(Sample)]
    if lacking := [name for name in names if name not in given]:
        raise Refused(
            f"previous is no sample: it lacks {', '.join(lacking)}; give what an earlier run returned as sample"
        )
    if wrong := [name for name in names if not _is_fine(name, given[name])]:
        raise Refused(
            f"previous is no sample: its {wrong[0]} is {given[wrong[0]]!r}; give what an earlier run returned as sample"
        )
    before = Sample(**{name: given[name] for name in names})
    if before.database.casefold() != database.casefold():
        raise Refused(f"previous is a sample of database {before.database}, not of {database}; give one of {database}")
    return before


def growth(before: Sample | None, now: Sample) -> Growth | None:
    """None without an earlier sample, or where it is too young. Raises Refused for one from the future."""
    if before is None:
        return None
    seconds = round((now.moment - before.moment).total_seconds())
    if seconds < 0:
        raise Refused(
            f"previous is from the future: it was taken at {before.time}, and the server's clock says {now.time}; give "
            "what an earlier run returned, or look at the clocks"
        )
    if seconds < LEAST_SECONDS:
        return None
    return Growth(
        round((now.rows - before.rows) * 3600 / seconds), round((now.bytes - before.bytes) * 3600 / seconds), seconds
    )


def _is_fine(name: str, value: Any) -> bool:
    if name in ("time", "started", "database"):
        return isinstance(value, str) and (name == "database" or _is_time(value))
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.replace(microsecond=0, tzinfo=UTC).isoformat().replace("+00:00", "Z")


def _seconds(now: datetime, then: datetime) -> int:
    return max(0, int((now - then).total_seconds()))
