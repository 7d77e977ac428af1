"""Filters that hold inventory variables against the roles' argument_specs: see variables.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ansible.module_utils

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.variables import options_of, unknown, wrong_types


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {
            "aspstate_options": options_of,
            "aspstate_unknown": unknown,
            "aspstate_wrong_types": wrong_types,
        }
