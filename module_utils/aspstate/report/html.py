"""The report as one page that needs no network, no other file and no script."""

from __future__ import annotations

import difflib
import json
from base64 import b64encode
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ..finding import FINDINGS, SEVERITIES
from .text import age, counted, moment
from .trends import HEIGHT, WIDTH, charts

_BESIDE = Path(__file__).parent
_NOTHING_ELSE = "base-uri 'none'; form-action 'none'"
_SHORT = 80
_MOST_LINES = 4000
"""Longer texts are shown one after the other: comparing them would take too long."""

_STATUS = {
    "clean": ("ok", "Nothing is wrong"),
    "findings": ("warning", "Something is wrong"),
    "incomplete": ("critical", "Not everything could be checked"),
}


@dataclass(frozen=True)
class HostCard:
    """A host, and what was found on it without a waiver; `worst` is empty where nothing was."""

    facts: Mapping[str, Any]
    worst: str
    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True)
class Comparison:
    """What was expected and what was found: as two texts, or the lines of a diff, each with its sign."""

    expected: str | None
    found: str | None
    diff: tuple[tuple[str, str], ...] = ()

    @property
    def long(self) -> bool:
        return bool(self.diff) or any(each and (len(each) > _SHORT or "\n" in each) for each in self._texts)

    @property
    def lines(self) -> int:
        return sum(each.count("\n") + 1 for each in self._texts if each)

    @property
    def _texts(self) -> tuple[str | None, str | None]:
        return self.expected, self.found


def html(report: Mapping[str, Any], kept: Sequence[Mapping[str, Any]], runbook_url: str = "") -> str:
    """The page of a report; `kept` are the older ones, oldest first, for the trends.

    `runbook_url` is the address of the folder that docs is in; without it runbooks are named and not linked.
    """
    css, js = _source("report.css"), _source("report.js")
    mark, headline = _STATUS[report["status"]]
    return _template().render(
        report=report,
        css=Markup(css),
        js=Markup(js),
        policy=f"default-src 'none'; style-src {_hash(css)}; script-src {_hash(js)}; {_NOTHING_ELSE}",
        mark=mark,
        headline=headline,
        reach=_reach(report),
        severities=tuple(reversed(SEVERITIES)),
        hosts=_cards(report),
        families=Counter(_family(each) for each in report["findings"]),
        changes={name: [each for each in report["findings"] if each["new"]] for name in ("new",)}
        | {name: report[name] for name in ("resolved", "not_known")},
        trends={name: found for name, found in charts([*kept, report]).items() if found},
        since=kept[0]["time"] if kept else report["time"],
        runs=len(kept) + 1,
        box=(WIDTH, HEIGHT),
        runbook_url=runbook_url,
        compared=_compared,
        family=_family,
        age=lambda time: age(moment(report["time"]) - moment(time)),
        shown=_shown_time,
        counted=counted,
    )


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_BESIDE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


@cache
def _source(name: str) -> str:
    return (_BESIDE / name).read_text(encoding="utf-8")


def _hash(source: str) -> str:
    """The browser runs and applies what has this hash, and nothing else on the page."""
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


def _reach(report: Mapping[str, Any]) -> str:
    """How much of the farm it is about."""
    hosts = report["hosts"]
    blind = sum(host["status"] != "checked" for host in hosts)
    ill = len({each["host"] for each in report["findings"] if not each["waiver"]} & {host["name"] for host in hosts})
    reach = f"Findings on {ill:,} of {counted(len(hosts), 'host')}"
    return reach + (f"; {blind:,} of them not fully checked" if blind else "; all were fully checked")


def _cards(report: Mapping[str, Any]) -> list[HostCard]:
    """The worst host first; those that were not checked before those that were."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for each in report["findings"]:
        if not each["waiver"]:
            found[each["host"]][each["severity"]] += 1
    cards = [HostCard(host, _worst(found[host["name"]]), found[host["name"]]) for host in report["hosts"]]
    return sorted(cards, key=lambda card: (card.facts["status"] == "checked", *_badness(card), card.facts["name"]))


def _worst(found: Mapping[str, int]) -> str:
    return next((each for each in reversed(SEVERITIES) if found.get(each)), "")


def _badness(card: HostCard) -> tuple[int, ...]:
    return tuple(-card.counts.get(each, 0) for each in reversed(SEVERITIES))


def _compared(finding: Mapping[str, Any]) -> Comparison | None:
    """None where there is neither an expected nor a found thing."""
    given = [finding["expected"], finding["found"]]
    if given == [None, None]:
        return None
    expected, found = (None if each is None else _text(each) for each in given)
    plain = Comparison(expected, found)
    if expected is None or found is None or not plain.long or plain.lines > _MOST_LINES:
        return plain
    lines = difflib.unified_diff(expected.splitlines(), found.splitlines(), n=3, lineterm="")
    return Comparison(expected, found, tuple((line[:1], line[1:]) for line in list(lines)[2:]))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)


def _family(finding: Mapping[str, Any]) -> str:
    return FINDINGS[finding["id"]][1] if finding["id"] in FINDINGS else "other"


def _shown_time(time: str) -> str:
    return f"{moment(time):%Y-%m-%d %H:%M} UTC"
