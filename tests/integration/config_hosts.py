"""Web hosts with a web.config each, on this machine, and the entry points of aspstate_web_config run on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from tests.integration.playbook import CHECKOUT, HostsRun

PLAIN = (
    '<?xml version="1.0" encoding="utf-8"?>\r\n<configuration>\r\n\t<!-- größe -->\r\n\t<system.web>\r\n'
    "\t\t<sessionState mode='InProc' timeout='20'/>\r\n\t</system.web>\r\n</configuration>"
).encode()
SECRET = "s3cr3t-word"
CONNECTION = f"Data Source=sql01;User ID=shop;Password={SECRET}"
SQL = {"mode": "SQLServer", "sqlConnectionString": CONNECTION, "timeout": 30}
IN_SQL = PLAIN.replace(
    b"mode='InProc' timeout='20'", f"mode='SQLServer' timeout='30' sqlConnectionString='{CONNECTION}'".encode()
)


@dataclass
class ConfigHosts:
    """Hosts whose files lie below `folder`; each host has its own variables, all have `shared`."""

    folder: Path
    hosts: dict[str, dict[str, object]] = field(default_factory=dict)
    shared: dict[str, object] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def file(self, host: str, raw: bytes = PLAIN) -> Path:
        """A new host with one application; returns its web.config."""
        path = self.folder / host / "größe" / "web.config"
        path.parent.mkdir(parents=True)
        path.write_bytes(raw)
        self.hosts[host] = {"aspstate_web_config_applications": [{"path": str(path)}]}
        return path

    def run(self, entry: str = "main", *options: str, **variables: object) -> HostsRun:
        """An entry point of the role on all hosts, at -vvvv; `variables` are for this run."""
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        chosen = {f"aspstate_web_config_{name}": value for name, value in variables.items()}
        inventory, playbook = self.folder / "hosts.json", self.folder / "playbook.json"  # JSON is YAML
        inventory.write_text(
            json.dumps({"aspstate_web": {"vars": {**local, **self.shared, **chosen}, "hosts": self.hosts}})
        )
        role = {"name": "aspstate_web_config", "tasks_from": entry}
        task = {"name": "The role", "ansible.builtin.include_role": role}
        playbook.write_text(json.dumps([{"hosts": "aspstate_web", "gather_facts": False, "tasks": [task]}]))
        command = [sys.executable, "-m", "ansible", "playbook", str(playbook), "-i", str(inventory), "-vvvv", *options]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            **self.environment,
        }
        run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        return HostsRun(run.returncode, run.stdout + run.stderr)


def backups(path: Path) -> list[Path]:
    """The files that runs kept beside a web.config."""
    return sorted(each for each in path.parent.iterdir() if each != path)


@contextmanager
def page(status: Callable[[], int]) -> Iterator[str]:
    """The address of an application that answers each request with what `status` says at that time."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status())
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
