"""Web hosts of a test, and what comes of running a role's entry points on them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.integration.breaking import at_task
from tests.integration.playbook import CHECKOUT, HostsRun


@dataclass(frozen=True)
class WebHosts:
    """An inventory below `folder`: hosts of group aspstate_web, each with its variables, all on this machine."""

    folder: Path
    hosts: Mapping[str, Mapping[str, Any]]
    role: str = "aspstate_web_service"
    environment: Mapping[str, str] = field(default_factory=dict)
    inside: tuple[str, ...] = ()
    """A command that runs the rest of its command line somewhere else, such as unshare."""

    def run(self, *entry_points: str, options: tuple[str, ...] = (), kill_at: int = 0, **variables: object) -> HostsRun:
        """Run entry points of the role, one after the other; SIGKILL before step number `kill_at`."""
        include = [
            {"name": name, "ansible.builtin.include_role": {"name": self.role, "tasks_from": name}}
            for name in entry_points
        ]
        told = ["running", "unfinished"]
        told = {name: f"{{{{ __{self.role}_{name} | default('unknown') }}}}" for name in told}
        tell = {"name": "Tell", "ansible.builtin.debug": {"msg": told}}
        play = {"hosts": "aspstate_web", "gather_facts": False, "tasks": [*include, tell]}
        return self.play([play], options, kill_at, variables)

    def play(
        self,
        plays: list[dict[str, Any]],
        options: tuple[str, ...] = (),
        kill_at: int = 0,
        variables: Mapping[str, object] | None = None,
    ) -> HostsRun:
        """Run plays of the test's own."""
        playbook = self.folder / "playbook.yml"
        playbook.write_text(json.dumps(plays))  # JSON is YAML
        return self.playbook(str(playbook), options, kill_at, variables)

    def playbook(
        self,
        playbook: str,
        options: tuple[str, ...] = (),
        kill_at: int = 0,
        variables: Mapping[str, object] | None = None,
    ) -> HostsRun:
        """Run a playbook by its path."""
        shared = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
        inventory = self.folder / "hosts.json"
        inventory.write_text(json.dumps({"aspstate_web": {"vars": shared, "hosts": self.hosts}}))
        command = [*self.inside, sys.executable, "-m", "ansible", "playbook", playbook, "-i", str(inventory), *options]
        command += ["-e", json.dumps(variables or {})]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            **self.environment,
        }
        if kill_at:
            environment |= at_task(kill_at)
        run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        return HostsRun(run.returncode, run.stdout + run.stderr)
