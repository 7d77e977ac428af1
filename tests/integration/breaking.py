"""Breaking a run of ansible-playbook at one of its tasks, by a callback of the tests'."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.integration.playbook import Run

CALLBACKS = Path(__file__).parent / "callbacks"


def at_task(at: int | str, do: str | Path = "kill", of: str = "") -> dict[str, str]:
    """The environment in which a run is broken: see callbacks/at_task.py."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "at_task",
        "ASPSTATE_TEST_FROM": of,
        "ASPSTATE_TEST_AT": str(at),
        "ASPSTATE_TEST_DO": str(do),
    }


def was_killed(run: Run) -> bool:
    """Whether the run came to the task at which it was to be killed."""
    return run.code == -signal.SIGKILL
