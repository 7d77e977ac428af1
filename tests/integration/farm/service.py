"""A web service of a test: `python service.py FOLDER start|stop|status`, as an init script answers.

It is a process that sleeps; while `FOLDER/refuses_to_start` or `refuses_to_stop` is there it refuses to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

RUNNING, STOPPED = 0, 3


def main(folder: Path, verb: str) -> int:
    """Exit codes are those of an init script."""
    if verb == "status":
        return RUNNING if _process(folder) else STOPPED
    if (folder / f"refuses_to_{verb}").exists():
        print(f"the test's service refuses to {verb}", file=sys.stderr)
        return 1
    with (folder / "log").open("a") as log:
        log.write(f"{verb}\n")
    if verb == "start" and not _process(folder):
        server = subprocess.Popen(
            ["sleep", "3600"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        (folder / "pid").write_text(str(server.pid))
    elif verb == "stop":
        _stop(folder)
    return 0


def _process(folder: Path) -> int | None:
    """The number of the process, if it runs: a zombie does not."""
    try:
        number = int((folder / "pid").read_text())
        state = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if state == "Z" else number


def _stop(folder: Path) -> None:
    while number := _process(folder):
        os.kill(number, signal.SIGKILL)
        time.sleep(0.01)
    (folder / "pid").unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
