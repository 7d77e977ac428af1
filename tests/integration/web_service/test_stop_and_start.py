"""What runs is stopped and comes back; what is stopped stays stopped; a host is drained meanwhile."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

from tests.integration.playbook import HostsRun
from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.conftest import failed, succeeded
from tests.integration.web_service.services import Service

BALANCER = ("drain", "undrain")


def told(run: HostsRun) -> dict[str, bool]:
    """The facts that the role's preflight leaves for a playbook."""
    found = re.search(r'"msg": (\{[^}]*\})', run.output)
    assert found, run.output
    return json.loads(found.group(1))


def tasks_file(folder: Path, verb: str, log: Path, status: str) -> Path:
    """Tasks of an operator's own that write down that they ran, and whether the service did."""
    file = folder / f"{verb}.yml"
    check = f"{status} && echo {verb} runs >> {log}"
    file.write_text(json.dumps([{"name": verb, "ansible.builtin.shell": check, "changed_when": True}]))
    return file


def test_what_runs_is_stopped_and_brought_back(service: Service, hosts: WebHosts) -> None:
    checked = hosts.run("stop", "start", options=("--check", "--diff"))
    succeeded(checked, 2)
    assert "would stop web service" in checked.output
    assert "would start web service" in checked.output
    assert checked.diff == []
    assert service.runs
    assert not service.record.exists()

    stopped = hosts.run("preflight", "stop", options=("--diff",))
    succeeded(stopped, 1)
    assert stopped.diff == []
    assert told(stopped) == {"running": True, "unfinished": False}
    assert not service.runs
    record = json.loads(service.record.read_text())
    assert (record["backend"], record["units"]) == ("command", ["web service"])
    assert service.record.stat().st_mode & 0o777 == 0o600

    again = hosts.run("preflight", "stop")
    succeeded(again, 0)
    assert told(again) == {"running": False, "unfinished": True}
    assert json.loads(service.record.read_text()) == record

    succeeded(hosts.run("start"), 1)
    assert service.runs
    assert not service.record.exists()
    succeeded(hosts.run("start", "main"), 0)


def test_what_is_found_stopped_stays_stopped(service: Service, hosts: WebHosts) -> None:
    service.call("stop")
    for options in (("--check",), ()):
        run = hosts.run("preflight", "restart", options=options)
        succeeded(run, 0)
        assert told(run) == {"running": False, "unfinished": False}
        assert not service.runs
        assert not service.record.exists()


def test_a_host_is_drained_before_the_stop_and_comes_back_after_it_answers(
    service: Service, hosts: WebHosts, tmp_path: Path
) -> None:
    log, status = tmp_path / "log", " ".join(service.command("status"))
    variables = {
        f"aspstate_web_service_{verb}_tasks": [str(tasks_file(tmp_path, verb, log, status))] for verb in BALANCER
    }
    service.breaks("cannot_stop")
    failed(hosts.run("stop", **variables), "was not stopped")
    assert log.read_text().split() == ["drain", "runs"]
    service.mended()
    succeeded(hosts.run("start", **variables), 1)
    assert log.read_text().split() == ["drain", "runs", "undrain", "runs"]
    assert not service.record.exists()
    started = time.monotonic()
    succeeded(hosts.run("drain", "undrain", aspstate_web_service_drain_seconds=2, **variables), 2)
    assert time.monotonic() - started > 2
    assert log.read_text().split() == ["drain", "runs", "undrain", "runs"] * 2
