"""A web service that is small and real: little_service.py FOLDER start|stop|status, as init scripts have it.

It answers 200 to everything, and 503 where the folder has an App_Offline.htm. The folder's file `port` says where;
other files in it, each named after what then happens, break it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

FOLDER = Path(sys.argv[1])


class Answer(BaseHTTPRequestHandler):
    """Every page."""

    def do_GET(self) -> None:
        offline = any(path.name.lower() == "app_offline.htm" for path in FOLDER.iterdir())
        offline = (offline and not broken("ignores_app_offline")) or broken("never_answers")
        self.send_response(503 if offline else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def pid() -> int:
    """The running process, or 0; another may have got the number of one that has ended."""
    try:
        found = int((FOLDER / "pid").read_text())
        command = Path(f"/proc/{found}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return 0
    return found if bytes(FOLDER) in command else 0


def broken(how: str) -> bool:
    return (FOLDER / how).exists()


def start() -> int:
    if broken("cannot_start"):
        print("the port is taken", file=sys.stderr)
        return 1
    if not pid() and not broken("starts_nothing"):
        command = [sys.executable, __file__, str(FOLDER), "serve"]
        null = subprocess.DEVNULL
        served = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)
        (FOLDER / "pid").write_text(str(served.pid))
    return 0


def stop() -> int:
    if broken("cannot_stop"):
        print("the process is in use", file=sys.stderr)
        return 1
    running = pid()
    if running and not broken("never_stops"):
        os.kill(running, signal.SIGTERM)
    return 0


def status() -> int:
    if broken("odd_status"):
        print("it is anybody's guess", file=sys.stderr)
        return 4
    return 0 if pid() else 3


def serve() -> int:
    HTTPServer(("127.0.0.1", int((FOLDER / "port").read_text())), Answer).serve_forever()
    return 0


if __name__ == "__main__":
    if broken(f"{sys.argv[2]}_hangs"):
        while broken(f"{sys.argv[2]}_hangs"):
            time.sleep(0.05)
        sys.exit(1)
    sys.exit({"start": start, "stop": stop, "status": status, "serve": serve}[sys.argv[2]]())
