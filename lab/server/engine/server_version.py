"""xp_msver, of which old scripts ask the version; also what INSERT ... EXEC gets of it."""

from __future__ import annotations

from typing import Any

from lab.server.errors import unsupported
from lab.server.interface import Column
from lab.server.types import INT, SYSNAME, SqlType

COLUMNS = (
    Column("Index", INT),
    Column("Name", SYSNAME),
    Column("Internal_Value", INT),
    Column("Character_Value", SqlType("nvarchar", 256)),
)


def rows(session: Any, option: str | None) -> list[tuple[Any, ...]]:
    """Of @optname ProductVersion; anything else is not supported."""
    if option is None or option.casefold() != "productversion":
        raise unsupported(f"xp_msver {option or 'without @optname'}")
    instance = session.engine.instance
    major, minor, *_ = instance.version
    return [(2, "ProductVersion", major * 65536 + minor, instance.product_version)]


def tell(session: Any, option: str | None) -> int:
    """xp_msver."""
    found = rows(session, option)
    session.row_count = len(found)
    session.client.columns(COLUMNS)
    for row in found:
        session.client.row(row)
    session.client.done(len(found), select=True)
    return 0
