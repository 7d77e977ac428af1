"""The one file of the core that knows Ansible: connection arguments in, results and errors out."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import asdict
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback

from .errors import AspstateError, CannotConnect, ConnectionLost, SqlError, SqlServerError, explain
from .finding import Finding
from .login import ENCRYPT_CHOICES, Login
from .plan import Plan
from .probe import ProbeFailed

LOGIN_ARGUMENTS: dict[str, dict[str, Any]] = {
    "login_host": {"type": "str", "required": True},
    "login_port": {"type": "int", "default": 1433},
    "login_user": {"type": "str"},
    "login_password": {
        "type": "str",
        "no_log": True,
        "fallback": (env_fallback, ["ASPSTATE_LOGIN_PASSWORD"]),
    },
    "login_encrypt": {"type": "str", "default": "default", "choices": list(ENCRYPT_CHOICES)},
    "login_timeout": {"type": "int", "default": 15},
    "query_timeout": {"type": "int", "default": 300},
}
"""Where to connect and as whom: the same in every module that connects."""

_KINDS = {
    CannotConnect: "cannot_connect",
    ConnectionLost: "connection_lost",
    SqlServerError: "sql_error",
    ProbeFailed: "probe_failed",
}


def login(module: AnsibleModule, database: str = "master") -> Login:
    """The login that the module's arguments describe."""
    params = module.params
    return Login(
        host=params["login_host"],
        port=params["login_port"],
        user=params["login_user"] or "",
        password=params["login_password"] or "",
        database=database,
        encrypt=params["login_encrypt"],
        login_timeout=params["login_timeout"],
        query_timeout=params["query_timeout"],
    )


def run(module: AnsibleModule, work: Callable[[AnsibleModule], dict[str, Any]]) -> None:
    """End the module with what `work` returns, or with the message of the AspstateError that it raised."""
    try:
        result = work(module)
    except AspstateError as error:
        module.fail_json(**_failure(error, module.params.get("login_password")))
    module.exit_json(**result)


def plan_result(module: AnsibleModule, plan: Plan, header: str) -> dict[str, Any]:
    """What a plan says to Ansible: whether it changes anything, its diff and its steps as sentences."""
    return {
        "changed": bool(plan.steps),
        "steps": [step.sentence for step in plan.steps],
        "diff": {"before": plan.before, "after": plan.after, "before_header": header, "after_header": header},
    }


def findings_result(
    module: AnsibleModule, findings: Iterable[Finding], quiet: Container[str] = ()
) -> list[dict[str, Any]]:
    """Findings as plain data; each is a warning too, unless its severity is info or its id is in `quiet`."""
    facts = [finding.facts() for finding in findings]
    for fact in facts:
        if fact["severity"] != "info" and fact["id"] not in quiet:
            module.warn(f"{fact['id']} ({fact['severity']}) {fact['subject']}: {fact['message']}")
    return facts


def _failure(error: AspstateError, secret: str | None) -> dict[str, Any]:
    failure: dict[str, Any] = {"msg": _masked(explain(error), secret), "error_kind": _kind(error)}
    answer = getattr(error, "error", None)
    if isinstance(answer, SqlError):
        failure["sql_error"] = {**asdict(answer), "text": _masked(answer.text, secret)}
    return failure


def _kind(error: AspstateError) -> str:
    return next((kind for type_, kind in _KINDS.items() if isinstance(error, type_)), "refused")


def _masked(text: str, secret: str | None) -> str:
    return text.replace(secret, "********") if secret else text
