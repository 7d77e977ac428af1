#!/usr/bin/python
"""Ansible module aspstate_database_info: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_database_info
short_description: Tell what is in the database of ASP.NET session state
description:
  - Reads whether the database is there, which of the objects of O(schema) it lacks or has in another form, who is
    connected to it, and the sessions in it by application. Changes nothing.
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
    description: Name of the database.
    type: str
    default: ASPState
  schema:
    description: The objects that the database is to have, as for M(aspstate_database). Without it nothing is compared.
    type: list
    elements: str
"""

EXAMPLES = r"""
- name: Look at the session database
  aspstate_database_info:
    login_host: sql01.example.net
    login_user: monitor
    login_password: "{{ vault_monitor_password }}"
  register: session_database

- name: Compare it with the shipped schema as well
  aspstate_database_info:
    login_host: sql01.example.net
    login_user: monitor
    login_password: "{{ vault_monitor_password }}"
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', 'schema/*.sql')) }}"
"""

RETURN = r"""
instance:
  description: The instance's product_version, edition and server_name.
  returned: success
  type: dict
exists:
  description: Whether there is a database of that name.
  returned: success
  type: bool
missing_or_different:
  description: What M(aspstate_database) would do, or why it would refuse, a sentence each.
  returned: with O(schema)
  type: list
  elements: str
others:
  description: Objects in the database that do not belong to session state.
  returned: with O(schema)
  type: list
  elements: str
holders:
  description: Who is connected to the database (host, program, login, connections). Null where the login may not see.
  returned: success
  type: list
  elements: dict
sessions:
  description:
    - The sessions of each application (application, suffix, live, expired, locked, long, bytes). Null where the
      tables are not there or not as they should be.
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

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, run
from ansible.module_utils.aspstate.database import has_session_tables, missing_or_different, read, wanted
from ansible.module_utils.aspstate.instance import holder_facts, read_instance
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.schema import schema
from ansible.module_utils.aspstate.server import connect
from ansible.module_utils.aspstate.sessions import read_sessions, session_facts
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "schema": {"type": "list", "elements": "str"},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read everything."""
    name = database_name(module.params["name"])
    objects = schema(module.params["schema"] or [])
    with connect(login(module)) as server:
        current, presence = read(server, name, objects)
        result = {
            "changed": False,
            "instance": read_instance(server),
            "exists": current.exists,
            "holders": holder_facts(presence.holders),
            "sessions": session_facts(read_sessions(server, name)) if has_session_tables(current) else None,
        }
    if module.params["schema"]:
        result["missing_or_different"] = missing_or_different(current, wanted(name, objects), objects)
        result["others"] = list(current.contents.others)
    return result


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
