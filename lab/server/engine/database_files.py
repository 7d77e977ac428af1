"""The files of a database. They are only recorded: the lab server writes one log for all databases."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Any

PAGE = 8192
PAGES_PER_EXTENT = 8
"""Growth is counted in steps of so many pages."""

SMALLEST_DATA_PAGES = 1024
"""The size of model's data file, which every other one must have room for."""

SMALLEST_PAGES = 64
UNLIMITED = -1
LARGEST_LOG_PAGES = 268_435_456
"""What max_size says of a log without limit."""

DATA_PAGES, DATA_GROWTH = SMALLEST_DATA_PAGES, 8192
LOG_PAGES, LOG_PERCENT = 1024, 10

_SYSTEM_NAMES = {
    "master": ("master", "mastlog", "master", "mastlog"),
    "tempdb": ("tempdev", "templog", "tempdb", "templog"),
    "model": ("modeldev", "modellog", "model", "modellog"),
    "msdb": ("MSDBData", "MSDBLog", "MSDBData", "MSDBLog"),
}


@dataclass(frozen=True)
class DatabaseFile:
    """`growth` is in pages, or in percent."""

    file_id: int
    name: str
    path: str
    is_log: bool
    pages: int
    growth: int
    is_percent: bool = False

    def as_list(self) -> list[Any]:
        """For the log; `DatabaseFile(*list)` is the way back."""
        return list(astuple(self))

    def grown(self, pages: int) -> int:
        """The size of the file once it has grown, step by step, to hold so many pages."""
        size = self.pages
        while size < pages and self.growth:
            size += max(size * self.growth // 100, PAGES_PER_EXTENT) if self.is_percent else self.growth
        return max(size, pages)


Files = tuple[DatabaseFile, ...]


def default_files(name: str, data_path: str, log_path: str) -> Files:
    """The files of a database for which none were named; the paths end in a slash."""
    data, log, data_file, log_file = _SYSTEM_NAMES.get(name, (name, f"{name}_log", name, f"{name}_log"))
    return (
        DatabaseFile(1, data, f"{data_path}{data_file}.mdf", False, DATA_PAGES, DATA_GROWTH),
        DatabaseFile(2, log, f"{log_path}{log_file}.ldf", True, LOG_PAGES, LOG_PERCENT, True),
    )


def pages(kilobytes: int) -> int:
    """The pages of a size, the last one perhaps not full."""
    return -(-kilobytes * 1024 // PAGE)


def growth_pages(kilobytes: int) -> int:
    """The pages of a growth: whole extents."""
    return -(-pages(kilobytes) // PAGES_PER_EXTENT) * PAGES_PER_EXTENT
