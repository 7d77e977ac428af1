"""The part of the daily check that tries: whether sessions can be kept, by the operator's login and each application's.

What is known to be broken is not tried, since that would tell the same again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from .application import connect_as
from .check_wishes import Declared
from .errors import CannotConnect, explain
from .finding import Finding
from .findings import NOT_KNOWN, Findings
from .login import Login
from .probe import ProbeFailed, probe
from .rights import Right, missing
from .server import APPLICATION_OPTIONS, Server, connect

_BROKEN_FOR_ALL = ("ASP104", "ASP105", "ASP114", "ASP117", "ASP120", "ASP305", "ASP401")
_PERMISSION_DENIED = 229
_BROKEN_FOR_ONE = ("ASP301", "ASP304", "ASP306")


def try_sessions(
    login: Login, declared: Declared, findings: Findings, *, passwords: Mapping[str, str], full: bool
) -> list[dict[str, Any]]:
    """Live through a session as each; not `full`, ask only whether each may. `passwords` by the applications' logins.

    Returns who did (login, calls, milliseconds). Raises CannotConnect and ConnectionLost.
    """
    logins = declared.grants.logins if declared.grants else ()
    broken = {each.subject for each in findings if each.id in _BROKEN_FOR_ONE}
    tried = [each.name for each in logins if _subject(each.name) not in broken]
    if any(_keeps_from_trying(each, declared) for each in findings) or not (full or tried):
        return []
    own = replace(login, database=declared.database)
    with connect(own, APPLICATION_OPTIONS) as operator:
        done = [_live_through(operator, operator, declared.subject, findings)] if full else []
        for name in tried:
            with (
                _telling(findings, operator.address, _subject(name)),
                connect_as(operator, own, name, passwords.get(name, "")) as server,
            ):
                if full:
                    done.append(_live_through(server, operator, _subject(name), findings))
                else:
                    _ask(server, declared, _subject(name), findings)
    return [each for each in done if each]


def _keeps_from_trying(found: Finding, declared: Declared) -> bool:
    return found.id in _BROKEN_FOR_ALL or (found.id == NOT_KNOWN and found.subject == declared.subject)


def _subject(login: str) -> str:
    return f"login {login}"


def _live_through(server: Server, operator: Server, subject: str, findings: Findings) -> dict[str, Any] | None:
    with _telling(findings, operator.address, subject, own=server is operator):
        report = probe(server, operator)
        if report.residue:
            text = f"the probe left something: {report.residue}"
            findings.add([Finding("ASP124", operator.address, subject, text, severity="warning")])
        milliseconds = round(sum(call.milliseconds for call in report.calls), 1)
        return {"login": server.user, "calls": len(report.calls), "milliseconds": milliseconds}
    return None


@contextmanager
def _telling(findings: Findings, host: str, subject: str, *, own: bool = False) -> Iterator[None]:
    """Turn what fails into findings; `own` is the login that checks, not an application's."""
    with findings.asking(subject):
        try:
            yield
        except ProbeFailed as failed:
            text = f"a session cannot be lived through: {explain(failed)}"
            if own and failed.error and failed.error.number == _PERMISSION_DENIED:  # which says nothing of applications
                findings.not_known(subject, f"{text}; grant that to the login, or set aspstate_check_probe to rights")
            else:
                findings.add([Finding("ASP124", host, subject, text, "a session", "an error")])
        except CannotConnect as failed:
            findings.add([Finding("ASP306", host, subject, explain(failed), "access", "none")])


def _ask(server: Server, declared: Declared, subject: str, findings: Findings) -> None:
    needed = declared.grants.needed if declared.grants else ()
    lacking = missing(server, (Right(each.permission, "OBJECT", each.name, declared.database) for each in needed))
    if lacking:
        names = ", ".join(map(str, lacking))
        text = f"its client needs and it lacks: {names}; run playbooks/site.yml"
        findings.add([Finding("ASP301", server.address, subject, text, "what its client calls", names)])
