"""`make molecule-docker`: where it cannot run it says why; what it makes of a build that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs it on a system that has these commands only, each as a line of shell; their calls are in the file `log`."""

    def run(ci: str = "", **commands: str) -> subprocess.CompletedProcess:
        (tmp_path / "log").touch()
        for name, line in commands.items():
            file = tmp_path / name
            file.write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/log\n{line}\n')
            file.chmod(0o755)
        environment = {**os.environ, "PATH": str(tmp_path), "CI": ci}
        command = [sys.executable, "-m", "tools.molecule_docker"]
        return subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    return run


ENGINE_WITHOUT_IMAGE = 'case "$*" in info|import*) exit 0;; *) exit 1;; esac'


@pytest.mark.parametrize(
    ("commands", "reason"),
    [
        ({}, "there is no docker (Debian's package docker.io)"),
        ({"docker": "exit 1"}, "there is no ssh (Debian's package openssh-client)"),
        ({"docker": "exit 1", "ssh": ""}, "no Docker engine answers"),
        ({"docker": ENGINE_WITHOUT_IMAGE, "ssh": ""}, "there is no mmdebstrap"),
    ],
)
def test_where_it_cannot_run_it_is_skipped_with_the_reason(run: Run, commands: dict[str, str], reason: str) -> None:
    result = run(**commands)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith(f"the molecule scenario docker was skipped: {reason}")
    assert run("true", **commands).returncode == 1


def test_an_image_that_is_there_is_used(run: Run, tmp_path: Path) -> None:
    assert run(docker="", ssh="", molecule='[ -n "$ASPSTATE_MOLECULE_IMAGE" ] || exit 9; exit 7').returncode == 7
    assert (tmp_path / "log").read_text().splitlines()[-1] == "molecule test -s docker"


def test_an_image_that_is_not_there_is_built_of_debians_packages(run: Run, tmp_path: Path) -> None:
    assert run(docker=ENGINE_WITHOUT_IMAGE, ssh="", mmdebstrap="", molecule="").returncode == 0
    calls = (tmp_path / "log").read_text()
    assert "--include=systemd,systemd-sysv,dbus" in calls
    assert "docker import" in calls
    assert calls.endswith("molecule test -s docker\n")


def test_a_build_that_fails_leaves_no_image_and_ends_the_run(run: Run, tmp_path: Path) -> None:
    assert run(docker=ENGINE_WITHOUT_IMAGE, ssh="", mmdebstrap="exit 25", molecule="").returncode == 1
    calls = (tmp_path / "log").read_text()
    assert "docker image rm aspstate-molecule:" in calls
    assert "molecule" not in calls.replace("aspstate-molecule", "")
