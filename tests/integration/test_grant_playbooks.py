"""The grants as a user runs them, from an empty server on, and what the playbooks refuse."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest
from aspstate.login import Login
from aspstate.probe import probe
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import current, install
from tests.integration.grants import ROLE, choices, give
from tests.integration.lab_login import OwnLab, let_in, own_lab
from tests.integration.playbook import HostsRun, Playbooks
from tests.integration.test_playbooks import refused

pytestmark = pytest.mark.controls_server

WEB = "CONTOSO\\WEB01$"


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
def shop(lab: OwnLab) -> Login:
    """An application's login."""
    return lab.login_with()


def asked(name: str, *logins: dict[str, object], **others: object) -> dict[str, object]:
    """The variables of a run, without the job."""
    values = {f"aspstate_grants_{key}": value for key, value in others.items()}
    without_job = {"aspstate_agent_job_state": "unmanaged"}
    return {"aspstate_database_name": name, "aspstate_grants_logins": list(logins), **without_job, **values}


def test_check_install_again_and_remove(playbooks: Playbooks, server: Server, name: str) -> None:
    new = f"{name}_new"
    password = f"Aa1!{secrets.token_hex(8)}"
    logins = ({"name": WEB, "create_login": True}, {"name": new, "create_login": True, "password": password})
    wanted = asked(name, *logins)
    checked = playbooks.run("site.yml", "--check", "--diff", **wanted)
    assert (checked.code, checked.changed) == (0, 2), checked.output
    assert server.run("SELECT SUSER_SID(%(name)s)", {"name": new}).row == (None,)

    done = playbooks.run("site.yml", "--diff", "-vvv", **wanted)
    assert (done.code, done.changed) == (0, 2), done.output
    assert done.diff == checked.diff
    assert f"+role {ROLE} in database {name}: present" in done.diff
    assert password not in done.output
    assert "connected_as: impersonated" in done.output
    assert "connected_as: login" in done.output
    with connect(replace(playbooks.login, user=new, password=password, database=name), APPLICATION_OPTIONS) as own:
        probe(own)

    for options in ((), ("--check",)):
        again = playbooks.run("site.yml", "--diff", *options, **wanted)
        assert (again.code, again.changed, again.diff) == (0, 0, []), again.output

    confirmed = {**wanted, "aspstate_uninstall_confirm": name}
    would = playbooks.run("uninstall.yml", "--check", "--diff", **confirmed)
    removed = playbooks.run("uninstall.yml", "--diff", **confirmed)
    assert (would.changed, removed.changed, removed.diff) == (1, 1, would.diff), removed.output
    assert not current(server, name).exists
    assert playbooks.run("uninstall.yml", **confirmed).changed == 0
    server.run(f"DROP LOGIN [{WEB}] DROP LOGIN [{new}]")


def test_a_lost_grant_is_predicted_given_back_and_proved(
    playbooks: Playbooks, server: Server, installed: str, shop: Login
) -> None:
    wanted = asked(installed, {"name": shop.user})
    give(server, installed, choices(shop.user))
    for procedure in ("TempGetVersion", "TempInsertStateItemLong"):
        server.run_in(installed, f"REVOKE EXECUTE ON OBJECT::dbo.{procedure} FROM {ROLE}")
    checked = playbooks.run("site.yml", "--check", "--diff", **wanted)
    done = playbooks.run("site.yml", "--diff", **wanted)
    assert (checked.changed, done.changed, checked.diff) == (1, 1, done.diff), done.output
    added = [line for line in done.diff if line.startswith("+ ")]
    assert added == ["+  EXECUTE on dbo.TempGetVersion", "+  EXECUTE on dbo.TempInsertStateItemLong"]
    assert playbooks.run("site.yml", **wanted).changed == 0


def test_with_no_logins_nothing_is_asked_or_changed(playbooks: Playbooks, server: Server, installed: str) -> None:
    run = playbooks.run("site.yml", **asked(installed, role="db_owner"))
    assert (run.code, run.changed) == (0, 0), run.output
    assert (
        server.run_in(installed, "SELECT name FROM sys.database_principals WHERE name = 'aspstate_application'").rows
        == []
    )


def test_what_a_probe_as_the_application_finds_fails_the_run(
    playbooks: Playbooks, server: Server, installed: str, shop: Login
) -> None:
    give(server, installed, choices(shop.user))
    server.run_in(installed, f"DENY EXECUTE ON OBJECT::dbo.TempResetTimeout TO {shop.user}")
    run = playbooks.run("site.yml", **asked(installed, {"name": shop.user}))
    assert run.code == 2
    assert "TempResetTimeout failed: " in run.text
    assert "error 229" in run.text
    assert f"login {shop.user}: DENY EXECUTE on dbo.TempResetTimeout" in run.text
    assert playbooks.run("site.yml", **asked(installed, {"name": shop.user}, exclusive=True)).changed == 1


def test_the_module_tells_extra_rights_and_findings(
    playbooks: Playbooks, server: Server, installed: str, shop: Login
) -> None:
    give(server, installed, choices(shop.user))
    server.run_in(installed, f"ALTER ROLE db_owner ADD MEMBER {shop.user}")
    server.run_in(installed, f"DENY EXECUTE ON OBJECT::dbo.TempResetTimeout TO {shop.user}")
    run = playbooks.module("aspstate_grants", name=installed, logins=[{"name": shop.user}])
    assert f"ASP301 (critical) login {shop.user}: its client needs in database" in " ".join(run.output.split())
    result = run.result
    assert result["extra"] == [
        f"login {shop.user}: database role db_owner",
        f"login {shop.user}: DENY EXECUTE on dbo.TempResetTimeout",
    ]
    assert [(each["id"], each["severity"], each["runbook"]) for each in result["findings"]] == [
        ("ASP301", "critical", "docs/runbooks/grants.md#asp301"),
        ("ASP302", "warning", "docs/runbooks/grants.md#asp302"),
    ]


