"""Collections ansible.windows and microsoft.iis of stubs, whose arguments are those that the real ones document.

They come first on ANSIBLE_COLLECTIONS_PATH and hide the real ones whole: a module without a stub does not resolve.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.contract.simulated_windows import SIMULATED
from tests.integration.playbook import CHECKOUT

SIMULATION = Path(__file__).with_name("simulated_windows.py")
FACTS = ("type", "default", "choices", "required", "elements", "aliases")

MODULE = """
from ansible_collections.ansible.windows.plugins.module_utils.simulated_windows import answer
import json

if __name__ == "__main__":
    answer({name!r}, json.loads({spec!r}), {returns!r})
"""

# the real win_copy is an action plugin too, which other plugins load
COPY_ACTION = """
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        return result | self._execute_module("ansible.windows.win_copy", arguments, task_vars=task_vars)
"""


def documented(names: list[str]) -> dict[str, Any]:
    """What ansible-doc tells of the real modules."""
    command = [sys.executable, "-m", "ansible", "doc", "-t", "module", "-j", *names]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg")}
    run = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def build(folder: Path) -> Path:
    """Make the collections in `folder`; returns what ANSIBLE_COLLECTIONS_PATH is to begin with."""
    documents = documented(list(SIMULATED))
    for name in SIMULATED:
        plugins = folder / "ansible_collections" / Path(*name.split(".")[:2]) / "plugins"
        (plugins / "modules").mkdir(parents=True, exist_ok=True)
        spec = argument_spec(documents[name]["doc"]["options"])
        text = MODULE.format(name=name, spec=json.dumps(spec), returns=sorted(documents[name].get("return") or {}))
        (plugins / "modules" / f"{name.split('.')[2]}.py").write_text(text)
    windows = folder / "ansible_collections/ansible/windows/plugins"
    (windows / "module_utils").mkdir()
    (windows / "module_utils" / SIMULATION.name).write_text(SIMULATION.read_text())
    (windows / "action").mkdir()
    (windows / "action" / "win_copy.py").write_text(COPY_ACTION)
    return folder


def argument_spec(options: dict[str, Any]) -> dict[str, Any]:
    """The argument_spec of documented options. A path stays as it is: nothing of it is expanded on Windows."""
    spec = {}
    for name, option in options.items():
        facts = {key: option[key] for key in FACTS if key in option}
        facts["type"] = {"path": "str"}.get(option.get("type", "str"), option.get("type", "str"))
        facts["no_log"] = "password" in name
        if "suboptions" in option:
            facts["options"] = argument_spec(option["suboptions"])
        spec[name] = facts
    return spec
