#!/usr/bin/python
"""Ansible module aspstate_agent_job: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_agent_job
short_description: Let SQL Server Agent delete the expired sessions of ASP.NET
description:
  - Creates the job that executes C(DeleteExpiredSessions), with its step, schedule, owner and target server, alters
    what differs, or deletes it. Without it sessions never end, since ASP.NET does not look whether they have expired.
  - A job is found by what its step does, so that one that is there is taken over, whatever its name.
  - An instance without SQL Server Agent (SQL Server Express) is refused.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: full
    description: Reads and plans as without it and changes nothing.
  diff_mode:
    support: full
    description: The same diff with and without check mode.
options:
  name:
    description: The session database. With a job its name may have 94 characters.
    type: str
    default: ASPState
  state:
    description: V(absent) deletes every job that executes C(DeleteExpiredSessions) of the database.
    type: str
    choices: [present, absent]
    default: present
  job_name:
    description:
      - Name of the job, where several jobs do the same, or for a new one. By default the one that is there is taken,
        and a new one is named as aspnet_regsql does, C(<database>_Job_DeleteExpiredSessions).
    type: str
  command:
    description: The command of the job's step, in the session database. Needed with O(state=present).
    type: str
  availability_group_command:
    description:
      - The command where the database is in an availability group. It runs in master and asks for the role of the
        replica first; C($(database)) in it is the name of the session database. Needed with O(state=present).
    type: str
  interval:
    description: Minutes between two runs, 1 to 1440.
    type: int
    default: 1
  enabled:
    description: Whether the job is enabled.
    type: bool
    default: true
  owner:
    description:
      - Login that owns the job; V(sa) is the one with SID 0x01. A job of a sysadmin's runs as the Agent's account, any
        other as its owner.
    type: str
    default: sa
  category:
    description: Category of the job; it is created where it is missing.
    type: str
    default: "[Uncategorized (Local)]"
  manage_agent_history:
    description:
      - Allow O(history_rows) and O(history_rows_per_job) to be set. They are limits of the Agent's for all jobs.
    type: bool
    default: false
  history_rows:
    description: Rows of history that the Agent keeps of all jobs; V(-1) keeps all.
    type: int
  history_rows_per_job:
    description: Rows of history that the Agent keeps of one job; V(-1) keeps all. A run writes two.
    type: int
"""

EXAMPLES = r"""
- name: Expire sessions every five minutes
  aspstate_agent_job:
    login_host: sql01.example.net
    login_user: operator
    login_password: "{{ vault_operator_password }}"
    interval: 5
    command: EXECUTE dbo.DeleteExpiredSessions
    availability_group_command: "{{ lookup('ansible.builtin.file', 'step_in_availability_group.sql') }}"
"""

RETURN = r"""
steps:
  description: What was done, or would be done in check mode, a sentence each.
  returned: success
  type: list
  elements: str
agent:
  description:
    - SQL Server Agent's status, startup, account, history_rows and history_rows_per_job, whether it runs, and whether
      the instance is SQL Server Express. Null is what the login may not see.
  returned: success
  type: dict
findings:
  description:
    - What is wrong with the job or around it (id, severity, host, subject, message, expected, found, runbook). Each is
      also a warning, unless its severity is V(info).
  returned: success
  type: list
  elements: dict
not_known:
  description: What the login was not allowed to see, a sentence each; also a warning.
  returned: success
  type: list
  elements: str
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

from ansible.module_utils.aspstate.agent_job import JOB_ARGUMENTS, UNCATEGORIZED, job_choices, plan_job_absent
from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, findings_result, login, plan_result, run
from ansible.module_utils.aspstate.job_owner import read_job_logins
from ansible.module_utils.aspstate.job_present import Prepared, prepare_job
from ansible.module_utils.aspstate.jobs import read_jobs
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.plan import Plan, apply, demand_rights
from ansible.module_utils.aspstate.properties import SA
from ansible.module_utils.aspstate.server import Server, connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    **JOB_ARGUMENTS,
}
REQUIRED_IF = [("state", "present", ("command", "availability_group_command"))]


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, ask for the rights, and unless in check mode apply."""
    database = database_name(module.params["name"])
    with connect(login(module)) as server:
        told: dict[str, Any] = {}
        if module.params["state"] == "absent":
            plan = _absent(server, database)
        else:
            prepared = _present(module, server, database)
            plan, told = prepared.plan, _told(module, prepared)
        demand_rights(server, plan)
        if not module.check_mode:
            apply(server, plan)
        return {**plan_result(module, plan, f"jobs on {server.address}"), **told}


def _absent(server: Server, database: str) -> Plan:
    jobs = read_jobs(server, database, "", UNCATEGORIZED)
    return plan_job_absent(jobs, database, read_job_logins(server, SA, database))


def _present(module: AnsibleModule, server: Server, database: str) -> Prepared:
    choices, commands = job_choices(module.params)
    return prepare_job(server, database, choices, commands, applies=not module.check_mode)


def _told(module: AnsibleModule, prepared: Prepared) -> dict[str, Any]:
    for sentence in prepared.not_known:
        module.warn(sentence)
    return {
        "agent": prepared.agent.facts(),
        "findings": findings_result(module, prepared.findings),
        "not_known": list(prepared.not_known),
    }


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, required_if=REQUIRED_IF, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
