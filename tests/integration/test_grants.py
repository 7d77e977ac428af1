"""What an application's login is given on a server: enough for its sessions and no more, and through restarts."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.application import connect_as
from aspstate.errors import CannotConnect, Refused
from aspstate.grant_wishes import needed
from aspstate.login import Login
from aspstate.probe import ProbeFailed, probe
from aspstate.property_changes import Choices
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import install
from tests.integration.grants import ROLE, choices, findings, give, take, would
from tests.integration.lab_login import OwnLab, let_in, own_lab
from tests.integration.test_temporary import wait_for_tables
from tests.unit.test_schema import CALLED_BY_SYSTEM_WEB

pytestmark = pytest.mark.controls_server

ACCOUNTS = ("CONTOSO\\WEB01$", "CONTOSO\\svc$", "IIS APPPOOL\\shop")
PASSWORD = "Aa1!{'; DROP--]"


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server with accounts of Windows."""
    with own_lab(*(option for account in ACCOUNTS for option in ("--windows-principal", account))) as server:
        yield server


@pytest.fixture
def login(lab: OwnLab) -> Login:
    """sa."""
    return lab.login


@pytest.fixture
def shop(lab: OwnLab) -> Login:
    """An application's login."""
    return lab.login_with()


def probed(login: Login, name: str) -> None:
    """The application lives through its sessions, with EXECUTE alone."""
    with connect(replace(login, database=name), APPLICATION_OPTIONS) as own:
        probe(own)
        assert own.run("SELECT OBJECT_ID(N'dbo.ASPStateTempSessions')").row == (None,)


def ids(found: list) -> list[str]:
    return [finding.id for finding in found]


def test_a_login_gets_what_its_client_needs_and_a_second_run_has_nothing_to_do(
    server: Server, installed: str, shop: Login
) -> None:
    plan = give(server, installed, choices(shop.user))
    assert [step.sentence for step in plan.steps] == [
        f"create role {ROLE}",
        *(f"grant EXECUTE on dbo.{name} to role {ROLE}" for name in sorted(CALLED_BY_SYSTEM_WEB)),
        f"create user {shop.user} for login {shop.user}",
        f"add user {shop.user} to role {ROLE}",
    ]
    assert give(server, installed, choices(shop.user)).steps == ()
    assert findings(server, installed, choices(shop.user)) == []
    probed(shop, installed)


CLIENTS = {
    "system_web": set(),
    "system_web_1": {f"TempGetStateItem{kind}" for kind in ("", "2", "Exclusive", "Exclusive2")},
    "async_compat": {"DeleteExpiredSessions"},
}


@pytest.mark.parametrize("client", CLIENTS)
def test_what_each_client_calls(server: Server, installed: str, shop: Login, client: str) -> None:
    give(server, installed, choices(shop.user, clients=(client,)))
    with connect(replace(shop, database=installed)) as own:
        mine = {name for (name,) in own.run("SELECT name FROM sys.procedures").rows}
        columns = own.run("SELECT COUNT(*) FROM sys.columns WHERE name = 'LockDateLocal'").row
    assert mine == CALLED_BY_SYSTEM_WEB | CLIENTS[client]
    assert columns == (int(client == "async_compat"),)


@pytest.mark.parametrize("account", ACCOUNTS)
def test_an_account_of_windows_gets_a_login_and_is_probed_as_if_by_itself(
    server: Server, login: Login, installed: str, account: str
) -> None:
    chosen = choices(account, create=True)
    assert give(server, installed, chosen).steps[0].sentence == f"create login {account} from Windows"
    with (
        connect_as(server, replace(login, database=installed), account) as own,
        connect(replace(login, database=installed)) as operator,
    ):
        assert own.run("SELECT SUSER_SNAME(), ORIGINAL_LOGIN()").row == (account, "sa")
        assert probe(own, operator).residue == ""
    server.run_in(installed, f"DROP USER [{account}]")
    server.run(f"DROP LOGIN [{account}]")


def test_a_login_is_made_with_its_password_which_nothing_shows(server: Server, login: Login, installed: str) -> None:
    name = f"aspstate_test_{secrets.token_hex(4)} ]'x"
    plan = give(server, installed, choices(name, create=True), passwords={name: PASSWORD})
    assert plan.steps[0].sentence == f"create login {name}"
    assert PASSWORD not in repr(plan)
    probed(replace(login, user=name, password=PASSWORD), installed)
    assert server.run("SELECT is_policy_checked FROM sys.sql_logins WHERE name = %(name)s", {"name": name}).row == (1,)


def test_a_login_that_is_there_keeps_its_password(server: Server, installed: str, shop: Login) -> None:
    give(server, installed, choices(shop.user, create=True), passwords={shop.user: PASSWORD})
    probed(shop, installed)


