"""aspstate_report and aspstate_report_info as a playbook calls them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.integration.playbook import CHECKOUT, Run
from tests.unit.reports import SAMPLE, finding, host, kept

WAIVER = {"id": "ASP403", "subject": "*", "reason": "known", "owner": "dba", "until": "2126-11-22"}


def play(folder: Path, *tasks: dict[str, Any], options: tuple[str, ...] = ()) -> Run:
    """Run these tasks on the controller, as YAML in which a day is a day."""
    playbook = folder / "play.yml"
    named = [{"name": f"Task {number}", **task} for number, task in enumerate(tasks)]
    own = {"ansible_python_interpreter": sys.executable}
    text = json.dumps(
        [{"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": own, "tasks": named}]
    )
    playbook.write_text(re.sub(r'"until": "(\d+-\d+-\d+)"', r'"until": \1', text))
    run = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "localhost,", str(playbook), *options],
        cwd=CHECKOUT,
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Run(run.returncode, run.stdout + run.stderr)


def report(folder: Path, *hosts: dict[str, Any], **given: object) -> dict[str, Any]:
    return {"aspstate_report": {"path": str(folder), "hosts": list(hosts), **given}}


def info(folder: Path, **given: object) -> dict[str, Any]:
    return {"aspstate_report_info": {"path": str(folder), **given}}


@pytest.mark.parametrize("options", [(), ("--check", "--diff")], ids=["run", "check mode"])
def test_a_run_writes_its_report_and_the_next_one_knows_the_numbers(tmp_path: Path, options: tuple[str, ...]) -> None:
    path = tmp_path / "reports"
    show = {"ansible.builtin.debug": {"msg": "live then: {{ before.previous.sql01.sample.live }}"}}
    run = play(
        tmp_path,
        info(path, waivers=[WAIVER]),
        {"ansible.builtin.stat": {"path": str(path)}, "register": "there", "failed_when": "there.stat.exists"},
        report(path, host("sql01", finding(), sample=SAMPLE), waivers=[WAIVER]),
        {**info(path), "register": "before"},
        show,
        options=options,
    )
    assert (run.code, run.changed) == (0, 0), run.output
    assert "live then: 120" in run.text
    assert (kept(path)["status"], kept(path)["counts"]["waived"]) == ("clean", 1)


def test_a_run_with_findings_fails_after_it_wrote_them_and_says_the_worst(tmp_path: Path) -> None:
    hosts = [host("sql01", finding(), finding("ASP402", "critical")), host("web01", kind="web", status="unreachable")]
    run = play(tmp_path, report(tmp_path / "reports", *hosts))
    assert run.code == 2
    page = (tmp_path / "reports/latest").resolve() / "report.html"
    assert (
        "incomplete: 2 critical findings, 1 warning, 0 for information, 0 waived; 2 hosts, 1 not fully checked "
        "ASP402 (critical) sql01, database ASPState: there are too many "
        "ASP001 (critical) web01, the host: Ansible could not reach it "
        "ASP403 (warning) sql01, database ASPState: there are too many "
        f"report: {page}"
    ) in run.text
    assert page.is_file()
    assert kept(tmp_path / "reports")["counts"]["critical"] == 2


def test_ten_thousand_findings_make_no_long_output(tmp_path: Path) -> None:
    run = play(tmp_path, report(tmp_path / "r", host("sql01", *(finding(subject=f"s{n}") for n in range(10_000)))))
    assert (run.code, "and 9,990 more" in run.output) == (2, True)
    assert len(run.output) < 6000
    assert kept(tmp_path / "r")["counts"]["warning"] == 10_000


# the arguments, and what both tasks say of them
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a waiver without expiry": (
        {"waivers": [{key: value for key, value in WAIVER.items() if key != "until"}]},
        "waivers: number 1 (ASP403, *) has no until: the last day on which it holds, as YYYY-MM-DD",
    ),
    "a misspelt argument": ({"keeep": 3}, "keeep"),
    "a wrong kind": ({"keep": "some"}, "keep"),
    "a relative path": ({"path": "reports"}, "path: reports is relative"),
}


@pytest.mark.parametrize(("given", "message"), REFUSED.values(), ids=REFUSED)
def test_both_refuse_the_same_in_one_sentence(tmp_path: Path, given: dict[str, Any], message: str) -> None:
    tasks = [{**info(tmp_path / "r", **given), "ignore_errors": True}, report(tmp_path / "r", **given)]
    run = play(tmp_path, *tasks)
    assert run.code == 2
    for name in ("aspstate_report_info: ", "aspstate_report: "):
        assert message in run.text.partition(f"Task failed: Action failed: {name}")[2].partition("Origin:")[0]
    assert "Traceback" not in run.output
    assert not (tmp_path / "r").exists()


def test_a_report_that_cannot_be_written_fails_the_run(tmp_path: Path) -> None:
    """The folder was fine before the run; then something took its place."""
    path = tmp_path / "reports"
    block = {"ansible.builtin.copy": {"content": "x", "dest": str(path), "mode": "0600"}}
    run = play(tmp_path, info(path), block, report(path, host("sql01")))
    assert run.code == 2
    assert f"aspstate_report: path: {path} is no folder; give another path for the reports" in run.text
