"""Findings of one look at a server: each told once, and what could not be looked at among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from .errors import NotKnown, Refused, SqlServerError, explain
from .finding import Finding
from .plan import Plan

NOT_KNOWN = "ASP001"

# What a plan mends by the first id, another check would tell again by these.
_TOLD_AGAIN = {
    "ASP104": ("ASP104",),
    "ASP105": ("ASP105", "ASP401"),
    "ASP111": ("ASP111",),
    "ASP113": ("ASP113",),
    "ASP119": ("ASP102", "ASP103"),
}


class Findings:
    """Of the server `host`, in the order in which they were found; one an id and subject."""

    def __init__(self, host: str) -> None:
        self._host = host
        self._found: dict[tuple[str, str], Finding] = {}
        self._told: set[str] = set()

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._found.values())

    @property
    def all_known(self) -> bool:
        """Whether everything could be looked at."""
        return all(id_ != NOT_KNOWN for id_, _ in self._found)

    def add(self, findings: Iterable[Finding]) -> None:
        """Add what was not told yet."""
        for each in findings:
            if each.id == NOT_KNOWN:
                self.not_known(each.subject, each.message)
            elif each.id not in self._told:
                self._found.setdefault((each.id, each.subject), each)

    def not_known(self, subject: str, message: str) -> None:
        """Something could not be looked at; several such things of one subject are one finding."""
        key = (NOT_KNOWN, subject)
        before = self._found.get(key)
        if before is None:
            self._found[key] = Finding(NOT_KNOWN, self._host, subject, message)
        elif message not in before.message:
            self._found[key] = replace(before, message=f"{before.message}; {message}")

    def add_drift(self, plan: Plan) -> None:
        """What the steps of a plan mend, in their own words."""
        findings = list(drift_findings(self._host, plan))
        self.add(findings)
        self._told |= {again for each in findings for again in _TOLD_AGAIN.get(each.id, ())}

    @contextmanager
    def asking(self, subject: str, refused: str = NOT_KNOWN) -> Iterator[None]:
        """Go on when the questions within cannot be answered. What a plan refuses is a finding of id `refused`."""
        try:
            yield
        except (NotKnown, SqlServerError) as error:
            self.not_known(subject, explain(error))
        except Refused as error:
            text = explain(error)
            if refused == NOT_KNOWN:
                self.not_known(subject, text)
            else:
                self.add([Finding(refused, self._host, subject, f"playbooks/site.yml would refuse: {text}")])


def drift_findings(host: str, plan: Plan) -> Iterator[Finding]:
    """One for each thing that the steps of a plan mend: where several mend the same, with all their sentences."""
    drifts: dict[tuple[str, str], list[tuple[str, object, object]]] = {}
    for step in plan.steps:
        for drift in step.drift:
            told = (step.sentence, drift.expected, drift.found)
            drifts.setdefault((drift.id, drift.subject), []).append(told)
    for (id_, subject), told in drifts.items():
        sentences, expected, found = zip(*told, strict=True)
        text = f"it is not as the inventory says; playbooks/site.yml will {'; '.join(dict.fromkeys(sentences))}"
        yield Finding(id_, host, subject, text, _one_or_all(expected), _one_or_all(found))


def _one_or_all(values: tuple[object, ...]) -> object:
    return values[0] if all(each == values[0] for each in values) else list(values)
