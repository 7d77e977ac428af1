"""Filter that says why a task failed, for the rescue that repeats it with what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def aspstate_failure(result: Mapping[str, Any]) -> str:
    """The reasons of a failed task's result, of each item of its loop that failed, and what its command printed."""
    failed = [item for item in result.get("results") or [] if item.get("failed")] or [result]
    return "; ".join(_reason(item) for item in failed)


def _reason(result: Mapping[str, Any]) -> str:
    said = str(result.get("msg") or "no reason was given").strip().removeprefix("Task failed: ").removesuffix(".")
    printed = str(result.get("stderr") or "").strip()
    return f"{said}: {printed}" if printed and printed not in said else said


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aspstate_failure": aspstate_failure}
