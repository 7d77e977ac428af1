"""The roles of msdb for those who have jobs: what each may execute stands in `procedures`."""

from __future__ import annotations

from lab.server.engine.principals import DatabaseSecurity, Principal

USER_ROLE, READER_ROLE, OPERATOR_ROLE = "SQLAgentUserRole", "SQLAgentReaderRole", "SQLAgentOperatorRole"

ROLE_IDS = {USER_ROLE: 16_000, READER_ROLE: 16_001, OPERATOR_ROLE: 16_002}
"""SQL Server has others."""


def put_roles(security: DatabaseSecurity) -> None:
    """Operators are readers, and readers are users."""
    for name, id_ in ROLE_IDS.items():
        security.put(Principal(name, id_, bytes.fromhex("010500000000000904000000") + id_.to_bytes(16, "little"), "R"))
        security.shipped.add(id_)
    security.set_member(ROLE_IDS[USER_ROLE], ROLE_IDS[READER_ROLE], True)
    security.set_member(ROLE_IDS[READER_ROLE], ROLE_IDS[OPERATOR_ROLE], True)
