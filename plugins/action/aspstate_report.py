"""Action aspstate_report: the report of the daily check, written on the controller.

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
from ansible.module_utils.aspstate.report.document import fails
from ansible.module_utils.aspstate.report.make import make
from ansible.module_utils.aspstate.report.settings import HOSTS, SETTINGS, settings
from ansible.module_utils.aspstate.report.summary import summary


class ActionModule(ActionBase):
    """Ansible's entry point. In check mode it writes all the same: a report is no managed state."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        try:
            checked = ArgumentSpecValidator({**SETTINGS, **HOSTS}).validate(dict(self._task.args))
            if checked.error_messages:
                raise Refused("; ".join(checked.error_messages))
            params = checked.validated_parameters
            made = make(params["hosts"], settings(params), datetime.now(UTC))
        except AspstateError as error:
            return {"failed": True, "msg": f"aspstate_report: {explain(error)}"}
        failed = fails(made.report)
        return {
            "changed": False,
            "failed": failed,
            "msg": summary(made.report, made.folder),
            "path": str(made.folder),
            "passed": not failed,
            "status": made.report["status"],
            "counts": made.report["counts"],
            "new": sum(each["new"] for each in made.report["findings"]),
            "resolved": len(made.report["resolved"]),
        }
