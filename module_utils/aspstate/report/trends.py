"""How numbers went over the kept runs: small line charts, as paths for SVG."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from .text import age, moment

WIDTH, HEIGHT = 300, 60
_MARGIN = 4


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _bytes(value: float) -> str:
    power = 0
    while value >= 1000 and power < 4:
        value, power = value / 1000, power + 1
    digits = 1 if power and value < 100 else 0
    return f"{value:,.{digits}f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def _span(value: float) -> str:
    return age(timedelta(seconds=value))


@dataclass(frozen=True)
class Measure:
    """A number of a host in a report, by the place where it stands."""

    label: str
    facts: str
    key: str
    show: Callable[[float], str]


MEASURES = (
    Measure("Live sessions", "sample", "live", _number),
    Measure("Expired sessions", "sample", "expired", _number),
    Measure("Size of all items", "sample", "bytes", _bytes),
    Measure("Oldest expired session", "sample", "oldest_expired", _span),
    Measure("Duration of the job", "job", "duration", _span),
)


@dataclass(frozen=True)
class Chart:
    """`path` is for SVG, in a box of WIDTH by HEIGHT; it has a gap where the host was not checked."""

    label: str
    path: str
    least: str
    most: str
    last: str
    points: int


def charts(reports: Sequence[Mapping[str, Any]]) -> dict[str, list[Chart]]:
    """The charts of each host of the newest of these reports; none of a number that it never told twice."""
    times = [moment(report["time"]).timestamp() for report in reports]
    hosts = [{host["name"]: host for host in report["hosts"]} for report in reports]
    return {name: _charts(times, [each.get(name, {}) for each in hosts]) for name in sorted(hosts[-1])}


def _charts(times: Sequence[float], hosts: Sequence[Mapping[str, Any]]) -> list[Chart]:
    found = []
    for measure in MEASURES:
        values = [_value(host, measure) for host in hosts]
        known = [value for value in values if value is not None]
        if len(known) >= 2:
            last = "not known" if values[-1] is None else measure.show(values[-1])
            least, most = measure.show(min(known)), measure.show(max(known))
            found.append(Chart(measure.label, _path(times, values), least, most, last, len(known)))
    return found


def _value(host: Mapping[str, Any], measure: Measure) -> float | None:
    value = (host.get(measure.facts) or {}).get(measure.key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _path(times: Sequence[float], values: Sequence[float | None]) -> str:
    """A line through the values; one alone is a dot, which a line of no length with round ends draws."""
    known = [value for value in values if value is not None]
    least, most = min(known), max(known)
    parts, drawing = [], False
    for time, value in zip(times, values, strict=True):
        if value is None:
            drawing = False
            continue
        x = _MARGIN + _share(time, times[0], times[-1]) * (WIDTH - 2 * _MARGIN)
        y = HEIGHT - _MARGIN - _share(value, least, most) * (HEIGHT - 2 * _MARGIN)
        parts.append(f"L{x:.1f} {y:.1f}" if drawing else f"M{x:.1f} {y:.1f}h0")
        drawing = True
    return "".join(parts)


def _share(value: float, least: float, most: float) -> float:
    return (value - least) / (most - least) if most > least else 0.5
