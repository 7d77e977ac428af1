"""check.yml as a timer runs it: what it finds, that site.yml says and does the same, and what stops nothing."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aspstate.agent_job import usual_name
from aspstate.login import Login
from aspstate.server import connect

from tests.integration.checking import Site
from tests.integration.config_hosts import PLAIN
from tests.integration.grants import ROLE
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.playbook import CHECKOUT, HostsRun

pytestmark = pytest.mark.controls_server


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    with own_lab("--agent") as server:
        yield server


@pytest.fixture
def login(lab: OwnLab) -> Login:
    return lab.login


@dataclass
class Farm:
    """An inventory of database hosts and web hosts, all on this machine, with a folder for its reports."""

    folder: Path
    databases: dict[str, dict[str, Any]] = field(default_factory=dict)
    webs: dict[str, dict[str, Any]] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    def database(self, host: str, site: Site) -> None:
        """A server as `site` declares it."""
        self.databases[host] = {
            "aspstate_login_host": site.login.host,
            "aspstate_login_port": site.login.port,
            "aspstate_login_user": site.login.user,
            "aspstate_login_password": site.login.password,
            "aspstate_database_name": site.name,
            "aspstate_grants_logins": [{"name": site.application.user, "password": site.application.password}],
        }

    def web(self, host: str, database: str) -> Path:
        """A web host with a web service that runs, and an application with a web.config; returns its folder."""
        folder = self.folder / host
        folder.mkdir()
        (folder / "web.config").write_bytes(PLAIN)
        running = folder / "running"
        running.touch()
        self.webs[host] = {
            "aspstate_web_database_host": database,
            "aspstate_web_service_backend": "command",
            "aspstate_web_service_status_command": ["sh", "-c", f"test -e {running} || exit 3"],
            "aspstate_web_service_start_command": ["touch", str(running)],
            "aspstate_web_service_stop_command": ["rm", str(running)],
            "aspstate_web_service_state_file": str(folder / "state.json"),
            "aspstate_web_config_applications": [{"path": str(folder / "web.config")}],
            "aspstate_web_config_attributes": {"mode": "StateServer", "stateConnectionString": "tcpip=127.0.0.1:42424"},
        }
        return folder

    @property
    def reports(self) -> Path:
        return self.folder / "reports"

    def run(self, playbook: str, *options: str, **variables: Any) -> HostsRun:
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        inventory = {
            "all": {"vars": {**local, **self.variables, "aspstate_check_report_path": str(self.reports)}},
            "aspstate_database": {"hosts": self.databases},
            "aspstate_web": {"hosts": self.webs},
        }
        path = self.folder / "hosts.json"  # JSON is YAML
        path.write_text(json.dumps(inventory))
        command = [sys.executable, "-m", "ansible", "playbook", f"playbooks/{playbook}", "-i", str(path), *options]
        command += ["-e", json.dumps(variables)]
        environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
        return HostsRun(run.returncode, run.stdout + run.stderr)

    def report(self) -> dict[str, Any]:
        """The newest one."""
        return json.loads((self.reports / "latest/report.json").read_text(encoding="utf-8"))

    def check(self, *options: str, **variables: Any) -> tuple[int, dict[str, Any], HostsRun]:
        """The exit code, the report and the run."""
        run = self.run("check.yml", *options, **variables)
        assert (self.reports / "latest").exists(), run.output
        return run.code, self.report(), run


@pytest.fixture
def site(lab: OwnLab, name: str) -> Site:
    site = Site(lab.login, lab.login_with(), name)
    site.converge()
    return site


@pytest.fixture
def farm(tmp_path: Path, site: Site) -> Farm:
    farm = Farm(tmp_path)
    farm.database("sql01", site)
    return farm


def worth_a_look(report: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Id, host and subject of each finding that fails a run."""
    return sorted(
        (each["id"], each["host"], each["subject"]) for each in report["findings"] if each["severity"] != "info"
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_what_drifted_is_found_as_site_yml_predicts_it_and_mends_it_and_then_nothing_is_found(
    farm: Farm, site: Site
) -> None:
    web = farm.web("web01", "sql01")
    assert farm.run("site.yml").code == 0
    code, report, run = farm.check()
    assert (code, report["status"], worth_a_look(report)) == (0, "clean", []), run.output
    with connect(site.login) as server:
        server.run_in(
            site.name,
            f"ALTER DATABASE [{site.name}] SET AUTO_SHRINK ON "
            "EXEC (N'ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 0') "
            "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions "
            f"REVOKE EXECUTE ON dbo.TempGetVersion FROM {ROLE} "
            f"ALTER ROLE {ROLE} DROP MEMBER {site.application.user}",
        )
        server.run("EXEC msdb.dbo.sp_update_job @job_name = %(job)s, @enabled = 0", {"job": usual_name(site.name)})
    (web / "web.config").write_bytes(PLAIN)
    code, report, run = farm.check()
    database, role = f"database {site.name}", f"role {ROLE} in database {site.name}"
    assert (code, report["status"]) == (2, "findings"), run.output
    assert worth_a_look(report) == [
        ("ASP111", "sql01", f"table dbo.ASPStateTempSessions in {database}"),
        ("ASP118", "sql01", f"auto_shrink of {database}"),
        ("ASP119", "sql01", f"procedure dbo.TempResetTimeout in {database}"),
        ("ASP206", "sql01", f"job {usual_name(site.name)}"),
        ("ASP301", "sql01", f"login {site.application.user}"),
        ("ASP307", "sql01", f"EXECUTE on dbo.TempGetVersion of {role}"),
        ("ASP307", "sql01", f"user {site.application.user} in {database}"),
        ("ASP508", "web01", f"<sessionState> in {web}/web.config"),
    ]
    predicted = farm.run("site.yml", "--check", "--diff", "-v")
    mended = farm.run("site.yml", "--diff", "-v")
    assert (predicted.code, mended.code) == (0, 0)
    assert predicted.diff == mended.diff
    messages = " ".join(each["message"] for each in report["findings"])
    assert site.predicted() == []
    for sentence in (
        f"set AUTO_SHRINK OFF in {database}",
        "alter procedure dbo.TempResetTimeout",
        "create index Index_Expires (Expires) on dbo.ASPStateTempSessions",
        f"set enabled of job {usual_name(site.name)}",
        f"grant EXECUTE on dbo.TempGetVersion to role {ROLE}",
        f"add user {site.application.user} to role {ROLE}",
    ):
        assert sentence in messages
        assert sentence in predicted.text
    code, report, run = farm.check()
    assert (code, report["status"], worth_a_look(report)) == (0, "clean", []), run.output
    assert sorted(each["id"] for each in report["resolved"]) == [
        "ASP111",
        "ASP118",
        "ASP119",
        "ASP206",
        "ASP301",
        "ASP307",
        "ASP307",
        "ASP508",
    ]


def test_what_cannot_be_checked_stops_nothing_and_is_never_clean(farm: Farm, site: Site) -> None:
    farm.database("sql02", site)
    farm.databases["sql02"]["aspstate_login_port"] = free_port()
    farm.database("sql03", site)
    farm.databases["sql03"]["aspstate_agent_job_intervall"] = 5
    farm.database("sql04", site)
    farm.databases["sql04"]["aspstate_login_user"] = "{{ nobody_said }}"
    stopped = farm.web("web01", "sql01")
    (stopped / "running").unlink()
    code, report, run = farm.check()
    assert (code, report["status"]) == (2, "incomplete"), run.output
    status = {each["name"]: each["status"] for each in report["hosts"]}
    assert status == {
        "sql01": "checked",
        **dict.fromkeys(("sql02", "sql03", "sql04"), "incomplete"),
        "web01": "checked",
    }
    found = [(id_, host) for id_, host, _ in worth_a_look(report)]
    assert found == [
        *(("ASP001", host) for host in ("sql02", "sql03", "sql04")),
        ("ASP508", "web01"),
        ("ASP601", "web01"),
    ]
    assert "aspstate_agent_job_interval?" in run.text
    assert "nobody_said" in run.text
    # what Ansible cannot reach is told by its own exit code too
    nowhere = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": free_port()}
    farm.webs = {"web02": {**farm.webs["web01"], **nowhere}}
    farm.databases["sql05"] = {**farm.databases["sql01"], **nowhere}  # a bastion
    del farm.databases["sql03"], farm.databases["sql04"]
    code, report, run = farm.check()
    assert (code, report["status"]) == (4, "incomplete"), run.output
    assert {each["name"]: each["status"] for each in report["hosts"]} == {
        "sql01": "checked",
        "sql02": "incomplete",
        "sql05": "unreachable",
        "web02": "unreachable",
    }
    assert [host for id_, host, _ in worth_a_look(report) if id_ == "ASP001"] == ["sql02", "sql05", "web02"]


def test_it_changes_nothing_and_tells_no_secret(farm: Farm, site: Site) -> None:
    web = farm.web("web01", "sql01")
    secret = f"Aa1!{secrets.token_hex(8)}"
    attributes = {"mode": "SQLServer", "sqlConnectionString": f"Data Source=sql01;User ID=shop;Password={secret}"}
    farm.webs["web01"]["aspstate_web_config_attributes"] = attributes
    with connect(site.login) as server:
        before = state(server, site.name)
        _, report, run = farm.check("-vvvv", "--diff")
        assert state(server, site.name) == before
    assert (web / "web.config").read_bytes() == PLAIN
    assert sorted(each.name for each in web.iterdir()) == ["running", "web.config"]
    assert "ASP508" in [each["id"] for each in report["findings"]]
    assert run.changed == 0
    written = "".join(path.read_text(encoding="utf-8") for path in (farm.reports / "latest").resolve().iterdir())
    for each in (secret, site.login.password, site.application.password):
        assert each not in run.output
        assert each not in written


def state(server: Any, name: str) -> list[Any]:
    """Everything in the session database that a check could leave something in."""
    return server.run_in(
        name,
        "SELECT * FROM dbo.ASPStateTempSessions SELECT * FROM dbo.ASPStateTempApplications "
        "SELECT name, type FROM sys.objects ORDER BY name SELECT name FROM sys.database_principals ORDER BY name",
    ).sets


BAD = {
    "a waiver that never ends": (
        {"aspstate_check_waivers": [{"id": "ASP402", "subject": "*", "reason": "known", "owner": "dba"}]},
        "until",
    ),
    "a waiver of what there is not": (
        {
            "aspstate_check_waivers": [
                {"id": "ASP999", "subject": "*", "reason": "known", "owner": "dba", "until": "2099-01-01"}
            ]
        },
        "ASP999",
    ),
    "reports that cannot be written": ({"aspstate_check_report_path": "/proc/reports"}, "cannot write in /proc"),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_reported_is_said_before_anything_is_looked_at(farm: Farm, kind: str) -> None:
    variables, word = BAD[kind]
    run = farm.run("check.yml", **variables)
    assert run.code == 2
    assert word in run.failure("sql01")
    assert "PLAY [Session databases]" not in run.output
    assert not farm.reports.exists()
