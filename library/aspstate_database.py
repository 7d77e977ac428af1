#!/usr/bin/python
"""Ansible module aspstate_database: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_database
short_description: Install or remove the database of ASP.NET session state
description:
  - Brings ASP.NET session state of one of its three types to what O(schema) describes. What is missing is created; a
    procedure that differs is altered, which keeps its grants; no table is ever dropped or emptied.
  - Creates the database where it is not there yet, and gives it the properties below. In a database that it did not
    create, properties that are not given stay as they are.
  - Removes it again, unless that would lose live sessions or objects that do not belong to session state, or while
    somebody is connected to it. Of type custom only what belongs to session state is removed.
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
    description:
      - Name of the database. A name with V([), V(]) or V(') is refused, as aspnet_regsql does.
      - With O(type=temporary) it is always V(ASPState); with O(type=custom) it is another.
    type: str
    default: ASPState
  type:
    description:
      - The type of session state, as aspnet_regsql's C(-sstype).
      - V(temporary) keeps the sessions in tempdb, where a restart of SQL Server ends them all; a startup procedure in
        master makes the tables anew.
      - V(persisted) keeps them in a database of their own.
      - V(custom) keeps them in a database that may hold other things too, and that stays when session state is removed.
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  state:
    description: Whether session state is to be there.
    type: str
    choices: [present, absent]
    default: present
  schema:
    description:
      - The objects of session state, each as one C(CREATE TYPE dbo.name) or C(CREATE PROCEDURE dbo.name).
      - The role M(aspstate_database) reads them from its C(files/schema), and from C(files/tables_in_tempdb) or
        C(files/tables_in_database) by O(type).
    type: list
    elements: str
    required: true
  owner:
    description:
      - Login that is to own the database; V(sa) is the login with SID 0x01, whatever its name.
      - Not given, it is V(sa) in a database that this module created.
    type: str
  recovery_model:
    description: Recovery model. Not given, it is V(simple) in a database that this module created.
    type: str
    choices: [simple, bulk_logged, full]
  collation:
    description: Collation for a new database; one that is there with another collation is refused.
    type: str
  auto_close:
    description: The database's AUTO_CLOSE. Not given, it is off in a database that this module created.
    type: bool
  auto_shrink:
    description: The database's AUTO_SHRINK. Not given, it is off in a database that this module created.
    type: bool
  data_file_size:
    description: Least size of each data file in MB. A larger file is left alone.
    type: int
  data_file_growth:
    description: Growth of each data file in MB. Not given, it is 64 in a database that this module created.
    type: int
  log_file_size:
    description: Least size of the log file in MB. A larger file is left alone.
    type: int
  log_file_growth:
    description: Growth of the log file in MB. Not given, it is 64 in a database that this module created.
    type: int
  manage_ownership_chain:
    description:
      - With O(type=temporary), set DB_CHAINING on and the owner to V(sa), which owns tempdb, so that a login with
        EXECUTE alone reaches the tables there.
      - Whoever may create procedures in the database then reaches what sa owns in the other databases with
        DB_CHAINING, so it is done on request only.
    type: bool
    default: false
  adopt:
    description:
      - What may be done with session state that is there and was made by a script of Microsoft's. No table with
        sessions is dropped, grants stay, and applications go on meanwhile.
      - V(full) brings it to O(schema), also its types, columns and indexes. C(SessionItemLong) stays C(image).
      - V(procedures) alters the procedures only, which those of ASP.NET 2.0 and 4.x allow.
      - V(report) changes nothing in such a database, and tells what V(full) would do.
    type: str
    choices: [report, procedures, full]
    default: full
  overwrite_edited:
    description:
      - Alter procedures of such a database also where somebody has edited them; else it is refused. The diff has their
        text.
    type: bool
    default: false
  remove_leftovers:
    description:
      - Remove a startup procedure in master and session tables in tempdb that no session state of type temporary uses,
        such as those that a change of type left behind. Not given, they are reported.
    type: bool
    default: false
  discard_live_sessions:
    description: With O(state=absent), remove sessions too that have not expired.
    type: bool
    default: false
  terminate_connections:
    description:
      - With O(state=absent), end the connections of everybody who is in the database, and roll back what they do.
      - Refused with O(type=custom).
    type: bool
    default: false
  expected_clients:
    description:
      - With O(state=absent), the clients that are stopped for it, by the names they gave or the addresses SQL Server
        saw them at (C(host_name) and C(client_net_address) of its sessions), in any case. In check mode their
        connections are no reason to refuse; otherwise they have O(connection_timeout) to leave.
    type: list
    elements: str
    default: []
  connection_timeout:
    description: Seconds to wait until the connections of O(expected_clients) have left.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Install session state in ASPState
  aspstate_database:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', *folders)) }}"
  vars:
    folders: [schema/*.sql, tables_in_database/*.sql]

- name: Remove it, live sessions too
  aspstate_database:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    schema: "{{ query('ansible.builtin.file', *query('ansible.builtin.fileglob', *folders)) }}"
    state: absent
    discard_live_sessions: true
  vars:
    folders: [schema/*.sql, tables_in_database/*.sql]
"""

