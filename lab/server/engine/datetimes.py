"""datetime values: rounding to 1/300 s, text to datetime and back, date parts. All values are naive, without a zone."""

from __future__ import annotations

import re
from datetime import MINYEAR, datetime, timedelta

from lab.server.errors import Reach, SqlError, unsupported

EPOCH = datetime(1900, 1, 1)
FIRST_YEAR = 1753

_TEXT = re.compile(
    r"""
    \s* (?: (?P<year>\d{4}) - (?P<month>\d\d?) - (?P<day>\d\d?) | (?P<packed>\d{8}) )
    (?: [ T]\s* (?P<hour>\d\d?) : (?P<minute>\d\d) (?: : (?P<second>\d\d) (?: \. (?P<fraction>\d{1,3}) )? )? )? \s*
    """,
    re.VERBOSE,
)

_FORMATS = {20: "%Y-%m-%d %H:%M:%S", 120: "%Y-%m-%d %H:%M:%S"}
_FORMATS_WITH_MILLISECONDS = {21: "%Y-%m-%d %H:%M:%S", 121: "%Y-%m-%d %H:%M:%S", 126: "%Y-%m-%dT%H:%M:%S"}

STYLES_FROM_TEXT = (None, 0, 20, 21, 120, 121, 126)


def round_datetime(value: datetime) -> datetime:
    """The nearest datetime of SQL Server: steps of 1/300 s, in whole milliseconds that end in 0, 3 or 7.

    Raises OverflowError past the year 9999.
    """
    ticks = (value.microsecond * 3 + 5_000) // 10_000
    return value.replace(microsecond=0) + timedelta(milliseconds=(ticks * 10 + 1) // 3)


def parse_datetime(text: str, type_name: str = "varchar") -> datetime:
    """The datetime that a text says: yyyymmdd or yyyy-mm-dd, then perhaps a time, to the millisecond.

    Blank text is 1900-01-01. Raises 241 for other text, 242 for a day or time that does not exist or is before 1753.
    """
    if not text.strip():
        return EPOCH
    match = _TEXT.fullmatch(text)
    if match is None:
        failed = "Conversion failed when converting date and/or time from character string."
        raise SqlError(241, failed, reach=Reach.BATCH)
    year, month, day = match["year"], match["month"], match["day"]
    if packed := match["packed"]:
        year, month, day = packed[:4], packed[4:6], packed[6:]
    fraction = int((match["fraction"] or "0").ljust(6, "0"))
    clock = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    try:
        if int(year) < FIRST_YEAR:
            raise ValueError
        return round_datetime(datetime(int(year), int(month), int(day), *clock, fraction))
    except (ValueError, OverflowError):
        out_of_range = (
            f"The conversion of {_article(type_name)} {type_name} data type to a datetime data type resulted in an"
            " out-of-range value."
        )
        raise SqlError(242, out_of_range, reach=Reach.BATCH) from None


def _article(type_name: str) -> str:
    return "an" if type_name.startswith("n") else "a"


def format_datetime(value: datetime, style: int | None) -> str:
    """The text of a datetime in style 20, 21, 120, 121 or 126; no other style is supported."""
    if style in _FORMATS:
        return value.strftime(_FORMATS[style])
    if style not in _FORMATS_WITH_MILLISECONDS:
        raise unsupported(f"datetime as text in style {0 if style is None else style}")
    text = value.strftime(_FORMATS_WITH_MILLISECONDS[style])
    if style == 126 and value.microsecond == 0:
        return text
    return f"{text}.{value.microsecond // 1000:03}"


def from_days(days: int) -> datetime:
    """The datetime that many days after 1900-01-01; raises 8115 outside 1753 to 9999."""
    try:
        result = EPOCH + timedelta(days=days)
    except OverflowError:
        result = datetime(MINYEAR, 1, 1)
    if result.year < FIRST_YEAR:
        raise SqlError(8115, "Arithmetic overflow error converting expression to data type datetime.")
    return result


# Date parts. Microseconds in one of each; months, quarters and years have no fixed length and are not supported.

_MICROSECONDS = {
    "day": 86_400_000_000,
    "hour": 3_600_000_000,
    "minute": 60_000_000,
    "second": 1_000_000,
    "millisecond": 1_000,
}


def add_to_datetime(part: str, number: int, value: datetime) -> datetime:
    """DATEADD; raises 517 outside 1753 to 9999."""
    try:
        result = round_datetime(value + timedelta(microseconds=number * _MICROSECONDS[part]))
    except OverflowError:
        result = datetime(MINYEAR, 1, 1)
    if result.year < FIRST_YEAR:
        raise SqlError(517, "Adding a value to a 'datetime' column caused an overflow.")
    return result


def datetime_difference(part: str, start: datetime, end: datetime) -> int:
    """DATEDIFF: how many boundaries of the part lie between the two; raises 535 if the int overflows."""
    unit = timedelta(microseconds=_MICROSECONDS[part])
    result = (end - EPOCH) // unit - (start - EPOCH) // unit
    if not -(2**31) <= result < 2**31:
        text = (
            "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances"
            " is too large. Try to use datediff with a less precise datepart."
        )
        raise SqlError(535, text)
    return result
