"""Filter that reads the file in which role aspstate_web_service keeps what was running before it stopped it."""

from __future__ import annotations

import json
from typing import Any

FIELDS = {"format": int, "backend": str, "service": str, "units": list, "drained": bool, "pages": list}


def aspstate_web_record(text: str) -> dict[str, Any]:
    """The record; of one that is damaged only `damage`, which says what is wrong."""
    try:
        record = json.loads(text)
    except ValueError as error:
        return {"damage": f"it is not JSON ({error})"}
    if not isinstance(record, dict) or record.get("format") != 1:
        return {"damage": "it has not the format that this version writes"}
    wrong = [name for name, type_ in FIELDS.items() if not _is(record.get(name), type_)]
    return {"damage": f"its {', '.join(wrong)} cannot be read"} if wrong else record


def _is(value: Any, type_: type) -> bool:
    return type(value) is type_ and (type_ is not list or all(isinstance(item, str) for item in value))


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aspstate_web_record": aspstate_web_record}
