"""The report in a few lines, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .text import counted

_SHOWN = 10
_LONGEST = 300


def summary(report: Mapping[str, Any], folder: Path) -> str:
    """What was found, the worst of it, and where the rest is. No longer for 10,000 findings than for ten."""
    counts = report["counts"]
    said = [
        counted(counts["critical"], "critical finding"),
        counted(counts["warning"], "warning"),
        f"{counts['info']:,} for information",
        f"{counts['waived']:,} waived",
    ]
    blind = sum(host["status"] != "checked" for host in report["hosts"])
    hosts = counted(len(report["hosts"]), "host") + (f", {blind:,} not fully checked" if blind else "")
    findings = [each for each in report["findings"] if not each["waiver"]]
    lines = [f"{report['status']}: {', '.join(said)}; {hosts}", *map(line, findings[:_SHOWN])]
    if len(findings) > _SHOWN:
        lines.append(f"and {len(findings) - _SHOWN:,} more")
    return "\n".join([*lines, f"report: {folder / 'report.html'}"])


def line(finding: Mapping[str, Any]) -> str:
    """One finding in one line."""
    text = f"{finding['id']} ({finding['severity']}) {finding['host']}, {finding['subject']}: {finding['message']}"
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
