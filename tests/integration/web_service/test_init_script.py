"""Backend service with a real init script, by Ansible's own module for those; systemd is the docker scenario's.

The script is in /etc/init.d of a mount namespace, and nowhere else.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.playbook import HostsRun
from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.conftest import UNTOUCHED, failed, succeeded
from tests.integration.web_service.services import SCRIPT, Service

# what the role would ask the host for, whose service manager may be another
INIT = {"name": "Init", "ansible.builtin.set_fact": {"ansible_service_mgr": "sysvinit", "cacheable": True}}

# `service` asks systemd where it finds it
PREPARE = 'mount --bind "$0" /etc/init.d && { [ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd; } && exec "$@"'


@pytest.fixture
def inside(tmp_path: Path) -> tuple[str, ...]:
    """The command that runs others where tmp_path/init.d is /etc/init.d."""
    (tmp_path / "init.d").mkdir()
    user = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = ("unshare", *user, "--mount", "sh", "-c", PREPARE, str(tmp_path / "init.d"))
    tried = subprocess.run([*command, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespace can be had here: {tried.stderr.strip()}")
    return command


def test_a_service_with_an_init_script_is_stopped_and_brought_back(
    service: Service, tmp_path: Path, inside: tuple[str, ...]
) -> None:
    script = tmp_path / "init.d" / "webapp"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {SCRIPT} {service.folder} "$1"\n')
    script.chmod(0o755)
    variables = {
        **service.variables,
        "aspstate_web_service_backend": "service",
        "aspstate_web_service_name": "webapp",
    }
    hosts = WebHosts(tmp_path, {"web1": variables}, inside=inside)

    def run(entry_point: str, *options: str) -> HostsRun:
        include = {"name": "aspstate_web_service", "tasks_from": entry_point}
        tasks = [INIT, {"name": entry_point, "ansible.builtin.include_role": include}]
        return hosts.play([{"hosts": "aspstate_web", "gather_facts": False, "tasks": tasks}], options)

    succeeded(run("restart", "--check"), 2)
    assert service.runs
    succeeded(run("stop"), 1)
    assert not service.runs
    succeeded(run("stop"), 0)
    succeeded(run("start"), 1)
    assert service.runs
    assert not service.record.exists()
    succeeded(run("start"), 0)
    script.unlink()
    failed(run("stop"), "webapp is unknown: its status answers exit code", UNTOUCHED)
