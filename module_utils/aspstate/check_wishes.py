"""What the inventory says of one server, for the daily check: each subject in the options of its own module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .adoption import Adoption
from .agent_job import JOB_ARGUMENTS, Commands, JobChoices, job_choices
from .grant_wishes import GRANT_ARGUMENTS, GrantChoices, grant_choices
from .installation import DATABASE_ARGUMENTS, database_choices
from .names import database_name
from .property_changes import Choices
from .schema import TYPES, Schema, schema
from .session_check import SESSION_ARGUMENTS, Question, thresholds

PROBES = ("full", "rights")

CHECK_ARGUMENTS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "schema": {"type": "list", "elements": "str"},
    "database": {"type": "dict", "options": DATABASE_ARGUMENTS, "apply_defaults": True},
    "agent_job": {"type": "dict", "options": JOB_ARGUMENTS},
    "grants": {"type": "dict", "options": GRANT_ARGUMENTS},
    "sessions": {"type": "dict", "options": SESSION_ARGUMENTS, "apply_defaults": True},
    "previous": {"type": "dict"},
    "probe": {"type": "str", "default": "full", "choices": list(PROBES)},
}
"""Of the module aspstate_check, but for the login's."""


@dataclass(frozen=True)
class Declared:
    """`schema` is None where scripts of the operator's install the database: what they made is not compared with it.

    `job` and `grants` are None where nothing is said of them.
    """

    database: str
    type: str
    schema: Schema | None
    choices: Choices
    adoption: Adoption
    remove_leftovers: bool
    discard_live_sessions: bool
    job: JobChoices | None
    commands: Commands
    grants: GrantChoices | None
    sessions: Question

    @property
    def subject(self) -> str:
        """How findings name the database."""
        return f"database {self.database}"


def declared(params: Mapping[str, Any]) -> Declared:
    """What CHECK_ARGUMENTS say. Raises Refused for values that could not work."""
    name, type_ = database_name(params["name"], params["type"]), params["type"]
    choices, adoption = database_choices(params["database"])
    choices.judge(type_)
    job, commands = job_choices(params["agent_job"]) if params["agent_job"] else (None, Commands("", ""))
    grants = grant_choices(params["grants"]) if params["grants"] else None
    if grants:
        grants.judge(type_)
    sessions = params["sessions"]
    return Declared(
        name,
        type_,
        schema(params["schema"], type_) if params["schema"] else None,
        choices,
        adoption,
        params["database"]["remove_leftovers"],
        params["database"]["discard_live_sessions"],
        job,
        commands,
        grants,
        Question(
            name,
            type_,
            thresholds(sessions),
            tuple(sessions["applications"]),
            params["previous"],
            agent_job=job is not None,
        ),
    )


def passwords(params: Mapping[str, Any]) -> dict[str, str]:
    """Those of the applications' logins, by name."""
    logins = params["grants"]["logins"] if params["grants"] else []
    return {each["name"]: each["password"] for each in logins if each["password"]}
