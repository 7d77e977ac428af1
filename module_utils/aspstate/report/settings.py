"""What a report is to be: the arguments of aspstate_report, and their judging."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import Refused
from ..finding import SEVERITIES
from .waivers import Waiver, waivers

NEVER = "never"

SETTINGS: dict[str, dict[str, Any]] = {
    "path": {"type": "str", "required": True},
    "waivers": {"type": "list", "elements": "dict", "default": []},
    "fail_on": {"type": "str", "choices": [*SEVERITIES, NEVER], "default": "warning"},
    "keep": {"type": "int", "default": 90},
    "prometheus_textfile": {"type": "str"},
    "title": {"type": "str", "default": "ASP.NET session state"},
    "runbook_url": {"type": "str", "default": ""},
}

HOSTS: dict[str, dict[str, Any]] = {
    "hosts": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "kind": {"type": "str", "choices": ["database", "web", "controller"], "required": True},
            "address": {"type": "str", "default": ""},
            "status": {"type": "str", "choices": ["checked", "incomplete", "unreachable"], "required": True},
            "reason": {"type": "str", "default": ""},
            "findings": {"type": "list", "elements": "dict", "default": []},
            "sample": {"type": "dict"},
            "growth": {"type": "dict"},
            "job": {"type": "dict"},
            "instance": {"type": "dict"},
        },
    }
}


@dataclass(frozen=True)
class Settings:
    """`keep` counts runs; `textfile` is where node_exporter looks; `runbook_url` is what docs/ is below."""

    path: Path
    waivers: tuple[Waiver, ...] = ()
    fail_on: str = "warning"
    keep: int = 90
    textfile: Path | None = None
    title: str = "ASP.NET session state"
    runbook_url: str = ""


def settings(params: Mapping[str, Any]) -> Settings:
    """Raises Refused for what cannot be done, all before anything is written."""
    path, textfile = Path(params["path"]), params["prometheus_textfile"]
    if not path.is_absolute():
        raise Refused(f"path: {path} is relative; give the whole path of the folder of reports")
    if params["keep"] < 2:
        raise Refused(f"keep is {params['keep']}; keep at least 2 runs, since each is compared with the one before")
    _demand_folder(path)
    if textfile:
        _demand_textfile(Path(textfile))
    return Settings(
        path,
        tuple(waivers(params["waivers"])),
        params["fail_on"],
        params["keep"],
        Path(textfile) if textfile else None,
        params["title"],
        _runbook_url(params["runbook_url"]),
    )


def _demand_folder(path: Path) -> None:
    """A report may make its folder, in one that may be written."""
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
    except OSError as error:
        raise Refused(f"path: {path} cannot be looked at: {error.strerror}") from None
    if not there.is_dir():
        raise Refused(f"path: {there} is no folder; give another path for the reports")
    if why := _why_not_written(there):
        raise Refused(f"path: {_whoami()} cannot write in {there}: {why}; see to that, or give another path")
    latest = path / "latest"
    if latest.exists() and not latest.is_symlink():
        raise Refused(f"path: {latest} is to be the link to the newest report, and is something else; take it away")


def _demand_textfile(textfile: Path) -> None:
    if not textfile.is_absolute() or textfile.suffix != ".prom":
        raise Refused(f"prometheus_textfile: {textfile} is not the whole path of a file whose name ends in .prom")
    if why := _why_not_written(textfile.parent):
        raise Refused(f"prometheus_textfile: {_whoami()} cannot write in {textfile.parent}: {why}")


def _why_not_written(folder: Path) -> str:
    """Tried, with a folder that is gone at once: what rights say is not all, and says nothing to root."""
    try:
        with tempfile.TemporaryDirectory(prefix=".aspstate-", dir=folder):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _runbook_url(given: str) -> str:
    if given and (urlsplit(given).scheme not in ("http", "https", "file") or "?" in given or "#" in given):
        raise Refused(f"runbook_url: {given} is no address of a folder that begins with https://, http:// or file://")
    return given.rstrip("/")


def _whoami() -> str:
    return f"the user of this run (id {os.geteuid()})"
