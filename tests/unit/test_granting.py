"""What is planned for grants as they may be found, where a server cannot easily be brought to it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.errors import Refused
from aspstate.grant_wishes import GrantChoices, WantedLogin, needed
from aspstate.granting import plan_absent, plan_present
from aspstate.grants import Account, Grants
from aspstate.principals import DENY, Permission

CHOICES = GrantChoices((WantedLogin("shop"),))
EXCLUSIVE = replace(CHOICES, exclusive=True)
WHOLE = Grants(
    "ASPState",
    "aspstate_application",
    exists=True,
    role_exists=True,
    granted=needed(("system_web",)),
    members=("shop",),
    accounts=(Account("shop", login=True, user="shop", connects=True, roles=("aspstate_application",)),),
)


def sentences(current: Grants, choices: GrantChoices) -> list[str]:
    return [step.sentence for step in plan_present(current, choices).steps]


def account(**changes: object) -> Grants:
    """All is there, but for something of the login."""
    return replace(WHOLE, accounts=(replace(WHOLE.accounts[0], **changes),))


def test_where_all_is_there_nothing_is_planned() -> None:
    for choices in (CHOICES, EXCLUSIVE):
        plan = plan_present(WHOLE, choices)
        assert (plan.steps, plan.before) == ((), plan.after)


def test_a_role_that_is_in_another_role_is_refused_or_taken_out_of_it() -> None:
    current = replace(WHOLE, role_roles=("db_owner",))
    with pytest.raises(Refused, match="it has membership in db_owner; nothing was changed"):
        plan_present(current, CHOICES)
    with pytest.raises(Refused, match="it has membership in db_owner; nothing was changed"):
        plan_absent(current, CHOICES)
    assert sentences(current, EXCLUSIVE) == ["take aspstate_application out of role db_owner"]


# by what it is on: whether it can be revoked here
ON = {
    "the database": (Permission("SHOWPLAN", "DATABASE", "", ""), True),
    "a table with grant option": (Permission("SELECT", name="t", state="GRANT_WITH_GRANT_OPTION"), True),
    "a certificate": (Permission("CONTROL", "CERTIFICATE", "", ""), False),
    "words that are no permission's": (Permission("SELECT; DROP", name="t"), False),
}


@pytest.mark.parametrize("on", ON)
def test_only_what_can_be_revoked_is_planned_to_be(on: str) -> None:
    permission, can = ON[on]
    plan = plan_present(account(permissions=(permission,)), EXCLUSIVE)
    assert [step.sentence for step in plan.steps] == ([f"revoke {permission} from user shop"] if can else [])
    assert (f"more: {permission}" in plan.after) is not can


def test_a_denial_to_connect_is_replaced_and_not_revoked() -> None:
    assert sentences(account(connects=False), EXCLUSIVE) == ["grant CONNECT to user shop"]


def test_what_the_role_is_denied_and_needs_is_granted_in_its_place() -> None:
    first, *rest = WHOLE.granted
    current = replace(WHOLE, granted=(replace(first, state=DENY), *rest))
    for choices in (CHOICES, EXCLUSIVE):
        plan = plan_present(current, choices)
        assert [step.sentence for step in plan.steps] == [f"grant {first} to role aspstate_application"]
        assert "DENY" in plan.before
        assert "DENY" not in plan.after


def test_in_a_database_that_is_not_there_no_right_can_be_asked_for() -> None:
    nothing = Grants("ASPState", "aspstate_application", accounts=(Account("shop"),))
    steps = plan_present(nothing, CHOICES).steps
    assert len(steps) == 19
    assert {str(right) for step in steps for right in step.rights} == {"ALTER ANY LOGIN"}
    assert plan_absent(nothing, CHOICES).steps == ()
