#!/usr/bin/python
"""Ansible module aspstate_sessions: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_sessions
short_description: Delete expired sessions from the database of ASP.NET session state
description:
  - Does what the job of SQL Server Agent does each minute, where there is no Agent or a backlog is to be worked off.
  - A session that is renewed while it runs stays, and so does one that a request has locked at that moment.
  - Where a run of the job is at the same work, it ends early and this one goes on; where another run does not give way
    within five seconds, this one says so and ends.
  - While it works in batches, the system's log of the controller has a line each ten seconds.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: full
    description: Counts what has expired and tells the method. What may not be counted may change.
  diff_mode:
    support: none
    description: The counts are in the result.
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
  state:
    description: What is to become of the expired sessions; V(expired) deletes them.
    type: str
    choices: [expired]
    default: expired
  method:
    description:
      - V(procedure) runs the database's own C(DeleteExpiredSessions). V(project) sends batches.
      - V(auto) runs the procedure where its text shows that it tests C(Expires) where it deletes and deletes in small
        steps, and neither O(pause) nor O(max_duration) is set; else it sends batches.
      - A procedure that would delete renewed sessions is never run.
    type: str
    choices: [auto, procedure, project]
    default: auto
  batch_size:
    description:
      - How many sessions go in one transaction, 1 to 100,000. From 5,000 locks on SQL Server locks the whole table.
      - A procedure gets it if it has the parameters C(@batchSize) and C(@deleted).
    type: int
    default: 1000
  pause:
    description: Milliseconds between two batches.
    type: int
    default: 0
  max_duration:
    description: Seconds after which no further batch begins. V(0) sets no limit.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Delete what has expired
  aspstate_sessions:
    login_host: sql01.example.net
    login_user: aspstate_operator
    login_password: "{{ vault_aspstate_login_password }}"

- name: Work off a backlog slowly, for ten minutes
  aspstate_sessions:
    login_host: sql01.example.net
    login_user: aspstate_operator
    login_password: "{{ vault_aspstate_login_password }}"
    method: project
    batch_size: 500
    pause: 50
    max_duration: 600
"""

RETURN = r"""
method:
  description: V(procedure) or V(project).
  returned: success
  type: str
why:
  description: Why it was that method.
  returned: success
  type: str
rows:
  description: How many sessions were deleted, in check mode how many would be. Null where that is not known.
  returned: success
  type: int
batches:
  description: In how many batches. Null with a procedure.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
longest_batch:
  description: Seconds of the longest batch, with the way to the server and back. Null with a procedure.
  returned: success
  type: float
retries:
  description: How many batches were sent again because they lost a deadlock.
  returned: success
  type: int
left:
  description:
    - How many sessions that had expired when it began are still there - locked, or the time was up. Null where the
      login may not see that.
  returned: success
  type: int
finished:
  description: Whether none is left. Null where that is not known.
  returned: success
  type: bool
sql_error:
  description: What SQL Server answered (number, severity, state, procedure, line and text).
  returned: when it refused a statement
  type: dict
error_kind:
  description: V(refused), V(cannot_connect), V(connection_lost) or V(sql_error).
  returned: failure
  type: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, run
from ansible.module_utils.aspstate.expiry import Outcome, expire
from ansible.module_utils.aspstate.expiry_plan import METHODS, How, plan_expired, why_not_counted
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.schema import TYPES
from ansible.module_utils.aspstate.server import connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "state": {"type": "str", "default": "expired", "choices": ["expired"]},
    "method": {"type": "str", "default": "auto", "choices": list(METHODS)},
    "batch_size": {"type": "int", "default": 1000},
    "pause": {"type": "int", "default": 0},
    "max_duration": {"type": "int", "default": 0},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Delete what has expired."""
    params = module.params
    name = database_name(params["name"], params["type"])
    how = How(**{option: params[option] for option in ("method", "batch_size", "pause", "max_duration")})

    def report(done: Outcome) -> None:
        module.log(f"{name}: {done.rows} expired sessions deleted in {done.batches} batches, {done.seconds} s")

    with connect(login(module)) as server:
        plan = plan_expired(server, name, params["type"], how)
        if module.check_mode:
            done = Outcome(plan.expired, left=plan.expired)
        else:
            done = expire(server, plan, how, report)
            if done.left:
                module.warn(f"database {name}: {done.left} expired sessions are left: {done.why_left(how)}")
        if plan.expired is None:
            module.warn(why_not_counted(server, plan))
    facts = {key: value for key, value in asdict(done).items() if key != "busy"}
    return {"changed": done.rows != 0, "method": plan.method, "why": plan.why, "finished": done.finished, **facts}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
