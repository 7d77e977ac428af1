"""A farm of web hosts on this machine, against the server of a test, and the runs of playbooks on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aspstate.login import Login

from tests.integration.playbook import CHECKOUT, HostsRun

HERE = Path(__file__).parent
OUT, BACK = "Applications out of service", "Applications in service again"
"""The first and the last play of uninstall.yml that change something."""

WEB_CONFIG = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <!-- the shop -->
  <system.web>
    <sessionState mode="SQLServer" sqlConnectionString="Data Source=sql;User ID=app;Password=secret" timeout="30" />
  </system.web>
</configuration>
"""


@dataclass(frozen=True)
class WebHost:
    """A web host of a test: its service, its application's web.config, the cable to it."""

    name: str
    folder: Path

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.web_config.write_text(WEB_CONFIG, encoding="utf-8")

    @property
    def web_config(self) -> Path:
        """The application's."""
        return self.folder / "web.config"

    @property
    def state_file(self) -> Path:
        """Where a run remembers what ran."""
        return self.folder / "state.json"

    @property
    def cut(self) -> Path:
        """While it is there the host cannot be reached."""
        return self.folder / "cut"

    @property
    def runs(self) -> bool:
        """Whether its service does."""
        return self.service("status") == 0

    @property
    def commands(self) -> list[str]:
        """What its service was told, in order."""
        log = self.folder / "log"
        return log.read_text().split() if log.exists() else []

    def refuse(self, verb: str, *, now: bool = True) -> None:
        """Let its service refuse to start or to stop, or no longer."""
        file = self.folder / f"refuses_to_{verb}"
        file.touch() if now else file.unlink()

    def service(self, verb: str) -> int:
        """Tell its service; returns the exit code."""
        return subprocess.run(self.command(verb), check=False, stderr=subprocess.DEVNULL).returncode

    def command(self, verb: str) -> list[str]:
        """The command that tells its service."""
        return [sys.executable, str(HERE / "service.py"), str(self.folder), verb]

    def variables(self) -> dict[str, Any]:
        """Its variables in the inventory."""
        return {
            "ansible_connection": "cable",
            "ansible_cable_cut": str(self.cut),
            "aspstate_web_client_names": [self.name],
            "aspstate_web_service_backend": "command",
            "aspstate_web_service_state_file": str(self.state_file),
            **{f"aspstate_web_service_{verb}_command": self.command(verb) for verb in ("start", "stop", "status")},
            "aspstate_web_config_applications": [{"path": str(self.web_config)}],
        }


@dataclass
class Farm:
    """The database host `sql`, and web hosts; `variables` are those of all of them."""

    login: Login
    folder: Path
    hosts: list[WebHost]
    variables: dict[str, Any] = field(default_factory=dict)

    def run(
        self, playbook: str, *options: str, at: int | str = "", of: str = OUT, do: str | Path = "", **more: Any
    ) -> HostsRun:
        """Run a playbook; `at` a task of the play `of` or later do `kill` the controller, or make a file."""
        inventory = self.folder / "hosts.json"  # JSON is YAML
        inventory.write_text(json.dumps(self._inventory(more)))
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "plugins/connection"),
            "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "plugins/callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "at_task",
            "ASPSTATE_TEST_FROM": of,
            "ASPSTATE_TEST_AT": str(at),
            "ASPSTATE_TEST_DO": str(do),
        }
        command = [sys.executable, "-m", "ansible", "playbook", f"playbooks/{playbook}", "-i", str(inventory), *options]
        run = subprocess.run(
            command,
            cwd=CHECKOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            start_new_session=True,
        )
        return HostsRun(run.returncode, run.stdout + run.stderr)

    def _inventory(self, more: dict[str, Any]) -> dict[str, Any]:
        login = self.login
        database = {
            "ansible_connection": "local",
            "aspstate_login_host": login.host,
            "aspstate_login_port": login.port,
            "aspstate_login_user": login.user,
            "aspstate_login_password": login.password,
        }
        shared = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **self.variables, **more}
        return {
            "all": {"vars": shared},
            "aspstate_database": {"vars": database, "hosts": {"sql": {}}},
            "aspstate_web": {"hosts": {host.name: host.variables() for host in self.hosts}},
        }
