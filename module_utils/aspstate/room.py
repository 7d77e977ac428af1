"""Whether sessions fit into a database: what its data files have left, and may grow."""

from __future__ import annotations

from .errors import Refused
from .server import Server

# Rows have a head, keys and entries in an index; and pages are never full.
_ROW_BYTES = 600
_FILL = 1.25
_PAGE = 8192
_UNLIMITED = -1

# A file that does not grow has growth 0.
_FILES = """
SELECT size, FILEPROPERTY(name, 'SpaceUsed'), CASE WHEN growth = 0 THEN size ELSE max_size END
FROM sys.database_files
WHERE type_desc = N'ROWS'
"""


def judge_room(server: Server, database: str, rows: int, size: int) -> str:
    """A remark where it is not known whether so many rows, with items of `size` bytes, fit; "" where they do.

    Raises Refused where they do not.
    """
    needed = int((rows * _ROW_BYTES + size) * _FILL)
    files = server.run_in(database, _FILES).rows
    free = sum((pages - (used or 0)) * _PAGE for pages, used, _ in files)
    if needed <= free:
        return ""
    if any(most == _UNLIMITED for _, _, most in files):
        return (
            f"the sessions need about {_mb(needed)} MB in database {database}, whose data files have {_mb(free)} MB "
            "free: whether its disk has room for them to grow is not known"
        )
    room = sum((most - (used or 0)) * _PAGE for _, used, most in files)
    if needed > room:
        raise Refused(
            f"the sessions need about {_mb(needed)} MB in database {database}, whose data files have room for "
            f"{_mb(room)} MB and may not grow further; nothing was changed; give them room, and run again"
        )
    return ""


def _mb(size: int) -> int:
    return -(-size // 1_048_576)
