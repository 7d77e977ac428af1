#!/usr/bin/python
"""Ansible module aspstate_check: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_check
short_description: Compare a server of ASP.NET session state with what the inventory says
description:
  - Reads everything that M(aspstate_database), M(aspstate_agent_job) and M(aspstate_grants) would read, over one
    connection, plans with the same code, and tells each difference as a finding. Judges the sessions as
    M(aspstate_sessions_info) does, and tries whether sessions can be kept. Changes nothing that stays.
  - Does not fail for what it finds, nor where the server does not answer - what could not be looked at is a finding
    (C(ASP001)), and RV(status) says so.
  - Where the connection is C(local), it runs in Ansible's own process rather than as a module of its own, which takes a
    fraction of the time. Elsewhere (a bastion) it runs as any module, with the same result.
  - What a task does not give is taken from the variables of the roles aspstate_database, aspstate_agent_job and
    aspstate_grants, where the play knows them, as playbooks/check.yml does.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: full
    description: The same, with O(probe=rights).
  diff_mode:
    support: none
    description: Changes nothing.
options:
  name:
    description: Name of the session database.
    type: str
    default: ASPState
  type:
    description: The type of session state, as for M(aspstate_database).
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  schema:
    description:
      - The objects that the database is to have, as for M(aspstate_database). Not given, those that come with the role
        aspstate_database; an empty list, where scripts of the operator's install it, compares nothing with it.
    type: list
    elements: str
  database:
    description: What the database is to be, in the options of M(aspstate_database) of the same names.
    type: dict
    suboptions:
      owner: {description: Login that is to own it., type: str}
      recovery_model: {description: Its recovery model., type: str, choices: [simple, bulk_logged, full]}
      collation: {description: Its collation., type: str}
      auto_close: {description: Its AUTO_CLOSE., type: bool}
      auto_shrink: {description: Its AUTO_SHRINK., type: bool}
      data_file_size: {description: Least size of each data file in MB., type: int}
      data_file_growth: {description: Growth of each data file in MB., type: int}
      log_file_size: {description: Least size of the log file in MB., type: int}
      log_file_growth: {description: Growth of the log file in MB., type: int}
      manage_ownership_chain: {description: Whether to set DB_CHAINING and the owner., type: bool, default: false}
      adopt:
        description: What may be done with session state of Microsoft's making.
        type: str
        choices: [report, procedures, full]
        default: full
      overwrite_edited: {description: Whether edited procedures may be altered too., type: bool, default: false}
      remove_leftovers: {description: Whether leftovers of type temporary are to go., type: bool, default: false}
      discard_live_sessions: {description: Whether live sessions in them may go too., type: bool, default: false}
  agent_job:
    description:
      - What the job is to be, in the options of M(aspstate_agent_job) of the same names. Not given, where something
        else expires the sessions, no job is asked for.
    type: dict
    suboptions:
      job_name: {description: Its name., type: str}
      command: {description: What its step executes. Not given, what the role aspstate_agent_job has., type: str}
      availability_group_command: {description: The same in an availability group., type: str}
      interval: {description: Minutes between two runs., type: int, default: 1}
      enabled: {description: Whether it is enabled., type: bool, default: true}
      owner: {description: Login that owns it., type: str, default: sa}
      category: {description: Its category., type: str, default: "[Uncategorized (Local)]"}
      manage_agent_history: {description: Whether the limits of history are managed., type: bool, default: false}
      history_rows: {description: Rows of history of all jobs., type: int}
      history_rows_per_job: {description: Rows of history of one job., type: int}
  grants:
    description:
      - What the applications' logins are to have, in the options of M(aspstate_grants) of the same names. Not given,
        they are not asked for.
    type: dict
    suboptions:
      logins:
        description: The logins.
        type: list
        elements: dict
        required: true
        suboptions:
          name: {description: Name of the login., type: str, required: true}
          create_login: {description: Whether it is to be made., type: bool, default: false}
          password: {description: "Its password, with which it is tried.", type: str}
      role: {description: The role that they are members of., type: str, default: aspstate_application}
      clients:
        description: The clients that use the database.
        type: list
        elements: str
        choices: [system_web, async_compat]
        default: [system_web]
      exclusive: {description: Whether they are to have nothing else., type: bool, default: false}
      manage_ownership_chain: {description: As in O(database)., type: bool, default: false}
  sessions:
    description: What may be, in the options of M(aspstate_sessions_info) of the same names.
    type: dict
    suboptions:
      applications: {description: Names of the applications., type: list, elements: str, default: []}
      execution_timeout: {description: Seconds that a request may run., type: int, default: 110}
      max_expired_age: {description: Seconds that an expired session may be there., type: int, default: 900}
      max_expired: {description: How many expired sessions may be there., type: int, default: 10000}
      max_stuck_locks: {description: How many locks may be stuck., type: int, default: 0}
      max_bytes: {description: Bytes of all items., type: int, default: 4294967296}
      max_growth_per_hour: {description: Sessions more an hour., type: int, default: 100000}
      min_hours_to_fill: {description: Hours that O(sessions.max_bytes) must last., type: int, default: 24}
      max_job_age: {description: Seconds since the last good run of the job., type: int, default: 900}
  previous:
    description: What an earlier run returned as RV(sample), for RV(growth) and whether SQL Server was restarted since.
    type: dict
  probe:
    description:
      - V(full) lives through a session, as O(login_user) and as each of O(grants.logins), as M(aspstate_probe) does.
      - V(rights) asks only whether each may, and writes nothing.
    type: str
    choices: [full, rights]
    default: full
"""

EXAMPLES = r"""
- name: Look for differences
  aspstate_check:
    login_host: sql01.example.net
    login_user: monitor
    login_password: "{{ vault_monitor_password }}"
    database:
      recovery_model: simple
    agent_job:
      interval: 1
    grants:
      logins:
        - name: shop
    probe: rights
"""

RETURN = r"""
address:
  description: The server's address.
  returned: success
  type: str
status:
  description: V(checked), or V(incomplete) where something could not be looked at.
  returned: success
  type: str
findings:
  description: What is wrong, one an id and subject (id, severity, host, subject, message, expected, found, runbook).
  returned: success
  type: list
  elements: dict
instance:
  description: The instance's product_version, edition, server_name and engine_edition.
  returned: success
  type: dict
sample:
  description: As from M(aspstate_sessions_info).
  returned: success
  type: dict
growth:
  description: As from M(aspstate_sessions_info).
  returned: success
  type: dict
applications:
  description: As from M(aspstate_sessions_info).
  returned: success
  type: list
  elements: dict
job:
  description: As from M(aspstate_sessions_info).
  returned: success
  type: dict
probes:
  description: Who lived through a session (login, calls, milliseconds).
  returned: success
  type: list
  elements: dict
error_kind:
  description: V(refused), for options that cannot work.
  returned: failure
  type: str
"""

from typing import Any

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, run
from ansible.module_utils.aspstate.check import check
from ansible.module_utils.aspstate.check_wishes import CHECK_ARGUMENTS, declared, passwords
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {**LOGIN_ARGUMENTS, **CHECK_ARGUMENTS}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look at everything."""
    params = module.params
    probe = "rights" if module.check_mode else params["probe"]
    return {"changed": False, **check(login(module), declared(params), probe=probe, passwords=passwords(params))}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
