"""One run: read what is kept, make the report, write all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from .document import build
from .history import read
from .html import html
from .junit import junit
from .prometheus import prometheus
from .settings import Settings
from .writing import point_latest, replace_file, retire, write_run


@dataclass(frozen=True)
class Made:
    """A report, and the folder in which it is."""

    report: Mapping[str, Any]
    folder: Path


def make(hosts: Sequence[Mapping[str, Any]], settings: Settings, now: datetime) -> Made:
    """Make the report of these hosts, as of `now` in UTC. Raises AspstateError for what could not be written."""
    history = read(settings.path, now)
    report = build(hosts, settings, history, now)
    metrics = prometheus(report)
    folder = write_run(
        settings.path,
        now,
        {
            "report.json": json.dumps(report, indent=1) + "\n",
            "report.xml": junit(report) + "\n",
            "report.prom": metrics,
            "report.html": html(report, history.reports, settings.runbook_url),
        },
    )
    point_latest(folder)
    if settings.textfile:
        replace_file(settings.textfile, metrics)
    retire(settings.path, settings.keep, now)
    return Made(report, folder)
