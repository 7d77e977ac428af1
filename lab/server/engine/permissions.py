"""HAS_PERMS_BY_NAME. There is one login, `sa`, who may do everything that can be named."""

from __future__ import annotations

from lab.server.engine import name_functions
from lab.server.engine.frames import Frame
from lab.server.engine.text_functions import parse_name
from lab.server.errors import unsupported

_CLASSES = ("DATABASE", "OBJECT", "SCHEMA", "SERVER", "TYPE")

_LOOKUPS = {
    "DATABASE": lambda frame, name: name_functions.db_id(frame, parse_name(name, 1)),
    "OBJECT": name_functions.object_id,
    "SCHEMA": name_functions.schema_id,
    "TYPE": name_functions.type_id,
}
"""How a securable of each class is found by its name."""


def has_permission(frame: Frame, securable: str | None, class_: str | None, permission: str | None) -> int | None:
    """1 if the securable exists, else NULL; the permission itself is not looked at beyond being written."""
    if class_ is not None and class_.upper() not in _CLASSES:
        raise unsupported(f"HAS_PERMS_BY_NAME of class {class_}")
    if permission is None or not permission.strip():
        return None
    if securable is None:
        return 1 if class_ is None or class_.upper() in ("SERVER", "DATABASE") else None
    return _exists(frame, securable, class_)


def _exists(frame: Frame, securable: str, class_: str | None) -> int | None:
    lookup = _LOOKUPS.get((class_ or "").upper())
    if lookup is None:
        raise unsupported(f"HAS_PERMS_BY_NAME({securable!r}, {class_!r}, ...)")
    return None if lookup(frame, securable) is None else 1
