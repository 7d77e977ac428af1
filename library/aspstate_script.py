#!/usr/bin/python
"""Ansible module aspstate_script: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_script
short_description: Run a script that installs or removes ASP.NET session state
description:
  - Runs InstallSqlState.sql, InstallPersistSqlState.sql or InstallSqlStateTemplate.sql of .NET Framework, their
    Uninstall pairs, or what C(aspnet_regsql -sqlexportonly) wrote, as it is.
  - The script is judged by what its statements do, before anything runs. It is refused if it is cut off, is no script
    of session state, does the opposite of O(state), or is of another type or for another database.
  - With O(state=present) it runs only where nothing of session state is there, since it would drop every session and
    every grant. With O(state=absent) only where something is, and nobody is connected, no session is live and nothing
    else would go with it.
  - Batches run one by one on one connection. The two errors that these scripts raise on purpose are expected (14261 of
    C(sp_add_category), 14262 of C(sp_delete_job), in the batches that call them); any other ends it.
  - After it has run, what it should have made or removed is looked for.
  - Runs where pymssql is, usually on the controller with C(connection: local).
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: full
    description: Judges the script, reads and plans as without it, and runs nothing.
  diff_mode:
    support: full
    description: The same diff with and without check mode.
options:
  content:
    description: The script, in base64, as M(ansible.builtin.slurp) returns it.
    type: str
    required: true
  path:
    description: What messages call it, usually the name of its file.
    type: str
    required: true
  encoding:
    description:
      - How the file was saved, such as V(cp1252). A byte order mark goes before it. Not given, it is UTF-8.
    type: str
  variables:
    description:
      - Values of the variables of sqlcmd that are in the script, C($(name)), but not in comments. All of them must have
        one, and none may be given that is not there.
      - They are put in as text, so a value may have nothing in it that ends the string or name that it stands in.
    type: dict
    default: {}
  name:
    description:
      - Name of the database. It is filled in for C(DatabaseNamePlaceHolder) of the templates; any other script must be
        about it.
    type: str
    default: ASPState
  type:
    description: The type of session state, as aspnet_regsql's C(-sstype).
    type: str
    choices: [temporary, persisted, custom]
    default: persisted
  state:
    description: V(present) for a script that installs, V(absent) for one that removes.
    type: str
    choices: [present, absent]
    default: present
  force:
    description:
      - With O(state=present), run it also where session state is there. What will be lost is a warning.
    type: bool
    default: false
  discard_live_sessions:
    description: Run it also where sessions are lost by it that have not expired.
    type: bool
    default: false
  expected_clients:
    description:
      - With O(state=absent), the clients that are stopped for it, as for M(aspstate_database). In check mode their
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
- name: Install session state with the script that came with .NET Framework
  aspstate_script:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    content: "{{ lookup('ansible.builtin.file', file) | b64encode }}"
    path: "{{ file }}"
  vars:
    file: /srv/scripts/InstallPersistSqlState.sql

- name: Remove session state from the database Shop, with a script that ansible.builtin.slurp has fetched
  aspstate_script:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    content: "{{ script.content }}"
    path: UninstallSqlStateTemplate.sql
    name: Shop
    type: custom
    state: absent
"""

RETURN = r"""
steps:
  description: What was done, or in check mode would be.
  returned: success
  type: list
  elements: str
  sample: ["run InstallPersistSqlState.sql: 39 batches"]
batches:
  description: What each batch answered, in order; one that GO repeats is there as often.
  returned: when the script ran
  type: list
  elements: dict
  contains:
    index:
      description: Its number in the script, from 1.
      type: int
    line:
      description: Its first line in the file.
      type: int
    seconds:
      description: How long it took.
      type: float
    rows:
      description: How many rows it returned; not told where it raised an error.
      type: int
    printed:
      description: What it printed, and what else SQL Server said of severity 10 or less.
      type: list
      elements: str
    errors:
      description:
        - The errors that were expected, with number, severity, state, procedure, line in the file and text.
      type: list
      elements: dict
lost:
  description: What is lost by running an install where session state is there, in numbers; also a warning.
  returned: success
  type: list
  elements: str
  sample: ["2 live session(s)", "15 permission(s) on its procedures and tables, of shop"]
remarks:
  description: What is there otherwise than the script makes it, and is left alone; also a warning.
  returned: success
  type: list
  elements: str
not_known:
  description: What the login was not allowed to see, a sentence each; also a warning.
  returned: success
  type: list
  elements: str
expected_connections:
  description: How many connections of O(expected_clients) were in the database; null where that is not known.
  returned: with O(state=absent)
  type: int
sql_error:
  description: What SQL Server answered (number, severity, state, procedure, line in the batch or procedure, and text).
  returned: when it refused a statement
  type: dict
error_kind:
  description: V(refused), V(cannot_connect), V(connection_lost) or V(sql_error).
  returned: failure
  type: str
"""

