"""Which grants are refused before anything is changed, and which rights giving them takes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aspstate.errors import NotKnown, Refused
from aspstate.login import Login
from aspstate.server import Server, connect

from tests.integration.conftest import install
from tests.integration.grants import ROLE, choices, findings, give, now, take
from tests.integration.lab_login import OwnLab, let_in, own_lab

pytestmark = pytest.mark.controls_server

WEB = "CONTOSO\\web$"


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server with an account of Windows."""
    with own_lab("--windows-principal", WEB) as server:
        yield server


@pytest.fixture
def login(lab: OwnLab) -> Login:
    """sa."""
    return lab.login


@pytest.fixture
def shop(lab: OwnLab) -> str:
    """The name of an application's login."""
    return lab.login_with().user


# who is asked for, with create_login or not; what it says
NOT_THERE = {
    "a login that is not there": ("nobody", False, "has none of that name; correct it in aspstate_grants_logins, or"),
    "a Windows login that is not there": (
        WEB,
        False,
        "has none of that name; correct it in aspstate_grants_logins, or",
    ),
    "an account that is not there": ("CONTOSO\\x", True, "Windows does not know it on "),
    "a server role": ("dbcreator", False, "that is a server role, not an SQL login; correct it"),
    "a server role as new login": ("dbcreator", True, "that is a server role, not an SQL login; correct it"),
}


@pytest.mark.parametrize("kind", NOT_THERE)
def test_a_login_that_is_not_what_was_said_is_refused(server: Server, installed: str, kind: str) -> None:
    name, create, message = NOT_THERE[kind]
    with pytest.raises(Refused, match=message):
        give(server, installed, choices(name, create=create))


# what is in the database; what it says
IN_THE_WAY = {
    "a user called as the role": (f"CREATE USER {ROLE} FOR LOGIN {{other}}", "a user of database .* has that name"),
    "a role called as the login": ("CREATE ROLE {shop}", "its user cannot be made, since .* is a role"),
    "a user of another login": ("CREATE USER {shop} FOR LOGIN {other}", "in database .* belongs to another login"),
    "a role with other rights": (
        f"CREATE ROLE {ROLE} GRANT SELECT ON OBJECT::dbo.ASPStateTempSessions TO {ROLE}",
        "was not made for session state alone: it has SELECT on dbo.ASPStateTempSessions; nothing was changed",
    ),
    "a role with other members": (
        f"CREATE ROLE {ROLE} CREATE USER web FOR LOGIN {{other}} ALTER ROLE {ROLE} ADD MEMBER web",
        "was not made for session state alone: it has member web; nothing was changed",
    ),
}


@pytest.mark.parametrize("kind", IN_THE_WAY)
def test_what_is_in_the_way_is_named_and_left_alone(
    lab: OwnLab, server: Server, installed: str, shop: str, kind: str
) -> None:
    statement, message = IN_THE_WAY[kind]
    server.run_in(installed, statement.format(shop=shop, other=lab.login_with().user))
    principals = server.run_in(installed, "SELECT name FROM sys.database_principals").rows
    with pytest.raises(Refused, match=message):
        give(server, installed, choices(shop))
    assert server.run_in(installed, "SELECT name FROM sys.database_principals").rows == principals


@pytest.mark.parametrize("kind", [kind for kind in IN_THE_WAY if kind.startswith("a role with")])
def test_a_role_of_others_is_taken_over_on_request(
    lab: OwnLab, server: Server, installed: str, shop: str, kind: str
) -> None:
    server.run_in(installed, IN_THE_WAY[kind][0].format(shop=shop, other=lab.login_with().user))
    assert give(server, installed, choices(shop, exclusive=True)).steps
    assert findings(server, installed, choices(shop)) == []


def test_a_role_with_other_rights_is_not_dropped_either(server: Server, installed: str, shop: str) -> None:
    server.run_in(installed, IN_THE_WAY["a role with other rights"][0])
    with pytest.raises(Refused, match="was not made for session state alone"):
        take(server, installed, choices(shop))


MAKERS = {
    "db_owner": ("ALTER ROLE db_owner ADD MEMBER {}", "is in db_owner"),
    "db_ddladmin": ("ALTER ROLE db_ddladmin ADD MEMBER {}", "is in db_ddladmin"),
    "the right to make procedures": ("GRANT CREATE PROCEDURE TO {}", "has CREATE PROCEDURE"),
    "the schema": ("GRANT CONTROL ON SCHEMA::dbo TO {}", "has CONTROL"),
}


@pytest.mark.parametrize("kind", MAKERS)
def test_no_ownership_chain_while_an_application_may_make_procedures(
    server: Server, installed: str, shop: str, kind: str
) -> None:
    """Also where they would be taken away in the same run: the chain comes first there."""
    statement, reason = MAKERS[kind]
    give(server, installed, choices(shop))
    server.run_in(installed, statement.format(shop))
    for exclusive in (False, True):
        with pytest.raises(Refused, match=rf"user {shop} \(login {shop}\) {reason}, and so could put procedures there"):
            give(server, installed, choices(shop, manage_ownership_chain=True, exclusive=exclusive))
    give(server, installed, choices(shop, exclusive=True))
    assert give(server, installed, choices(shop, manage_ownership_chain=True)).steps == ()


