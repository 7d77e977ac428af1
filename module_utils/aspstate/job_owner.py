"""As whom a job's step runs, and what that login may do.

A job whose owner is a sysadmin runs as the Agent's own account, which is one too; any other as its owner:
https://learn.microsoft.com/sql/ssms/agent/implement-sql-server-agent-security
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import NotKnown, Refused, SqlServerError
from .properties import SA
from .server import Server

_LOGINS = """
SELECT SUSER_SNAME(), SUSER_SNAME(0x01), SUSER_SID(%(owner)s), IS_SRVROLEMEMBER('sysadmin', %(owner)s)

SELECT CASE WHEN replica_id IS NULL THEN 0 ELSE 1 END
FROM sys.databases
WHERE name = %(database)s
"""

_MAY_IMPERSONATE = "SELECT HAS_PERMS_BY_NAME(QUOTENAME(%(owner)s), 'LOGIN', 'IMPERSONATE')"
_AS_OWNER = """
EXECUTE AS LOGIN = @owner
SELECT HAS_PERMS_BY_NAME(N'dbo.DeleteExpiredSessions', 'OBJECT', 'EXECUTE'),
       HAS_PERMS_BY_NAME(NULL, NULL, 'VIEW SERVER STATE')
REVERT
"""
_NO_ACCESS = 916


@dataclass(frozen=True)
class JobLogins:
    """The connection's own login and the job's owner, both "sa" for SID 0x01, whose name is `sa`.

    `in_group`: the database is in an availability group.
    """

    own: str
    owner: str
    sa: str
    sysadmin: bool
    in_group: bool = False

    def name(self, owner: str | None) -> str | None:
        """The name of a login as the server has it now."""
        return self.sa if owner == SA else owner


def read_job_logins(server: Server, owner: str, database: str) -> JobLogins:
    """Raises Refused where the owner is no login."""
    (row,), groups = server.run(_LOGINS, {"owner": owner, "database": database}).sets
    own, sa, sid, sysadmin = row
    is_sa = owner.casefold() == SA
    if sid is None and not is_sa:
        raise Refused(f"owner: {server.address} has no login {owner!r}; give another one in aspstate_agent_job_owner")
    return JobLogins(
        SA if own == sa else own, SA if is_sa or owner == sa else owner, sa, is_sa or sysadmin == 1, groups == [(1,)]
    )


@dataclass(frozen=True)
class MayDo:
    """Whether the owner may execute DeleteExpiredSessions, and has VIEW SERVER STATE."""

    execute: bool
    view_server_state: bool


def read_may_do(server: Server, database: str, logins: JobLogins) -> MayDo:
    """Of a database that is there. Raises NotKnown where the connection's login may not find out."""
    if logins.sysadmin:
        return MayDo(execute=True, view_server_state=True)
    if logins.own != logins.owner and server.run(_MAY_IMPERSONATE, {"owner": logins.owner}).row != (1,):
        raise NotKnown(
            f"whether login {logins.owner}, as which the job runs, may execute DeleteExpiredSessions is not known: "
            f"login {server.user} on {server.address} lacks IMPERSONATE on it"
        )
    try:
        execute, state = server.run_in(database, _AS_OWNER, "@owner sysname", {"owner": logins.owner}).row
    except SqlServerError as error:
        if error.error.number != _NO_ACCESS:
            raise
        return MayDo(execute=False, view_server_state=False)
    return MayDo(execute == 1, state == 1)
