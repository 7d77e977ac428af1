"""The probe as the application's own login, and as if by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.application import connect_as
from aspstate.errors import CannotConnect, Refused
from aspstate.login import Login
from aspstate.probe import ProbeFailed, Report, probe
from aspstate.server import Server, connect

from tests.integration.grants import ROLE, choices, give
from tests.integration.lab_login import OwnLab, let_in, own_lab
from tests.integration.playbook import Playbooks

pytestmark = pytest.mark.controls_server

WEB = "CONTOSO\\web$"
COUNTS = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions SELECT COUNT(*) FROM dbo.ASPStateTempApplications"


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


def probed(operator: Login, name: str, database: str, password: str = "") -> Report:
    """Probe a database as a login."""
    there = replace(operator, database=database)
    with connect(there) as own, connect_as(own, there, name, password) as application:
        return probe(application, own)


WAYS = {"with its password": True, "impersonated": False}


@pytest.mark.parametrize("way", WAYS)
def test_execute_alone_is_enough_and_no_trace_is_left(
    server: Server, login: Login, installed: str, shop: Login, way: str
) -> None:
    give(server, installed, choices(shop.user))
    report = probed(login, shop.user, installed, shop.password if WAYS[way] else "")
    assert report.residue == ""
    assert {"TempInsertStateItemLong", "TempUpdateStateItemLongNullShort"} <= {call.procedure for call in report.calls}
    assert server.run_in(installed, COUNTS).sets == ([(0,)], [(0,)])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("procedure", ["TempGetStateItem3", "TempInsertStateItemLong", "TempGetAppID"])
def test_the_operators_rights_do_not_help_the_application(
    server: Server, login: Login, installed: str, shop: Login, procedure: str, way: str
) -> None:
    give(server, installed, choices(shop.user))
    server.run_in(installed, f"REVOKE EXECUTE ON OBJECT::dbo.{procedure} FROM {ROLE}")
    with pytest.raises(ProbeFailed, match=f"EXECUTE permission was denied on the object '{procedure}'") as failed:
        probed(login, shop.user, installed, shop.password if WAYS[way] else "")
    assert failed.value.error.number == 229
    assert server.run_in(installed, "SELECT COUNT(*) FROM dbo.ASPStateTempApplications").row == (0,)


def test_what_the_application_does_not_see_is_said_of_the_application(
    server: Server, login: Login, installed: str, shop: Login
) -> None:
    let_in(server, shop, installed)
    with pytest.raises(ProbeFailed, match=f"login {shop.user} does not see dbo.TempGetVersion"):
        probed(login, shop.user, installed)


def test_a_login_that_does_not_get_in_is_told_with_the_sql_error(
    server: Server, login: Login, installed: str, shop: Login
) -> None:
    with pytest.raises(ProbeFailed, match=f"login {shop.user} does not get into database {installed}: ") as failed:
        probed(login, shop.user, installed)
    assert failed.value.error.number == 916
    with pytest.raises(CannotConnect):
        probed(login, shop.user, installed, shop.password)


@pytest.mark.parametrize("name", ["nobody", WEB, "sysadmin"])
def test_a_login_that_is_none_is_refused(login: Login, installed: str, name: str) -> None:
    with pytest.raises(Refused, match=r"as_login: .* has no login '"):
        probed(login, name, installed)


def test_the_right_to_impersonate_is_asked_first(lab: OwnLab, server: Server, installed: str, shop: Login) -> None:
    give(server, installed, choices(shop.user))
    operator = lab.login_with("VIEW ANY DEFINITION")
    let_in(server, operator, installed, "DELETE", "SELECT")
    with pytest.raises(Refused, match=f"lacks IMPERSONATE on login {shop.user}, which this needs"):
        probed(operator, shop.user, installed)
    server.run(f"GRANT IMPERSONATE ON LOGIN::{shop.user} TO {operator.user}")
    assert probed(operator, shop.user, installed).residue == ""


def test_the_module_says_how_it_was_connected(
    playbooks: Playbooks, server: Server, installed: str, shop: Login
) -> None:
    give(server, installed, choices(shop.user))
    itself = playbooks.module("aspstate_probe", name=installed, as_login=shop.user, as_password=shop.password)
    assert (itself.code, itself.result["connected_as"]) == (0, "login")
    assert shop.password not in itself.output
    other = playbooks.module("aspstate_probe", name=installed, as_login=shop.user)
    assert (other.code, other.result["connected_as"]) == (0, "impersonated")
    assert playbooks.module("aspstate_probe", name=installed).result["connected_as"] == "login"
    run = playbooks.module("aspstate_probe", name=installed, as_password="x-secret")
    assert "as_password is given without as_login" in run.result["msg"]


def test_a_wrong_password_is_in_no_message(playbooks: Playbooks, installed: str, shop: Login) -> None:
    run = playbooks.module("aspstate_probe", name=installed, as_login=shop.user, as_password="wr0ng-s3cret")
    assert (run.code, run.result["error_kind"]) == (2, "cannot_connect")
    assert shop.user in run.result["msg"]
    assert "wr0ng-s3cret" not in run.output
