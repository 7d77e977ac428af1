"""The database itself, as a DBA sees it: owner, recovery model, files and options."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .server import Server

DATA_FILE, LOG_FILE = "aspstate_data", "aspstate_log"
"""Logical names of the files of a database that this project created: by them it is known again, and finished if the
run that created it was cut off."""

SA = "sa"
"""The login with SID 0x01, whatever it was renamed to."""

# What a log waits for that goes by on its own: the last are checkpoints that are under way.
_PASSING_WAITS = ("NOTHING", "ACTIVE_TRANSACTION", "CHECKPOINT", "OLDEST_PAGE")

PROPERTIES = """
SELECT CASE WHEN owner_sid = 0x01 THEN N'sa' ELSE SUSER_SNAME(owner_sid) END, recovery_model_desc, collation_name,
       is_auto_close_on, is_auto_shrink_on, is_db_chaining_on, is_read_only, log_reuse_wait_desc,
       CASE WHEN replica_id IS NULL THEN 0 ELSE 1 END
FROM sys.databases
WHERE database_id = DB_ID()

SELECT name, type_desc, size, growth, is_percent_growth, FILEPROPERTY(name, 'SpaceUsed')
FROM sys.database_files
WHERE type_desc IN (N'ROWS', N'LOG')
ORDER BY file_id
"""


@dataclass(frozen=True)
class File:
    """A file by its logical name; `kind` is data or log, sizes are in whole MB. None is "as the server sets it"."""

    name: str
    kind: str
    size: int | None
    growth: str
    used: int | None = None


@dataclass(frozen=True)
class Properties:
    """`owner` is "sa" for SID 0x01, and None where no login has its SID. None elsewhere: as the server sets it."""

    owner: str | None
    recovery_model: str
    collation: str | None
    auto_close: bool
    auto_shrink: bool
    db_chaining: bool
    files: tuple[File, ...]
    read_only: bool = False
    log_reuse_wait: str = "NOTHING"
    in_availability_group: bool = False

    @property
    def created_here(self) -> bool:
        """Whether this project created the database."""
        return any(file.name == DATA_FILE for file in self.files)


def read_properties(server: Server, database: str) -> Properties:
    """The database as it is; any login that may enter it may ask."""
    return properties_of(server.run_in(database, PROPERTIES).sets)


def properties_of(sets: Sequence[list[tuple[Any, ...]]]) -> Properties:
    """The same of what PROPERTIES answered."""
    (row,), files = sets
    owner, recovery, collation, close, shrink, chaining, read_only, wait, in_group = row
    return Properties(
        owner,
        recovery.lower(),
        collation,
        bool(close),
        bool(shrink),
        bool(chaining),
        tuple(_file(*each) for each in files),
        bool(read_only),
        wait,
        bool(in_group),
    )


def _file(name: str, kind: str, pages: int, growth: int, by_percent: bool, used: int | None) -> File:
    in_bytes = f"{growth * 8} KB" if growth % 128 else f"{growth // 128} MB"  # a page has 8 KB
    grows = f"{growth} percent" if by_percent else in_bytes
    return File(name, "log" if kind == "LOG" else "data", pages // 128, grows, None if used is None else used // 128)


def on_off(value: bool) -> str:
    """As T-SQL writes it."""
    return "ON" if value else "OFF"


def property_lines(properties: Properties) -> Iterator[str]:
    """The lines of a diff; what the server sets on its own is left out."""
    yield f"owner: {properties.owner or '(no login)'}"
    yield f"recovery model: {properties.recovery_model}"
    if properties.collation:
        yield f"collation: {properties.collation}"
    yield f"AUTO_CLOSE: {on_off(properties.auto_close)}"
    yield f"AUTO_SHRINK: {on_off(properties.auto_shrink)}"
    yield f"DB_CHAINING: {on_off(properties.db_chaining)}"
    for file in properties.files:
        size = f"{file.size} MB, " if file.size else ""
        yield f"{file.kind} file {file.name}: {size}grows by {file.growth}"


def remarks(properties: Properties) -> list[str]:
    """What a DBA would want to know and this project does not change unless it is asked to."""
    found = [f"AUTO_{name.upper()} is on" for name in ("close", "shrink") if getattr(properties, f"auto_{name}")]
    found += file_remarks(properties.files)
    return [*found, log] if (log := log_remark(properties)) else found


def log_remark(properties: Properties) -> str:
    """Why the log grows, "" where it does not."""
    if properties.log_reuse_wait in _PASSING_WAITS:
        return ""
    return f"its log cannot be reused: log_reuse_wait is {properties.log_reuse_wait}"


def file_remarks(files: Iterable[File]) -> Iterator[str]:
    """The same of files."""
    for file in files:
        if file.growth.endswith("percent"):
            yield f"{file.kind} file {file.name} grows by {file.growth}, more each time"
        if file.growth == "0 MB":
            yield f"{file.kind} file {file.name} does not grow"


def property_facts(properties: Properties) -> dict[str, Any]:
    """Properties as plain data for a module's result."""
    return {**asdict(properties), "files": file_facts(properties.files)}


def file_facts(files: Iterable[File]) -> list[dict[str, Any]]:
    """Files as plain data for a module's result; sizes in MB, `free` is what is left in them as they are."""
    return [{**asdict(f), "free": None if f.used is None or f.size is None else f.size - f.used} for f in files]
