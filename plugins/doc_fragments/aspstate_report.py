"""What a report is to be, as both aspstate_report and aspstate_report_info are told."""

from __future__ import annotations


class ModuleDocFragment:
    """Used as extends_documentation_fragment: aspstate_report."""

    DOCUMENTATION = r"""
options:
  path:
    description: The folder of reports on the controller, as a whole path; it is made where its parent may be written.
    type: str
    required: true
  waivers:
    description:
      - Findings that somebody has accepted. Each has C(id), C(subject) (a pattern as file names have them), C(reason),
        C(owner) and C(until), the last day on which it holds as YYYY-MM-DD in UTC; C(host), a pattern too, is C(*) by
        default. A waived finding is in the report and does not count. ASP001 cannot be waived.
      - One that has expired is finding ASP002.
    type: list
    elements: dict
    default: []
  fail_on:
    description:
      - The least severity on which the task fails. With V(never) the status is that of V(warning), and only a host that
        could not be checked fails the task.
    type: str
    choices: [info, warning, critical, never]
    default: warning
  keep:
    description: How many runs are kept, at least 2. Older ones are removed.
    type: int
    default: 90
  prometheus_textfile:
    description:
      - Where C(report.prom) is written as well, for node_exporter's textfile collector. Its name ends in C(.prom).
    type: str
  title:
    description: The title of the page.
    type: str
    default: ASP.NET session state
  runbook_url:
    description:
      - The address of this project's files as a browser opens them, to which C(docs/runbooks/...) is added. Without it
        the page names the runbooks and does not link to them.
    type: str
    default: ""
"""
