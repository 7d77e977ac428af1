"""What make runs, and what it says where something is missing."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
MODULES = re.findall(r"python -m ((?:lab|tools)[.\w]*)", (CHECKOUT / "Makefile").read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", sorted(set(MODULES)))
def test_what_make_runs_finds_what_it_imports(module: str) -> None:
    package = importlib.import_module(module)
    if hasattr(package, "__path__"):
        importlib.import_module(f"{module}.__main__")


def make_with(python: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """`make demo` in a folder without .venv, with this text as the Python that it finds."""
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(CHECKOUT / name, tmp_path)
    interpreter = tmp_path / "python3"
    interpreter.write_text(f"#!/bin/sh\n{python}\n")
    interpreter.chmod(0o755)
    command = ["make", "demo", f"PYTHON={interpreter}"]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("python", "message"),
    [
        (f'case "$*" in *ensurepip*) exit 1;; esac; exec {sys.executable} "$@"', "install the package python3-venv"),
        ("exit 1", "is older than Python 3.11: make PYTHON=python3.11"),
    ],
    ids=["no ensurepip", "an old Python"],
)
def test_a_python_that_cannot_make_a_virtual_environment_is_explained(
    tmp_path: Path, python: str, message: str
) -> None:
    run = make_with(python, tmp_path)
    assert run.returncode == 2
    assert message in run.stdout + run.stderr
    assert not (tmp_path / ".venv").exists()


def test_make_alone_lists_what_there_is() -> None:
    run = subprocess.run(["make"], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert "demo" in run.stdout
    assert "install, use and remove session state" in run.stdout
