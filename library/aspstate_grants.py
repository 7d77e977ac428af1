#!/usr/bin/python
"""Ansible module aspstate_grants: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_grants
short_description: Let the applications' logins keep their sessions, and do nothing else
description:
  - Makes each login a user of the session database and a member of one database role, which has EXECUTE on the
    procedures that its client calls and nothing more.
  - What a login or the role has beyond that is reported, and removed with O(exclusive=true). Rights on the server
    (sysadmin) and ownership of the database are reported only.
  - A user whose login was dropped and made again gets its login back (C(ALTER USER ... WITH LOGIN)); no user is dropped
    in the session database.
  - Asks for every right that it needs before it changes anything.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: full
    description: Reads and plans as without it and changes nothing; also where the database is not there yet.
  diff_mode:
    support: full
    description: The same diff with and without check mode.
options:
  name:
    description: Name of the session database.
    type: str
    default: ASPState
  type:
    description: The type of session state. With V(temporary) the way to the tables in tempdb is looked at, too.
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  state:
    description:
      - V(absent) takes the role away, and with it what its members have by it. Logins and users stay.
    type: str
    choices: [present, absent]
    default: present
  logins:
    description: The logins of the applications.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of an SQL login, or of a Windows account or group as C(DOMAIN\name), such as C(DOMAIN\HOST$) or
            C(IIS APPPOOL\name).
        type: str
        required: true
      create_login:
        description: Make the login where there is none of that name. What is there stays as it is.
        type: bool
        default: false
      password:
        description: Password for an SQL login that is made.
        type: str
  role:
    description:
      - The database role through which the logins get their rights.
      - One that is there and has other rights than those on session state, or foreign members and no such right, is
        refused, unless with O(exclusive=true), which takes them from it.
    type: str
    default: aspstate_application
  clients:
    description:
      - What calls the procedures.
      - V(system_web) is ASP.NET 2.0 to 4.8. V(system_web_1) adds what 1.0 and 1.1 read with.
      - V(async_compat) adds what the asynchronous provider needs with C(repositoryType="FrameworkCompat")
        (DeleteExpiredSessions, and to see the columns of ASPStateTempSessions). Not with O(type=temporary).
    type: list
    elements: str
    choices: [system_web, system_web_1, async_compat]
    default: [system_web]
  exclusive:
    description:
      - Remove from the logins' users, and from the role, what is more than that - other database roles, permissions of
        their own, members of the role that are not in O(logins), users in tempdb.
    type: bool
    default: false
  manage_ownership_chain:
    description:
      - Say that M(aspstate_database) is to set up the ownership chain to tempdb. It is refused while a login may put
        procedures into the session database, by db_owner or db_ddladmin for example.
    type: bool
    default: false
  impersonate:
    description: Ask also for IMPERSONATE on each login without O(logins[].password), as M(aspstate_probe) needs it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Let the web servers' accounts and one SQL login keep sessions
  aspstate_grants:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    logins:
      - name: CONTOSO\WEB01$
        create_login: true
      - name: shop
"""

RETURN = r"""
steps:
  description: What was done, or in check mode would be, a sentence a statement.
  returned: success
  type: list
  elements: str
  sample: ["create role aspstate_application", "grant EXECUTE on dbo.GetMajorVersion to role aspstate_application"]
extra:
  description: What the logins and the role have beyond what their client needs, a sentence each; also a warning.
  returned: success
  type: list
  elements: str
findings:
  description:
    - What is wrong when the module ends, in check mode as it is now (id, severity, host, subject, message, expected,
      found, runbook); see C(docs/runbooks/grants.md). Without check mode also a warning.
  returned: success
  type: list
  elements: dict
sql_error:
  description: What SQL Server answered (number, severity, state, procedure, line and text).
  returned: when it refused a statement
  type: dict
error_kind:
  description: V(refused), V(cannot_connect), V(connection_lost) or V(sql_error).
  returned: failure
  type: str
"""

from typing import Any

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, findings_result, login, plan_result, run
from ansible.module_utils.aspstate.errors import Refused
from ansible.module_utils.aspstate.finding import FINDINGS
from ansible.module_utils.aspstate.grant_findings import EXTRAS, all_extras, grant_findings
from ansible.module_utils.aspstate.grant_wishes import GRANT_ARGUMENTS, GrantChoices, grant_choices
from ansible.module_utils.aspstate.granting import apply_present, plan_absent, plan_present
from ansible.module_utils.aspstate.grants import Grants, read_grants
from ansible.module_utils.aspstate.instance import read_presence
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.plan import Plan, apply, demand_rights
from ansible.module_utils.aspstate.rights import Right, demand
from ansible.module_utils.aspstate.schema import TYPES
from ansible.module_utils.aspstate.server import Server, connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    **GRANT_ARGUMENTS,
    "impersonate": {"type": "bool", "default": False},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, ask for the rights, and unless in check mode apply; then say what is still wrong."""
    params = module.params
    name = database_name(params["name"], params["type"])
    choices = grant_choices(params)
    choices.judge(params["type"])
    with connect(login(module)) as server:
        current = _read(server, name, choices, params)
        present = params["state"] == "present"
        plan = plan_present(current, choices) if present else plan_absent(current, choices)
        demand_rights(server, plan)
        if params["impersonate"]:
            demand(server, _to_impersonate(current, params))
        if not module.check_mode:
            _apply(server, current, plan, params)
            current = _read(server, name, choices, params)
        return {**plan_result(module, plan, f"{name} on {server.address}"), **_report(module, server, current, choices)}


def _read(server: Server, name: str, choices: GrantChoices, params: dict[str, Any]) -> Grants:
    presence = read_presence(server, name)
    if presence.closed:
        raise Refused(presence.closed)
    present = params["state"] == "present"
    return read_grants(server, name, presence.exists, choices, params["type"], judge=present)


def _to_impersonate(current: Grants, params: dict[str, Any]) -> list[Right]:
    """What the probe needs of logins that are there; of one that is yet to be made, nothing can be asked."""
    without = {each["name"].casefold() for each in params["logins"] if not each["password"]}
    there = [each.name for each in current.accounts if each.login and each.name.casefold() in without]
    return [Right("IMPERSONATE", "LOGIN", each) for each in there]


def _apply(server: Server, current: Grants, plan: Plan, params: dict[str, Any]) -> None:
    if params["state"] == "present":
        apply_present(server, current, plan, {each["name"]: each["password"] for each in params["logins"]})
    else:
        apply(server, plan)


def _report(module: AnsibleModule, server: Server, current: Grants, choices: GrantChoices) -> dict[str, Any]:
    if module.params["state"] == "absent":
        return {"extra": [], "findings": []}
    extra = all_extras(current, choices)
    for sentence in extra:
        module.warn(f"database {current.database}: more than its client needs: {sentence}")
    found = grant_findings(server, current, choices, module.params["type"])
    quiet = tuple(FINDINGS) if module.check_mode else EXTRAS  # a warning is what is still wrong after all steps
    return {"extra": extra, "findings": findings_result(module, found, quiet)}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
