"""The system's browser: Playwright's own would have to be downloaded."""

from __future__ import annotations

import os
import shutil

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
MISSING = f"none of {', '.join(BROWSERS)} is there: install Debian's package chromium, or Google Chrome"


def browser_path() -> str:
    """Where it is; empty where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), "")


def browser_options() -> list[str]:
    """Chromium has no sandbox for root."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
