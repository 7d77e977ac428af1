#!/usr/bin/python
"""Ansible module aspstate_database_info: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_database_info
short_description: Tell what is in the database of ASP.NET session state
description:
  - Reads whether the database is there, which of the objects of O(schema) it lacks or has in another form, who is
    connected to it, its owner, files and options, and the sessions in it by application. Changes nothing.
  - Tells from the catalogue which generation of session state is there, whoever made it, and what is wrong with it.
  - Works with a login that can change nothing. What the login may not see is null, and a sentence in RV(not_known).
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
  type:
    description: The type of session state that RV(missing_or_different) compares with, as for M(aspstate_database).
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  schema:
    description: The objects that the database is to have, as for M(aspstate_database). Without it nothing is compared.
    type: list
    elements: str
  sessions:
    description: Whether to count the sessions, which reads the whole table.
    type: bool
    default: true
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
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', *folders)) }}"
  vars:
    folders: [schema/*.sql, tables_in_database/*.sql]
"""

RETURN = r"""
instance:
  description: The instance's product_version, edition, server_name and engine_edition.
  returned: success
  type: dict
exists:
  description: Whether there is a database of that name.
  returned: success
  type: bool
type:
  description: What type of session state is there; V(own tables) is persisted or custom. Empty where there is none.
  returned: success
  type: str
generation:
  description:
    - V(built-in), or the version of ASP.NET whose script made it (V(1.0), V(1.1), V(2.0), V(4.x), which also came with
      service packs of 2.0), V(async provider), V(in-memory sample), V(mixed) or V(unknown). Empty where there is none.
  returned: success
  type: str
procedures:
  description:
    - The procedures of session state by what they do; C(edited) are those that do none of the things that are known of
      them. C(DeleteExpiredSessions) has generations of its own (C(KB973849), C(4.0)).
  returned: success
  type: dict
  sample: {"2.0": ["TempGetStateItem3"], "edited": ["TempGetAppID"]}
findings:
  description: What is wrong, each with id, severity, subject, message, expected, found and runbook.
  returned: success
  type: list
  elements: dict
properties:
  description:
    - The database's owner, recovery_model, collation, auto_close, auto_shrink, db_chaining, read_only, log_reuse_wait,
      in_availability_group and files (name, kind, size, used, free, growth; in MB).
  returned: success
  type: dict
tempdb:
  description:
    - With type V(temporary), tempdb's owner, files (as those of RV(properties)), chaining (the server's option
      C(cross db ownership chaining)) and grantees (users with rights in tempdb, which vanish at each start).
  returned: success
  type: dict
remarks:
  description:
    - What a DBA would want to know of it (growth by percent, log_reuse_wait), and with type V(temporary) of tempdb
      (an ownership chain that is broken, rights that vanish).
  returned: success
  type: list
  elements: str
leftovers:
  description: What type temporary left in master and tempdb that nothing uses, a sentence each.
  returned: success
  type: list
  elements: str
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
  description: Who is connected to the database (host, address, program, login, connections).
  returned: success
  type: list
  elements: dict
sessions:
  description:
    - The sessions of each application, in the same numbers as from M(aspstate_sessions_info). Null
      where the tables are not there or not as they should be, or with O(sessions=false).
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
from ansible.module_utils.aspstate.inspection import inspect
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.schema import TYPES, schema
from ansible.module_utils.aspstate.server import connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "schema": {"type": "list", "elements": "str"},
    "sessions": {"type": "bool", "default": True},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read everything."""
    name, type_ = database_name(module.params["name"]), module.params["type"]
    objects = schema(module.params["schema"] or [], type_)
    with connect(login(module)) as server:
        return {"changed": False, **inspect(server, name, type_, objects, count=module.params["sessions"])}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
