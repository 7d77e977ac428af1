"""A process in the background, known by its number in a file. A number left behind is never taken for it."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

NOT_RUNNING = 3
"""Exit code of `status` where nothing runs, as of init scripts."""


@contextmanager
def held(pid_file: Path, *words: bytes) -> Iterator[int | None]:
    """The process whose number `pid_file` begins with, as a pidfd; None if it is not there.

    Held, its number cannot become another's. A process whose command line lacks one of `words` is not it.
    """
    try:
        number = int(pid_file.read_text().split()[0])
        process = os.pidfd_open(number)
    except (OSError, ValueError, IndexError, OverflowError):
        yield None
        return
    try:
        yield process if set(words) <= set(_command_line(number)) else None
    finally:
        os.close(process)


def end(process: int, how: signal.Signals, seconds: float) -> bool:
    """Send a signal to a held process and wait; whether it has ended."""
    with suppress(ProcessLookupError):  # it was faster
        signal.pidfd_send_signal(process, how)
    return bool(select.select([process], [], [], seconds)[0])


def _command_line(number: int) -> list[bytes]:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
