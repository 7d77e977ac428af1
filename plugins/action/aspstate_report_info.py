"""Action aspstate_report_info: whether a report can be written, and what the kept ones know; on the controller.

What it does is documented with the module of that name.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import ansible.module_utils
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.errors import AspstateError, Refused, explain
from ansible.module_utils.aspstate.report.history import read
from ansible.module_utils.aspstate.report.settings import SETTINGS, settings


class ActionModule(ActionBase):
    """Ansible's entry point. It only looks."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        try:
            checked = ArgumentSpecValidator(SETTINGS).validate(dict(self._task.args))
            if checked.error_messages:
                raise Refused("; ".join(checked.error_messages))
            history = read(settings(checked.validated_parameters).path, datetime.now(UTC))
        except AspstateError as error:
            return {"failed": True, "msg": f"aspstate_report_info: {explain(error)}; nothing was written"}
        return {
            "changed": False,
            "previous": history.last_known(),
            "time": history.previous["time"] if history.previous else None,
        }