def test_before_the_database_is_there_everything_is_planned_and_nothing_can_be_done(
    server: Server, name: str, shop: Login
) -> None:
    chosen = choices(shop.user)
    plan = would(server, name, chosen)
    with pytest.raises(
        Refused, match="has none of that name, so nobody can be given rights in it; nothing was changed"
    ):
        give(server, name, chosen)
    install(server, name)
    done = give(server, name, chosen)
    assert (plan.before, plan.after) == (done.before, done.after)
    assert [step.sentence for step in plan.steps] == [step.sentence for step in done.steps]


def test_a_procedure_that_is_missing_is_refused_before_anything_is_done(
    server: Server, installed: str, shop: Login
) -> None:
    server.run_in(installed, "DROP PROCEDURE dbo.TempResetTimeout")
    with pytest.raises(Refused, match=r"lacks dbo.TempResetTimeout, on which rights .*; nothing was changed"):
        give(server, installed, choices(shop.user))
    assert len(would(server, installed, choices(shop.user)).steps) == 18


@pytest.mark.parametrize("procedure", sorted(CALLED_BY_SYSTEM_WEB))
def test_each_procedure_that_cannot_be_called_is_named_fails_the_probe_and_is_given_back(
    server: Server, installed: str, shop: Login, procedure: str
) -> None:
    chosen = choices(shop.user)
    give(server, installed, chosen)
    server.run_in(installed, f"REVOKE EXECUTE ON OBJECT::dbo.{procedure} FROM {ROLE}")
    (finding,) = findings(server, installed, chosen)
    assert (finding.id, finding.subject) == ("ASP301", f"login {shop.user}")
    assert finding.found == f"EXECUTE on dbo.{procedure}"
    with connect(replace(shop, database=installed), APPLICATION_OPTIONS) as own, pytest.raises(ProbeFailed) as failed:
        probe(own)
    if procedure == "TempGetVersion":  # which is looked at and not called
        assert "ASP.NET version 2.0 Session State is not installed" in str(failed.value)
    else:
        assert failed.value.error.number == 229
        assert f"EXECUTE permission was denied on the object '{procedure}'" in str(failed.value)
    plan = give(server, installed, chosen)
    assert [step.sentence for step in plan.steps] == [f"grant EXECUTE on dbo.{procedure} to role {ROLE}"]
    assert findings(server, installed, chosen) == []
    probed(shop, installed)


