"""The file that makes commits last: records are only ever added to its end, and a commit is one record.

The first line says what the file is. A record is its length, its crc32 and JSON. Whatever kills the process or the
machine, the file then ends with whole records and at most one torn one, which opening cuts off.
"""

from __future__ import annotations

import base64
import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

_FIRST_LINE = b"Session state lab server: log, format 1\n"
_HEADER = struct.Struct("<II")

Record = list[Any]


class LogDamaged(Exception):
    """The file holds something that this program has not written."""


class Log:
    """The log of one data folder. A failed write or sync leaves it closed: what is on disk is not known then."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.records = 0
        """How many records the file holds."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _sync_folder(path.parent)

    def replay(self) -> Iterator[Record]:
        """The records in order; what follows the last whole one is cut off. To be called once, first.

        Raises LogDamaged, and leaves the file alone, if it is no log.
        """
        with open(self._file, "rb", closefd=False) as file:
            first_line = file.read(len(_FIRST_LINE))
            if not _FIRST_LINE.startswith(first_line):
                raise LogDamaged(f"{self.path} is not a log of the lab server")
            os.pwrite(self._file, _FIRST_LINE, 0)  # the file may be new, or torn in this very line
            end = len(_FIRST_LINE)
            while record := _read(file):
                end += _HEADER.size + len(record)
                self.records += 1
                yield _decode(record, self.path)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)

    def append(self, record: Record) -> None:
        """Add a record; it lasts after `sync`."""
        _write(self._file, record)
        self.records += 1

    def sync(self) -> None:
        """Wait until all that was appended is on the disk."""
        os.fdatasync(self._file)

    def replace(self, records: Iterable[Record]) -> None:
        """Put these records in the place of all; killed meanwhile, the old ones are still there."""
        fresh = self.path.with_suffix(".new")
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.write(file, _FIRST_LINE)
        count = 0
        for record in records:
            _write(file, record)
            count += 1
        os.fsync(file)
        fresh.replace(self.path)
        _sync_folder(self.path.parent)
        os.close(self._file)
        self._file, self.records = file, count

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def _read(file: Any) -> bytes | None:
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size:
        return None
    length, checksum = _HEADER.unpack(header)
    data = file.read(length)
    return data if len(data) == length and length and zlib.crc32(data) == checksum else None


def _write(file: int, record: Record) -> None:
    # Unescaped: from escapes json would make one character of the two halves of a surrogate pair.
    text = json.dumps(record, default=_encode_value, separators=(",", ":"), ensure_ascii=False)
    data = text.encode("utf-8", "surrogatepass")
    rest = memoryview(_HEADER.pack(len(data), zlib.crc32(data)) + data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _decode(data: bytes, path: Path) -> Record:
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"), object_hook=_decode_value)
    except ValueError as error:
        raise LogDamaged(f"{path}: {error}") from None


def _encode_value(value: Any) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, datetime):
        return {"datetime": value.isoformat()}
    raise TypeError(f"no place in the log for {type(value).__name__}")


def _decode_value(value: dict[str, Any]) -> Any:
    if len(value) == 1 and "bytes" in value:
        return base64.b64decode(value["bytes"])
    if len(value) == 1 and "datetime" in value:
        return datetime.fromisoformat(value["datetime"])
    return value


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
