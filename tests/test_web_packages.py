"""`make web-packages`: what it installs, what it leaves alone, and what it says where it cannot."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "tools/web-packages"
ALL = "mono-fastcgi-server4 mono-mcs libmono-posix4.0-cil nginx-light"

Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the script on a system that has these commands; each appends itself and its words to the file `log`."""

    def command(name: str, text: str = "exit 0") -> None:
        file = tmp_path / name
        file.write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/log\n{text}\n')
        file.chmod(0o755)

    def run(user: int = 0, installed: str = "", apt: str = "exit 0", **commands: str) -> subprocess.CompletedProcess:
        command("id", f"echo {user}")
        command("dpkg-query", f'case " {installed} " in *" $4 "*) echo install ok installed;; *) exit 1;; esac')
        command("apt-get", apt)
        for name in ("systemctl", "service", "update-rc.d", *commands):
            command(name, commands.get(name, "exit 0"))
        text = SCRIPT.read_text().replace("PATH=$PATH:/usr/sbin ", "")  # this system's nginx is not that one's
        return subprocess.run(
            ["/bin/sh"], input=text, env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
        )

    return run


def calls(tmp_path: Path) -> list[str]:
    """What changes the system, in order."""
    lines = (tmp_path / "log").read_text().splitlines()
    return [line for line in lines if not line.startswith(("id", "dpkg-query"))]


def test_what_is_missing_is_installed_and_nginx_is_kept_from_serving(run: Run, tmp_path: Path) -> None:
    assert run(installed="mono-mcs").returncode == 0
    update, install, *after = [line for line in calls(tmp_path) if "mask" not in line]
    assert update == "apt-get update -qq"
    assert install == f"apt-get install -qq -y --no-install-recommends {ALL.replace('mono-mcs ', '')}"
    systemd = Path("/run/systemd/system").is_dir()
    assert after == (
        ["systemctl --quiet disable nginx.service"] if systemd else ["service nginx stop", "update-rc.d nginx disable"]
    )


def test_an_nginx_that_was_there_is_left_alone(run: Run, tmp_path: Path) -> None:
    assert run(nginx="exit 0").returncode == 0
    packages = ALL.removesuffix(" nginx-light")
    assert calls(tmp_path) == ["apt-get update -qq", f"apt-get install -qq -y --no-install-recommends {packages}"]


def test_nothing_is_done_where_all_is_there(run: Run, tmp_path: Path) -> None:
    result = run(user=1000, installed=ALL)
    assert (result.returncode, result.stdout) == (0, "all packages of the web nodes are installed\n")
    assert calls(tmp_path) == []


def test_who_is_not_root_is_told_what_is_missing(run: Run, tmp_path: Path) -> None:
    result = run(user=1000, installed="mono-mcs")
    assert result.returncode == 1
    assert "sudo make web-packages, or install mono-fastcgi-server4 libmono-posix4.0-cil nginx-light" in result.stderr
    assert calls(tmp_path) == []


def test_another_system_than_debian_is_told_what_is_needed(run: Run, tmp_path: Path) -> None:
    run(installed=ALL)
    (tmp_path / "apt-get").unlink()
    result = subprocess.run(
        ["/bin/sh", str(SCRIPT)], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert (result.returncode, "there is no apt-get here: mono-fastcgi-server4" in result.stderr) == (1, True)


def test_a_failed_installation_is_a_failure(run: Run) -> None:
    assert run(apt="exit 100").returncode == 100
