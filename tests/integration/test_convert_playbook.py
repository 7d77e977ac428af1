"""playbooks/convert.yml as a user runs it: the database, the grants, the job and the web hosts, and what goes wrong."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aspstate.agent_job import usual_name
from aspstate.app_id import app_id
from aspstate.client import Client, session_key
from aspstate.login import Login
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.breaking import was_killed
from tests.integration.conftest import remove
from tests.integration.farm import Farm, WebHost
from tests.integration.lab_login import OLDEST, OwnLab, own_lab
from tests.integration.playbook import HostsRun
from tests.integration.web_service.services import little_services

pytestmark = pytest.mark.controls_server

PLAIN = '<configuration>\n  <system.web>\n    <sessionState mode="InProc" />\n  </system.web>\n</configuration>\n'
SECRET = f"Aa1!{secrets.token_hex(8)}"
SESSION = session_key("abcdefghijklmnopqrstuvwx", app_id("/lm/w3svc/1/root"))
DATA = bytes(20_000)
TO_SHOP = {"aspstate_convert_to": "custom", "aspstate_convert_database_name": "Shop"}


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server with an Agent."""
    with own_lab(*OLDEST, "--agent") as lab:
        yield lab


@dataclass
class Shop:
    """A farm of two web hosts, whose applications keep their sessions in ASPState, as the login `shop`."""

    lab: OwnLab
    farm: Farm

    def run(self, *options: str, playbook: str = "convert.yml", **variables: object) -> HostsRun:
        return self.farm.run(playbook, *options, **variables)

    def follows(self) -> list[str]:
        """The database that each host's application names, and whether it may."""
        return [self._named(host.web_config.read_text()) for host in self.farm.hosts]

    def _named(self, text: str) -> str:
        name = text.partition("Initial Catalog=")[2].partition('"')[0].partition(";")[0]
        assert ('allowCustomSqlDatabase="true"' in text) is bool(name), text
        return name

    def session(self, database: str) -> bytes | None:
        """What the application's login gets of the session there."""
        login = replace(self.lab.login, user="shop", password=SECRET, database=database)
        with connect(login, APPLICATION_OPTIONS) as own:
            item = Client(own).get(SESSION)
            return item.data if item else None

    def databases(self) -> set[str]:
        with connect(self.lab.login) as server:
            return {name for (name,) in server.run("SELECT name FROM sys.databases WHERE database_id > 4").rows}

    def jobs(self) -> list[str]:
        with connect(self.lab.login) as server:
            return [name for (name,) in server.run("SELECT name FROM msdb.dbo.sysjobs ORDER BY name").rows]


@pytest.fixture
def shop(lab: OwnLab, tmp_path: Path) -> Iterator[Shop]:
    """Everything installed by site.yml and running, with a session; it is gone afterwards."""
    with connect(lab.login) as server:
        server.run("CREATE DATABASE Shop")
    with little_services(tmp_path) as make:
        hosts = [WebHost(name, service) for name, service in make("web_a", "web_b").items()]
        for host in hosts:
            host.web_config.write_text(PLAIN)
        source = f"Data Source={lab.login.host},{lab.login.port};User ID=shop;Password={SECRET}"
        variables = {
            "aspstate_web_config_attributes": {"mode": "SQLServer", "sqlConnectionString": source},
            "aspstate_grants_logins": [{"name": "shop", "create_login": True, "password": SECRET}],
        }
        shop = Shop(lab, Farm(lab.login, tmp_path, hosts, variables))
        installed = shop.run(playbook="site.yml")
        assert installed.code == 0, installed.output
        with connect(replace(lab.login, database="ASPState")) as own:
            Client(own).insert(SESSION, DATA, 20)
        yield shop
    with connect(lab.login) as server:
        clear(server)


def clear(server: Server) -> None:
    for name in ("ASPState", "Shop"):
        server.run(
            "IF EXISTS (SELECT 1 FROM msdb.dbo.sysjobs WHERE name = %(job)s) "
            "EXEC msdb.dbo.sp_delete_job @job_name = %(job)s",
            {"job": usual_name(name)},
        )
        if server.run("SELECT DB_ID(%(name)s)", {"name": name}).row != (None,):
            server.run(f"ALTER DATABASE {name} SET SINGLE_USER WITH ROLLBACK IMMEDIATE DROP DATABASE {name}")
    remove(server, "ASPState", "temporary", discard=True)
    server.run("DROP LOGIN shop")


def test_everything_follows_to_a_database_of_another_name(shop: Shop) -> None:
    checked = shop.run("--check", "--diff", **TO_SHOP)
    assert checked.code == 0, checked.output
    assert (shop.follows(), shop.session("ASPState")) == (["", ""], DATA)
    run = shop.run("--diff", **TO_SHOP)
    assert run.code == 0, run.output
    assert run.diff == checked.diff
    assert (shop.follows(), shop.session("Shop")) == (["Shop", "Shop"], DATA)
    assert (shop.databases(), shop.jobs()) == ({"Shop"}, [usual_name("Shop")])
    assert "aspstate_type: custom and aspstate_database_name: Shop" in run.text
    assert SECRET not in run.output


