#!/usr/bin/python
"""Ansible module aspstate_database: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_database
short_description: Install or remove the database of ASP.NET session state
description:
  - Brings a session database of type persisted (aspnet_regsql's C(-sstype p)) to what O(schema) describes. What is
    missing is created; a procedure that differs is altered, which keeps its grants; no table is ever dropped or
    emptied.
  - Removes it again, unless that would lose live sessions or objects that do not belong to session state, or while
    somebody is connected to it.
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
    description: Name of the database. A name with V([), V(]) or V(') is refused, as aspnet_regsql does.
    type: str
    default: ASPState
  state:
    description: Whether the database is to be there.
    type: str
    choices: [present, absent]
    default: present
  schema:
    description:
      - The objects that the database is to have, each as one C(CREATE TYPE dbo.name) or C(CREATE PROCEDURE dbo.name).
      - The role M(aspstate_database) reads them from its C(files/schema).
    type: list
    elements: str
    required: true
  discard_live_sessions:
    description: With O(state=absent), drop the database although it holds sessions that have not expired.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Install session state in ASPState
  aspstate_database:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', 'schema/*.sql')) }}"

- name: Remove it, live sessions too
  aspstate_database:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', 'schema/*.sql')) }}"
    state: absent
    discard_live_sessions: true
"""

RETURN = r"""
steps:
  description: What was done, or in check mode would be, a sentence a statement.
  returned: success
  type: list
  elements: str
  sample: ["create database ASPState", "create type dbo.tSessionId"]
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
from ansible.module_utils.aspstate.database import (
    apply_absent,
    plan_absent,
    plan_present,
    read,
    read_usage,
    wanted,
)
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.plan import apply
from ansible.module_utils.aspstate.schema import schema
from ansible.module_utils.aspstate.server import connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "schema": {"type": "list", "elements": "str", "required": True},
    "discard_live_sessions": {"type": "bool", "default": False},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, and unless in check mode apply."""
    name = database_name(module.params["name"])
    objects = schema(module.params["schema"])
    with connect(login(module)) as server:
        current, presence = read(server, name, objects)
        if module.params["state"] == "present":
            plan = plan_present(current, wanted(name, objects), objects)
        else:
            usage = read_usage(server, current, presence)
            plan = plan_absent(current, usage, module.params["discard_live_sessions"])
        if not module.check_mode:
            apply(server, plan) if module.params["state"] == "present" else apply_absent(server, plan, name)
        return plan_result(module, plan, f"{name} on {server.address}")


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
