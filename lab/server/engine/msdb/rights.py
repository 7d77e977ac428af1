"""Whose jobs and schedules a session may see and change, once it may execute the procedure at all."""

from __future__ import annotations

from typing import Any

from lab.server.engine import permissions
from lab.server.engine.msdb import messages, rows
from lab.server.engine.msdb.roles import OPERATOR_ROLE, READER_ROLE, ROLE_IDS
from lab.server.engine.msdb.rows import Found
from lab.server.engine.msdb.shipped_procedure import raised
from lab.server.engine.principals import Principal


def is_in_role(session: Any, role: str) -> bool:
    """Whether the session's user in msdb belongs to one of the roles for jobs."""
    msdb = session.engine.find_database("msdb")
    user = permissions.user_in(session, msdb)
    return user is not None and ROLE_IDS[role] in msdb.security.roles_of(user.principal_id)


def owns(session: Any, thing: Found) -> bool:
    """Whether a job or schedule is the session's own, or the session may do everything."""
    return session.principal.is_sysadmin or thing["owner_sid"] == session.principal.sid


def job(session: Any, given: Any) -> Found:
    """The job that @job_id or @job_name identifies; raises 14294, and 14262 also for one that is not seen."""
    if (given.job_id is None) is (given.job_name is None):
        raise raised(14294, "Supply either @job_id or @job_name to identify the job.")
    column, value = ("job_id", given.job_id) if given.job_name is None else ("name", given.job_name)
    found = rows.first(session, "sysjobs", **{column: value})
    if found is None or not (owns(session, found) or is_in_role(session, READER_ROLE)):
        raise messages.absent("@job_id" if column == "job_id" else "@job_name", value)
    return found


def own_job(session: Any, given: Any) -> Found:
    """The same, to change it; raises 14525."""
    found = job(session, given)
    if not owns(session, found):
        text = "Only members of sysadmin role are allowed to update or delete jobs owned by a different login."
        raise raised(14525, text)
    return found


def runnable_job(session: Any, given: Any) -> Found:
    """The same, to start or stop it; raises 14393."""
    found = job(session, given)
    if not (owns(session, found) or is_in_role(session, OPERATOR_ROLE)):
        text = "Only owner of a job or members of role sysadmin or SQLAgentOperatorRole can start and stop the job."
        raise raised(14393, text)
    return found


def owner(session: Any, name: str | None, refusal: Any) -> bytes:
    """The sid of @owner_login_name, by default the session's own; raises the refusal for somebody else's, 14234."""
    principal: Principal = session.principal
    if name is None:
        return principal.sid
    found = session.engine.security.login(name)
    if not principal.is_sysadmin and found is not principal:
        raise refusal
    if found is None:
        raise messages.not_returned("@owner_login_name", "sp_helplogins [excluding Windows NT groups]")
    return found.sid
