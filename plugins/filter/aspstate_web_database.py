"""Filters that let an application's configuration name another database, where its sessions have gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.errors import AnsibleFilterError

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.connection_string import Malformed, with_database
from ansible.module_utils.aspstate.names import USUAL

_ATTRIBUTE = "sqlConnectionString"


def aspstate_attributes_for(
    attributes: Mapping[str, Any], connection_strings: Mapping[str, Any], database: str
) -> dict[str, Any]:
    """`attributes` of <sessionState> for a database; they are as they were where that is "".

    A connection string that is named is one of `connection_strings`, and changed there. The usual database is not
    named. Fails where there is no connection string to change.
    """
    if not database:
        return dict(attributes)
    text = attributes.get(_ATTRIBUTE)
    if not isinstance(text, str) or not text.strip():
        raise AnsibleFilterError(
            f"aspstate_web_config_attributes has no {_ATTRIBUTE}, so that it cannot be made to name database {database}"
        )
    custom = database.casefold() != USUAL.casefold()
    changed = text if text in connection_strings else _changed(text, database)
    return {**attributes, _ATTRIBUTE: changed, "allowCustomSqlDatabase": True if custom else None}


def aspstate_connection_strings_for(
    connection_strings: Mapping[str, Any], attributes: Mapping[str, Any], database: str
) -> dict[str, Any]:
    """The same for the entries of <connectionStrings>: just the one that <sessionState> names is changed."""
    name = attributes.get(_ATTRIBUTE)
    if not database or name not in connection_strings:
        return dict(connection_strings)
    entry = connection_strings[name]
    if isinstance(entry, Mapping):
        entry = {**entry, "connectionString": _changed(str(entry.get("connectionString", "")), database)}
    else:
        entry = _changed(str(entry), database)
    return {**connection_strings, name: entry}


def _changed(text: str, database: str) -> str:
    try:
        return with_database(text, "" if database.casefold() == USUAL.casefold() else database)
    except Malformed as error:
        raise AnsibleFilterError(f"aspstate_web_config_attributes: {_ATTRIBUTE}: {error}") from None


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {
            "aspstate_attributes_for": aspstate_attributes_for,
            "aspstate_connection_strings_for": aspstate_connection_strings_for,
        }
