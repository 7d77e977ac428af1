"""`make molecule-docker`: the molecule scenario whose hosts are containers, from an image that is built here.

No registry is asked: the image is Debian's packages. It is built when there is none of these packages yet, and kept.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
SUITE = "bookworm"
PACKAGES = (
    # services, reached by ssh
    *("systemd", "systemd-sysv", "dbus", "procps", "openssh-server"),
    # the lab server, and what Ansible needs
    *("python3", "python3-sortedcontainers"),
    # web hosts
    *("mono-fastcgi-server4", "mono-mcs", "nginx-light", "libmono-posix4.0-cil"),
    # the controller
    *("openssh-client", "cron"),
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
BUILD = (
    *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(PACKAGES)}"),
    *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
    "--dpkgopt=force-unsafe-io",
    *(SUITE, "-"),
)
IMPORT = ("docker", "import", "--change", "ENV container=docker", "--change", 'CMD ["/lib/systemd/systemd"]', "-")


def main() -> int:
    """The code of molecule; where it cannot run 0, with CI=true 1, and the reason."""
    image = f"aspstate-molecule:{hashlib.sha256(repr((BUILD, IMPORT)).encode()).hexdigest()[:12]}"
    there = shutil.which("docker") and _quietly("docker", "image", "inspect", image)
    if reason := _cannot_run(has_image=bool(there)):
        print(f"the molecule scenario docker was skipped: {reason}")
        return int(os.environ.get("CI") == "true")
    if not there and not _build(image):
        return 1
    prefix = f"aspstate-{hashlib.sha256(os.fsencode(CHECKOUT)).hexdigest()[:8]}"
    environment = {**os.environ, "ASPSTATE_MOLECULE_IMAGE": image, "ASPSTATE_MOLECULE_PREFIX": prefix}
    return subprocess.run(["molecule", "test", "-s", "docker"], cwd=CHECKOUT, env=environment, check=False).returncode


def _cannot_run(*, has_image: bool) -> str:
    for command, package in (("docker", "docker.io"), ("ssh", "openssh-client")):
        if not shutil.which(command):
            return f"there is no {command} (Debian's package {package})"
    if not _quietly("docker", "info"):
        return "no Docker engine answers (start it: dockerd, as root; or may this user not ask it?)"
    if not has_image and not shutil.which("mmdebstrap"):
        return "there is no mmdebstrap (Debian's package) to build the image"
    return ""


def _build(image: str) -> bool:
    print(f"building the image {image}", flush=True)
    with subprocess.Popen(BUILD, stdout=subprocess.PIPE) as build:
        imported = subprocess.run([*IMPORT, image], stdin=build.stdout, check=False)
    if build.returncode:  # what came of it is not whole
        _quietly("docker", "image", "rm", image)
    return not build.returncode and not imported.returncode


def _quietly(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
