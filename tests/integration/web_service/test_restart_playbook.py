"""playbooks/restart_web.yml: a few hosts at a time, each proved before the next."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.playbook import HostsRun
from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.conftest import UNTOUCHED, failed, succeeded
from tests.integration.web_service.services import Service, Services

PLAYBOOK = "playbooks/restart_web.yml"


def farm(services: Services, tmp_path: Path, serial: int | None = None) -> tuple[dict[str, Service], WebHosts]:
    """Three hosts."""
    made = services("web1", "web2", "web3")
    shared = {} if serial is None else {"aspstate_web_serial": serial}
    return made, WebHosts(tmp_path, {name: {**service.variables, **shared} for name, service in made.items()})


def starts(run: HostsRun) -> list[list[str]]:
    """The hosts whose service was started, batch by batch."""
    begun = run.output.split("TASK [aspstate_web_service : Command | Start it]")[1:]
    return [sorted(re.findall(r"^changed: \[(\w+)\]", part.split("TASK [")[0], re.MULTILINE)) for part in begun]


def test_hosts_are_restarted_in_batches(services: Services, tmp_path: Path) -> None:
    made, hosts = farm(services, tmp_path, serial=2)
    run = hosts.playbook(PLAYBOOK)
    succeeded(run, 2 * len(made))
    assert starts(run) == [["web1", "web2"], ["web3"]]
    assert all(service.runs for service in made.values())


def test_a_host_that_does_not_come_back_ends_the_run_before_the_next(services: Services, tmp_path: Path) -> None:
    made, hosts = farm(services, tmp_path)
    made["web2"].breaks("never_answers")
    pid = (made["web3"].folder / "pid").read_text()
    run = hosts.playbook(PLAYBOOK)
    failed(run, "was not brought back", host="web2")
    assert starts(run) == [["web1"], ["web2"]]
    assert (made["web3"].folder / "pid").read_text() == pid


def test_nothing_is_restarted_where_a_preflight_refuses(services: Services, tmp_path: Path) -> None:
    made, hosts = farm(services, tmp_path)
    made["web3"].breaks("odd_status")
    pids = [(service.folder / "pid").read_text() for service in made.values()]
    run = hosts.playbook(PLAYBOOK)
    failed(run, UNTOUCHED, host="web3")
    assert run.changed == 0
    assert [(service.folder / "pid").read_text() for service in made.values()] == pids


def test_an_inventory_without_a_web_host_is_refused(tmp_path: Path) -> None:
    run = WebHosts(tmp_path, {}).playbook(PLAYBOOK)
    failed(run, "the inventory has no host in the group aspstate_web", host="localhost")
