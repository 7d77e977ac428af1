"""The two processes of a node: Mono's FastCGI server with the application, and nginx in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.background import end, held
from lab.web.browser import Browser
from lab.web.node import Node, prepare

FASTCGI = Path("/usr/lib/mono/4.5/fastcgi-mono-server4.exe")
NGINX_CONF = Path(__file__).with_name("nginx.conf")
SEARCHED = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"
"""Where nginx is on Debian, whoever looks."""

START_SECONDS, STOP_SECONDS = 60, 10
_LOG_LINES = 15
_NOBODY_BEHIND_NGINX, _NO_ANSWER_YET = 502, 504


class WebError(Exception):
    """A node could not be started or stopped; the text says why."""


def missing_packages() -> str:
    """What a node needs of the system and is not there, as a sentence; empty if all is there."""
    missing = [name for name in ("mono", "mcs", "nginx") if not shutil.which(name, path=SEARCHED)]
    missing += [] if FASTCGI.exists() else [str(FASTCGI)]
    return f"no web node without {', '.join(missing)}: make web-packages (root on Debian)" if missing else ""


def start(node: Node) -> None:
    """Start a node and wait until its application answers, whatever it answers. Raises WebError."""
    if missing := missing_packages():
        raise WebError(missing)
    stop(node)  # half of a node would be in the way
    if _nginx_accepts(node):
        raise WebError(f"something else listens on port {node.port()}; for another port remove {node.port_file}")
    prepare(node)
    shutil.rmtree(node.run / "tmp", ignore_errors=True)
    (node.run / "tmp").mkdir(parents=True)
    conf = NGINX_CONF.read_text().replace("@port@", str(node.port())).replace("@application@", str(node.application))
    (node.run / "nginx.conf").write_text(conf)
    try:
        with _log_of(node, "mono"):
            mono = _spawn(node, "mono", *_commands(node)["mono"])
            _wait(lambda: _mono_accepts(node), mono)
            with _log_of(node, "nginx"):
                nginx = _spawn(node, "nginx", *_commands(node)["nginx"])
                _wait(lambda: _nginx_accepts(node), nginx)
            _demand_answer(node)
    except WebError:
        stop(node)
        raise


def stop(node: Node) -> None:
    """End both processes and wait for that. Raises WebError."""
    for name, command in reversed(_commands(node).items()):
        pid_file = node.run / f"{name}.pid"
        with held(pid_file, *map(os.fsencode, command)) as process:
            if process is not None and not (
                end(process, signal.SIGTERM, STOP_SECONDS) or end(process, signal.SIGKILL, STOP_SECONDS)
            ):
                raise WebError(f"{name} of node {node.name} has not ended; its log is {node.run / name}.log")
        pid_file.unlink(missing_ok=True)


def runs(node: Node) -> bool:
    """Whether both processes are there and take requests."""
    with ExitStack() as stack:
        processes = [
            stack.enter_context(held(node.run / f"{name}.pid", *map(os.fsencode, command)))
            for name, command in _commands(node).items()
        ]
        return None not in processes and _mono_accepts(node) and _nginx_accepts(node)


def _commands(node: Node) -> dict[str, tuple[str, ...]]:
    """What runs, in the order of the start. The words tell a process of this node from any other."""
    return {
        "mono": ("mono", str(FASTCGI), f"--applications=/:{node.application}", "--socket=unix:mono.sock"),
        "nginx": ("nginx", "-p", f"{node.run}/", "-c", "nginx.conf"),
    }


def _spawn(node: Node, name: str, *command: str) -> subprocess.Popen[bytes]:
    """Start a process that knows nothing of the caller's environment and writes to nothing but the node's folder."""
    environment = {
        "PATH": SEARCHED,
        "LANG": "C.UTF-8",
        "HOME": str(node.run),
        "TMPDIR": str(node.run / "tmp"),
        "MONO_REGISTRY_PATH": str(node.run / "tmp"),
        "MONO_DISABLE_SHARED_AREA": "1",
    }
    (node.run / f"{name}.sock").unlink(missing_ok=True)
    with (node.run / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=node.run,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    (node.run / f"{name}.pid").write_text(f"{process.pid}\n")
    return process


def _wait(accepts: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not accepts():
        if process.poll() is not None:
            raise WebError(f"{process.args[0]} has ended")
        if time.monotonic() > deadline:
            raise WebError(f"{process.args[0]} takes no connections after {START_SECONDS} s")
        time.sleep(0.02)


def _demand_answer(node: Node) -> None:
    deadline = time.monotonic() + START_SECONDS
    try:
        while (status := Browser().get(node.url, START_SECONDS).status) == _NO_ANSWER_YET:
            if time.monotonic() > deadline:
                raise WebError(f"the application does not answer after {START_SECONDS} s")
    except OSError as error:
        raise WebError(f"no answer on {node.url}: {error}") from None
    if status == _NOBODY_BEHIND_NGINX:
        raise WebError("Mono could not load the application")


@contextmanager
def _log_of(node: Node, name: str) -> Iterator[None]:
    """A failure within ends with what the process has written meanwhile."""
    log = node.run / f"{name}.log"
    before = log.stat().st_size if log.exists() else 0
    try:
        yield
    except WebError as error:
        written = log.read_bytes()[before:].decode(errors="replace") if log.exists() else ""
        lines = [line for line in written.splitlines() if not line.startswith("  at ")]  # Mono's stack
        raise WebError("\n".join([str(error), *lines[-_LOG_LINES:]])) from None


def _mono_accepts(node: Node) -> bool:
    """The path of a socket may be 107 bytes long; through the open folder it is short."""
    folder = os.open(node.run, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(f"/proc/self/fd/{folder}/mono.sock") == 0
    finally:
        os.close(folder)


def _nginx_accepts(node: Node) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", node.port())) == 0
