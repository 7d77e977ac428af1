"""The newest report of the scenario's runs of check.yml."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def report() -> dict[str, Any]:
    """What report.json says."""
    path = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "reports/latest/report.json"
    return json.loads(path.read_text(encoding="utf-8"))
