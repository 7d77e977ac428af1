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

from tests.integration.breaking import at_task
from tests.integration.playbook import CHECKOUT, HostsRun
from tests.integration.web_service.services import Service

CONNECTIONS = Path(__file__).parent / "connections"
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
    service: Service

    @property
    def web_config(self) -> Path:
        """The application's."""
        return self.service.folder / "web.config"

    @property
    def cut(self) -> Path:
        """While it is there the host cannot be reached."""
        return self.service.folder / "cut"

    @property
    def process(self) -> str:
        """Which process its service is; empty while it does not run."""
        return (self.service.folder / "pid").read_text() if self.service.runs else ""

    def variables(self) -> dict[str, Any]:
        """Its variables in the inventory."""
        return {
            "ansible_connection": "cable",
            "ansible_cable_cut": str(self.cut),
            "aspstate_web_client_names": [self.name],
            "aspstate_web_config_applications": [{"path": str(self.web_config)}],
            **self.service.variables,
            # a busy machine may need more than a little service allows itself
            **{f"aspstate_web_{name}_timeout": 20 for name in ("service_stop", "service_start", "url")},
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
            "ANSIBLE_CONNECTION_PLUGINS": str(CONNECTIONS),
            **(at_task(at, do, of) if at else {}),
        }
        command = [sys.executable, "-m", "ansible", "playbook", f"playbooks/{playbook}", "-i", str(inventory), *options]
        run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
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
