"""A run's folder on disk: all of it or nothing, the link to the newest, and the going of the oldest."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from ..errors import AspstateError
from .history import Run, runs


def write_run(path: Path, time: datetime, files: Mapping[str, str]) -> Path:
    """Write a run's files; returns its folder. Raises AspstateError, and then nothing is there.

    Its name is reserved by a hidden folder, which then becomes the run's, so that two runs in one second get two.
    """
    with _told(f"no report was written in {path}"):
        path.mkdir(parents=True, exist_ok=True)
        folder, hidden = _reserve(path, time)
        try:
            for name, text in files.items():
                (hidden / name).write_text(text, encoding="utf-8", newline="")
            return hidden.rename(folder)
        except BaseException:
            shutil.rmtree(hidden, ignore_errors=True)
            raise


def point_latest(folder: Path) -> None:
    """Let `latest` be this run. Raises AspstateError."""
    link, new = folder.parent / "latest", folder.parent / f".latest-{folder.name}"
    with _told(f"the report is in {folder}, but {link} does not point to it"):
        new.symlink_to(folder.name)
        new.replace(link)


def retire(path: Path, keep: int, now: datetime) -> list[str]:
    """Remove the oldest runs but `keep`; returns their names. Runs from the future are not counted, and stay.

    Raises AspstateError. A run that another one removes at the same time is gone, which is all that was wanted.
    """
    past = [run for run in runs(path) if run.time <= now]
    for run in past[:-keep]:
        what = f"the report is written, but the old one in {path / run.name} could not be removed"
        with _told(what), suppress(FileNotFoundError):
            _remove(path / run.name)
    return [run.name for run in past[:-keep]]


def replace_file(file: Path, text: str) -> None:
    """Write a file that others read meanwhile. Raises AspstateError."""
    with _told(f"{file} was not written"):
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", suffix=".tmp", dir=file.parent)
        new = Path(name)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as opened:
                opened.write(text)
            new.chmod(0o644)  # whoever collects metrics is another user
            new.replace(file)
        except BaseException:
            new.unlink(missing_ok=True)
            raise


def _reserve(path: Path, time: datetime) -> tuple[Path, Path]:
    """The folder that is to be, and the hidden one in its place."""
    for number in range(1, 1000):
        run = Run(time.replace(microsecond=0), number)
        folder, hidden = path / run.name, path / f".{run.name}"
        with suppress(FileExistsError):
            hidden.mkdir()
            if not folder.exists():
                return folder, hidden
            hidden.rmdir()
    raise AspstateError(f"no report was written in {path}: there are a thousand of this second already")


def _remove(folder: Path) -> None:
    """report.json goes last: without it the folder would no longer count as a run, and stay for ever."""
    for each in folder.iterdir():
        if each.name != "report.json":
            shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink(missing_ok=True)
    (folder / "report.json").unlink(missing_ok=True)
    folder.rmdir()


@contextmanager
def _told(what: str) -> Iterator[None]:
    """Let an error of the system say what came of it."""
    try:
        yield
    except OSError as error:
        raise AspstateError(f"{what}: {error.strerror}; look at the folder's rights and the room on its disk") from None