RETURN = r"""
steps:
  description: What was done, or in check mode would be, a sentence a statement.
  returned: success
  type: list
  elements: str
  sample: ["create database ASPState", "create type dbo.tSessionId"]
generation:
  description: Which generation of session state is there before, as M(aspstate_database_info) tells it.
  returned: success
  type: str
adoption:
  description: With O(adopt=report), what V(full) would do or why it would refuse, a sentence each; also a warning.
  returned: success
  type: list
  elements: str
leftovers:
  description: What type temporary left in master and tempdb that nothing uses, a sentence each; also a warning.
  returned: success
  type: list
  elements: str
expected_connections:
  description: How many connections of O(expected_clients) were in the database; null where that is not known.
  returned: with O(state=absent)
  type: int
not_known:
  description: What the login was not allowed to see, a sentence each; also a warning.
  returned: success
  type: list
  elements: str
remarks:
  description:
    - What a DBA would want to know of the database as it will be (growth by percent, log_reuse_wait, session tables
      that nothing uses), and with O(type=temporary) of tempdb (an ownership chain that is broken, rights that vanish).
      Also a warning.
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

from ansible.module_utils.aspstate.adoption import Adoption, run_adopting
from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, plan_result, run
from ansible.module_utils.aspstate.database import Database, read, remarks_of
from ansible.module_utils.aspstate.installation import (
    DATABASE_ARGUMENTS,
    database_choices,
    generation,
    is_foreign,
    missing_or_different,
    plan_present,
)
from ansible.module_utils.aspstate.instance import Presence
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.plan import Plan, apply, demand_rights
from ansible.module_utils.aspstate.property_changes import Choices, read_logins, wanted_properties
from ansible.module_utils.aspstate.removal import Wishes, apply_absent, live_leftovers, plan_absent, read_usage
from ansible.module_utils.aspstate.schema import TYPES, Schema, schema
from ansible.module_utils.aspstate.server import Server, connect
from ansible.module_utils.aspstate.tempdb import read_tempdb
from ansible.module_utils.aspstate.temporary import leftovers
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "schema": {"type": "list", "elements": "str", "required": True},
    **DATABASE_ARGUMENTS,
    "terminate_connections": {"type": "bool", "default": False},
    "expected_clients": {"type": "list", "elements": "str", "default": []},
    "connection_timeout": {"type": "int", "default": 0},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Read, plan, ask for the rights, and unless in check mode apply."""
    params = module.params
    name = database_name(params["name"], params["type"])
    objects = schema(params["schema"], params["type"])
    choices, adoption = database_choices(params)
    choices.judge(params["type"])
    with connect(login(module)) as server:
        current, presence = read(server, name, params["type"], objects)
        present = params["state"] == "present"
        if present:
            plan, told = _present(server, current, objects, choices, adoption, params), {}
        else:
            plan, told = _absent(server, current, presence, params)
        demand_rights(server, plan)
        report = {**_report(server, current, choices, params), "adoption": _adoption(current, objects, params)}
        if not module.check_mode and present:
            apply(server, plan, run_adopting)
        elif not module.check_mode:
            apply_absent(server, plan, _wishes(params))
        told["generation"] = generation(current).name
        return {**plan_result(module, plan, f"{name} on {server.address}"), **told, **_warned(module, name, report)}


def _present(
    server: Server, current: Database, objects: Schema, choices: Choices, adoption: Adoption, params: dict[str, Any]
) -> Plan:
    lost = params["remove_leftovers"] and not params["discard_live_sessions"]
    return plan_present(
        current,
        params["type"],
        objects,
        choices,
        read_logins(server, choices, current.name if current.exists else ""),
        adoption=adoption,
        remove_leftovers=params["remove_leftovers"],
        live_leftovers=live_leftovers(server, current) if lost else None,
        discard_live_sessions=params["discard_live_sessions"],
    )


def _absent(
    server: Server, current: Database, presence: Presence, params: dict[str, Any]
) -> tuple[Plan, dict[str, Any]]:
    """The plan, and what is told besides."""
    wishes = _wishes(params)
    usage = read_usage(server, current, presence, params["type"], wishes)
    plan = plan_absent(current, params["type"], usage, wishes)
    return plan, {"expected_connections": usage.expected_connections(wishes)}


def _wishes(params: dict[str, Any]) -> Wishes:
    return Wishes(
        params["discard_live_sessions"],
        params["terminate_connections"],
        params["remove_leftovers"],
        tuple(params["expected_clients"]),
        params["connection_timeout"],
    )


def _report(server: Server, current: Database, choices: Choices, params: dict[str, Any]) -> dict[str, list[str]]:
    """What is not changed, and told all the same."""
    return {
        "leftovers": leftovers(current.leftovers),
        "not_known": list(current.not_known),
        "remarks": _remarks(server, current, choices, params),
    }


def _adoption(current: Database, objects: Schema, params: dict[str, Any]) -> list[str]:
    """What `adopt: report` left undone."""
    if params["adopt"] != "report" or params["state"] == "absent" or not is_foreign(current):
        return []
    adoption = Adoption(overwrite_edited=params["overwrite_edited"])
    return missing_or_different(current, params["type"], objects, adoption)


def _remarks(server: Server, current: Database, choices: Choices, params: dict[str, Any]) -> list[str]:
    """About the database as it will be."""
    if params["state"] == "absent":
        return []
    tempdb = read_tempdb(server) if params["type"] == "temporary" else None
    return remarks_of(current, wanted_properties(current.properties, choices), tempdb)


def _warned(module: AnsibleModule, name: str, report: dict[str, list[str]]) -> dict[str, list[str]]:
    for kind, sentences in report.items():
        for sentence in sentences:
            module.warn(f"database {name}: {kind.replace('_', ' ')}: {sentence}")
    return report


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
