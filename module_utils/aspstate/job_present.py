"""Everything that is asked before the job that expires sessions is created or altered, and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from .agent import Agent, read_agent
from .agent_job import Commands, JobChoices, command_for, find_job, plan_job_present, usual_name, wanted_job
from .errors import NotKnown, Refused
from .finding import Finding
from .instance import Presence, read_presence
from .job_findings import job_findings
from .job_owner import JobLogins, MayDo, read_job_logins, read_may_do
from .jobs import read_jobs
from .plan import Plan
from .server import Server


@dataclass(frozen=True)
class Prepared:
    """The plan, and what is told besides; `not_known` are sentences."""

    plan: Plan
    agent: Agent
    findings: tuple[Finding, ...]
    not_known: tuple[str, ...]


def prepare_job(
    server: Server,
    database: str,
    choices: JobChoices,
    commands: Commands,
    *,
    applies: bool,
    presence: Presence | None = None,
) -> Prepared:
    """Plan the job. Raises Refused where there is no Agent, and where the plan `applies` without the database.

    `presence` is the database's, where it was read already.
    """
    name = choices.name or usual_name(database)
    exists = (presence or read_presence(server, database, look_for_holders=False)).exists
    agent = read_agent(server)
    if agent.express:
        raise Refused(
            f"{server.address} is SQL Server Express, which has no SQL Server Agent: nothing would expire sessions; "
            "set aspstate_agent_job_state to unmanaged, and run playbooks/expire.yml on a timer"
        )
    jobs = read_jobs(server, database, name, choices.category)
    logins = read_job_logins(server, choices.owner, database)
    may_do, not_known = _may_do(server, database, logins, exists)
    where, command = _command(commands, database, logins, may_do)
    current = find_job(jobs, database, choices)
    desired = wanted_job(current, choices, database, where, command, jobs.today)
    plan = plan_job_present(current, desired, agent, choices, logins, new_category=not jobs.category_exists)
    if applies and plan.steps and not exists:
        raise Refused(f"database {database} is not there; nothing was changed; install it first: playbooks/site.yml")
    if agent.status is None:
        not_known += (f"whether SQL Server Agent runs is not known: login {server.user} lacks VIEW SERVER STATE",)
    if choices.manage_agent_history and agent.history_rows is None:
        not_known += (
            f"how much history SQL Server Agent keeps is not known: login {server.user} lacks EXECUTE on "
            "dbo.sp_get_sqlagent_properties in msdb",
        )
    findings = job_findings(server.address, database, agent, jobs, desired, logins, may_do)
    return Prepared(plan, agent, tuple(findings), not_known)


def _may_do(server: Server, database: str, logins: JobLogins, exists: bool) -> tuple[MayDo | None, tuple[str, ...]]:
    if not exists:  # it will be asked when it is
        return None, ()
    try:
        return read_may_do(server, database, logins), ()
    except NotKnown as unknown:
        return None, (str(unknown),)


def _command(commands: Commands, database: str, logins: JobLogins, may_do: MayDo | None) -> tuple[str, str]:
    """The database in which the step runs, and its command."""
    if not logins.in_group:
        return database, command_for(commands.usual, database)
    if may_do is not None and not may_do.view_server_state:
        raise Refused(
            f"owner: database {database} is in an availability group, and login {logins.owner}, as which the job would "
            "run, lacks VIEW SERVER STATE to ask for the role of the replica; nothing was changed; grant it, or give "
            "another one in aspstate_agent_job_owner"
        )
    return "master", command_for(commands.in_group, database)
