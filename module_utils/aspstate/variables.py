"""Inventory variables held against the roles' argument_specs: their names, and the kind of their values.

Ansible itself takes a list for text and true for a number, and knows no misspelt names.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

# libyaml's, which is much faster, where PyYAML was built with it
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# what YAML may give for each type of option; numbers are fine for text, and text that is a number for a number
_TAKEN = {"str": (str, int, float), "int": (str, int), "bool": (str, int, bool), "list": list, "dict": Mapping}
_WORDS = {"str": "text", "int": "a whole number", "bool": "true or false", "list": "a list", "dict": "a mapping"}
_FOUND = ((bool, "true or false"), (str, "text"), (int, "a number"), (float, "a number"), (list, "a list"))


def options_of(roles: str, role: str = "*") -> dict[str, str]:
    """The names of all options in the argument_specs of a role, or of all roles, in the folder `roles`, with types."""
    options: dict[str, str] = {}
    for file in sorted(Path(roles).glob(f"{role}/meta/argument_specs.yml")):
        specs = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)["argument_specs"]
        for spec in specs.values():
            options |= {name: option["type"] for name, option in spec["options"].items()}
    return options


def unknown(names: Iterable[str], known: Iterable[str]) -> list[str]:
    """A sentence for each of `names` that is not in `known`, with the nearest known one."""
    known = list(known)
    return [_sentence(name, known) for name in sorted(set(names) - set(known))]


def wrong_types(values: Mapping[str, Any], options: Mapping[str, str]) -> list[str]:
    """A sentence for each of `values`, by name, whose kind does not suit its option. Says nothing of the value."""
    return [
        f"{name} is {_kind(value)}, not {_WORDS[options[name]]}; correct it, or put it in quotes if it is text"
        for name, value in sorted(values.items())
        if not _suits(value, options[name])
    ]


def _sentence(name: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {nearest[0]}?" if nearest else "ansible-doc -t role lists those there are"
    return f"{name} is not a variable of this project: {hint}"


def _suits(value: Any, type_: str) -> bool:
    return isinstance(value, _TAKEN[type_]) and (type_ == "bool" or not isinstance(value, bool))


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    return next((words for type_, words in _FOUND if isinstance(value, type_)), "a mapping")