@pytest.mark.sweep
def test_what_is_converted_is_not_converted_again_and_goes_home_again(shop: Shop) -> None:
    assert shop.run(**TO_SHOP).code == 0
    again = shop.run(**TO_SHOP)
    assert (again.code, again.changed) == (0, 0), again.output
    edited = {"aspstate_type": "custom", "aspstate_database_name": "Shop"}
    home = shop.run(aspstate_convert_to="persisted", **edited)
    assert home.code == 0, home.output
    assert (shop.follows(), shop.session("ASPState")) == (["", ""], DATA)
    assert (shop.databases(), shop.jobs()) == ({"ASPState", "Shop"}, [usual_name("ASPState")])


@pytest.mark.sweep
def test_where_the_name_stays_no_application_is_touched(shop: Shop) -> None:
    before = [host.web_config.read_text() for host in shop.farm.hosts]
    wanted = {"aspstate_convert_to": "temporary", "aspstate_manage_ownership_chain": True}
    checked = shop.run("--check", "--diff", **wanted)
    run = shop.run("--diff", **wanted)
    assert run.code == 0, run.output
    assert run.diff == checked.diff
    assert [host.web_config.read_text() for host in shop.farm.hosts] == before
    assert shop.session("ASPState") == DATA
    settled = shop.run(playbook="site.yml", aspstate_type="temporary", aspstate_manage_ownership_chain=True)
    assert (settled.code, settled.changed) == (0, 0), settled.output


@pytest.mark.sweep
def test_a_web_host_that_cannot_follow_keeps_the_old_database_forwarding(shop: Shop) -> None:
    behind = shop.farm.hosts[1]
    run = shop.run(at="Let the applications keep their sessions there", of="Applications", do=behind.cut, **TO_SHOP)
    assert run.code in (2, 4), run.output
    assert shop.follows()[1] == ""
    assert (shop.session("ASPState"), shop.session("Shop")) == (DATA, DATA)
    behind.cut.unlink()
    again = shop.run(**TO_SHOP)
    assert again.code == 0, again.output
    assert (shop.follows(), shop.databases()) == (["Shop", "Shop"], {"Shop"})


CUTS = {
    "after the preparation": ("New place", 2),
    "after the switch": ("Switch", 2),
    "among the web hosts": ("Applications", 3),
    "at the end": ("Old place", 1),
}


@pytest.mark.sweep
@pytest.mark.parametrize(("play", "at"), CUTS.values(), ids=CUTS)
def test_a_run_that_was_cut_off_is_taken_back_or_completed(shop: Shop, play: str, at: int) -> None:
    run = shop.run(at=at, of=play, do="kill", **TO_SHOP)
    assert was_killed(run), run.output
    assert shop.session("ASPState") == DATA
    back = shop.run(aspstate_convert_direction="back", **TO_SHOP)
    assert back.code == 0, back.output
    assert (shop.follows(), shop.session("ASPState")) == (["", ""], DATA)
    assert shop.jobs() == [usual_name("ASPState")]
    site = shop.run(playbook="site.yml")
    assert (site.code, site.changed) == (0, 0), site.output
    again = shop.run(**TO_SHOP)
    assert again.code == 0, again.output
    assert (shop.follows(), shop.session("Shop")) == (["Shop", "Shop"], DATA)


WRONG = {
    "no type": ({}, "aspstate_convert_to is not set"),
    "an unknown type": (
        {"aspstate_convert_to": "fast"},
        "value of aspstate_convert_to must be one of: temporary, persisted, custom",
    ),
    "the same place": ({"aspstate_convert_to": "persisted"}, "are one place"),
    "custom without a name": ({"aspstate_convert_to": "custom"}, "needs the name of a database of yours"),
    "custom in ASPState": (
        {"aspstate_convert_to": "custom", "aspstate_convert_database_name": "ASPState"},
        "ASPState is for the types temporary and persisted",
    ),
    "a broken ownership chain": ({"aspstate_convert_to": "temporary"}, "DB_CHAINING is off"),
    "a misspelt variable": ({**TO_SHOP, "aspstate_convert_form_name": "x"}, "did you mean aspstate_convert_from_name"),
}


def test_what_cannot_work_is_refused_before_anything_has_changed(shop: Shop) -> None:
    for wanted, said in WRONG.values():
        run = shop.run(**wanted)
        assert run.code == 2, run.output
        assert said in run.text, run.output
        assert "Traceback" not in run.output
        assert run.changed == 0

    other: Login = shop.lab.login_with()
    with connect(shop.lab.login) as server:
        server.run_in("ASPState", f"CREATE USER {other.user} FOR LOGIN {other.user}")
        server.run_in("ASPState", f"GRANT EXECUTE TO {other.user}")
    run = shop.run(**TO_SHOP)
    assert run.code == 2, run.output
    assert f"{other.user} (GetMajorVersion, TempGetAppID" in run.text
    assert (shop.follows(), shop.session("ASPState")) == (["", ""], DATA)
