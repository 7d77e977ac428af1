"""Action aspstate_check: the check in Ansible's own worker where the connection is local, else as a module.

A module's process costs many times what the check itself does. What it does is documented with the module of that name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ansible.module_utils
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import filter_loader

# ansible.cfg's module_utils is for modules only
if (_CORE := str(Path(__file__).parents[2] / "module_utils")) not in ansible.module_utils.__path__:
    ansible.module_utils.__path__.append(_CORE)

from ansible.module_utils.aspstate.agent_job import JOB_ARGUMENTS
from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login
from ansible.module_utils.aspstate.check import check
from ansible.module_utils.aspstate.check_wishes import CHECK_ARGUMENTS, declared, passwords
from ansible.module_utils.aspstate.errors import AspstateError, explain
from ansible.module_utils.aspstate.grant_wishes import GRANT_ARGUMENTS
from ansible.module_utils.aspstate.installation import DATABASE_ARGUMENTS
from ansible.module_utils.aspstate.server import load_driver
from ansible.module_utils.aspstate.variables import options_of, unknown, wrong_types

# Ansible forks a worker for each host after it has imported this: what each would load is loaded once, the driver and
# the filters that the first template asks for.
load_driver()
filter_loader.get("default")

_ROLES = Path(__file__).parents[2] / "roles"
_ARGUMENTS = {**LOGIN_ARGUMENTS, **CHECK_ARGUMENTS}


class ActionModule(ActionBase):
    """Ansible's entry point."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        if wrong := self._wrong_variables(variables):
            return {"failed": True, "msg": f"{'; '.join(wrong)}; nothing was looked at", "error_kind": "refused"}
        arguments = _with_shipped_files({**self._declared(variables), **self._task.args})
        if not self._is_local():
            return self._execute_module("aspstate_check", arguments, task_vars=task_vars)
        checked = ArgumentSpecValidator(_ARGUMENTS).validate(arguments)
        if checked.error_messages:
            return {"failed": True, "msg": f"aspstate_check: {'; '.join(checked.error_messages)}"}
        params = checked.validated_parameters
        try:
            result = {"changed": False, **self._check(params)}
        except AspstateError as error:
            result = {"failed": True, "msg": explain(error), "error_kind": "refused"}
        return remove_values(result, set(_secrets(params)))

    def _declared(self, variables: dict[str, Any]) -> dict[str, Any]:
        """What the inventory says: the variables of the roles that manage it, each named after the option it is for.

        Read here and not by a template each in the task, which would take longer than the check.
        """

        def given(prefix: str, options: Iterable[str]) -> dict[str, Any]:
            names = {option: f"aspstate_{prefix}_{option}" for option in options}
            return {option: self._value(variables[name]) for option, name in names.items() if name in variables}

        declared = {
            **given("database", (*LOGIN_ARGUMENTS, "name", "type")),
            "database": given("database", DATABASE_ARGUMENTS),
            "grants": given("grants", GRANT_ARGUMENTS),
            "agent_job": {
                **given("agent_job", (option for option in JOB_ARGUMENTS if "command" not in option)),
                "job_name": given("agent_job", ["name"]).get("name"),
            },
        }
        if given("database", ["source"]).get("source") == "scripts":
            declared["schema"] = []
        if not declared["grants"].get("logins"):
            del declared["grants"]
        if given("agent_job", ["state"]).get("state") != "present":
            del declared["agent_job"]
        return declared

    def _wrong_variables(self, variables: dict[str, Any]) -> list[str]:
        """What the preflight of the other playbooks would refuse: here not a task of its own, which costs as much."""
        options, shared = options_of(str(_ROLES)), options_of(str(_ROLES), "aspstate_preflight")
        given = {name: value for name, value in variables.items() if name.startswith("aspstate_")}
        # a template in a variable of one role is judged where it is used: most of them are that role's own defaults
        judged = (name for name in given if name in shared or (name in options and not _is_template(given[name])))
        return unknown(given, options) + wrong_types({name: self._value(given[name]) for name in judged}, options)

    def _value(self, value: Any) -> Any:
        return self._templar.template(value)

    def _check(self, params: dict[str, Any]) -> dict[str, Any]:
        server = login(SimpleNamespace(params=params))
        probe = "rights" if self._task.check_mode else params["probe"]
        return check(server, declared(params), probe=probe, passwords=passwords(params))

    def _is_local(self) -> bool:
        """Whether a module would run here, as the user who runs Ansible and in the same environment."""
        return (
            self._connection.transport == "local" and not self._play_context.become and not any(self._task.environment)
        )


def _is_template(value: object) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _with_shipped_files(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the roles bring as files, where the task does not give it: read here once, not by a lookup for each host."""
    if arguments.get("schema") is None:
        folders = ("schema", f"tables_in_{'tempdb' if arguments.get('type') == 'temporary' else 'database'}")
        arguments["schema"] = [
            path.read_text(encoding="utf-8")
            for folder in folders
            for path in sorted((_ROLES / "aspstate_database/files" / folder).glob("*.sql"))
        ]
    job = arguments.get("agent_job")
    if job is not None:
        files = {"command": "step.sql", "availability_group_command": "step_in_availability_group.sql"}
        commands = {
            option: (_ROLES / "aspstate_agent_job/files" / name).read_text(encoding="utf-8")
            for option, name in files.items()
        }
        arguments["agent_job"] = {**commands, **{name: value for name, value in job.items() if value is not None}}
    return arguments


def _secrets(params: dict[str, Any]) -> Iterator[str]:
    yield from (secret for secret in (params["login_password"], *passwords(params).values()) if secret)
