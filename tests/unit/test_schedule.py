"""How role aspstate_schedule judges its choices, and what it says of jobs that do not do their work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.filter.aspstate_schedule_choices import aspstate_schedule_refusals
from plugins.filter.aspstate_schedule_findings import (
    aspstate_schedule_differences,
    aspstate_schedule_health,
    aspstate_schedule_not_known,
)

NOW = 2_000_000_000.0
CHECK = {"name": "check", "good_codes": [0, 2], "overdue": 3600}
CHOICES = {
    "project_path": "/opt/aspstate",
    "cron_path": "/etc/cron.d",
    "user": "operator",
    "environment": {"ANSIBLE_VAULT_PASSWORD_FILE": "/etc/password"},
    "mail_to": "",
    "lock_timeout": 0,
    "hook_timeout": 60,
}
JOB = {"name": "check", "cron": {"minute": "*/5", "weekday": "MON-FRI"}, "random_delay": 0, "timeout": 0, "overdue": 1}


def refusals(job: dict[str, Any] | None = None, **choices: Any) -> list[str]:
    return aspstate_schedule_refusals({**CHOICES, **choices}, [{**JOB, **(job or {})}])


def test_usual_choices_are_taken() -> None:
    assert refusals() == []
    assert refusals(lock_timeout="300", mail_to="ops@example.net, dba@example.net", user="DOMAIN-svc.shop$") == []


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"cron_path": "/etc/my cron"}, "aspstate_schedule_cron_path '/etc/my cron' is not a whole path"),
        ({"project_path": "opt"}, "aspstate_schedule_project_path 'opt' is not a whole path"),
        ({"project_path": "/opt/%h"}, "aspstate_schedule_project_path '/opt/%h' is not a whole path"),
        ({"user": ""}, "aspstate_schedule_user is not set, and the project's folder /opt/aspstate is not there"),
        ({"user": "a b"}, "aspstate_schedule_user 'a b' is not the name of a user"),
        ({"environment": {"a-b": "x"}}, "'a-b', which cannot be the name of an environment variable"),
        ({"environment": {"A": ["x"]}}, "aspstate_schedule_environment: A is not text or a number"),
        ({"environment": {"A": True}}, "aspstate_schedule_environment: A is not text or a number"),
        ({"mail_to": "ops@example.net\nBcc: x"}, "is not addresses, separated by commas"),
        ({"lock_timeout": -1}, "aspstate_schedule_lock_timeout is -1, not a number of seconds from 0 on"),
        ({"hook_timeout": 0}, "aspstate_schedule_hook_timeout is 0, not a number of seconds from 1 on"),
        ({"job": {"cron": {"minute": "* root rm"}}}, "aspstate_schedule_check_cron: minute '* root rm' is not a field"),
        ({"job": {"timeout": "1h"}}, "aspstate_schedule_check_timeout is 1h, not a number of seconds from 0 on"),
        ({"job": {"overdue": 0}}, "aspstate_schedule_check_overdue is 0, not a number of seconds from 1 on"),
    ],
)
def test_a_choice_that_cannot_work_is_refused_in_one_sentence(choices: dict[str, Any], said: str) -> None:
    (sentence,) = refusals(**choices)
    assert said in sentence


@given(secret=st.text(min_size=12), name=st.sampled_from(["A", "b-c", ""]), nested=st.booleans())
def test_a_refusal_says_nothing_of_a_value_in_the_environment(secret: str, name: str, nested: bool) -> None:
    assert secret not in "".join(refusals(environment={name: [secret] if nested else secret}))


def unit(name: str, **properties: object) -> str:
    usual = {"LoadState": "loaded", "ActiveState": "active", "UnitFileState": "enabled"}
    usual |= {"Result": "success", "ExecMainStatus": 0} if name.endswith(".service") else {"Result": "success"}
    return "".join(f"{key}={value}\n" for key, value in {"Id": name, **usual, **properties}.items())


def shown(timer: dict[str, str] | None = None, service: dict[str, object] | None = None) -> str:
    """`systemctl show` of the job's timer and service; what is not said is as of one that does its work."""
    return unit("aspstate-check.timer", **(timer or {})) + "\n" + unit("aspstate-check.service", **(service or {}))


