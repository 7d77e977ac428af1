"""Choices are judged before anything is changed."""

from __future__ import annotations

import re
from pathlib import Path

from tests.integration.playbook import CHECKOUT
from tests.integration.web_hosts import WebHosts
from tests.integration.web_service.conftest import UNTOUCHED

# what each backend and each choice needs, and what is said where it lacks it
WRONG = {
    "windows": (
        {"aspstate_web_service_backend": "windows"},
        "backend windows does not work where Windows does not run",
    ),
    "linux": ({"aspstate_web_windows": True, "aspstate_web_service_backend": "service"}, "does not work on Windows"),
    "pool": (
        {"aspstate_web_windows": True, "aspstate_web_service_backend": "app_pool"},
        "backend app_pool needs aspstate_web_service_name",
    ),
    "unnamed": ({"aspstate_web_service_backend": "service"}, "backend service needs aspstate_web_service_name"),
    "folders": (
        {"aspstate_web_service_backend": "app_offline"},
        "backend app_offline needs aspstate_web_service_app_offline_folders",
    ),
    "page": ({"aspstate_web_service_app_offline_page": "ä" * 512 * 1024}, "is not under 1 MB"),
    "times": ({"aspstate_web_service_stop_timeout": 0}, "are at least 1 second"),
    "drain": ({"aspstate_web_service_drain_tasks": ["/etc/hosts"]}, "would leave the host out of the load balancer"),
    "drain_file": (
        {
            "aspstate_web_service_drain_tasks": ["/nowhere/drain.yml"],
            "aspstate_web_service_undrain_tasks": ["/etc/hosts"],
        },
        "there is no /nowhere/drain.yml on the controller",
    ),
    "commands": (
        {"aspstate_web_service_backend": "command", "aspstate_web_service_stop_command": ["true"]},
        "backend command needs aspstate_web_service_start_command",
    ),
    "missing_folder": (
        {
            "aspstate_web_service_backend": "app_offline",
            "aspstate_web_service_app_offline_folders": ["/nowhere/shop/"],
        },
        "/nowhere/shop is missing",
    ),
}


def test_choices_that_cannot_work_are_refused_before_anything_is_changed(tmp_path: Path) -> None:
    run = WebHosts(tmp_path, {name: variables for name, (variables, _) in WRONG.items()}).run("preflight")
    assert run.code == 2
    for name, (_, said) in WRONG.items():
        assert said in run.failure(name), run.output
        assert UNTOUCHED in run.failure(name)


WAYS = {
    "psrp": ({"ansible_connection": "psrp"}, True),
    "winrm": ({"ansible_connection": "ansible.builtin.winrm"}, True),
    "ssh_to_powershell": ({"ansible_connection": "ssh", "ansible_shell_type": "powershell"}, True),
    "told_otherwise": ({"ansible_connection": "psrp", "aspstate_web_windows": False}, False),
    "told": ({"aspstate_web_windows": "true"}, True),
    "local": ({}, False),
    "ssh": ({"ansible_connection": "ssh"}, False),
}


def test_windows_is_known_by_the_way_to_the_host(tmp_path: Path) -> None:
    tell = [
        {"name": "Read", "ansible.builtin.include_vars": str(CHECKOUT / "roles/aspstate_web_service/vars/main.yml")},
        {
            "name": "Tell",
            "ansible.builtin.debug": {
                "msg": "{{ __aspstate_web_service_state_folders[__aspstate_web_service_platform] }}"
            },
        },
    ]
    hosts = WebHosts(tmp_path, {name: variables for name, (variables, _) in WAYS.items()})
    run = hosts.play([{"hosts": "aspstate_web", "gather_facts": False, "tasks": tell}])
    folders = dict(re.findall(r'ok: \[(\w+)\] => \{\s*"msg": "(.*)"', run.output))
    windows, other = "C:\\\\ProgramData\\\\aspstate\\\\", "/var/lib/aspstate/"
    assert folders == {name: windows if is_windows else other for name, (_, is_windows) in WAYS.items()}
