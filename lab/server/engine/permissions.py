"""HAS_PERMS_BY_NAME. There is one login, `sa`, who may do everything that can be named."""

from __future__ import annotations

from lab.server.engine import name_functions
from lab.server.engine.frames import Frame
from lab.server.engine.text_functions import parse_name
from lab.server.errors import unsupported

_PERMISSIONS = {
    None: ("VIEW ANY DATABASE", "VIEW SERVER STATE"),
    "DATABASE": ("VIEW DEFINITION",),
    "OBJECT": ("DELETE", "EXECUTE", "INSERT", "SELECT", "UPDATE"),
}
"""Those that are known, by the class of the securable; None is the server."""


def has_permission(frame: Frame, securable: str | None, class_: str | None, permission: str | None) -> int | None:
    """1 if the securable exists, else NULL."""
    kind = None if class_ is None else class_.upper()
    if kind not in _PERMISSIONS:
        raise unsupported(f"HAS_PERMS_BY_NAME of class {class_}")
    if permission is None or permission.upper() not in _PERMISSIONS[kind]:
        raise unsupported(f"HAS_PERMS_BY_NAME of permission {permission}")
    if (securable is None) is not (kind is None):
        raise unsupported(f"HAS_PERMS_BY_NAME({securable!r}, {class_!r}, ...)")
    if kind is None:
        return 1
    found = name_functions.object_id if kind == "OBJECT" else _database_id
    return None if found(frame, securable) is None else 1


def _database_id(frame: Frame, name: str) -> int | None:
    return name_functions.db_id(frame, parse_name(name, 1))
