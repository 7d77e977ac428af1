"""The ids and sizes that the catalog gives for built-in types."""

from __future__ import annotations

from lab.server.types import MAX, SqlType

SYSTEM_TYPE_IDS = {
    "image": 34,
    "uniqueidentifier": 36,
    "tinyint": 48,
    "smallint": 52,
    "int": 56,
    "datetime": 61,
    "bit": 104,
    "bigint": 127,
    "varbinary": 165,
    "varchar": 167,
    "binary": 173,
    "char": 175,
    "nvarchar": 231,
    "nchar": 239,
}

USER_TYPE_IDS = SYSTEM_TYPE_IDS | {"sysname": 256}

_BYTES = {
    "image": 16,
    "uniqueidentifier": 16,
    "tinyint": 1,
    "smallint": 2,
    "int": 4,
    "datetime": 8,
    "bit": 1,
    "bigint": 8,
}
_PRECISION = {
    "tinyint": (3, 0),
    "smallint": (5, 0),
    "int": (10, 0),
    "datetime": (23, 3),
    "bit": (1, 0),
    "bigint": (19, 0),
}
_LARGEST = 8000


def max_length(type_: SqlType) -> int:
    """max_length of sys.columns: bytes, -1 for (max), for image those of its pointer."""
    if type_.name in _BYTES:
        return _BYTES[type_.name]
    return MAX if type_.length == MAX else type_.length * (2 if type_.name.startswith("n") else 1)


def precision_and_scale(type_: SqlType) -> tuple[int, int]:
    """precision and scale of sys.columns."""
    return _PRECISION.get(type_.name, (0, 0))


def built_in_types() -> list[tuple[str, int, int, int, SqlType]]:
    """Name, system_type_id, user_type_id, max_length and a SqlType of each type that the lab server has."""
    rows = [
        (name, id_, id_, _BYTES.get(name, _LARGEST), SqlType(name, 0 if name in _BYTES else _LARGEST))
        for name, id_ in SYSTEM_TYPE_IDS.items()
    ]
    return [*rows, ("sysname", SYSTEM_TYPE_IDS["nvarchar"], USER_TYPE_IDS["sysname"], 256, SqlType("nvarchar", 128))]
