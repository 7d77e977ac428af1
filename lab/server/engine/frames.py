"""What a running batch or procedure has at hand, and what the binder makes of the syntax tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.server.errors import SqlError
from lab.server.types import SqlType


@dataclass(slots=True, eq=False)
class Frame:
    """One call of a batch, a procedure or an EXEC string.

    `variables` are in the order of declaration, parameters first. `rows` has, for the statement that runs, the present
    row of each of its tables (and of each grouping), by slot; `changing` is the one that an UPDATE is at. `caught` are
    the errors of the CATCH blocks that run, `cursors` the local ones by their names in lower case.
    """

    session: Any
    code: Any
    variables: list[Any]
    caller: Frame | None = None
    rows: list[Any] = field(default_factory=list)
    changing: Any = None
    caught: list[SqlError] = field(default_factory=list)
    in_try: bool = False
    status: int = 0
    cursors: dict[str, Any] = field(default_factory=dict)

    def caught_error(self) -> SqlError | None:
        """The error of the CATCH block that runs, of this call or of one that led here."""
        frame: Frame | None = self
        while frame:
            if frame.caught:
                return frame.caught[-1]
            frame = frame.caller
        return None


Run = Callable[[Frame], Any]

NOTHING: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Bound:
    """An expression with its names resolved; `type` is None for an untyped NULL.

    `uses` are the slots of the rows that it reads.
    """

    type: SqlType | None
    run: Run
    nullable: bool = True
    uses: frozenset[int] = NOTHING


def constant(value: Any, type_: SqlType | None) -> Bound:
    """An expression that is always the same."""
    return Bound(type_, lambda frame: value, nullable=value is None)
