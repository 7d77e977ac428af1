"""Hosts that the roles take for Windows; their modules are stubs that refuse what the real ones would."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.contract.stub_collections import build
from tests.integration.web_hosts import WebHosts


@dataclass(frozen=True)
class WindowsHost:
    """A simulated host: its services, pools, folders, files and faults."""

    home: Path

    def read(self) -> dict[str, Any]:
        return json.loads((self.home / "windows.json").read_text())

    def write(self, windows: dict[str, Any]) -> None:
        (self.home / "windows.json").write_text(json.dumps(windows))

    def file(self, path: str) -> str | None:
        """A file's text, or None."""
        found = self.read().get("files", {}).get(path)
        return None if found is None else base64.b64decode(found).decode("utf-8")

    def calls(self, *parts: str) -> list[str]:
        """The calls to it, in short; with `parts` only those to these modules."""
        log = self.home.parent / "calls.jsonl"
        calls = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        short = [
            (call["module"].rpartition(".")[2], call["arguments"]) for call in calls if call["host"] == self.home.name
        ]
        return [" ".join([name, *map(str, given.values())]) for name, given in short if not parts or name in parts]

    def forget_calls(self) -> None:
        (self.home.parent / "calls.jsonl").unlink(missing_ok=True)


@dataclass(frozen=True)
class Windows:
    """One such host, and roles run on it."""

    host: WindowsHost
    hosts: WebHosts


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collections."""
    return build(tmp_path_factory.mktemp("collections"))


@pytest.fixture
def windows(tmp_path: Path, stubs: Path) -> Callable[..., Windows]:
    """Makes a host from what is on it and a role's choices."""

    def make(state: dict[str, Any], role: str = "aspstate_web_service", **variables: Any) -> Windows:
        host = WindowsHost(tmp_path / "web1")
        host.home.mkdir()
        host.write(state)
        shared = {"aspstate_web_windows": True, "ansible_remote_tmp": str(host.home / "tmp")}
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(stubs)}
        return Windows(host, WebHosts(tmp_path, {"web1": {**shared, **variables}}, role, environment))

    return make
