#!/usr/bin/python
"""Ansible module aspstate_report_info: see DOCUMENTATION. An action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_report_info
short_description: Look whether a report can be written, and what the kept ones know
description:
  - Judges all that M(aspstate_report) is to be given but the hosts, before anything is checked - a folder that may not
    be written, a waiver without expiry. It fails where that would fail, and makes nothing.
  - Returns what the kept reports know of each host, for what is reckoned from one run to the next.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_report
attributes:
  check_mode:
    support: full
    description: It only looks.
  diff_mode:
    support: none
    description: It changes nothing.
"""

EXAMPLES = r"""
- name: Look at the reports before the check
  aspstate_report_info:
    path: /var/lib/aspstate/reports
    waivers: []
  delegate_to: localhost
  register: reports
"""

RETURN = r"""
previous:
  description:
    - By the host's name in the inventory, what the newest report says that has numbers of it - the numbers of its
      sessions (sample), what was kept of the instance (instance), and the time of that report (time). Reports that
      cannot be read, or are from the future, are passed over.
  returned: success
  type: dict
time:
  description: When the newest of them was made, in UTC; null where there is none.
  returned: success
  type: str
"""

from ansible.module_utils.aspstate.report.settings import SETTINGS
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = SETTINGS


def main() -> None:
    """Say that it is the action plugin that is to run."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.fail_json(
        "aspstate_report_info works through its action plugin, which Ansible did not find: set action_plugins to the "
        "project's plugins/action, as its ansible.cfg does; nothing was looked at"
    )


if __name__ == "__main__":
    main()
