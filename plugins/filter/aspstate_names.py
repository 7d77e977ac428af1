"""Filters that hold the names of inventory variables against the roles' argument_specs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml


def aspstate_options(roles: str) -> list[str]:
    """The names of all options in the argument_specs of all roles in the folder `roles`, sorted."""
    names: set[str] = set()
    for file in Path(roles).glob("*/meta/argument_specs.yml"):
        specs = yaml.safe_load(file.read_text(encoding="utf-8"))["argument_specs"]
        for spec in specs.values():
            names.update(spec["options"])
    return sorted(names)


def aspstate_unknown(names: Iterable[str], known: list[str]) -> list[str]:
    """A sentence for each of `names` that is not in `known`, with the nearest known one."""
    return [_sentence(name, known) for name in sorted(set(names) - set(known))]


def _sentence(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "ansible-doc -t role lists those there are"
    return f"{name} is not a variable of this project: {hint}"


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aspstate_options": aspstate_options, "aspstate_unknown": aspstate_unknown}
