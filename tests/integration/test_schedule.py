"""playbooks/schedule.yml with cron, in folders of the test's own; molecule's scenario docker has timers of systemd."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.playbook import CHECKOUT, HostsRun

UNTOUCHED = "nothing was changed"
SECRET = "it's $ecret"

PROJECT_PLAYBOOK = """
- hosts: ctl
  gather_facts: false
  tasks:
    - ansible.builtin.assert:
        that: lookup('ansible.builtin.env', 'TOKEN') == "it's $ecret"
    - ansible.builtin.copy:
        content: seen
        dest: "{{ playbook_dir }}/../ran"
        mode: "0644"
"""
LOOK = """
- hosts: ctl
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: aspstate_schedule, tasks_from: look}
    - ansible.builtin.copy: {content: "{{ __aspstate_schedule_findings | to_json }}", dest: FOUND, mode: "0644"}
"""


@dataclass(frozen=True)
class Controller:
    """A controller whose folders are the test's."""

    folder: Path

    @property
    def crontab(self) -> Path:
        return self.folder / "cron/aspstate"

    def run(self, *options: str, playbook: str = "playbooks/schedule.yml", **variables: Any) -> HostsRun:
        """`variables` replace what the inventory has."""
        environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
        environment["ANSIBLE_CALLBACK_RESULT_FORMAT"] = "json"
        command = [sys.executable, "-m", "ansible", "playbook", playbook, "-i", str(self.inventory(variables))]
        run = subprocess.run(
            [*command, *options], cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False
        )
        return HostsRun(run.returncode, run.stdout + run.stderr)

    def inventory(self, variables: dict[str, Any]) -> Path:
        usual = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "aspstate_schedule_backend": "cron",
            "aspstate_schedule_project_path": str(self.folder / "project"),
            "aspstate_schedule_ansible_playbook": str(Path(sys.executable).with_name("ansible-playbook")),
            "aspstate_schedule_environment": {"TOKEN": SECRET},
            **{
                f"aspstate_schedule_{name}_path": str(self.folder / path)
                for name, path in [
                    ("bin", "bin"),
                    ("config", "etc/aspstate"),
                    ("state", "var/schedule"),
                    ("unit", "units"),
                    ("cron", "cron"),
                ]
            },
        }
        file = self.folder / "hosts.json"
        file.write_text(json.dumps({"aspstate_controller": {"hosts": {"ctl": {**usual, **variables}}}}))
        return file

    def look(self, **variables: Any) -> list[dict[str, Any]]:
        """What the check would find."""
        file = self.folder / "look.yml"
        file.write_text(LOOK.replace("FOUND", str(self.folder / "found")))
        run = self.run(playbook=str(file), **variables)
        assert run.code == 0, run.output
        return json.loads((self.folder / "found").read_text())

    def files(self) -> set[str]:
        """Everything in the folders, by its path there."""
        folders = ("bin", "etc", "var", "units", "cron")
        return {str(path.relative_to(self.folder)) for name in folders for path in (self.folder / name).rglob("*")}


