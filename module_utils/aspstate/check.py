"""The daily check of one server: what is there against what the inventory says, by the plans of playbooks/site.yml.

Every question is asked whatever the answer to the others; what could not be asked is a finding. It changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from .check_probe import try_sessions
from .check_wishes import Declared
from .database import Database, read, remarks_of
from .database_findings import database_findings
from .errors import CannotConnect, ConnectionLost, NotKnown, Refused, explain
from .finding import Finding
from .findings import Findings
from .grant_findings import grant_findings, undeclared_users
from .granting import plan_present as plan_grants
from .grants import read_grants
from .installation import generation, plan_present
from .instance import Presence, read_presence
from .job_present import prepare_job
from .login import Login
from .plan import Plan
from .properties import Properties, log_remark
from .property_changes import read_logins, wanted_properties
from .removal import live_leftovers
from .schema import TABLES, Schema
from .server import Server, connect
from .session_check import judge

_MEGABYTE = 1024 * 1024


def check(login: Login, declared: Declared, *, probe: str, passwords: Mapping[str, str]) -> dict[str, Any]:
    """Look at everything over one connection, and try it: the result of the module aspstate_check.

    `probe` is one of PROBES, `passwords` are the applications' logins'. A server that does not answer, or not to
    the end, is a finding.
    """
    findings = Findings(login.address)
    facts: dict[str, Any] = dict.fromkeys(("instance", "sample", "growth", "applications", "job"))
    probes: list[dict[str, Any]] = []
    try:
        with connect(login) as server:
            look(server, declared, findings, facts)
            probes = try_sessions(login, declared, findings, passwords=passwords, full=probe == "full")
    except (CannotConnect, ConnectionLost, Refused) as error:
        findings.not_known("SQL Server", explain(error))
    return {
        "address": login.address,
        "status": "checked" if findings.all_known else "incomplete",
        "findings": [each.facts() for each in findings],
        **facts,
        "probes": probes,
    }


def look(server: Server, declared: Declared, findings: Findings, facts: dict[str, Any]) -> None:
    """Fill `findings` and `facts`, which keep what was seen until a connection is lost."""
    presence = None
    with findings.asking(declared.subject):
        presence = read_presence(server, declared.database, look_for_holders=False)
        facts["instance"] = dict(presence.instance)
    if presence is None:
        return
    database = _check_database(server, declared, presence, findings)
    _check_job(server, declared, presence, findings)
    if presence.exists and not presence.closed:
        _check_grants(server, declared, database, findings)
        facts |= _check_sessions(server, declared, presence, database, findings)


def _check_database(server: Server, declared: Declared, presence: Presence, findings: Findings) -> Database | None:
    schema = declared.schema or Schema({}, {})
    database = None
    with findings.asking(declared.subject):
        database, _ = read(server, declared.database, declared.type, schema, presence)
    if database is None:
        return None
    for text in database.not_known:
        findings.not_known(declared.subject, text)
    if declared.schema:
        with findings.asking(declared.subject, "ASP120"):
            plan = _plan(server, declared, database)
            findings.add_drift(plan if database.exists else replace(plan, steps=plan.steps[:1]))
    with findings.asking(declared.subject):
        there = database.exists or declared.job is None  # of a job without its database the job's check tells
        findings.add(database_findings(server, database, generation(database)) if there else ())
    findings.add(_of_what_is_left_alone(server.address, declared, database))
    return database


def _plan(server: Server, declared: Declared, database: Database) -> Plan:
    lost = declared.remove_leftovers and not declared.discard_live_sessions
    return plan_present(
        database,
        declared.type,
        declared.schema or Schema({}, {}),
        declared.choices,
        read_logins(server, declared.choices, database.name if database.exists else ""),
        adoption=declared.adoption,
        remove_leftovers=declared.remove_leftovers,
        live_leftovers=live_leftovers(server, database) if lost else None,
        discard_live_sessions=declared.discard_live_sessions,
    )


def _of_what_is_left_alone(host: str, declared: Declared, database: Database) -> Iterator[Finding]:
    """Objects that nobody declared, and what a DBA would want to know of the database as it will be."""
    for other in _undeclared(declared, database):
        text = "nobody declared it; it is left alone"
        yield Finding("ASP121", host, f"{other} in {declared.subject}", text, "absent", "present")
    if database.properties is None:
        return
    properties = wanted_properties(database.properties, declared.choices) if declared.schema else database.properties
    log = log_remark(properties)
    if log:
        yield Finding("ASP122", host, f"log of {declared.subject}", log, "NOTHING", properties.log_reuse_wait)
    others = [each for each in remarks_of(database, properties, None) if each != log]
    if others:
        yield Finding("ASP123", host, declared.subject, "; ".join(others), "nothing", others)


def _undeclared(declared: Declared, database: Database) -> Iterator[str]:
    """A database of type custom may hold other things than session state; its tables are session state's alone."""
    if declared.type != "custom":
        yield from database.contents.others
    for name, table in database.tables.items():
        known = {index.partition(" (")[0] for index in TABLES[name].indexes}
        names = (index.partition(" (")[0] for index in table.indexes)
        yield from (f"index {index} on dbo.{name}" for index in names if index not in known)


def _check_job(server: Server, declared: Declared, presence: Presence, findings: Findings) -> None:
    if declared.job is None:
        return
    with findings.asking(f"job of {declared.subject}", "ASP207"):
        prepared = prepare_job(
            server, declared.database, declared.job, declared.commands, applies=False, presence=presence
        )
        findings.add_drift(prepared.plan)
        findings.add(prepared.findings)
        for text in prepared.not_known:
            findings.not_known(f"job of {declared.subject}", text)


def _check_grants(server: Server, declared: Declared, database: Database | None, findings: Findings) -> None:
    choices = declared.grants
    if choices is None:
        return
    with findings.asking(f"grants in {declared.subject}", "ASP309"):
        current = read_grants(server, declared.database, True, choices, declared.type)
        findings.add_drift(plan_grants(current, choices))
        properties = database.properties if database else None
        findings.add(grant_findings(server, current, choices, declared.type, properties))
        if declared.type != "custom":
            findings.add(undeclared_users(server.address, current))


def _check_sessions(
    server: Server, declared: Declared, presence: Presence, database: Database | None, findings: Findings
) -> dict[str, Any]:
    with findings.asking(f"sessions in {declared.subject}"):
        question = replace(declared.sessions, room=_room(database.properties if database else None))
        try:
            judged = judge(server, question, presence)
        except NotKnown:
            raise
        except Refused as error:  # what an earlier run kept is of no use, as when the server's clock went back
            subject = f"sample of {declared.subject}"
            findings.add([Finding("ASP004", server.address, subject, f"no growth is reckoned: {explain(error)}")])
            judged = judge(server, replace(question, previous=None), presence)
        findings.add(judged.findings)
        return judged.facts()
    return {}


def _room(properties: Properties | None) -> int | None:
    """How many bytes the data files take yet, where none of them grows."""
    files = [each for each in properties.files if each.kind == "data"] if properties else []
    if not files or any(each.growth != "0 MB" or each.used is None or each.size is None for each in files):
        return None
    return sum((each.size or 0) - (each.used or 0) for each in files) * _MEGABYTE
