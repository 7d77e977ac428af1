"""How the rows of a table are found: by a key, by a range of an index, or all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from lab.server.engine.binder import Binder, converted
from lab.server.engine.families import family
from lab.server.engine.frames import Frame, Run
from lab.server.engine.scopes import Source
from lab.server.engine.storage import HIGHEST, Index, Row, Table, key_part
from lab.server.engine.values import common_type
from lab.server.sql import ast

Path = Callable[[Frame], Iterable[Row]]
"""The candidates; whoever reads them tests the whole condition again."""

_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass
class _Bounds:
    """What the conditions say of one column."""

    equal: Run | None = None
    low: Run | None = None
    high: Run | None = None


@dataclass
class _Plan:
    """An index, and how far its columns are bound."""

    index: Index
    equal: list[Run] = field(default_factory=list)
    low: Run | None = None
    high: Run | None = None

    @property
    def rank(self) -> tuple[bool, int, bool]:
        """Better plans have greater ranks."""
        whole_key = self.index.unique and len(self.equal) == len(self.index.columns)
        return whole_key, len(self.equal), self.low is not None or self.high is not None


def find_path(
    binder: Binder, table: Table, source: Source, conditions: list[ast.Condition], later: frozenset[int]
) -> Path:
    """The best way to the rows for which the conditions can hold.

    `later` are slots that have no row yet when these rows are looked for.
    """
    bounds: dict[int, _Bounds] = {}
    for condition in conditions:
        _note(binder, source, condition, later | {source.slot}, bounds)
    plans = [_plan(index, bounds) for index in table.indexes]
    best = max(plans, key=lambda plan: plan.rank, default=None)
    if best is None or not any(best.rank):
        return lambda frame: table.scan()
    return _path(best)


def _note(
    binder: Binder, source: Source, node: ast.Condition, unknown: frozenset[int], bounds: dict[int, _Bounds]
) -> None:
    if not isinstance(node, ast.Comparison) or node.operator not in _MIRRORED:
        return
    for sign, column, value in (
        (node.operator, node.left, node.right),
        (_MIRRORED[node.operator], node.right, node.left),
    ):
        if not isinstance(column, ast.ColumnRef):
            continue
        bound_column = binder.scope.resolve(column)
        if bound_column.uses != {source.slot}:
            continue
        bound = binder.bind_value(value)
        ordinal = source.find(column.parts[-1])
        type_ = source.columns[ordinal].type
        common = common_type(type_, bound.type)
        if not bound.uses & unknown and family(common) is family(type_):
            _narrow(bounds.setdefault(ordinal, _Bounds()), sign, converted(bound, common).run)


def _narrow(bounds: _Bounds, sign: str, run: Run) -> None:
    if sign == "=":
        bounds.equal = run
    elif sign in (">", ">="):
        bounds.low = run
    else:
        bounds.high = run


def _plan(index: Index, bounds: dict[int, _Bounds]) -> _Plan:
    plan = _Plan(index)
    for ordinal in index.ordinals:
        found = bounds.get(ordinal)
        if found is None:
            break
        if found.equal is None:
            plan.low, plan.high = found.low, found.high
            break
        plan.equal.append(found.equal)
    return plan


def _path(plan: _Plan) -> Path:
    index, equal, low, high = plan.index, plan.equal, plan.low, plan.high
    ranged = low is not None or high is not None

    def path(frame: Frame) -> Iterable[Row]:
        values = [run(frame) for run in equal]
        ends = [run(frame) for run in (low, high) if run is not None]
        if None in values or None in ends:
            return []  # nothing compares with NULL
        prefix = tuple(key_part(value) for value in values)
        if not ranged:
            return index.find(prefix, prefix)
        from_ = prefix if low is None else (*prefix, key_part(low(frame)))
        to = (*prefix, HIGHEST) if high is None else (*prefix, key_part(high(frame)))
        return index.find(from_, to)

    return path
