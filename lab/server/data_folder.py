"""The folder that holds the databases: made if missing, private, and in use by one server at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LOCK_NAME = "lock"


class DataFolderError(Exception):
    """The folder cannot be used, in words for the user."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the folder; a kill lets go of it too. Raises DataFolderError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / LOCK_NAME).open("w")
    except OSError as error:
        raise DataFolderError(f"cannot keep databases in {folder}: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderError(f"another lab server keeps its databases in {folder}") from None
        yield
