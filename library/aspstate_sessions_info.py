#!/usr/bin/python
"""Ansible module aspstate_sessions_info: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_sessions_info
short_description: Judge the sessions in the database of ASP.NET session state
description:
  - Counts the sessions, asks when a job of SQL Server Agent last expired some, and holds both against thresholds.
    Changes nothing, makes no request wait and waits for none.
  - What the login may not see is a finding (C(ASP001)) and a sentence in RV(not_known).
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: full
    description: Only reads.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  name:
    description: Name of the session database.
    type: str
    default: ASPState
  type:
    description: The type of session state, as for M(aspstate_database). The tables of V(temporary) are in tempdb.
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  applications:
    description:
      - Names of the applications that are to keep sessions here, as C(HttpRuntime.AppDomainAppId) has them
        (C(/LM/W3SVC/1/ROOT/shop)). Two of one id are C(ASP411).
    type: list
    elements: str
    default: []
  previous:
    description: What an earlier run returned as RV(sample), for RV(growth).
    type: dict
  agent_job:
    description: Whether a job of SQL Server Agent is to expire the sessions. Otherwise it is not asked for.
    type: bool
    default: true
  execution_timeout:
    description: Seconds that a request may run (C(httpRuntime/@executionTimeout)); a lock that is older is stuck.
    type: int
    default: 110
  max_expired_age:
    description: Seconds that a session may still be there after it expired.
    type: int
    default: 900
  max_expired:
    description: How many expired sessions may be there.
    type: int
    default: 10000
  max_stuck_locks:
    description: How many sessions may be locked for longer than O(execution_timeout).
    type: int
    default: 0
  max_bytes:
    description: How large the items of all sessions together may be.
    type: int
    default: 4294967296
  max_growth_per_hour:
    description: How many sessions more an hour there may be.
    type: int
    default: 100000
  min_hours_to_fill:
    description: Hours that O(max_bytes) must last at the growth since O(previous).
    type: int
    default: 24
  max_job_age:
    description: Seconds that the last good run of the job may be ago.
    type: int
    default: 900
"""

EXAMPLES = r"""
- name: Look at the sessions
  aspstate_sessions_info:
    login_host: sql01.example.net
    login_user: monitor
    login_password: "{{ vault_monitor_password }}"
    applications:
      - /LM/W3SVC/1/ROOT/shop
  register: sessions
"""

RETURN = r"""
tables_in:
  description: The database in which the session tables were found.
  returned: success
  type: str
sample:
  description:
    - All sessions in numbers, to be given as O(previous) later - time and started, which is SQL Server's start
      (UTC, ISO 8601), database, rows, live, expired,
      oldest_expired (seconds), expired_before_start (before SQL Server last started), locked, stuck, oldest_lock
      (seconds), uninitialized, long, long_percent, bytes, long_bytes.
  returned: success
  type: dict
growth:
  description: rows_per_hour and bytes_per_hour since O(previous), over seconds. Null under a minute.
  returned: success
  type: dict
applications:
  description:
    - The same counts for each application (application, suffix). The name is empty where no application of that
      suffix is recorded.
  returned: success
  type: list
  elements: dict
job:
  description:
    - Whether the Agent runs (agent), the jobs that execute DeleteExpiredSessions of this database (jobs), how many
      seconds ago the last good run began (last_good), and how many it took (duration).
  returned: with O(agent_job)
  type: dict
findings:
  description: What is wrong (id, severity, host, subject, message, expected, found, runbook).
  returned: success
  type: list
  elements: dict
not_known:
  description: What the login was not allowed to see, a sentence each.
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

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, run
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.schema import TYPES
from ansible.module_utils.aspstate.server import connect
from ansible.module_utils.aspstate.session_check import SESSION_ARGUMENTS, Question, check, thresholds
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "previous": {"type": "dict"},
    "agent_job": {"type": "bool", "default": True},
    **SESSION_ARGUMENTS,
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Look and judge."""
    params = module.params
    question = Question(
        database_name(params["name"], params["type"]),
        params["type"],
        thresholds(params),
        tuple(params["applications"]),
        params["previous"],
        params["agent_job"],
    )
    with connect(login(module)) as server:
        return {"changed": False, **check(server, question)}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
