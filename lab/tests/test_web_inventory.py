"""inventory/lab finds the web nodes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.tests.server_process import CHECKOUT
from lab.web.node import NODES, Node

pytestmark = pytest.mark.controls_server


def seen_by_ansible(home: Path, *names: str) -> dict[str, list[object]]:
    """The values of variables on each web host."""
    command = [sys.executable, "-m", "ansible", "adhoc", "aspstate_web", "-i", "inventory/lab", "-m", "debug"]
    environment = {**os.environ, "ASPSTATE_LAB_HOME": str(home), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json"}
    environment |= {"ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    run = subprocess.run(
        [*command, "-a", f"msg={{{{ [{', '.join(names)}] }}}}"],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    answers = re.findall(r"^(\w+) \| SUCCESS => (\{.*?^\})", run.stdout, re.DOTALL | re.MULTILINE)
    return {host: json.loads(answer)["msg"] for host, answer in answers}


def test_a_web_host_is_a_node_with_its_application_and_its_commands(tmp_path: Path) -> None:
    nodes = [Node(tmp_path, name) for name in NODES]
    port = nodes[0].port()
    seen = seen_by_ansible(
        tmp_path,
        "aspstate_web_config_applications",
        "aspstate_web_service_status_command",
        "aspstate_web_service_chdir",
        "aspstate_web_url",
    )
    for node, url in zip(nodes, [f"http://127.0.0.1:{port}/", ""], strict=True):
        applications, status, folder, its_url = seen[f"web_{node.name}"]
        assert [Path(application["path"]) for application in applications] == [node.application / "web.config"]
        assert (node.application / "web.config").is_file()
        answer = subprocess.run(status, cwd=folder, capture_output=True, text=True, check=False)
        assert (answer.returncode, answer.stdout) == (3, f"{node.name} stopped\n")
        assert its_url == url
