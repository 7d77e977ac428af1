"""A server with everything that check.yml looks at, for the tests: converged, checked and broken in one process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from aspstate.check import check
from aspstate.check_wishes import CHECK_ARGUMENTS, Declared, declared
from aspstate.granting import apply_present
from aspstate.granting import plan_present as plan_grants
from aspstate.grants import read_grants
from aspstate.installation import plan_present
from aspstate.job_present import prepare_job
from aspstate.login import Login
from aspstate.plan import Plan, apply
from aspstate.property_changes import read_logins
from aspstate.server import Server, connect

from tests.integration.conftest import current
from tests.integration.test_agent_job import COMMANDS
from tests.shipped import definitions


@dataclass
class Site:
    """One server as an inventory declares it; `options` are the module's."""

    login: Login
    application: Login
    name: str = "ASPState"
    type: str = "persisted"
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def declared(self) -> Declared:
        """What the module makes of its options."""
        return declared(self._params())

    def _params(self) -> dict[str, Any]:
        commands = {"command": COMMANDS.usual, "availability_group_command": COMMANDS.in_group}
        grants = {"logins": [{"name": self.application.user, "password": self.application.password}]}
        given = {
            "name": self.name,
            "type": self.type,
            "schema": definitions(self.type),
            "database": {},
            "agent_job": commands,
            "grants": grants,
            "sessions": {"max_job_age": 100_000},
        }
        for option, value in self.options.items():
            given[option] = {**given[option], **value} if isinstance(value, dict) and option in given else value
        return ArgumentSpecValidator(CHECK_ARGUMENTS).validate(given).validated_parameters

    def check(self, probe: str = "full", login: Login | None = None) -> dict[str, Any]:
        """The module's result."""
        passwords = {self.application.user: self.application.password}
        return check(login or self.login, self.declared, probe=probe, passwords=passwords)

    def plans(self, server: Server) -> list[Plan]:
        """What site.yml would do, by its own plans."""
        wanted, now = self.declared, current(server, self.name, self.type)
        logins = read_logins(server, wanted.choices, self.name if now.exists else "")
        database = plan_present(
            now,
            self.type,
            wanted.schema,
            wanted.choices,
            logins,
            adoption=wanted.adoption,
            remove_leftovers=wanted.remove_leftovers,
        )
        job = prepare_job(server, self.name, wanted.job, wanted.commands, applies=False).plan if wanted.job else None
        grants = plan_grants(read_grants(server, self.name, now.exists, wanted.grants, self.type), wanted.grants)
        return [plan for plan in (database, job, grants) if plan]

    def converge(self) -> list[str]:
        """Do it, one after the other; the sentences of what was done."""
        done = []
        with connect(self.login) as server:
            for number in range(len(self.plans(server))):
                plan = self.plans(server)[number]  # each of what the one before has left
                if number + 1 == len(self.plans(server)):
                    now = read_grants(server, self.name, True, self.declared.grants, self.type)
                    apply_present(server, now, plan, {self.application.user: self.application.password})
                else:
                    apply(server, plan)
                done += [step.sentence for step in plan.steps]
        return done

    def predicted(self) -> list[str]:
        """The sentences of what would be done."""
        with connect(self.login) as server:
            return [step.sentence for plan in self.plans(server) for step in plan.steps]


def told(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Id and subject of each finding."""
    return [(each["id"], each["subject"]) for each in result["findings"]]
