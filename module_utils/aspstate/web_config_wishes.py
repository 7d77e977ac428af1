"""What a web.config is to have, as it is asked for: the arguments of aspstate_web_config, and their judging."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from .errors import Refused
from .session_state import KINDS, text_of
from .web_config_edit import Wishes

ARGUMENTS: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "attributes": {"type": "dict", "default": {}, "no_log": True},
    "connection_strings": {"type": "dict", "default": {}, "no_log": True},
    "windows": {"type": "bool"},
    "backup": {"type": "bool", "default": True},
    "restore": {
        "type": "dict",
        "options": {
            "backup_file": {"type": "str", "required": True},
            "checksum": {"type": "str", "required": True},
        },
    },
}

_ENTRY_KEYS = ("connectionString", "providerName")


def wishes(params: Mapping[str, Any]) -> Wishes:
    """Raises Refused for names that there are not and for values of the wrong kind; says nothing of a value."""
    for name in params["attributes"]:
        if name not in KINDS and params["attributes"][name] is not None:
            raise Refused(f"attributes: <sessionState> has no attribute {name}{_near(name)}")
    attributes = {name: None if value is None else text_of(name, value) for name, value in params["attributes"].items()}
    return Wishes(attributes, {name: _entry(name, value) for name, value in params["connection_strings"].items()})


def _near(name: str) -> str:
    near = [each for each in KINDS if each.lower() == name.lower()] or difflib.get_close_matches(name, KINDS, n=1)
    return f"; did you mean {near[0]}? Case matters" if near else f"; there are {', '.join(KINDS)}"


def _entry(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, str):
        value = {"connectionString": value}
    if not name.strip():
        raise Refused("connection_strings: the name of an entry is blank")
    if value is None:
        raise Refused(f"connection_strings: {name} is null; an entry is never taken out, since others may use it")
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        raise Refused(f"connection_strings: {name} is neither text nor a mapping of texts")
    if unknown := sorted(set(value) - set(_ENTRY_KEYS)):
        raise Refused(f"connection_strings: {name} has {', '.join(unknown)}; there are {' and '.join(_ENTRY_KEYS)}")
    if not value.get("connectionString"):
        raise Refused(f"connection_strings: {name} has no connectionString")
    return dict(value)
