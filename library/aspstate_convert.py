#!/usr/bin/python
"""Ansible module aspstate_convert: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_convert
short_description: Convert ASP.NET session state to another type, with its sessions
description:
  - Moves session state to another type, or to a database of another name, while applications use it. Sessions are
    copied ahead; the switch is one transaction, after which the procedures of the old database forward to the new one
    until it is removed.
  - Where only the place of the tables changes, as from V(temporary) to V(persisted), the procedures stay where they
    are.
  - Reads how far it is from the databases themselves. A run that was cut off is completed by the same run again, or
    taken back with O(direction=back).
  - Both databases have the built-in schema; the new one is installed where it is missing.
  - Asks for every right that it needs before it changes anything.
  - Runs where pymssql is, usually on the controller with C(connection: local).
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
    description: Name of the database that has session state, before the conversion.
    type: str
    default: ASPState
  type:
    description: The type of session state that is converted.
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  schema:
    description: The objects of O(type), as O(aspstate_database#module:schema).
    type: list
    elements: str
    required: true
  to_name:
    description: Name of the database that is to have session state. With O(to_type=custom) it is there already.
    type: str
    default: ASPState
  to_type:
    description: The type that it is to be of.
    type: str
    choices: [temporary, persisted, custom]
    required: true
  to_schema:
    description: The objects of O(to_type).
    type: list
    elements: str
    required: true
  direction:
    description:
      - V(back) is the way from O(to_name) to O(name), through the same phases. Before the switch there is nothing to
        move, and O(phase=finish) removes the copies, and what was installed for them.
    type: str
    choices: [forward, back]
    default: forward
  phase:
    description:
      - How far to go. V(prepare) installs the new place; its procedures forward to the old one.
      - V(switch) copies the sessions and lets the new place have them; the procedures of the old database forward.
      - V(finish), after the switch, removes the old place; of type custom the objects of session state only. It is
        refused while somebody is connected to an old database that is not of type custom.
    type: str
    choices: [prepare, switch, finish]
    default: switch
  manage_ownership_chain:
    description: With O(to_type=temporary), as O(aspstate_database#module:manage_ownership_chain).
    type: bool
    default: false
  expected_logins:
    description:
      - Logins that get their grants in the new database before the switch. In check mode they count as having them.
    type: list
    elements: str
    default: []
  expected_state:
    description:
      - In check mode, how far tasks that were run before in check mode would have brought it; without check mode
        nothing. So the diffs of several phases are those of the run.
    type: str
    choices: [not_begun, copying, switched]
    default: not_begun
  batch_size:
    description: How many sessions are copied at a time, while applications use them.
    type: int
    default: 1000
"""

EXAMPLES = r"""
- name: Keep the sessions of ASPState in a database of their own from now on
  aspstate_convert:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    type: temporary
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', *temporary)) }}"
    to_type: persisted
    to_schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', *persisted)) }}"
  vars:
    temporary: [schema/*.sql, tables_in_tempdb/*.sql]
    persisted: [schema/*.sql, tables_in_database/*.sql]
"""

RETURN = r"""
state:
  description:
    - How far it was when the module looked, or is after it has run.
    - V(not_begun); V(copying), when the new place forwards to the old one or has copies; V(switched), when the new
      place has the sessions; V(finished), when the old one is gone too.
  returned: success
  type: str
  sample: switched
steps:
  description: What was done, or in check mode would be, a sentence a step.
  returned: success
  type: list
  elements: str
forwarding:
  description: Which database forwards to which, by name.
  returned: success
  type: dict
  sample: {ASPState: Shop}
rows:
  description: Rows of the two tables.
  returned: success
  type: dict
  contains:
    before:
      description: Sessions and applications in the place that had them; null where it has no tables.
      type: dict
    copied:
      description: Sessions that were copied ahead of the switch.
      type: int
    changed_meanwhile:
      description: Sessions that were copied again, or for the first time, since they had changed or were new.
      type: int
    during:
      description: Sessions and applications that the switch found and moved; null where there was no switch.
      type: dict
    after:
      description: Sessions and applications in the place that has them now.
      type: dict
remarks:
  description: What a DBA would want to know, such as that it is not known whether a disk has room. Also a warning.
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

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, plan_result, run
from ansible.module_utils.aspstate.conversion import COPYING, NOT_BEGUN, SWITCHED, Move, count_move, read_move
from ansible.module_utils.aspstate.conversion_plan import (
    PHASES,
    Conversion,
    ConversionWishes,
    apply_conversion,
    plan_conversion,
)
from ansible.module_utils.aspstate.conversion_steps import Progress, must_be_alone
from ansible.module_utils.aspstate.plan import demand_rights
from ansible.module_utils.aspstate.schema import TYPES, schema
from ansible.module_utils.aspstate.server import Server, connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "schema": {"type": "list", "elements": "str", "required": True},
    "to_name": {"type": "str", "default": "ASPState"},
    "to_type": {"type": "str", "required": True, "choices": list(TYPES)},
    "to_schema": {"type": "list", "elements": "str", "required": True},
    "direction": {"type": "str", "default": "forward", "choices": ["forward", "back"]},
    "phase": {"type": "str", "default": "switch", "choices": list(PHASES)},
    "manage_ownership_chain": {"type": "bool", "default": False},
    "expected_logins": {"type": "list", "elements": "str", "default": []},
    "expected_state": {"type": "str", "default": "not_begun", "choices": [NOT_BEGUN, COPYING, SWITCHED]},
    "batch_size": {"type": "int", "default": 1000},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, ask for the rights, and unless in check mode apply."""
    params = module.params
    wishes = ConversionWishes(
        params["phase"],
        params["manage_ownership_chain"],
        tuple(params["expected_logins"]) if module.check_mode else (),
        params["batch_size"],
        params["expected_state"] if module.check_mode else NOT_BEGUN,
    )
    with connect(login(module)) as server:
        must_be_alone(server)
        move = _read(server, params)
        conversion = plan_conversion(server, move, wishes)
        demand_rights(server, conversion.plan)
        for remark in conversion.remarks:
            module.warn(f"{move.source} to {move.target}: {remark}")
        done = Progress()
        if not module.check_mode:
            done = apply_conversion(server, conversion, wishes)
            move = _read(server, params) if conversion.plan.steps else move
        header = f"{params['name']} to {params['to_name']} on {server.address}"
        return {**plan_result(module, conversion.plan, header), **_told(server, move, conversion, done)}


def _read(server: Server, params: dict[str, Any]) -> Move:
    source = (params["name"], params["type"], schema(params["schema"], params["type"]))
    target = (params["to_name"], params["to_type"], schema(params["to_schema"], params["to_type"]))
    return read_move(server, source, target, back=params["direction"] == "back")


def _told(server: Server, move: Move, conversion: Conversion, done: Progress) -> dict[str, Any]:
    after = count_move(server, move)
    return {
        "state": move.state,
        "forwarding": move.forwarding,
        "remarks": list(conversion.remarks),
        "rows": {
            "before": conversion.before and conversion.before.facts(),
            "copied": done.copied,
            "changed_meanwhile": done.changed,
            "during": done.moved and done.moved.facts(),
            "after": after and after.facts(),
        },
    }


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
