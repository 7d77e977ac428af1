"""At the task that ASPSTATE_TEST_AT names, do what ASPSTATE_TEST_DO says: `kill` the controller, or make a file.

A task is named by how its name begins; or by its number, from 1, of those that do something to a host since the play
that ASPSTATE_TEST_FROM names, or since the beginning.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: at_task
type: aggregate
short_description: Break a run at a task
description: For tests.
"""

_ON_THE_CONTROLLER = ("include_role", "include_tasks", "set_fact", "assert", "validate_argument_spec", "debug", "fail")


class CallbackModule(CallbackBase):
    """Counts the tasks; Ansible calls it before each."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "at_task"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._count = 0
        self._counting = not os.environ["ASPSTATE_TEST_FROM"]

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begin to count with the play that is named."""
        self._counting = self._counting or play.get_name() == os.environ["ASPSTATE_TEST_FROM"]

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Break it here."""
        touches_a_host = task.action.rpartition(".")[2] not in _ON_THE_CONTROLLER
        self._count += self._counting and touches_a_host
        at = os.environ["ASPSTATE_TEST_AT"]
        named = task.get_name().startswith(at) if not at.isdigit() else touches_a_host and self._count == int(at)
        if self._counting and named:
            if os.environ["ASPSTATE_TEST_DO"] == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            Path(os.environ["ASPSTATE_TEST_DO"]).touch()