def ended(code: int = 0, ago: float = 60) -> str:
    return json.dumps({"exit_code": code, "started": NOW - ago - 5, "ended": NOW - ago})


def health(units: str = "", last: str = "", installed: float = 60) -> list[dict[str, Any]]:
    return aspstate_schedule_health([(CHECK, NOW - installed, last)], "ctl", units, NOW)


@pytest.mark.parametrize(
    "given_",
    [
        {},
        {"last": ended()},
        {"last": ended(2), "installed": 9e6},
        {"units": shown(), "last": ended()},
        {"units": shown(service={"Result": "exit-code", "ExecMainStatus": 2}), "last": ended(2)},
        # the check that looks is itself the run
        {"units": shown(service={"ActiveState": "activating"}), "last": ended(2)},
        # what was changed is given the time to run again
        {"last": ended(ago=5000), "installed": 60},
        # the clock went back
        {"last": ended(ago=-5000), "installed": -60},
        # what is missing is told once, by what would be written
        {"units": unit("aspstate-check.timer", LoadState="not-found", ActiveState="inactive", UnitFileState="")},
    ],
)
def test_a_job_that_does_its_work_is_no_finding(given_: dict[str, Any]) -> None:
    assert health(**given_) == []


@pytest.mark.parametrize(
    ("given_", "id_", "subject", "said"),
    [
        ({"units": shown({"UnitFileState": "disabled"})}, "ASP701", "aspstate-check.timer", "is disabled"),
        ({"units": shown({"ActiveState": "inactive"})}, "ASP702", "aspstate-check.timer", "is inactive"),
        ({"units": shown({"ActiveState": "failed"})}, "ASP702", "aspstate-check.timer", "is failed"),
        (
            {"units": shown(service={"Result": "exit-code", "ExecMainStatus": 203})},
            "ASP702",
            "check",
            "aspstate-check.service ended with result exit-code, code 203",
        ),
        (
            {"units": shown(service={"Result": "timeout", "ExecMainStatus": 0}), "last": ended()},
            "ASP702",
            "check",
            "aspstate-check.service ended with result timeout, code 0",
        ),
        ({"last": ended(124)}, "ASP702", "check", "its last run ended with code 124"),
        ({"last": ended(4)}, "ASP702", "check", "its last run ended with code 4"),
        ({"last": ended(ago=4000), "installed": 9e6}, "ASP702", "check", "no run has ended for 4000 s"),
        ({"installed": 4000}, "ASP702", "check", "no run has ended since it was installed 4000 s ago"),
        ({"last": "{"}, "ASP702", "check", "how its last run ended cannot be read"),
        ({"last": "[]"}, "ASP702", "check", "how its last run ended cannot be read"),
        ({"last": '{"exit_code": 0}'}, "ASP702", "check", "how its last run ended cannot be read"),
    ],
)
def test_a_job_that_does_not_do_its_work_is_a_finding(
    given_: dict[str, Any], id_: str, subject: str, said: str
) -> None:
    (finding,) = health(**given_)
    assert (finding["id"], finding["host"], finding["subject"]) == (id_, "ctl", subject)
    assert said in finding["message"]


def test_expiry_that_refused_to_begin_has_not_done_its_work() -> None:
    job = {"name": "expire", "good_codes": [0], "overdue": 3600}
    (finding,) = aspstate_schedule_health([(job, NOW, ended(2))], "ctl", "", NOW)
    assert finding["message"] == "job expire does not do its work: its last run ended with code 2"


def test_what_differs_is_a_finding_that_names_the_playbook() -> None:
    (written,) = aspstate_schedule_differences(["/etc/a"], "ctl", wanted=True)
    (removed,) = aspstate_schedule_differences(["/etc/b"], "ctl", wanted=False)
    assert [written["id"], removed["id"]] == ["ASP701", "ASP701"]
    assert [written["subject"], removed["subject"]] == ["/etc/a", "/etc/b"]
    assert all("playbooks/schedule.yml" in each["message"] for each in (written, removed))


def test_what_could_not_be_seen_is_not_clean() -> None:
    (finding,) = aspstate_schedule_not_known("no right", "ctl")
    assert (finding["id"], finding["severity"]) == ("ASP001", "critical")
    assert "no right" in finding["message"]
