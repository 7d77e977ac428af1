"""aspstate-run, which timers execute: the lock, the time limit, who is told, and how it ends."""

from __future__ import annotations

import fcntl
import json
import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "roles/aspstate_schedule/templates/aspstate-run"


@dataclass(frozen=True)
class Job:
    """A job with its settings, in a folder of its own."""

    folder: Path

    def set_up(self, command: str, environment: str = "", **settings: object) -> None:
        """`command` is shell; `settings` replace what a job usually has."""
        for name in ("project", "config", "state"):
            (self.folder / name).mkdir(exist_ok=True)
        usual = {
            "job": "check",
            "project": self.folder / "project",
            "lock": self.folder / "state/lock",
            "lock_timeout": 0,
            "timeout": 30,
            "last": self.folder / "state/check.json",
            "log": "",
            "log_hint": "journalctl -u aspstate-check.service",
            "report": self.folder / "project/report.html",
            "hook": f'env >"{self.folder}/hooked"',
            "hook_timeout": 5,
            "mail_to": "",
            "sendmail": self.folder / "sendmail",
        }
        lines = [f"run_{name}={shlex.quote(str(value))}\n" for name, value in {**usual, **settings}.items()]
        (self.folder / "config/environment").write_text(environment)
        (self.folder / "config/check.conf").write_text("".join([*lines, f"set -- sh -c {shlex.quote(command)}\n"]))

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", SCRIPT, self.folder / "config/check.conf", *words],
            cwd="/",
            env={"PATH": os.environ["PATH"]},  # as systemd and cron start it
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str, str]:
        """The exit code, and what it printed."""
        with self.start(*words) as process:
            output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def last(self) -> int:
        """The exit code that was written down."""
        written = json.loads((self.folder / "state/check.json").read_text())
        assert 0 <= written["ended"] - written["started"] < 60
        assert abs(written["ended"] - time.time()) < 60
        return written["exit_code"]

    def told(self) -> dict[str, str]:
        """What the hook found in its environment; empty where there was no hook."""
        file = self.folder / "hooked"
        lines = file.read_text().splitlines() if file.exists() else []
        return dict(line.split("=", 1) for line in lines if line.startswith("ASPSTATE_"))


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_a_run_that_ends_well_is_written_down_and_nobody_is_told(job: Job) -> None:
    job.set_up("pwd; echo $ANSIBLE_CONFIG", mail_to="ops@example.net")
    project = job.folder / "project"
    assert job.run() == (0, f"{project}\n{project}/ansible.cfg\n", "")
    assert (job.last(), job.told()) == (0, {})


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        ("exit 2", 2, "there are findings"),
        ("exit 4", 4, "a host could not be reached, or Ansible could not read what it was given"),
        ("exit 250", 250, "it did not end by itself, or Ansible failed"),
        ("exec /nowhere", 127, "its command cannot be run"),
        ("sleep 60", 124, "it was stopped after 1 s"),
        ("kill -KILL $PPID", 137, "it was killed"),
    ],
)
def test_a_run_that_ends_otherwise_keeps_its_code_and_the_hook_is_told(
    job: Job, command: str, code: int, reason: str
) -> None:
    job.set_up(command, timeout=1)
    ended, _, errors = job.run()
    assert ended == job.last() == code
    assert f"aspstate-run: check ended with code {code}: {reason}" in errors
    told = job.told()
    assert told == {
        "ASPSTATE_JOB": "check",
        "ASPSTATE_EXIT_CODE": str(code),
        "ASPSTATE_REASON": reason,
        "ASPSTATE_REPORT": "",
    }


def test_a_code_of_2_is_no_finding_where_nothing_is_checked(job: Job) -> None:
    job.set_up("exit 2", job="expire")
    job.run()
    assert job.told()["ASPSTATE_REASON"] == "it failed, or refused to begin"


def test_the_hook_gets_the_report_of_this_run_and_of_no_other(job: Job) -> None:
    job.set_up("echo >report.html; exit 2")
    job.run()
    report = job.folder / "project/report.html"
    assert job.told()["ASPSTATE_REPORT"] == str(report)
    os.utime(report, (0, 0))
    job.set_up("exit 2")
    job.run()
    assert job.told()["ASPSTATE_REPORT"] == ""


@pytest.mark.parametrize("hook", ["exit 9", "sleep 60"])
def test_a_hook_that_fails_or_hangs_is_told_and_changes_nothing(job: Job, hook: str) -> None:
    job.set_up("exit 2", hook=hook, hook_timeout=1)
    code, _, errors = job.run()
    assert (code, job.last()) == (2, 2)
    assert f"the hook failed with code {'9' if hook == 'exit 9' else '124'}" in errors


def test_a_mail_goes_to_sendmail(job: Job) -> None:
    sendmail = job.folder / "sendmail"
    sendmail.write_text(f'#!/bin/sh\necho "$@" >{job.folder}/words; cat >{job.folder}/mail\n')
    sendmail.chmod(0o755)
    job.set_up("exit 2", mail_to="ops@example.net, dba@example.net")
    assert job.run()[0] == 2
    assert (job.folder / "words").read_text() == "-t -i\n"
    head, _, body = (job.folder / "mail").read_text().partition("\n\n")
    assert head.startswith("To: ops@example.net, dba@example.net\nSubject: aspstate check on ")
    assert "there are findings" in head
    assert "Log:    journalctl -u aspstate-check.service" in body


