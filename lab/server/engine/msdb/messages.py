"""The errors of msdb's procedures that several of them have."""

from __future__ import annotations

from typing import Any

from lab.server.engine import unique_ids
from lab.server.engine.msdb.shipped_procedure import raised
from lab.server.errors import SqlError


def exists(parameter: str, name: str) -> SqlError:
    """14261."""
    return raised(14261, f"The specified {parameter} ('{name}') already exists.")


def absent(parameter: str, name: Any) -> SqlError:
    """14262."""
    shown = unique_ids.shown(name) if isinstance(name, bytes) else name
    return raised(14262, f"The specified {parameter} ('{shown}') does not exist.")


def not_returned(parameter: str, procedure: str) -> SqlError:
    """14234."""
    return raised(14234, f"The specified '{parameter}' is invalid (valid values are returned by {procedure}).")


def not_one_of(parameter: str, values: str) -> SqlError:
    """14266."""
    return raised(14266, f"The specified '{parameter}' is invalid (valid values are: {values}).")


def check_one_of(parameter: str, value: int | None, values: range | tuple[int, ...], shown: str = "") -> None:
    """Raises 14266 for NULL too."""
    if value not in values:
        raise not_one_of(parameter, shown or ", ".join(map(str, values)))