import base64
import binascii
from dataclasses import replace
from typing import Any

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, plan_result, run
from ansible.module_utils.aspstate.dropping import wait_for_clients
from ansible.module_utils.aspstate.errors import Refused
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.plan import demand_rights
from ansible.module_utils.aspstate.removal import Wishes
from ansible.module_utils.aspstate.schema import TYPES
from ansible.module_utils.aspstate.script import Script, read_script
from ansible.module_utils.aspstate.script_plan import Prepared, must_have_worked, prepare
from ansible.module_utils.aspstate.script_run import run_script
from ansible.module_utils.aspstate.server import connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "content": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "encoding": {"type": "str"},
    "variables": {"type": "dict", "default": {}},
    "name": {"type": "str", "default": "ASPState"},
    "type": {"type": "str", "default": "persisted", "choices": list(TYPES)},
    "state": {"type": "str", "default": "present", "choices": ["present", "absent"]},
    "force": {"type": "bool", "default": False},
    "discard_live_sessions": {"type": "bool", "default": False},
    "expected_clients": {"type": "list", "elements": "str", "default": []},
    "connection_timeout": {"type": "int", "default": 0},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Judge the script, read, plan, ask for the rights, and unless in check mode run it and look again."""
    params = module.params
    name = database_name(params["name"], params["type"])
    script = _script(params, name)
    wishes = Wishes(
        params["discard_live_sessions"],
        expected_clients=tuple(params["expected_clients"]),
        connection_timeout=params["connection_timeout"],
    )
    with connect(login(module)) as server:
        prepared = prepare(server, script, name, wishes, force=params["force"])
        demand_rights(server, prepared.plan)
        result = {
            **plan_result(module, prepared.plan, f"{name} on {server.address}"),
            **_told(module, name, script, prepared),
        }
        if module.check_mode or not prepared.plan.steps:
            return result
        if script.kind == "uninstall":
            wait_for_clients(server, name, wishes.expected_clients, wishes.connection_timeout)
            prepare(server, script, name, replace(wishes, expected_clients=()))
    with connect(login(module)) as server:
        result["batches"] = [ran.facts() for ran in run_script(server, script.path, script.batches)]
    with connect(login(module)) as server:
        must_have_worked(server, script, name)
    return result


def _script(params: dict[str, Any], name: str) -> Script:
    try:
        content = base64.b64decode(params["content"], validate=True)
    except binascii.Error:
        raise Refused(
            f"content of {params['path']} is not in base64; nothing was changed; give it as ansible.builtin.slurp "
            "returns it, or with the filter b64encode"
        ) from None
    return read_script(
        content,
        params["path"],
        params["encoding"],
        {name: str(value) for name, value in params["variables"].items()},
        kind="install" if params["state"] == "present" else "uninstall",
        type_=params["type"],
        database=name,
    )


def _told(module: AnsibleModule, name: str, script: Script, prepared: Prepared) -> dict[str, Any]:
    """What is not in the plan; each sentence is a warning too."""
    report = {"lost": prepared.lost, "remarks": prepared.remarks, "not_known": prepared.not_known}
    for kind, sentences in report.items():
        for sentence in sentences:
            module.warn(f"database {name}: {kind.replace('_', ' ')}: {sentence}")
    told: dict[str, Any] = {kind: list(sentences) for kind, sentences in report.items()}
    if script.kind == "uninstall":
        told["expected_connections"] = prepared.expected_connections
    return told


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