# what README says for the grants
INSIDE = ("CREATE ROLE", "ALTER ANY ROLE", "ALTER ANY USER", "CONTROL ON SCHEMA::dbo")
ON_THE_SERVER = ("VIEW ANY DEFINITION", "ALTER ANY LOGIN")


def test_six_rights_suffice(lab: OwnLab, server: Server, installed: str) -> None:
    operator = lab.login_with(*ON_THE_SERVER)
    let_in(server, operator, installed, *INSIDE)
    name = f"{installed}_new"
    with connect(operator) as own:
        assert give(own, installed, choices(name, create=True), passwords={name: "Aa1!-Horse-9"}).steps
        assert give(own, installed, choices(name)).steps == ()
        take(own, installed, choices(name))


@pytest.mark.parametrize("left_out", (*INSIDE, *ON_THE_SERVER))
def test_each_of_the_six_is_needed_and_named_before_anything_is_done(
    lab: OwnLab, server: Server, installed: str, left_out: str
) -> None:
    operator = lab.login_with(*(right for right in ON_THE_SERVER if right != left_out))
    let_in(server, operator, installed, *(right for right in INSIDE if right != left_out))
    name = f"{installed}_new"
    with connect(operator) as own, pytest.raises(Refused, match=f"lacks {left_out.partition(' ON ')[0]}"):
        give(own, installed, choices(name, create=True), passwords={name: "Aa1!-Horse-9"})
    assert server.run("SELECT SUSER_SID(%(name)s)", {"name": name}).row == (None,)
    assert not now(server, installed, choices("nobody", create=True)).role_exists


# what has happened to the database; the right, beyond those six, that its repair takes; as the message says it
MORE_RIGHTS = {
    "a user whose login is gone": (
        "DROP USER {shop} EXEC (N'CREATE USER {shop} FOR LOGIN {other}')",
        "CONTROL on database",
    ),
    "a user that may not connect": ("REVOKE CONNECT TO {shop}", "CONTROL on database"),
    "a right of its own": ("GRANT SELECT ON SCHEMA::dbo TO {shop}", "CONTROL on database"),
    "db_owner": ("ALTER ROLE db_owner ADD MEMBER {shop}", "membership in db_owner of database"),
}


@pytest.mark.parametrize("kind", MORE_RIGHTS)
def test_what_takes_more_rights_names_them(lab: OwnLab, server: Server, installed: str, shop: str, kind: str) -> None:
    statement, right = MORE_RIGHTS[kind]
    other = lab.login_with().user
    give(server, installed, choices(shop))
    server.run_in(installed, statement.format(shop=shop, other=other))
    if other in statement.format(shop=shop, other=other):
        server.run(f"DROP LOGIN {other}")
    operator = lab.login_with(*ON_THE_SERVER)
    let_in(server, operator, installed, *INSIDE)
    exclusive = choices(shop, exclusive=True)
    with connect(operator) as own:
        with pytest.raises(Refused, match=f"lacks {right} {installed}, which this needs; nothing was changed"):
            give(own, installed, exclusive)
        grant = "ALTER ROLE db_owner ADD MEMBER {}" if "db_owner" in right else "GRANT CONTROL TO {}"
        server.run_in(installed, grant.format(operator.user))
        assert give(own, installed, exclusive).steps
    assert findings(server, installed, choices(shop)) == []


def test_a_user_in_tempdb_is_dropped_with_the_right_to_do_so(lab: OwnLab, server: Server) -> None:
    shop, operator = lab.login_with(), lab.login_with("VIEW ANY DEFINITION")
    install(server, "ASPState", "temporary")
    chosen = choices(shop.user, exclusive=True)
    give(server, "ASPState", chosen, "temporary")
    let_in(server, shop, "tempdb")
    let_in(server, operator, "ASPState")
    with connect(operator) as own:
        with pytest.raises(Refused, match="lacks ALTER ANY USER on database tempdb, which this needs"):
            give(own, "ASPState", chosen, "temporary")
        let_in(server, operator, "tempdb", "ALTER ANY USER")
        assert len(give(own, "ASPState", chosen, "temporary").steps) == 1
    server.run("DROP DATABASE ASPState")


def test_logins_that_may_not_be_seen_are_not_taken_for_nobody(
    lab: OwnLab, server: Server, installed: str, shop: str
) -> None:
    operator = lab.login_with()
    let_in(server, operator, installed, "CONTROL")
    with connect(operator) as own, pytest.raises(NotKnown, match=r"is not known: login .* lacks VIEW ANY DEFINITION"):
        give(own, installed, choices(shop))
