"""A plan: the diff, the answer in check mode and the statements to run, all from one comparison."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import AspstateError
from .rights import Right, demand
from .server import Server


@dataclass(frozen=True)
class Drift:
    """What a step mends, as a finding: its id and subject, what is wanted and what is there."""

    id: str
    subject: str
    expected: object = "as declared"
    found: object = None


@dataclass(frozen=True)
class Step:
    """One change. `sentence` is for people; `statement` runs in `database`, or where the connection is.

    `values` are bound; in a statement that has a `database` as the parameters that `declare` says. `rights` are what
    the login needs for it, `drift` is what it mends.
    """

    sentence: str
    statement: str
    values: Mapping[str, Any] = field(default_factory=dict)
    database: str = ""
    declare: str = ""
    rights: tuple[Right, ...] = ()
    drift: tuple[Drift, ...] = ()


@dataclass(frozen=True)
class Plan:
    """`before` and `after` are the two sides of the diff; they are equal where there are no steps."""

    before: str
    after: str
    steps: tuple[Step, ...] = ()


def run_step(server: Server, step: Step) -> None:
    """Run one step where it belongs."""
    if step.database:
        server.run_in(step.database, step.statement, step.declare, step.values)
    else:
        server.run(step.statement, step.values)


def apply(server: Server, plan: Plan, run: Callable[[Server, Step], None] = run_step) -> None:
    """Run the steps in order. An AspstateError has notes: in which step, and how to go on."""
    for done, step in enumerate(plan.steps):
        try:
            run(server, step)
        except AspstateError as error:
            error.add_note(f"this happened at: {step.sentence} ({done} of {len(plan.steps)} steps were done before it)")
            error.add_note("run it again: it goes on with what is missing")
            raise


def demand_rights(server: Server, plan: Plan) -> None:
    """Raises Refused where the login lacks a right that a step needs; names every such right."""
    demand(server, (right for step in plan.steps for right in step.rights))