def test_the_module_refuses_without_a_database(playbooks: Playbooks, name: str, shop: Login) -> None:
    run = playbooks.module("aspstate_grants", name=name, logins=[{"name": shop.user}])
    assert (run.code, run.result["error_kind"]) == (2, "refused")
    assert "has none of that name, so nobody can be given rights in it; nothing was changed" in run.result["msg"]


def test_an_ownership_chain_is_refused_while_an_application_may_make_procedures() -> None:
    with own_lab() as lab:
        shop, playbooks = lab.login_with(), Playbooks(lab.login)
        wanted = {**asked("ASPState", {"name": shop.user}), "aspstate_type": "temporary"}
        with connect(lab.login) as server:
            install(server, "ASPState", "temporary")
            let_in(server, shop, "ASPState")
            server.run_in("ASPState", f"ALTER ROLE db_ddladmin ADD MEMBER {shop.user}")
            run = playbooks.run("site.yml", **wanted, aspstate_manage_ownership_chain=True)
            refused(run, f"user {shop.user} (login {shop.user}) is in db_ddladmin, and so could put procedures there")
            assert not current(server, "ASPState", "temporary").properties.db_chaining
            server.run_in("ASPState", f"ALTER ROLE db_ddladmin DROP MEMBER {shop.user}")
        run = playbooks.run("site.yml", **wanted, aspstate_manage_ownership_chain=True)
        assert (run.code, run.changed) == (0, 2), run.output


def test_a_probe_needs_the_right_to_impersonate_before_anything_is_changed(
    lab: OwnLab, server: Server, installed: str, shop: Login
) -> None:
    operator = lab.login_with("VIEW ANY DEFINITION")
    let_in(server, operator, installed, "CONTROL")
    wanted = asked(installed, {"name": shop.user})
    run = Playbooks(operator).run("site.yml", **wanted)
    refused(run, f"lacks IMPERSONATE on login {shop.user}, which this needs; nothing was changed")
    server.run(f"GRANT IMPERSONATE ON LOGIN::{shop.user} TO {operator.user}")
    run = Playbooks(operator).run("site.yml", **wanted)
    assert (run.code, run.changed) == (0, 1), run.output


# by the task that refuses, which all hosts of a run come to: what is wrong, the logins, others, what it must say
BAD_INPUT: dict[str, list[tuple[str, object, dict[str, object], str]]] = {
    "names": [
        ("a misspelt variable", [], {"aspstate_grants_login": []}, "aspstate_grants_login is not a variable of this"),
    ],
    "kinds": [("a name for a list", "shop", {}, "aspstate_grants_logins is text, not a list")],
    "argument_specs": [
        ("a switch that is none", [{"name": "a", "create_login": "perhaps"}], {}, "'perhaps' is not a valid boolean"),
        ("no name", [{"create_login": True}], {}, "missing required arguments: name"),
        ("a misspelt key", [{"name": "shop", "pasword": "s3cr3t-word"}], {}, "aspstate_grants_logins.pasword"),
        ("a client that is none", [], {"aspstate_grants_clients": ["java"]}, "aspstate_grants_clients must be one or"),
    ],
    "module": [
        ("sa", [{"name": "sa"}], {}, "login 'sa': that is SQL Server's own name"),
        ("a blank name", [{"name": " "}], {}, "login ' ': it is blank"),
        ("a Windows password", [{"name": WEB, "password": "s3cr3t-word"}], {}, "Windows has the password of a Windows"),
        ("two of one name", [{"name": "a"}, {"name": "A"}], {}, "login 'a' is in aspstate_grants_logins twice"),
        ("nobody", [{"name": "nobody"}], {}, "has none of that name; correct it in aspstate_grants_logins"),
        ("no password", [{"name": "new", "create_login": True}], {}, "create_login of an SQL login needs a password"),
        ("a fixed role", [{"name": "a"}], {"aspstate_grants_role": "db_owner"}, "it is a role that comes with every"),
        ("no clients", [{"name": "a"}], {"aspstate_grants_clients": []}, "clients is empty; give one or more of"),
        (
            "the asynchronous provider with type temporary",
            [{"name": "a"}],
            {"aspstate_grants_clients": ["async_compat"], "aspstate_type": "temporary"},
            "client async_compat looks for its table in the session database",
        ),
    ],
}
ROWS = [(stage, place, *row) for stage, rows in BAD_INPUT.items() for place, row in enumerate(rows)]


@pytest.fixture(scope="module")
def refusals(lab: OwnLab, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], HostsRun]:
    """A run for each task that refuses, with a host for each of its rows."""

    @cache
    def run(stage: str) -> HostsRun:
        hosts = {
            f"host{place}": {"aspstate_grants_logins": row[1], **row[2]} for place, row in enumerate(BAD_INPUT[stage])
        }
        return Playbooks(lab.login).run_hosts("site.yml", hosts, tmp_path_factory.mktemp("hosts"))

    return run


@pytest.mark.parametrize(("stage", "place", "message"), [(*row[:2], row[5]) for row in ROWS], ids=[r[2] for r in ROWS])
def test_bad_input_gets_one_clear_message_and_changes_nothing(
    refusals: Callable[[str], HostsRun], stage: str, place: int, message: str
) -> None:
    run = refusals(stage)
    assert run.code == 2, run.output
    assert message in run.failure(f"host{place}"), run.output
    assert run.changed == 0
    assert "Traceback" not in run.output
    assert "s3cr3t-word" not in run.output
