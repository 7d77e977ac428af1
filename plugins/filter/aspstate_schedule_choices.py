"""Filter that judges the choices for role aspstate_schedule, before anything is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# units of systemd and crontabs take these as they are
_PATH = re.compile(r"/[\w.,@+/-]*", re.ASCII)
_USER = re.compile(r"[a-z_][\w.-]*\$?", re.IGNORECASE | re.ASCII)
_NAME = re.compile(r"[a-z_]\w*", re.IGNORECASE | re.ASCII)
_FIELD = re.compile(r"[\w*,/-]+", re.ASCII)
_ADDRESSES = re.compile(r"[^\s,]+(, *[^\s,]+)*")


def aspstate_schedule_refusals(choices: Mapping[str, Any], jobs: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each choice that cannot work; says nothing of what is in the environment.

    `choices` are variables of the role by their names without `aspstate_schedule_`, `jobs` those that are wanted.
    """
    return [
        *_paths(choices),
        *_environment(choices["environment"]),
        *_people(choices),
        *(sentence for job in jobs for sentence in _job(job)),
        *_seconds("lock_timeout", choices["lock_timeout"], 0),
        *_seconds("hook_timeout", choices["hook_timeout"], 1),
    ]


def _paths(choices: Mapping[str, Any]) -> list[str]:
    return [
        f"aspstate_schedule_{name} {value!r} is not a whole path of letters, digits and . , @ + - _ /"
        for name, value in choices.items()
        if name.endswith("_path") and not _PATH.fullmatch(str(value))
    ]


def _environment(environment: Mapping[str, Any]) -> list[str]:
    return [
        f"aspstate_schedule_environment has {name!r}, which cannot be the name of an environment variable"
        for name in environment
        if not _NAME.fullmatch(str(name))
    ] + [
        f"aspstate_schedule_environment: {name} is not text or a number"
        for name, value in environment.items()
        if isinstance(value, bool) or not isinstance(value, (str, int, float)) or "\0" in str(value)
    ]


def _people(choices: Mapping[str, Any]) -> list[str]:
    refusals = []
    if not choices["user"]:
        refusals.append(
            f"aspstate_schedule_user is not set, and the project's folder {choices['project_path']} is not there or "
            "its owner has no name; set it, or aspstate_schedule_project_path"
        )
    elif not _USER.fullmatch(str(choices["user"])):
        refusals.append(f"aspstate_schedule_user {choices['user']!r} is not the name of a user")
    if choices["mail_to"] and not _ADDRESSES.fullmatch(str(choices["mail_to"])):
        refusals.append(f"aspstate_schedule_mail_to {choices['mail_to']!r} is not addresses, separated by commas")
    return refusals


def _job(job: Mapping[str, Any]) -> list[str]:
    prefix = f"{job['name']}_"
    return [
        *(
            f"aspstate_schedule_{prefix}cron: {field} {value!r} is not a field of crontab"
            for field, value in job["cron"].items()
            if not _FIELD.fullmatch(str(value))
        ),
        *_seconds(f"{prefix}random_delay", job["random_delay"], 0),
        *_seconds(f"{prefix}timeout", job["timeout"], 0),
        *_seconds(f"{prefix}overdue", job["overdue"], 1),
    ]


def _seconds(name: str, value: Any, least: int) -> list[str]:
    text = str(value)
    if text.isdecimal() and int(text) >= least:
        return []
    return [f"aspstate_schedule_{name} is {text}, not a number of seconds from {least} on"]


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {"aspstate_schedule_refusals": aspstate_schedule_refusals}
