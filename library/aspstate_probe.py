#!/usr/bin/python
"""Ansible module aspstate_probe: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_probe
short_description: Use the session database as ASP.NET would
description:
  - Lives through two sessions with the stored procedures that System.Web calls, in its order and with its parameters,
    and compares every answer - items on both sides of the limit of 7,000 bytes, the lock and its cookie, a request
    that comes too late, a session that is made twice.
  - Uses an application that is recorded already; else it records C(/lm/w3svc/0/root/__aspstate_probe) and removes it.
  - Its sessions have a timeout of one minute, so that they end by themselves if it is cut off.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_login
attributes:
  check_mode:
    support: none
    description: Skipped in check mode, since it writes sessions for a moment.
  diff_mode:
    support: none
    description: Changes nothing that stays.
options:
  name:
    description: Name of the session database.
    type: str
    default: ASPState
"""

EXAMPLES = r"""
- name: Prove that the application can keep sessions
  aspstate_probe:
    login_host: sql01.example.net
    login_user: shop
    login_password: "{{ vault_shop_password }}"
"""

RETURN = r"""
application:
  description: The application whose name was used.
  returned: success
  type: str
calls:
  description: Every call in order (procedure, milliseconds with the way to the server and back).
  returned: success
  type: list
  elements: dict
residue:
  description: What the login was not allowed to take away again; empty where nothing is left.
  returned: success
  type: str
sql_error:
  description: What SQL Server answered to the call that failed.
  returned: when it refused a call
  type: dict
error_kind:
  description: V(probe_failed), V(refused), V(cannot_connect), V(connection_lost) or V(sql_error).
  returned: failure
  type: str
"""

from dataclasses import asdict
from typing import Any

from ansible.module_utils.aspstate.ansible_module import LOGIN_ARGUMENTS, login, run
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.probe import probe
from ansible.module_utils.aspstate.server import APPLICATION_OPTIONS, connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {**LOGIN_ARGUMENTS, "name": {"type": "str", "default": "ASPState"}}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Probe with the SET options of an application."""
    with connect(login(module, database_name(module.params["name"])), APPLICATION_OPTIONS) as server:
        return {"changed": False, **asdict(probe(server))}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=False), work)


if __name__ == "__main__":
    main()