def test_a_mail_that_cannot_be_sent_is_told(job: Job) -> None:
    job.set_up("exit 2", mail_to="ops@example.net", sendmail="/nowhere")
    code, _, errors = job.run()
    assert code == 2
    assert "the mail to ops@example.net was not sent: /nowhere ended with code 127" in errors


def test_a_run_does_not_begin_while_another_holds_the_lock(job: Job) -> None:
    job.set_up(f"touch {job.folder}/began")
    with (job.folder / "state/lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, errors = job.run()
    assert (code, job.last(), job.told()["ASPSTATE_EXIT_CODE"]) == (75, 75, "75")
    assert f"another run held the lock {job.folder}/state/lock for 0 s" in errors
    assert not (job.folder / "began").exists()


def test_a_run_waits_for_another_and_then_begins(job: Job) -> None:
    job.set_up("echo began", lock_timeout=30)
    with (job.folder / "state/lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with job.start() as process:
            time.sleep(0.5)
            assert process.poll() is None
            fcntl.flock(lock, fcntl.LOCK_UN)
            assert process.communicate(timeout=30)[0] == "began\n"
    assert process.returncode == 0


def test_a_hook_does_not_hold_the_lock(job: Job) -> None:
    job.set_up("exit 2", hook=f"flock --nonblock {job.folder}/state/lock touch {job.folder}/free")
    job.run()
    assert (job.folder / "free").exists()


def test_the_environment_is_what_was_written_whatever_is_in_it(job: Job) -> None:
    value = 'it\'s $HOME `id` "quoted" \\ and\nlong'
    job.set_up('printf %s "$SECRET"', environment=f"SECRET={shlex.quote(value)}\n")
    assert job.run() == (0, value, "")


def test_a_missing_environment_is_told_and_nothing_begins(job: Job) -> None:
    job.set_up("echo began")
    (job.folder / "config/environment").unlink()
    code, output, errors = job.run()
    assert (code, output, job.last(), job.told()["ASPSTATE_EXIT_CODE"]) == (78, "", 78, "78")
    assert f"{job.folder}/config/environment is not there, cannot be read by" in errors


def test_a_damaged_environment_is_told_without_its_secrets(job: Job) -> None:
    job.set_up("echo began", environment="A=(geheim'\n")
    code, output, errors = job.run()
    assert (code, output) == (78, "")
    assert "is not shell" in errors
    assert "geheim" not in errors


@pytest.mark.parametrize("damage", ["set -- 'unfinished\n", None])
def test_settings_that_cannot_be_used_are_told(job: Job, damage: str | None) -> None:
    job.set_up("echo began")
    settings = job.folder / "config/check.conf"
    settings.unlink() if damage is None else settings.write_text(damage)
    code, output, errors = job.run()
    assert (code, output) == (78, "")
    assert errors.startswith(f"aspstate-run: {settings} is not there, cannot be read by")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"project": "/nowhere"}, "there is no project in /nowhere"),
        ({"lock": "/nowhere/lock"}, "the lock /nowhere/lock cannot be opened"),
        ({"log": "/nowhere/log"}, "the log /nowhere/log cannot be written"),
    ],
)
def test_what_cannot_be_used_is_told(job: Job, settings: dict[str, str], said: str) -> None:
    job.set_up("echo began", **settings)
    code, output, errors = job.run()
    assert (code, output, job.last()) == (78, "", 78)
    assert said in errors


def test_an_end_that_cannot_be_written_down_is_no_good_end(job: Job) -> None:
    job.set_up("exit 0", last="/nowhere/check.json")
    code, _, errors = job.run()
    assert code == 73
    assert "how it ended could not be written to /nowhere/check.json" in errors


def test_with_cron_the_log_has_the_last_run(job: Job) -> None:
    log = job.folder / "state/check.log"
    job.set_up("echo one; echo two >&2; exit 2", log=log)
    assert job.run() == (2, "", "")
    assert job.run() == (2, "", "")
    assert log.read_text() == "one\ntwo\naspstate-run: check ended with code 2: there are findings\n"


def test_a_delay_is_random_and_no_longer_than_asked_for(job: Job, tmp_path: Path) -> None:
    job.set_up("echo began", environment=f"PATH={tmp_path}/commands:$PATH\n")
    (tmp_path / "commands").mkdir()
    sleep = tmp_path / "commands/sleep"
    sleep.write_text(f"#!/bin/sh\necho $1 >>{tmp_path}/slept\n")
    sleep.chmod(0o755)
    for _ in range(20):
        assert job.run("5")[:2] == (0, "began\n")
    slept = set(map(int, (tmp_path / "slept").read_text().split()))
    assert slept <= set(range(6))
    assert len(slept) > 1


def test_who_ends_it_ends_the_playbook_and_people_are_told(job: Job) -> None:
    job.set_up(f"touch {job.folder}/began; exec sleep 60")
    with job.start() as process:
        while not (job.folder / "began").exists():
            time.sleep(0.02)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
    assert time.monotonic() - began < 20
    assert process.returncode == job.last() == int(job.told()["ASPSTATE_EXIT_CODE"])
    assert process.returncode > 128 or process.returncode == 124


@pytest.mark.parametrize("words", [(), ("a", "b", "c")])
def test_wrong_words_are_told(words: tuple[str, ...]) -> None:
    result = subprocess.run(["/bin/sh", SCRIPT, *words], capture_output=True, text=True, check=False)
    assert result.returncode == 78
    assert "usage: aspstate-run SETTINGS [DELAY]" in result.stderr