@pytest.fixture
def controller(tmp_path: Path) -> Controller:
    for name in ("bin", "etc", "var", "units", "cron", "project/playbooks", "project/reports/latest"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("check", "expire"):
        (tmp_path / f"project/playbooks/{name}.yml").write_text(PROJECT_PLAYBOOK)
    (tmp_path / "project/reports/latest/report.html").write_text("a report")
    return Controller(tmp_path)


def command_of(controller: Controller, job: str) -> list[str]:
    """The words with which cron would run a job, without the delay."""
    (line,) = [line for line in controller.crontab.read_text().splitlines() if f"/{job}.conf" in line]
    return shlex.split(line)[6:-1]


def test_a_check_shows_what_the_run_does_and_a_second_run_changes_nothing(controller: Controller) -> None:
    said = controller.run("--check", "--diff")
    assert said.code == 0, said.output
    assert controller.files() == set()
    done = controller.run("--diff")
    assert (done.code, done.changed) == (0, said.changed), done.output
    without_temporary = [re.sub(r"(?<=after: ).*/", "", line) for line in done.diff]
    assert without_temporary == [re.sub(r"(?<=after: ).*/", "", line) for line in said.diff]
    assert "+0 6 * * * " in done.output
    assert SECRET not in said.output + done.output
    again = controller.run("--diff")
    assert (again.code, again.changed, again.diff) == (0, 0, []), again.output


def test_what_cron_would_run_runs_the_playbook_with_the_environment(controller: Controller) -> None:
    assert controller.run("-vvv", aspstate_schedule_expire=True).output.count(SECRET) == 0
    environment = controller.folder / "etc/aspstate/environment"
    assert environment.stat().st_mode & 0o777 == 0o600
    for job in ("check", "expire"):
        ran = controller.folder / "project/ran"
        subprocess.run(command_of(controller, job), cwd="/", check=True, env={"PATH": "/usr/bin:/bin"})
        assert ran.read_text() == "seen"
        ran.unlink()
        assert json.loads((controller.folder / f"var/schedule/{job}.json").read_text())["exit_code"] == 0
    assert controller.look(aspstate_schedule_expire=True) == []


def test_a_job_that_is_no_longer_wanted_goes_and_the_other_stays(controller: Controller) -> None:
    controller.run(aspstate_schedule_expire=True)
    both = controller.files()
    assert controller.run().code == 0
    assert both - controller.files() == {"etc/aspstate/expire.conf"}
    assert "expire" not in controller.crontab.read_text()


def test_absent_removes_all_of_it_but_the_reports_and_what_is_not_ours(controller: Controller) -> None:
    controller.run(aspstate_schedule_expire=True)
    subprocess.run(command_of(controller, "check"), check=True)
    (controller.folder / "etc/aspstate/vault_password").write_text("geheim")
    absent = {"aspstate_schedule_state": "absent"}
    before = controller.files()
    said = controller.run("--check", **absent)
    assert controller.files() == before
    done = controller.run(**absent)
    assert (done.code, done.changed) == (0, said.changed), done.output
    assert controller.files() == {"etc/aspstate", "etc/aspstate/vault_password"}
    assert (controller.folder / "project/reports/latest/report.html").exists()
    assert controller.look(**absent) == []
    (controller.folder / "etc/aspstate/vault_password").unlink()
    assert controller.run(**absent).changed == 1
    assert controller.files() == set()
    again = controller.run(**absent)
    assert (again.code, again.changed) == (0, 0), again.output
    assert "WARNING" not in again.output


def test_absent_needs_no_project_and_no_user(controller: Controller) -> None:
    controller.run()
    gone = {"aspstate_schedule_project_path": "/nowhere", "aspstate_schedule_user": "nobody-there"}
    assert controller.run(aspstate_schedule_state="absent", **gone).code == 0
    assert controller.files() == set()


def test_what_differs_is_found_and_the_next_run_repairs_it(controller: Controller) -> None:
    everything = controller.look()
    assert {each["id"] for each in everything} == {"ASP701"}
    assert {each["subject"] for each in everything} >= {str(controller.crontab)}
    controller.run()
    assert controller.look() == []
    controller.crontab.write_text(controller.crontab.read_text().replace("0 6 ", "0 7 "))
    environment = controller.folder / "etc/aspstate/environment"
    environment.chmod(0o644)
    timer = controller.folder / "units/aspstate-check.timer"
    timer.write_text("[Timer]\n")
    found = controller.look()
    assert {each["subject"] for each in found} == {str(controller.crontab), str(environment), str(timer)}
    assert controller.run().changed == 2  # one task writes, one removes
    assert controller.look() == []
    assert not timer.exists()


def test_a_job_that_does_not_do_its_work_is_found(controller: Controller) -> None:
    (controller.folder / "project/playbooks/check.yml").write_text("- hosts: ctl\n  tasks: nonsense\n")
    controller.run()
    assert subprocess.run(command_of(controller, "check"), check=False).returncode == 4
    (finding,) = controller.look()
    assert (finding["id"], finding["severity"], finding["subject"]) == ("ASP702", "critical", "check")
    assert "its last run ended with code 4" in finding["message"]


def test_what_cannot_be_looked_at_is_not_clean(controller: Controller) -> None:
    controller.run()
    (finding,) = controller.look(aspstate_schedule_config_path="/dev/null/aspstate")
    assert finding["id"] == "ASP001"
    assert "the schedule could not be looked at" in finding["message"]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"aspstate_schedule_project_path": "/nowhere"}, "the project's folder /nowhere is not there"),
        ({"aspstate_schedule_user": "nobody-there"}, "nothing can be executed as aspstate_schedule_user nobody-there"),
        ({"aspstate_schedule_inventory": ["/nowhere/hosts.yml"]}, "cannot read or execute /nowhere/hosts.yml;"),
        ({"aspstate_schedule_ansible_playbook": "/etc/passwd"}, "cannot read or execute /etc/passwd;"),
        (
            {"aspstate_schedule_environment": {"ANSIBLE_VAULT_PASSWORD_FILE": "no_file"}},
            "/project/no_file; set aspstate_schedule_project_path",
        ),
        (
            {"aspstate_schedule_mail_to": "ops@example.net", "aspstate_schedule_sendmail": "/nowhere/sendmail"},
            "cannot read or execute /nowhere/sendmail;",
        ),
        ({"aspstate_schedule_cron_path": "/nowhere"}, "/nowhere: no folder in which user id"),
        (
            {"aspstate_schedule_backend": "systemd"},
            "aspstate_schedule_backend is systemd, and the service manager here",
        ),
        ({"aspstate_schedule_check_cron": {"hours": "6"}}, "hours"),
        (
            {"aspstate_schedule_environment": {"A": [SECRET]}},
            "aspstate_schedule_environment: A is not text or a number",
        ),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_changed(
    controller: Controller, variables: dict[str, Any], said: str
) -> None:
    if "aspstate_schedule_backend" in variables and Path("/run/systemd/system").exists():
        variables = {**variables, "aspstate_schedule_check_on_calendar": "never"}
        said = "never"
    run = controller.run("-vvv", **variables)
    assert run.code == 2, run.output
    assert said in run.failure("ctl"), run.output
    assert "Traceback" not in run.output
    assert SECRET not in run.output
    assert controller.files() == set()


def test_without_a_group_of_controllers_this_machine_is_one(controller: Controller) -> None:
    inventory = controller.inventory({})
    choices = json.loads(inventory.read_text())["aspstate_controller"]["hosts"]["ctl"]
    inventory.write_text(json.dumps({"all": {"vars": choices}}))
    command = [sys.executable, "-m", "ansible", "playbook", "playbooks/schedule.yml", "--check", "-i", str(inventory)]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
    run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert re.search(r"^localhost +: ok=", run.stdout, re.MULTILINE)
