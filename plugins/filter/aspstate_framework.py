"""Which file of which version of .NET Framework: the folders are named v2.0.50727, v4.0.30319 and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

_FILE = re.compile(r"\\Framework(?P<bits>64)?\\(?P<version>v[0-9.]+)\\[^\\]+$", re.IGNORECASE)


def aspstate_framework_file(paths: Iterable[str], version: str) -> str:
    """The path of the newest version, or of `version`; Framework64's before Framework's. Empty where there is none."""
    found = [(match, path) for path in paths if (match := _FILE.search(path))]
    wanted = [
        (_number(match["version"]), match["bits"] or "", path)
        for match, path in found
        if version == "newest" or match["version"].casefold() == version.casefold()
    ]
    return max(wanted)[2] if wanted else ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version[1:].split(".") if part)


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aspstate_framework_file": aspstate_framework_file}
