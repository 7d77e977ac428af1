"""How quick playbooks/check.yml is over many servers, in processor time, beside what else Ansible could do there.

Time is that of ansible-playbook and all its processes; the lab server's own is not in it. A module's process is most
of what a task costs, so one `ping` a host is the least that a check by a module could take, one `debug` is what Ansible
itself takes, and a task of `mssql_script` a question is how such checks are often written.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from lab.control import CHECKOUT
from lab.own_server import own_server

sys.path.insert(0, str(CHECKOUT / "module_utils"))  # the product's core, as its tests import it

from aspstate.check import check
from aspstate.check_wishes import CHECK_ARGUMENTS, declared
from aspstate.login import Login
from aspstate.server import Server, connect

FILES = CHECKOUT / "roles/aspstate_database/files"
DEFINITIONS = [
    file.read_text(encoding="utf-8")
    for folder in ("schema", "tables_in_database")
    for file in sorted((FILES / folder).glob("*.sql"))
]

HOSTS = (1, 10, 50)
PASSWORD = "Aa1!" + secrets.token_hex(16)
LOGIN = "shop"


@dataclass(frozen=True)
class Cost:
    """Processor seconds of a run, and the memory of its largest process in MB."""

    seconds: float
    megabytes: float


def lines(databases: int = max(HOSTS)) -> Iterator[str]:
    """A line a comparison, on a lab server of its own with that many databases."""
    with own_server("--agent") as own, tempfile.TemporaryDirectory() as folder:
        bench = _Bench(Login(own.host, own.port, "sa", own.home.password()), Path(folder))
        bench.run("site.yml", bench.inventory(databases))
        yield from bench.compare([each for each in HOSTS if each <= databases])


class _Bench:
    def __init__(self, login: Login, folder: Path) -> None:
        self._login = login
        self._folder = folder
        with connect(login) as server:
            server.run(
                "DECLARE @create nvarchar(400) = N'CREATE LOGIN ' + QUOTENAME(%(name)s) + N' WITH PASSWORD = N'''"
                " + %(password)s + N''', CHECK_POLICY = OFF' EXEC (@create)",
                {"name": LOGIN, "password": PASSWORD},
            )

    def inventory(self, hosts: int) -> Path:
        """So many hosts, each with a database of its own."""
        shared = {
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "aspstate_login_host": self._login.host,
            "aspstate_login_port": self._login.port,
            "aspstate_login_user": self._login.user,
            "aspstate_login_password": self._login.password,
            "aspstate_database_name": "{{ inventory_hostname }}",
            "aspstate_grants_logins": [{"name": LOGIN, "password": PASSWORD}],
            "aspstate_check_report_path": str(self._folder / "reports"),
        }
        path = self._folder / f"{hosts}.json"  # JSON is YAML
        names = {f"bench_{number:02}": {} for number in range(hosts)}
        path.write_text(json.dumps({"aspstate_database": {"vars": shared, "hosts": names}}))
        return path

    def compare(self, sizes: list[int]) -> Iterator[str]:
        """Check.yml over each number of hosts, against the rest over the largest."""
        costs = {size: self.run("check.yml", self.inventory(size)) for size in sizes}
        for size in sizes:
            inventory, cost = self.inventory(size), costs[size]
            ping, debug = (
                self.play(inventory, [{task: {}}]) for task in ("ansible.builtin.ping", "ansible.builtin.debug")
            )
            yield (
                f"check.yml over {size} host(s), by the processor time of one ping a host: "
                f"{cost.seconds / ping.seconds:.2f}; of one debug a host: {cost.seconds / debug.seconds:.2f}; "
                f"the memory of its largest process, by that of debug: {cost.megabytes / debug.megabytes:.2f}"
            )
        few, many = sizes[-2:]
        growth = (costs[many].seconds - costs[few].seconds) / (many - few) / (costs[few].seconds / few)
        yield f"a host more of {many}, by a host of {few}: {growth:.2f}"
        questions = self.questions()
        scripts = self.play(self.inventory(many), questions)
        asking = self.run("check.yml", self.inventory(many), "aspstate_check_probe=rights")
        yield (
            f"the same {len(questions)} questions by mssql_script over {many} hosts, by check.yml without its probe: "
            f"{scripts.seconds / asking.seconds:.1f}; with it: {scripts.seconds / costs[many].seconds:.1f}"
        )

    def questions(self) -> list[dict[str, Any]]:
        """What check.yml asks of a server besides its probe, as a task a question for the host's own database."""
        connection = {
            "login_host": "{{ aspstate_login_host }}",
            "login_port": "{{ aspstate_login_port }}",
            "login_user": "{{ aspstate_login_user }}",
            "login_password": "{{ aspstate_login_password }}",
        }
        return [
            {"community.general.mssql_script": {**connection, "script": statement, "params": values}}
            for statement, values in self._asked()
        ]

    def _asked(self) -> list[tuple[str, dict[str, Any]]]:
        """The statements of a check on its own connection, with their values; names of databases are the host's."""
        asked: list[tuple[str, dict[str, Any]]] = []
        servers: list[Server] = []
        run, name = Server.run, "bench_00"

        def recorded(server: Server, statement: str, values: Mapping[str, Any] | None = None) -> Any:
            servers.append(server)
            if server is servers[0]:
                ours = {
                    key: "{{ inventory_hostname }}" if value == name else value for key, value in (values or {}).items()
                }
                asked.append((statement, ours))
            return run(server, statement, values)

        job = {"command": "EXEC dbo.DeleteExpiredSessions", "availability_group_command": ""}
        options = {"name": name, "schema": DEFINITIONS, "agent_job": job, "grants": {"logins": [{"name": LOGIN}]}}
        params = ArgumentSpecValidator(CHECK_ARGUMENTS).validate(options).validated_parameters
        with patch.object(Server, "run", recorded):
            check(self._login, declared(params), probe="rights", passwords={})
        return asked

    def play(self, inventory: Path, tasks: list[dict[str, Any]]) -> Cost:
        """Tasks of this bench's."""
        path = self._folder / "play.json"
        path.write_text(json.dumps([{"hosts": "aspstate_database", "gather_facts": False, "tasks": tasks}]))
        return self._run(path, inventory)

    def run(self, playbook: str, inventory: Path, *variables: str) -> Cost:
        """A playbook of the project's."""
        return self._run(CHECKOUT / "playbooks" / playbook, inventory, *variables)

    def _run(self, playbook: Path, inventory: Path, *variables: str) -> Cost:
        command = [sys.executable, "-m", "ansible", "playbook", str(playbook), "-i", str(inventory)]
        command += [word for each in variables for word in ("-e", each)]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
        with (self._folder / "output").open("w+", encoding="utf-8") as output:
            process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            if process.returncode:
                raise SystemExit(f"{playbook.name} ended with code {process.returncode}:\n{output.read()[-4000:]}")
        return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
