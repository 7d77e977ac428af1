"""`=`, `<` and so on between two bound expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.binder import converted
from lab.server.engine.families import Family, family
from lab.server.engine.frames import Bound, Frame
from lab.server.engine.values import common_type, comparison_key
from lab.server.errors import SqlError
from lab.server.types import IMAGE, SqlType

_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def keyed(bound: Bound, type_: SqlType) -> Callable[[Frame], Any]:
    """The expression as the key by which it is compared in that type."""
    run = converted(bound, type_).run
    if family(type_) is not Family.TEXT:
        return run
    return lambda frame: comparison_key(run(frame))


_NAMES = {
    "=": "equal to",
    "<>": "not equal to",
    "<": "less than",
    "<=": "less than or equal to",
    ">": "greater than",
    ">=": "greater than or equal to",
}


def _no_comparison(sign: str, left: Bound, right: Bound) -> SqlError:
    names = [one.type.name if one.type else "NULL" for one in (left, right)]
    text = f"The data types {names[0]} and {names[1]} are incompatible in the {_NAMES[sign]} operator."
    return SqlError(402, text)


def compare(sign: str, left: Bound, right: Bound) -> Bound:
    """`left sign right`."""
    if IMAGE in (left.type, right.type):
        raise _no_comparison(sign, left, right)
    common = common_type(left.type, right.type)
    if sign not in ("=", "<>") and family(common) is Family.UNIQUE_ID:
        raise unique_ids.refuse_order(sign)
    first, second = keyed(left, common), keyed(right, common)
    test = _COMPARISONS[sign]

    def run(frame: Frame) -> bool | None:
        a, b = first(frame), second(frame)
        return None if a is None or b is None else test(a, b)

    return Bound(None, run, uses=left.uses | right.uses)
