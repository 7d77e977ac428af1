"""The Agent as a service of the server: started with it, stopped and started from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab.server.engine.agent.agent import Agent

STATE_FILE = "agent_state"
RUNNING, STOPPED, NO_AGENT = "running", "stopped", "none"
"""What the file in the data folder says, for who has asked for a change and waits."""


class AgentService:
    """`minute` is None for a server without the Agent."""

    def __init__(self, engine: Any, data: Path, minute: float | None) -> None:
        self._file = data / STATE_FILE
        self._agent = engine.agent = None if minute is None else Agent(engine, minute)
        if self._agent is None:
            self._file.write_text(NO_AGENT)
        else:
            self.set(running=True)

    def set(self, *, running: bool) -> None:
        """Start or stop it; without the Agent nothing happens."""
        if self._agent is None:
            return
        if running:
            self._agent.start()
        else:
            self._agent.stop()
        fresh = self._file.with_suffix(".new")
        fresh.write_text(RUNNING if running else STOPPED)
        fresh.replace(self._file)
