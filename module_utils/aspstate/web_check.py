"""What is wrong on a web host: its `<sessionState>` against the inventory, its web service, its page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .farm import Node, compare
from .finding import Finding

_REFUSED = "refused"


def config_findings(host: str, looks: Iterable[Mapping[str, Any]]) -> Iterator[Finding]:
    """Of what aspstate_web_config answered in check mode, with the path of each application.

    Not what it found in the file whatever the inventory says: that is in its answer already.
    """
    for look in looks:
        subject = f"<sessionState> in {look['path']}"
        diff = look.get("diff") or {}
        if "session_state" not in look:
            refused = look.get("error_kind") == _REFUSED
            text = f"playbooks/site.yml would refuse: {look.get('msg')}" if refused else str(look.get("msg"))
            yield Finding("ASP509" if refused else "ASP001", host, subject, text)
        elif diff.get("before") != diff.get("after"):
            text = "it is not as the inventory says; playbooks/site.yml will edit it"
            yield Finding("ASP508", host, subject, text, diff.get("after"), diff.get("before"))


def service_findings(host: str, subject: str, units: Mapping[str, str], recorded: Iterable[str]) -> Iterator[Finding]:
    """`units` are the parts of the web service with their states, `recorded` those that an earlier run stopped."""
    stopped = set(recorded)
    for name, state in units.items():
        unit = subject if name in subject else f"{name} of {subject}"
        if state != "running" and name in stopped:
            text = "a run that was cut off has stopped it; run that playbook again, or playbooks/restart_web.yml"
            yield Finding("ASP603", host, unit, text, "running", state)
        elif state != "running":
            yield Finding("ASP601", host, unit, "it does not run: its applications answer nobody", "running", state)


def page_findings(host: str, page: Mapping[str, Any]) -> Iterator[Finding]:
    """Of a page that was asked for: url, the statuses that are expected, the status and msg of the answer."""
    if page.get("status") not in page["expected"]:
        expected = " or ".join(map(str, page["expected"]))
        text = f"it does not answer with {expected}: {page.get('msg') or 'no answer'}"
        yield Finding("ASP602", host, f"page {page['url']}", text, page["expected"], page.get("status"))


def farm_findings(database_host: str, hosts: Mapping[str, Iterable[Mapping[str, Any]]]) -> list[Finding]:
    """In what the web hosts of one database do not agree; `hosts` has the looks at the applications of each."""
    return compare(database_host, {name: [_node(name, look) for look in looks] for name, looks in hosts.items()})


def _node(host: str, look: Mapping[str, Any]) -> Node:
    state = look["session_state"]
    application = look.get("application") or "/"
    return Node(host, look["path"], state["attributes"], state["connection"], look.get("site_id"), application)
