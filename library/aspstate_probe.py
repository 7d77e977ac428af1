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
  - Runs as the login that connects, or as an application's, see O(as_login).
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
  as_login:
    description:
      - Name of the application's login, as which the procedures are called.
      - With O(as_password) it connects as that login. Without, O(login_user) impersonates it (C(EXECUTE AS LOGIN)), for
        which it needs IMPERSONATE on it; also a Windows account can be tried so.
      - What the application may not do, such as removing the application that was recorded, O(login_user) does.
    type: str
  as_password:
    description: Password of O(as_login), an SQL login.
    type: str
"""

EXAMPLES = r"""
- name: Prove that the application can keep sessions
  aspstate_probe:
    login_host: sql01.example.net
    login_user: shop
    login_password: "{{ vault_shop_password }}"

- name: The same for an application that logs in as a Windows account
  aspstate_probe:
    login_host: sql01.example.net
    login_user: sa
    login_password: "{{ vault_sa_password }}"
    as_login: CONTOSO\web01$
"""

RETURN = r"""
application:
  description: The application whose name was used.
  returned: success
  type: str
connected_as:
  description: V(login) where the login connected itself, V(impersonated) where another did so for it.
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
from ansible.module_utils.aspstate.application import connect_as
from ansible.module_utils.aspstate.errors import Refused
from ansible.module_utils.aspstate.names import database_name
from ansible.module_utils.aspstate.probe import Report, probe
from ansible.module_utils.aspstate.server import APPLICATION_OPTIONS, OPERATOR_OPTIONS, connect
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    **LOGIN_ARGUMENTS,
    "name": {"type": "str", "default": "ASPState"},
    "as_login": {"type": "str"},
    "as_password": {"type": "str", "no_log": True},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Probe with the SET options of an application."""
    name, password = module.params["as_login"], module.params["as_password"] or ""
    if password and not name:
        raise Refused("as_password is given without as_login, whose password it is")
    own = login(module, database_name(module.params["name"]))
    if not name:
        with connect(own, APPLICATION_OPTIONS) as server:
            return _report(probe(server), "login")
    with connect(own, OPERATOR_OPTIONS) as operator, connect_as(operator, own, name, password) as server:
        return _report(probe(server, operator), "login" if password else "impersonated")


def _report(report: Report, connected_as: str) -> dict[str, Any]:
    return {"changed": False, "connected_as": connected_as, **asdict(report)}


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=False), work)


if __name__ == "__main__":
    main()
