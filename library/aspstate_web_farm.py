#!/usr/bin/python
"""Ansible module aspstate_web_farm: see DOCUMENTATION."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_web_farm
short_description: Compare the <sessionState> of the web hosts of one farm
description:
  - Finds in what web hosts differ that are to share sessions (C(ASP506), C(ASP507)). Of a host that could
    not be looked at nothing is known (C(ASP001)). Changes and reads nothing; run it on the controller.
version_added: "0.1.0"
author: The ASPState project
attributes:
  check_mode:
    support: full
    description: Only compares.
  diff_mode:
    support: none
    description: Changes nothing.
options:
  database:
    description: The inventory host where the sessions are; a name for the farm.
    type: str
    required: true
  nodes:
    description:
      - The web hosts, each with a list of its applications, in the same order on every host - where web.config is
        (path), what M(aspstate_web_config) returned as session_state, and optionally IIS's id of the site (site_id) and
        the application's path in it (application).
    type: dict
    required: true
  not_seen:
    description: Web hosts that could not be looked at.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Compare two web hosts
  aspstate_web_farm:
    database: sql01
    nodes:
      web1:
        - path: C:\inetpub\shop\web.config
          session_state: "{{ hostvars.web1.shop.session_state }}"
          site_id: 1
          application: /shop
      web2:
        - path: C:\inetpub\shop\web.config
          session_state: "{{ hostvars.web2.shop.session_state }}"
          site_id: 1
          application: /shop
"""

RETURN = r"""
findings:
  description:
    - Where they differ (id, severity, host, subject, message, expected, found, runbook); each is a warning too. The
      host is O(database).
  returned: success
  type: list
  elements: dict
error_kind:
  description: V(refused).
  returned: failure
  type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.aspstate.ansible_module import findings_result, run
from ansible.module_utils.aspstate.errors import Refused
from ansible.module_utils.aspstate.farm import Node, compare
from ansible.module_utils.aspstate.finding import Finding
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {
    "database": {"type": "str", "required": True},
    "nodes": {"type": "dict", "required": True},
    "not_seen": {"type": "list", "elements": "str", "default": []},
}


def work(module: AnsibleModule) -> dict[str, Any]:
    """Compare those that are known, and name the others."""
    farm, nodes = module.params["database"], module.params["nodes"]
    known = {host: [_node(host, each) for each in given] for host, given in nodes.items()}
    unknown = [
        Finding("ASP001", farm, host, "this web host could not be looked at, so whether it agrees is not known")
        for host in module.params["not_seen"]
    ]
    return {"changed": False, "findings": findings_result(module, [*compare(farm, known), *unknown])}


def _node(host: str, given: Any) -> Node:
    if not isinstance(given, Mapping) or not isinstance(given.get("session_state"), Mapping) or "path" not in given:
        raise Refused(f"nodes: {host} has an application without path or session_state; nothing was changed")
    state = given["session_state"]
    return Node(
        host,
        given["path"],
        state["attributes"],
        state["connection"],
        given.get("site_id"),
        given.get("application") or "/",
    )


def main() -> None:
    """Run the module."""
    run(AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True), work)


if __name__ == "__main__":
    main()
