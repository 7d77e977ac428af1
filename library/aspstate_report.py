#!/usr/bin/python
"""Ansible module aspstate_report: see DOCUMENTATION. An action plugin of this name does the work."""

from __future__ import annotations

DOCUMENTATION = r"""
module: aspstate_report
short_description: Write the report of a check, and fail on what it found
description:
  - Makes a folder of this run in O(path), named by the time in UTC (C(2026-11-22T014410Z)), with C(report.json),
    C(report.xml) (JUnit), C(report.prom) (Prometheus) and C(report.html), one page that needs no network. It is there
    with all of them or not at all. C(latest) is a link to it. See C(docs/report.md).
  - Compares it with the kept reports, which are all the state that there is - what is new, what is resolved, and since
    when.
  - Fails after everything is written, where findings at or above O(fail_on) remain, or a host was not fully checked. A
    report that could not be written is a failure too.
version_added: "0.1.0"
author: The ASPState project
extends_documentation_fragment: aspstate_report
attributes:
  check_mode:
    support: none
    description: A report is no managed state, so that it is written in check mode too.
  diff_mode:
    support: none
    description: A report changes nothing that has a diff.
options:
  hosts:
    description: What the check found, each host of the inventory once, also those that could not be reached.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Its name in the inventory.
        type: str
        required: true
      kind:
        description: What was checked there.
        type: str
        choices: [database, web, controller]
        required: true
      address:
        description: Where the server is, for people.
        type: str
        default: ""
      status:
        description: Whether all of it was looked at. What was not is finding ASP001.
        type: str
        choices: [checked, incomplete, unreachable]
        required: true
      reason:
        description: Why it was not fully checked.
        type: str
        default: ""
      findings:
        description: As the modules return them.
        type: list
        elements: dict
        default: []
      sample:
        description: The numbers of the sessions, as M(aspstate_sessions_info) returns them.
        type: dict
      growth:
        description: Their growth, likewise.
        type: dict
      job:
        description:
          - The job that deletes expired sessions. C(last_good) is how many seconds ago it last did, C(duration) how
            many it took.
        type: dict
      instance:
        description: What is kept of the instance for the next run.
        type: dict
"""

EXAMPLES = r"""
- name: Write the report
  aspstate_report:
    path: /var/lib/aspstate/reports
    hosts: "{{ hosts_that_were_checked }}"
    waivers:
      - id: ASP118
        subject: database ASPState
        host: sql02
        reason: log backups run every 10 minutes
        owner: dba@example.net
        until: "2027-03-31"
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The run's folder.
  returned: when the report was written, also where the task then fails
  type: str
passed:
  description: Whether neither a finding of O(fail_on) or worse, nor a host that was not fully checked, is in it.
  returned: likewise
  type: bool
status:
  description: V(clean), V(findings), or V(incomplete) where a host was not fully checked.
  returned: likewise
  type: str
counts:
  description: How many findings there are by severity (critical, warning, info), and how many are waived besides.
  returned: likewise
  type: dict
new:
  description: How many were not there in the previous report.
  returned: likewise
  type: int
resolved:
  description: How many of the previous report are gone.
  returned: likewise
  type: int
msg:
  description: The counts, the worst findings a line each, and where the page is.
  returned: always
  type: str
"""

from ansible.module_utils.aspstate.report.settings import HOSTS, SETTINGS
from ansible.module_utils.basic import AnsibleModule

ARGUMENTS = {**SETTINGS, **HOSTS}


def main() -> None:
    """Say that it is the action plugin that is to run."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    module.fail_json(
        "aspstate_report works through its action plugin, which Ansible did not find: set action_plugins to the "
        "project's plugins/action, as its ansible.cfg does; no report was written"
    )


if __name__ == "__main__":
    main()
