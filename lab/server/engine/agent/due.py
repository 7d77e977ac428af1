"""When a schedule is due next: every n minutes or hours of each day, between its first and last date and time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.schedules import HOURS, LAST_DAY

MINUTES_AN_HOUR = 60
_A_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Timing:
    """What `sysschedules` says, with the length of the schedule's interval in seconds."""

    seconds: float
    first_day: date
    last_day: date
    from_time: time
    to_time: time

    @classmethod
    def of(cls, schedule: Found, minute: float) -> Timing:
        """`minute` is how many seconds a minute of a schedule has."""
        unit = minute * (MINUTES_AN_HOUR if schedule["freq_subday_type"] == HOURS else 1)
        return cls(
            unit * schedule["freq_subday_interval"],
            _date(schedule["active_start_date"]),
            _date(min(schedule["active_end_date"], LAST_DAY)),
            _time(schedule["active_start_time"]),
            _time(schedule["active_end_time"]),
        )

    def after(self, moment: datetime) -> datetime | None:
        """The first time after a moment; None if there is none any more."""
        day = max(moment.date(), self.first_day)
        for one in (day, day + _A_DAY) if day < date.max else (day,):
            begin, end = datetime.combine(one, self.from_time), datetime.combine(one, self.to_time)
            if one > self.last_day:
                return None
            passed = (moment - begin).total_seconds()
            due = begin if passed < 0 else begin + timedelta(seconds=(passed // self.seconds + 1) * self.seconds)
            if due <= end:
                return due
        return None


def _date(number: int) -> date:
    return date(number // 10_000, number // 100 % 100, number % 100)


def _time(number: int) -> time:
    return time(number // 10_000, number // 100 % 100, number % 100)


def as_date(moment: datetime) -> int:
    """yyyymmdd."""
    return moment.year * 10_000 + moment.month * 100 + moment.day


def as_time(moment: datetime) -> int:
    """hhmmss."""
    return moment.hour * 10_000 + moment.minute * 100 + moment.second


def as_duration(seconds: float) -> int:
    """hhmmss; there may be more than 24 hours."""
    whole = int(seconds)
    return whole // 3600 * 10_000 + whole // 60 % 60 * 100 + whole % 60
