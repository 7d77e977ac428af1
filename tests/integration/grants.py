"""Grants as the module gives and takes them, for the tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aspstate.finding import Finding
from aspstate.grant_findings import grant_findings
from aspstate.grant_wishes import GrantChoices, WantedLogin
from aspstate.granting import apply_present, plan_absent, plan_present
from aspstate.grants import Grants, read_grants
from aspstate.instance import read_presence
from aspstate.plan import Plan, apply, demand_rights
from aspstate.server import Server

ROLE = "aspstate_application"
NO_PASSWORDS: Mapping[str, str] = {}


def choices(*names: str, create: bool = False, **others: Any) -> GrantChoices:
    """These logins, and the other choices."""
    windows = {name for name in names if "\\" in name}
    logins = (WantedLogin(name, create, has_password=create and name not in windows) for name in names)
    return GrantChoices(tuple(logins), **others)


def now(server: Server, name: str, chosen: GrantChoices, type_: str = "persisted") -> Grants:
    """What is there."""
    return read_grants(server, name, read_presence(server, name).exists, chosen, type_)


def would(server: Server, name: str, chosen: GrantChoices, type_: str = "persisted") -> Plan:
    """What would be done."""
    return plan_present(now(server, name, chosen, type_), chosen)


def give(
    server: Server,
    name: str,
    chosen: GrantChoices,
    type_: str = "persisted",
    passwords: Mapping[str, str] = NO_PASSWORDS,
) -> Plan:
    """Give what is missing; returns the plan that was applied."""
    current = now(server, name, chosen, type_)
    plan = plan_present(current, chosen)
    demand_rights(server, plan)
    apply_present(server, current, plan, passwords)
    return plan


def take(server: Server, name: str, chosen: GrantChoices) -> Plan:
    """Take all of it away again."""
    there = read_presence(server, name).exists
    plan = plan_absent(read_grants(server, name, there, chosen, "persisted", judge=False), chosen)
    demand_rights(server, plan)
    apply(server, plan)
    return plan


def findings(server: Server, name: str, chosen: GrantChoices, type_: str = "persisted") -> list[Finding]:
    """What is wrong."""
    return grant_findings(server, now(server, name, chosen, type_), chosen, type_)
