"""Microsoft's T-SQL parser (ScriptDom) on Mono: fetched once, its C# front end compiled when that changes."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
CACHE = CHECKOUT / ".cache/lint_tsql"
PIN = HERE / "scriptdom.txt"
SOURCE = HERE / "ParseTsql.cs"
DLL = "Microsoft.SqlServer.TransactSql.ScriptDom.dll"
DLL_SHA256 = "781687b415be45c4ade8041738798f1b01a5e9d2f95e2dd5f989d8772b224d7c"
PACKAGE = "mono-devel"
"""Debian's and Ubuntu's; the smallest that has netstandard.dll, which ScriptDom was built on."""


class CannotRun(Exception):
    """Nothing was parsed; the message says why and what to do."""


class MonoMissing(CannotRun):
    """Mono is not installed."""


@dataclass(frozen=True)
class Problem:
    """Where the text with this name breaks the grammar; line and column count from 1."""

    name: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.name}:{self.line}:{self.column}: {self.message}"


def netstandard() -> Path:
    """Mono's netstandard.dll. Raises MonoMissing where it, mono or mcs is missing."""
    mono = shutil.which("mono")
    if mono and shutil.which("mcs"):
        facade = Path(mono).resolve().parents[1] / "lib/mono/4.5/Facades/netstandard.dll"
        if facade.exists():
            return facade
    raise MonoMissing(
        f"Mono, which runs Microsoft's T-SQL parser, is missing: apt install --no-install-recommends {PACKAGE}"
    )


def parse(texts: list[tuple[str, str]], cache: Path = CACHE) -> list[Problem]:
    """What is wrong with `texts`, each a name and T-SQL, in their order; one Mono process for all.

    A character that is no T-SQL at all is the only problem told of its text. Raises CannotRun.
    """
    facade = netstandard()
    with _lock(cache):
        fetch(cache)
        compile_front_end(cache, facade)
    lines = "".join(f"{base64.b64encode(text.encode()).decode()}\n" for _, text in texts)
    command = ["mono", str(cache / "ParseTsql.exe")]
    run = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8", check=False)
    *errors, last = run.stdout.splitlines() or [""]
    if run.returncode or last != f"parsed {len(texts)}":
        raise CannotRun(f"{' '.join(command)} failed, exit code {run.returncode}:\n{run.stdout}{run.stderr}")
    return [_problem(error, texts) for error in errors]


def _problem(output: str, texts: list[tuple[str, str]]) -> Problem:
    _, number, line, column, message = output.split(" ", 4)
    return Problem(texts[int(number)][0], int(line), int(column), message)


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    """Tests run in several processes: one fetches and compiles, the others wait for it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def fetch(cache: Path, pin: Path = PIN) -> None:
    """Put the DLL into `cache`, unless it is there; its bytes are those that were pinned, or CannotRun."""
    there = cache / DLL
    if not there.exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            new = _download(Path(folder), pin)
            _check(new)
            new.replace(there)
    _check(there)


def _download(folder: Path, pin: Path) -> Path:
    """The DLL out of the pinned wheel. It is the same on every system, so pip may take the wheel for any."""
    print(f"fetching Microsoft's T-SQL parser, once: the wheel that {pin.name} pins", file=sys.stderr)
    command = [
        str(CHECKOUT / ".venv/uv/bin/pip"),
        "--quiet",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "download",
    ]
    command += ["--no-deps", "--only-binary=:all:", "--platform=manylinux1_x86_64", "--require-hashes"]
    command += ["--requirement", str(pin), "--dest", str(folder)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise CannotRun(f"the wheel that {pin} pins could not be fetched:\n{run.stderr}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (member,) = [name for name in archive.namelist() if name.endswith(f"/{DLL}")]
        (folder / DLL).write_bytes(archive.read(member))
    return folder / DLL


def _check(dll: Path) -> None:
    found = hashlib.sha256(dll.read_bytes()).hexdigest()
    if found != DLL_SHA256:
        raise CannotRun(f"{dll} is not the file that was pinned: its sha256 is {found}, not {DLL_SHA256}; remove it")


def compile_front_end(cache: Path, facade: Path) -> None:
    """ParseTsql.exe beside the DLL, made anew when its source is newer."""
    there = cache / "ParseTsql.exe"
    if there.exists() and there.stat().st_mtime > SOURCE.stat().st_mtime:
        return
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        new = Path(folder) / there.name
        command = ["mcs", f"-out:{new}", f"-r:{cache / DLL}", f"-r:{facade}", str(SOURCE)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": folder})
        if run.returncode:
            raise CannotRun(f"{' '.join(command)} failed:\n{run.stdout}{run.stderr}")
        new.replace(there)