# what keeps the application out, as a statement in its database; the finding; what it must say
DAMAGE = {
    "an EXECUTE that the role is denied": ("DENY EXECUTE ON OBJECT::dbo.TempResetTimeout TO {role}", "ASP301", "Reset"),
    "a user that is gone": ("DROP USER {user}", "ASP306", "it has no user in database"),
    "a membership that is gone": ("ALTER ROLE {role} DROP MEMBER {user}", "ASP301", "dbo.GetMajorVersion, EXECUTE on"),
    "a role that is gone": ("ALTER ROLE {role} DROP MEMBER {user} DROP ROLE {role}", "ASP301", "dbo.TempGetAppID"),
    "a user that may not connect": ("REVOKE CONNECT TO {user}", "ASP306", "has no CONNECT in database"),
    "a user that is denied to connect": ("DENY CONNECT TO {user}", "ASP306", "has no CONNECT in database"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_keeps_an_application_from_its_sessions_is_found_and_repaired(
    server: Server, installed: str, shop: Login, damage: str
) -> None:
    statement, id_, words = DAMAGE[damage]
    chosen = choices(shop.user)
    give(server, installed, chosen)
    server.run_in(installed, statement.format(user=shop.user, role=ROLE))
    assert words in next(finding.message for finding in findings(server, installed, chosen) if finding.id == id_)
    assert give(server, installed, chosen).steps
    assert findings(server, installed, chosen) == []
    probed(shop, installed)


def test_what_is_denied_to_everybody_is_found_and_left_to_the_dba(server: Server, installed: str, shop: Login) -> None:
    give(server, installed, choices(shop.user))
    server.run_in(installed, "DENY EXECUTE ON SCHEMA::dbo TO public")
    exclusive = choices(shop.user, exclusive=True)
    assert give(server, installed, exclusive).steps == ()
    assert ids(findings(server, installed, exclusive)) == ["ASP301"]


def test_what_a_login_may_do_by_another_way_is_not_said_to_be_missing(
    server: Server, installed: str, shop: Login
) -> None:
    give(server, installed, choices(shop.user))
    for procedure in ("GetMajorVersion", "TempGetVersion"):
        server.run_in(installed, f"REVOKE EXECUTE ON OBJECT::dbo.{procedure} FROM {ROLE}")
    server.run_in(installed, "GRANT EXECUTE ON SCHEMA::dbo TO public")
    assert findings(server, installed, choices(shop.user)) == []
    assert len(would(server, installed, choices(shop.user)).steps) == 2
    probed(shop, installed)


NO_ENTRY = {"DENY": "it is denied CONNECT SQL", "REVOKE": "it lacks CONNECT SQL"}


@pytest.mark.parametrize("verb", NO_ENTRY)
def test_a_login_that_may_not_log_in_is_found_and_left_to_the_dba(
    server: Server, installed: str, shop: Login, verb: str
) -> None:
    give(server, installed, choices(shop.user))
    server.run(f"{verb} CONNECT SQL TO {shop.user}")
    (finding,) = findings(server, installed, choices(shop.user))
    assert (finding.id, finding.found) == ("ASP306", NO_ENTRY[verb])
    assert give(server, installed, choices(shop.user)).steps == ()


def test_a_user_whose_login_was_made_anew_gets_it_back_and_keeps_what_it_has(
    server: Server, installed: str, shop: Login
) -> None:
    chosen = choices(shop.user)
    give(server, installed, chosen)
    server.run_in(installed, f"CREATE TABLE dbo.notes (id int NOT NULL) GRANT SELECT ON dbo.notes TO {shop.user}")
    server.run(f"DROP LOGIN {shop.user}")
    server.run(f"CREATE LOGIN {shop.user} WITH PASSWORD = N'{shop.password}', CHECK_POLICY = OFF")
    assert ids(findings(server, installed, chosen))[0] == "ASP304"
    with pytest.raises(CannotConnect):
        probed(shop, installed)
    plan = give(server, installed, chosen)
    assert [step.sentence for step in plan.steps] == [f"give user {shop.user} the login {shop.user}"]
    probed(shop, installed)
    with connect(replace(shop, database=installed)) as own:
        assert own.run("SELECT COUNT(*) FROM dbo.notes").row == (0,)


def test_a_login_that_is_gone_is_made_for_the_user_that_it_left(server: Server, installed: str, shop: Login) -> None:
    chosen = choices(shop.user, create=True)
    give(server, installed, chosen)
    server.run(f"DROP LOGIN {shop.user}")
    plan = give(server, installed, chosen, passwords={shop.user: PASSWORD})
    assert [step.sentence for step in plan.steps] == [
        f"create login {shop.user}",
        f"give user {shop.user} the login {shop.user}",
    ]
    probed(replace(shop, password=PASSWORD), installed)


def test_a_login_whose_user_has_another_name_needs_no_second_user(server: Server, installed: str, shop: Login) -> None:
    server.run_in(installed, f"CREATE USER web FOR LOGIN {shop.user}")
    plan = give(server, installed, choices(shop.user))
    assert plan.steps[-1].sentence == f"add user web to role {ROLE}"
    probed(shop, installed)


# what is more than an application needs: the statement, the line of the diff, what takes it away
MORE = {
    "db_owner": ("ALTER ROLE db_owner ADD MEMBER {user}", "database role db_owner", "take {user} out of role db_owner"),
    "a role of others": (
        "CREATE ROLE crew ALTER ROLE crew ADD MEMBER {user}",
        "database role crew",
        "take {user} out of role crew",
    ),
    "a table": (
        "GRANT SELECT ON OBJECT::dbo.ASPStateTempSessions TO {user}",
        "SELECT on dbo.ASPStateTempSessions",
        "revoke SELECT on dbo.ASPStateTempSessions from user {user}",
    ),
    "a procedure denied": (
        "DENY EXECUTE ON OBJECT::dbo.TempResetTimeout TO {user}",
        "DENY EXECUTE on dbo.TempResetTimeout",
        "revoke DENY EXECUTE on dbo.TempResetTimeout from user {user}",
    ),
    "the schema": (
        "GRANT EXECUTE ON SCHEMA::dbo TO {user}",
        "EXECUTE on schema dbo",
        "revoke EXECUTE on schema dbo from user {user}",
    ),
    "the database": (
        "GRANT VIEW DEFINITION TO {user}",
        "VIEW DEFINITION on the database",
        "revoke VIEW DEFINITION on the database from user {user}",
    ),
    "another procedure for the role": (
        "GRANT EXECUTE ON OBJECT::dbo.DeleteExpiredSessions TO {role}",
        "EXECUTE on dbo.DeleteExpiredSessions",
        "revoke EXECUTE on dbo.DeleteExpiredSessions from role {role}",
    ),
    "a member who is not listed": (
        "CREATE USER other FOR LOGIN {other} ALTER ROLE {role} ADD MEMBER other",
        "member other, who is not listed",
        "take other out of role {role}",
    ),
}


@pytest.mark.parametrize("more", MORE)
def test_more_than_is_needed_is_shown_and_taken_away_on_request(
    lab: OwnLab, server: Server, installed: str, shop: Login, more: str
) -> None:
    statement, line, sentence = MORE[more]
    give(server, installed, choices(shop.user))
    names = {"user": shop.user, "role": ROLE, "other": lab.login_with().user}
    server.run_in(installed, statement.format(**names))
    plan = give(server, installed, choices(shop.user))
    assert plan.steps == ()
    assert f"  more: {line}\n" in plan.after
    assert any(f.id == "ASP302" and line in f.message for f in findings(server, installed, choices(shop.user)))
    exclusive = choices(shop.user, exclusive=True)
    plan = give(server, installed, exclusive)
    assert [step.sentence for step in plan.steps] == [sentence.format(**names)]
    assert f"  more: {line}\n" in plan.before
    assert "more" not in plan.after
    assert give(server, installed, exclusive).steps == ()
    assert findings(server, installed, exclusive) == []
    probed(shop, installed)


def test_what_is_not_the_databases_is_shown_and_never_taken(server: Server, installed: str, shop: Login) -> None:
    chosen = choices(shop.user, exclusive=True)
    give(server, installed, chosen)
    server.run(f"ALTER SERVER ROLE sysadmin ADD MEMBER {shop.user}")
    server.run(f"GRANT CONTROL SERVER TO {shop.user}")
    plan = give(server, installed, chosen)
    assert plan.steps == ()
    assert "  more: server role sysadmin\n  more: CONTROL SERVER\n" in plan.after
    assert ids(findings(server, installed, chosen)) == ["ASP302"]
    server.run(f"ALTER SERVER ROLE sysadmin DROP MEMBER {shop.user}")
    server.run(f"REVOKE CONTROL SERVER TO {shop.user}")


def test_a_login_that_owns_the_database_is_given_nothing(server: Server, name: str, shop: Login) -> None:
    install(server, name, choices=Choices(owner=shop.user))
    plan = give(server, name, choices(shop.user))
    assert all(shop.user not in step.sentence for step in plan.steps)
    assert "  more: ownership of the database\n" in plan.after
    assert ids(findings(server, name, choices(shop.user))) == ["ASP302"]
    server.run(f"ALTER AUTHORIZATION ON DATABASE::{name} TO sa")


def test_taking_it_away_leaves_users_logins_and_other_rights(server: Server, installed: str, shop: Login) -> None:
    chosen = choices(shop.user)
    give(server, installed, chosen)
    server.run_in(installed, f"GRANT EXECUTE ON OBJECT::dbo.GetMajorVersion TO {shop.user}")
    plan = take(server, installed, chosen)
    assert [step.sentence for step in plan.steps] == [f"take {shop.user} out of role {ROLE}", f"drop role {ROLE}"]
    assert take(server, installed, chosen).steps == ()
    with connect(replace(shop, database=installed)) as own:
        assert own.run("SELECT name FROM sys.procedures").rows == [("GetMajorVersion",)]


def test_it_can_be_taken_away_when_the_login_is_gone_already(server: Server, installed: str, shop: Login) -> None:
    give(server, installed, choices(shop.user))
    server.run(f"DROP LOGIN {shop.user}")
    assert take(server, installed, choices(shop.user)).steps


def test_there_is_nothing_to_take_away_where_no_database_is(server: Server, name: str, shop: Login) -> None:
    assert take(server, name, choices(shop.user)).steps == ()


def test_the_needed_procedures_are_those_of_the_contract() -> None:
    assert {each.name for each in needed(("system_web",))} == CALLED_BY_SYSTEM_WEB


def test_type_temporary_needs_no_run_after_a_restart(lab: OwnLab) -> None:
    with own_lab() as own:
        shop = own.login_with()
        chain = Choices(manage_ownership_chain=True)
        with connect(own.login) as server:
            install(server, "ASPState", "temporary")
            give(server, "ASPState", choices(shop.user), "temporary")
            assert ids(findings(server, "ASPState", choices(shop.user), "temporary")) == ["ASP305"]
            install(server, "ASPState", "temporary", chain)
            assert findings(server, "ASPState", choices(shop.user), "temporary") == []
        probed(shop, "ASPState")
        own.restart()
        with connect(own.login) as server:
            wait_for_tables(server)
        probed(shop, "ASPState")
        with connect(own.login) as server:
            let_in(server, shop, "tempdb")
            chosen = choices(shop.user)
            assert ids(findings(server, "ASPState", chosen, "temporary")) == ["ASP303"]
            assert give(server, "ASPState", chosen, "temporary").steps == ()
            plan = give(server, "ASPState", replace(chosen, exclusive=True), "temporary")
            assert [step.sentence for step in plan.steps] == [f"drop user {shop.user} in tempdb"]
            assert findings(server, "ASPState", chosen, "temporary") == []
        probed(shop, "ASPState")
