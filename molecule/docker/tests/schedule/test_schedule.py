"""A controller whose timers, of systemd and then of cron, run playbooks of the project by themselves."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from aspstate.server import Server
from conftest import CHECKOUT, ENVIRONMENT, NETWORK

JOB = "expire"
BROKEN = {"aspstate_schedule_expire_arguments": ["--extra-vars", "aspstate_sessions_method=none"]}


def playbook(name: str, *options: str, **variables: object) -> str:
    """What a run on the controller printed; it ends well."""
    command = ["ansible-playbook", name, "-i", "molecule/docker/inventory", "-e", json.dumps(variables), *options]
    run = subprocess.run(command, cwd=CHECKOUT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def schedule(*options: str, **variables: object) -> int:
    """How many tasks of schedule.yml changed something."""
    return int(re.search(r"changed=(\d+)", playbook("playbooks/schedule.yml", *options, **variables)).group(1))


def found(**variables: object) -> str:
    """The findings of a look: ids and subjects."""
    return re.search(r"found=(.*)\.", playbook("molecule/docker/look.yml", **variables)).group(1)


def on_controller(command: str) -> str:
    """What a command of the shell printed there."""
    line = ["docker", "exec", f"{NETWORK}-ctl01", "sh", "-c", command]
    return subprocess.run(line, capture_output=True, text=True, check=False).stdout.strip()


def shown(unit: str, name: str) -> str:
    return on_controller(f"systemctl show --value --property={name} {unit}")


def wait_for(what: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, on_controller("journalctl --no-pager --lines=100")
        time.sleep(1)


def last(field: str, job: str = JOB) -> int:
    """What aspstate-run wrote of the last run; -1 before the first."""
    text = on_controller(f"cat /var/lib/aspstate-schedule/{job}.json")
    return json.loads(text)[field] if text else -1


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    """Whatever a test has installed goes, and nothing is left of it."""
    on_controller("rm -f /srv/reports/hooked")
    yield
    schedule(aspstate_schedule_state="absent")
    assert schedule(aspstate_schedule_state="absent") == 0
    places = "/etc /usr/local /var/lib /var/spool/cron /run/systemd /srv/reports"
    assert on_controller(f"find {places} -name '*aspstate*' 2>/dev/null") == ""
    assert on_controller("systemctl list-units --all --no-legend 'aspstate*'") == ""
    assert found(aspstate_schedule_state="absent") == ""


@pytest.fixture
def expired(server: Server) -> Iterator[Callable[[], int]]:
    """Counts sessions that expired an hour ago, of which there is one; the Agent's job does not run meanwhile."""
    enable = "EXEC msdb.dbo.sp_update_job @job_name = N'ASPState_Job_DeleteExpiredSessions', @enabled = {}"
    server.run(enable.format(0))
    server.run_in(
        "ASPState",
        "INSERT dbo.ASPStateTempSessions"
        " (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked, Flags)"
        " VALUES (N'expired', DATEADD(hour, -1, GETUTCDATE()), GETUTCDATE(), GETDATE(), 1, 20, 0, 0)",
    )
    count = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions WHERE SessionId = N'expired'"
    yield lambda: server.run_in("ASPState", count).row[0]
    server.run(enable.format(1))


def test_a_timer_of_systemd_fires_by_itself(expired: Callable[[], int]) -> None:
    assert schedule("--check") == schedule() > 0
    assert schedule() == 0
    assert [shown(f"aspstate-{JOB}.timer", name) for name in ("ActiveState", "UnitFileState")] == ["active", "enabled"]
    assert f"aspstate-{JOB}.timer" in on_controller("systemctl list-timers --no-legend")
    wait_for(lambda: last("ended") > 0)
    assert (last("exit_code"), expired()) == (0, 0)
    assert shown(f"aspstate-{JOB}.timer", "LastTriggerUSec") != ""
    assert shown(f"aspstate-{JOB}.service", "Result") == "success"
    assert "PLAY RECAP" in on_controller(f"journalctl --no-pager --unit aspstate-{JOB}.service")
    assert on_controller("cat /srv/reports/hooked") == ""
    assert found() == ""


def test_a_run_that_fails_is_a_failed_unit_a_call_of_the_hook_and_a_finding() -> None:
    schedule(**BROKEN)
    wait_for(lambda: last("ended") > 0)
    wait_for(lambda: shown(f"aspstate-{JOB}.service", "ActiveState") == "failed", 30)
    assert f"aspstate-{JOB}.service" in on_controller("systemctl --failed --no-legend")
    assert on_controller("cat /srv/reports/hooked").splitlines()[0] == f"{JOB} 2"
    on_controller(f"systemctl disable --now aspstate-{JOB}.timer")
    assert found(**BROKEN) == f"ASP701 aspstate-{JOB}.timer, ASP702 aspstate-{JOB}.timer, ASP702 {JOB}"
    assert schedule(**BROKEN) == 1
    assert found(**BROKEN) == f"ASP702 {JOB}"


CHECK = {
    "aspstate_schedule_expire": False,
    "aspstate_schedule_check": True,
    "aspstate_schedule_check_on_calendar": "*:*",
    "aspstate_schedule_check_random_delay": 0,
    "aspstate_schedule_check_arguments": [
        "--limit", "aspstate_database", "-e", "aspstate_check_report_path=/srv/reports"
    ],
}  # fmt: skip


def test_a_timer_runs_the_check_which_reports_and_calls_the_hook(server: Server) -> None:
    enable = "EXEC msdb.dbo.sp_update_job @job_name = N'ASPState_Job_DeleteExpiredSessions', @enabled = {}"
    server.run(enable.format(0))
    try:
        schedule(**CHECK)
        wait_for(lambda: last("ended", "check") > 0)
    finally:
        server.run(enable.format(1))
    wait_for(lambda: on_controller("cat /srv/reports/hooked") != "", 30)
    assert (last("exit_code", "check"), on_controller("cat /srv/reports/hooked").splitlines()[0]) == (2, "check 2")
    report = json.loads(on_controller("cat /srv/reports/latest/report.json"))
    assert report["status"] == "findings"
    assert ("ASP206", "sql01") in [(each["id"], each["host"]) for each in report["findings"]]
    on_controller("rm -rf /srv/reports/latest /srv/reports/2*")


def test_cron_runs_it_by_itself(expired: Callable[[], int]) -> None:
    schedule()
    cron = {"aspstate_schedule_backend": "cron"}
    assert schedule(**cron) > 0
    assert on_controller("systemctl list-timers --all --no-legend 'aspstate*'") == ""
    assert schedule(**cron) == 0
    installed = int(on_controller("stat -c %Y /etc/cron.d/aspstate"))
    wait_for(lambda: last("started") > installed)
    assert (last("exit_code"), expired()) == (0, 0)
    assert "PLAY RECAP" in on_controller(f"cat /var/lib/aspstate-schedule/{JOB}.log")
    assert found(**cron) == ""
