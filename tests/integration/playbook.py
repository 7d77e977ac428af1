"""ansible-playbook as a user runs it, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aspstate.login import Login

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """What came of a run."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """The changed= of the recap, summed over hosts."""
        found = re.findall(r"changed=(\d+)", self.output)
        assert found, self.output
        return sum(map(int, found))

    @property
    def text(self) -> str:
        """The output in one line, for messages that Ansible wrapped."""
        return " ".join(self.output.split())

    @property
    def diff(self) -> list[str]:
        """The lines of the diffs that were printed."""
        lines = [line.rstrip() for line in self.output.split("\n")]
        return [line for line in lines if re.match(r"(---|\+\+\+|@@|[-+]\S|[-+] )", line)]


@dataclass(frozen=True)
class HostsRun(Run):
    """The same of several hosts."""

    def failure(self, host: str) -> str:
        """What was said of one host's failure, in one line."""
        found = re.search(rf"^fatal: \[{host}\].*?(?=^\S)", self.output, re.DOTALL | re.MULTILINE)
        assert found, self.output
        return " ".join(found.group().split())


@dataclass(frozen=True)
class Module:
    """What a module answered when `ansible` ran it on its own."""

    code: int
    result: dict[str, Any]
    output: str


@dataclass(frozen=True)
class Playbooks:
    """Runs a playbook of the project against a server."""

    login: Login

    def run(
        self, playbook: str, *options: str, password: str = "", inventory: str = "inventory/lab", **variables: object
    ) -> Run:
        """`options` go to ansible-playbook, `variables` to -e; both they and `password` replace what the login has.

        The lab inventory's application gets no grants, unless `variables` say so, and its web hosts take no part.

        A password comes from the environment, as it would from a vault: Ansible prints its command line at -vvvv.
        """
        values = {**self._connection("aspstate_login"), "aspstate_grants_logins": [], **variables}
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            f"playbooks/{playbook}",
            "-i",
            inventory,
            "--limit",
            "aspstate_database:localhost",
            *options,
        ]
        for key, value in values.items():
            command += ["-e", json.dumps({key: value})]
        run = self._execute(command, password)
        return Run(run.returncode, run.stdout + run.stderr)

    def run_hosts(self, playbook: str, hosts: dict[str, dict[str, object]], folder: Path) -> HostsRun:
        """The same for an inventory of these hosts, each with its variables, all on the login's server; at -vvvv."""
        shared = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            **self._connection("aspstate_login"),
        }
        inventory = folder / "hosts.json"  # JSON is YAML
        inventory.write_text(json.dumps({"aspstate_database": {"vars": shared, "hosts": hosts}}))
        command = [sys.executable, "-m", "ansible", "playbook", f"playbooks/{playbook}", "-i", str(inventory), "-vvvv"]
        run = self._execute(command, "", ANSIBLE_CALLBACK_RESULT_FORMAT="json")
        return HostsRun(run.returncode, run.stdout + run.stderr)

    def module(self, module: str, /, *, check: bool = False, **arguments: object) -> Module:
        """Run a module on its own, with the connection that the playbooks use; `check` is check mode."""
        values = {**self._connection("login"), **arguments}
        command = [sys.executable, "-m", "ansible", "adhoc", "lab", "-i", "inventory/lab", "-m", module]
        run = self._execute(
            [*command, *(["--check"] if check else []), "-a", json.dumps(values)],
            "",
            ANSIBLE_CALLBACK_RESULT_FORMAT="json",
        )
        found = re.search(r"=> *(\{.*\})", run.stdout, re.DOTALL)
        assert found, run.stdout + run.stderr
        return Module(run.returncode, json.loads(found.group(1)), run.stdout + run.stderr)

    def _connection(self, prefix: str) -> dict[str, object]:
        login = self.login
        password = "{{ lookup('ansible.builtin.env', 'ASPSTATE_TEST_RUN_PASSWORD') }}"
        values = {"host": login.host, "port": login.port, "user": login.user, "password": password}
        return {f"{prefix}_{name}": value for name, value in values.items()}

    def _execute(self, command: list[str], password: str, **environment: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "ASPSTATE_TEST_RUN_PASSWORD": password or self.login.password,
            **environment,
        }
        return subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
