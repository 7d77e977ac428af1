"""A run's folder is there with all its files or not at all; the oldest go, and nothing else does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aspstate.errors import AspstateError, Refused
from aspstate.report.settings import SETTINGS, settings
from aspstate.report.writing import point_latest, replace_file, retire, write_run

from tests.unit.reports import NOW, host, run_of

FILES = {"report.json": "{}", "report.html": "<!DOCTYPE html>"}


def entries(path: Path) -> list[str]:
    return sorted(each.name for each in path.iterdir())


def test_a_run_has_its_files_and_latest_is_the_newest(tmp_path: Path) -> None:
    run_of(tmp_path, host())
    run_of(tmp_path, host(), hours=1)
    assert entries(tmp_path) == ["2026-11-22T014410Z", "2026-11-22T024410Z", "latest"]
    assert entries(tmp_path / "latest") == ["report.html", "report.json", "report.prom", "report.xml"]
    assert (tmp_path / "latest").readlink() == Path("2026-11-22T024410Z")


def test_runs_that_meet_each_get_a_folder_and_each_is_whole(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def write(number: int) -> Path:
        together.wait()
        folder = write_run(tmp_path, NOW, {"report.json": str(number), "report.html": str(number)})
        point_latest(folder)
        return folder

    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(write, range(8)))
    assert len(set(folders)) == 8
    assert entries(tmp_path) == sorted(["latest", *(each.name for each in folders)])
    for number, folder in enumerate(folders):
        assert {each.read_text() for each in folder.iterdir()} == {str(number)}


def test_the_second_run_of_a_second_is_said_by_its_name(tmp_path: Path) -> None:
    names = [write_run(tmp_path, NOW.replace(microsecond=each), FILES).name for each in (0, 5)]
    assert names == ["2026-11-22T014410Z", "2026-11-22T014410Z-2"]


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(AspstateError, match=r"no report was written in .*: File name too long"):
        write_run(tmp_path, NOW, {**FILES, "x" * 300: ""})
    assert entries(tmp_path) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """A name that leads to a device which is always full."""
    with pytest.raises(AspstateError, match="No space left on device; look at the folder's rights and the room"):
        write_run(tmp_path, NOW, {"report.json": "{}", "../../../../../../../../../../dev/full": "x"})
    assert entries(tmp_path) == []


def test_the_folder_is_made_where_it_is_not(tmp_path: Path) -> None:
    run_of(tmp_path / "a/b", host())
    assert entries(tmp_path / "a/b") == ["2026-11-22T014410Z", "latest"]


def test_metrics_are_replaced_whole_and_may_be_read_by_whoever_collects_them(tmp_path: Path) -> None:
    textfile = tmp_path / "aspstate.prom"
    textfile.write_text("old")
    run_of(tmp_path / "reports", host(), textfile=textfile)
    assert textfile.read_text() == (tmp_path / "reports/latest/report.prom").read_text()
    assert textfile.stat().st_mode & 0o777 == 0o644
    assert entries(tmp_path) == ["aspstate.prom", "reports"]


def test_metrics_that_cannot_be_written_leave_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "aspstate.prom").mkdir()
    with pytest.raises(AspstateError, match=r"aspstate\.prom was not written: Is a directory"):
        replace_file(tmp_path / "aspstate.prom", "new")
    assert entries(tmp_path) == ["aspstate.prom"]


def test_the_oldest_runs_go_and_nothing_else_does(tmp_path: Path) -> None:
    for name in ("notes.txt", "2020-01-01T000000Z.bak", ".2020-01-01T000000Z", "2020-01-02T000000Z", "backup"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "keep").touch()
    (tmp_path / "2020-01-01T000000Z.bak/report.json").touch()
    before = entries(tmp_path)
    for hours in range(5):
        run_of(tmp_path, host(), hours=hours, keep=3)
    assert entries(tmp_path) == sorted(
        [*before, "latest", "2026-11-22T034410Z", "2026-11-22T044410Z", "2026-11-22T054410Z"]
    )


def test_runs_from_the_future_take_no_room_of_those_that_count(tmp_path: Path) -> None:
    for hours in (8, 9, 0, 1, 2):
        run_of(tmp_path, host(), hours=hours, keep=2)
    assert entries(tmp_path) == [
        "2026-11-22T024410Z",
        "2026-11-22T034410Z",
        "2026-11-22T094410Z",
        "2026-11-22T104410Z",
        "latest",
    ]
    assert (tmp_path / "latest").readlink() == Path("2026-11-22T034410Z")


def test_two_runs_may_remove_the_same_old_ones(tmp_path: Path) -> None:
    for hours in range(20):
        write_run(tmp_path, NOW + timedelta(hours=hours), FILES)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: retire(tmp_path, 2, NOW + timedelta(days=2)), range(4)))
    assert entries(tmp_path) == ["2026-11-22T194410Z", "2026-11-22T204410Z"]


def params(**given: object) -> dict[str, Any]:
    return {**{name: option.get("default") for name, option in SETTINGS.items()}, **given}


# what is asked for, below a folder with a file in it, and what is said
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a relative path": ({"path": "reports"}, "path: reports is relative; give the whole path"),
    "a file": ({"path": "{}/file"}, "path: .*/file is no folder"),
    "below a file": ({"path": "{}/file/reports"}, "path: .*/file is no folder"),
    "latest is somebody's": ({"path": "{}/taken"}, "taken/latest is to be the link to the newest report"),
    "one run": ({"keep": 1}, "keep is 1; keep at least 2 runs"),
    "metrics nowhere": ({"prometheus_textfile": "{}/none/a.prom"}, "cannot write in .*/none: No such file"),
    "metrics under another name": (
        {"prometheus_textfile": "{}/a.txt"},
        r"a\.txt is not the whole path of a file",
    ),
    "runbooks by a script": ({"runbook_url": "javascript:alert(1)"}, "runbook_url: javascript:alert.* is no address"),
    "runbooks with a question": ({"runbook_url": "https://a.example/?x"}, "is no address of a folder"),
    "a bad waiver": ({"waivers": [{"id": "ASP403"}]}, "waivers: number 1 .* has no subject"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_refused_before_anything_is_written(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "taken/latest").mkdir(parents=True)
    before = entries(tmp_path)
    there = {key: value.format(tmp_path) if isinstance(value, str) else value for key, value in given.items()}
    with pytest.raises(Refused, match=message):
        settings(params(**{"path": str(tmp_path / "reports"), **there}))
    assert entries(tmp_path) == before


def test_a_folder_that_cannot_be_written_is_refused() -> None:
    """Where not even root can make a folder."""
    with pytest.raises(Refused, match=r"cannot write in /proc: .*; see to that, or give another path"):
        settings(params(path="/proc/reports"))


def test_what_is_asked_for_is_what_is_made(tmp_path: Path) -> None:
    made = settings(params(path=str(tmp_path), runbook_url="https://git.example.net/main/", keep=7))
    assert (made.path, made.keep, made.runbook_url) == (tmp_path, 7, "https://git.example.net/main")
