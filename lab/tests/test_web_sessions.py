"""ASP.NET applications whose sessions are in the session database: what visitors see, and what is in the tables."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from aspstate.client import Client

from lab.tests.farm import Farm, own_farm, page, visit
from lab.web.browser import Browser
from lab.web.servers import missing_packages, start, stop
from tests.integration.conftest import install
from tests.integration.lab_login import let_in

pytestmark = [
    pytest.mark.controls_server,
    pytest.mark.skipif(bool(missing_packages()), reason=missing_packages()),
]

SHORT_AND_LONG = """
SELECT DATALENGTH(SessionItemShort), DATALENGTH(SessionItemLong) FROM dbo.ASPStateTempSessions WHERE SessionId = %(id)s
"""
UNABLE = "Unable to connect to SQL Server session database."


@pytest.fixture(scope="module")
def the_farm() -> Iterator[Farm]:
    """One for all tests here."""
    with own_farm() as farm:
        yield farm


@pytest.fixture
def farm(the_farm: Farm) -> Farm:
    """Both nodes run, and keep their sessions in the same database."""
    the_farm.lab.fail()
    for node in (the_farm.a, the_farm.b):
        the_farm.start(node)
    return the_farm


@pytest.fixture
def visitor() -> Browser:
    return Browser()


def key(browser: Browser) -> str:
    """The visitor's session in the table."""
    (cookie,) = browser.cookies
    return f"{cookie.value}2014c0f1"


def test_a_visitor_is_counted_on_whatever_node_and_after_every_restart(farm: Farm, visitor: Browser) -> None:
    a, b = (f"{node.url}count" for node in (farm.a, farm.b))
    assert visit(visitor, a, a, a, b) == ["1", "2", "3", "4"]
    for node in (farm.a, farm.b):
        stop(node)
        start(node)
    assert visit(visitor, a) == ["5"]
    farm.lab.restart()
    assert visit(visitor, b, a) == ["6", "7"]


def test_a_long_item_moves_between_nodes_and_columns(farm: Farm, visitor: Browser) -> None:
    def columns() -> tuple[bool, bool]:
        with farm.database() as server:
            short, long = server.run(SHORT_AND_LONG, {"id": key(visitor)}).row
        return short is not None, long is not None

    assert visit(visitor, f"{farm.a.url}count", f"{farm.a.url}large", f"{farm.b.url}large") == ["1", "20000", "20000"]
    assert columns() == (False, True)
    assert visit(visitor, f"{farm.b.url}large?bytes=20001", f"{farm.a.url}large") == ["20001", "20001"]
    assert visit(visitor, f"{farm.a.url}large?bytes=10", f"{farm.b.url}large") == ["10", "10"]
    assert columns() == (True, False)
    assert visit(visitor, f"{farm.b.url}count") == ["2"]


def test_the_longest_short_item_is_short(farm: Farm, visitor: Browser) -> None:
    visit(visitor, f"{farm.a.url}large?bytes=10")
    with farm.database() as server:
        other = server.run(SHORT_AND_LONG, {"id": key(visitor)}).row[0] - 10
        for size, columns in ((7000, (7000, None)), (7001, (None, 7001))):
            assert visit(visitor, f"{farm.a.url}large?bytes={size - other}") == [str(size - other)]
            assert server.run(SHORT_AND_LONG, {"id": key(visitor)}).row == columns


def test_a_request_waits_for_a_session_that_another_one_has_locked(farm: Farm, visitor: Browser) -> None:
    url = f"{farm.a.url}count"
    visit(visitor, url)
    answers: list[str] = []
    request = threading.Thread(target=lambda: answers.extend(visit(visitor, url)))
    with farm.database() as server:
        client = Client(server)
        item = client.get_exclusive(key(visitor))
        request.start()
        time.sleep(1.2)
        assert answers == []
        client.release(key(visitor), item.lock_cookie)
    request.join(10)
    assert answers == ["2"]


def test_a_page_that_only_reads_leaves_no_session(farm: Farm, visitor: Browser) -> None:
    with farm.database() as server:
        server.run("DELETE dbo.ASPStateTempSessions")
        assert visit(visitor, farm.a.url) == ["ok"]
        assert server.run("SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (0,)
        visit(visitor, f"{farm.a.url}count", farm.b.url)
        assert server.run("SELECT SessionId, Locked FROM dbo.ASPStateTempSessions").row == (key(visitor), False)


def test_an_abandoned_session_is_gone(farm: Farm, visitor: Browser) -> None:
    visit(visitor, f"{farm.a.url}count", f"{farm.b.url}abandon")
    with farm.database() as server:
        assert server.run(SHORT_AND_LONG, {"id": key(visitor)}).rows == []


def test_a_node_is_known_by_its_workstation_and_gone_when_stopped(farm: Farm, visitor: Browser) -> None:
    visit(visitor, f"{farm.a.url}count", f"{farm.b.url}count")
    who = "SELECT host_name, DB_NAME(database_id) FROM sys.dm_exec_sessions WHERE host_name LIKE N'web[_]%' ORDER BY 1"
    with farm.database() as server:
        assert server.run(who).rows == [("web_a", "ASPState"), ("web_b", "ASPState")]
        stop(farm.b)
        assert server.run(who).rows == [("web_a", "ASPState")]


def test_an_application_has_the_name_that_a_first_site_of_iis_would_give_it(farm: Farm) -> None:
    visit(Browser(), farm.a.url, farm.b.url)
    with farm.database() as server:
        rows = server.run("SELECT AppId, RTRIM(AppName) FROM dbo.ASPStateTempApplications").rows
    assert rows == [(0x2014C0F1, "/lm/w3svc/1/root")]


def test_attributes_of_session_state_do_what_they_say(farm: Farm, visitor: Browser) -> None:
    farm.start(farm.a, timeout="7", cookieName="shop", compressionEnabled="true")
    assert visit(visitor, f"{farm.a.url}large", f"{farm.a.url}large") == ["20000", "20000"]
    assert [cookie.name for cookie in visitor.cookies] == ["shop"]
    with farm.database() as server:
        short, long = server.run(SHORT_AND_LONG, {"id": key(visitor)}).row
        assert (short < 7000, long) == (True, None)
        row = server.run("SELECT Timeout FROM dbo.ASPStateTempSessions WHERE SessionId = %(id)s", {"id": key(visitor)})
    assert row.row == (7,)


def test_nodes_that_disagree_about_compression_break_each_others_sessions(farm: Farm, visitor: Browser) -> None:
    farm.start(farm.b, compressionEnabled="true")
    visit(visitor, f"{farm.a.url}count")
    assert visitor.get(f"{farm.b.url}count").status == 500


def test_sessions_without_cookies_begin_uninitialized(farm: Farm) -> None:
    farm.start(farm.a, cookieless="UseUri")
    with farm.database() as server:
        server.run("DELETE dbo.ASPStateTempSessions")
        assert visit(Browser(), f"{farm.a.url}count") == ["1"]
        assert server.run("SELECT Flags, LockCookie FROM dbo.ASPStateTempSessions").row == (0, 2)


def test_a_named_connection_string_is_looked_up(farm: Farm, visitor: Browser) -> None:
    farm.start(farm.a, sqlConnectionString="Sessions")
    assert visit(visitor, f"{farm.a.url}count", f"{farm.b.url}count") == ["1", "2"]


def test_a_database_may_be_named_only_where_that_is_allowed(farm: Farm, visitor: Browser) -> None:
    text = f"{farm.connection_string(farm.a)};Initial Catalog=Elsewhere"
    with farm.database("master") as server:
        install(server, "Elsewhere")
    farm.start(farm.a, text)
    answer = visitor.get(f"{farm.a.url}count")
    assert answer.status == 500
    assert "cannot contain the connection options 'Database', 'Initial Catalog'" in page(answer)
    farm.start(farm.a, text, allowCustomSqlDatabase="true")
    visit(visitor, f"{farm.a.url}count")
    with farm.database("Elsewhere") as server:
        assert len(server.run(SHORT_AND_LONG, {"id": key(visitor)}).rows) == 1


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"partitionResolverType": "Shop.Resolver"}, "know no partitionResolverType"),
        ({"sqlConnectionString": r"registry:HKLM\Software\Shop,Sessions"}, "have no registry"),
    ],
)
def test_what_the_nodes_do_not_know_is_refused_by_name(farm: Farm, attributes: dict[str, str], reason: str) -> None:
    farm.start(farm.a, **attributes)
    answer = Browser().get(farm.a.url)
    assert (answer.status, reason in page(answer)) == (500, True)


def test_a_refused_login_is_said_with_the_users_name(farm: Farm) -> None:
    farm.start(farm.a, farm.connection_string(farm.a, replace(farm.lab.login, password="wrong")))
    text = page(Browser().get(farm.a.url))
    assert UNABLE in text
    assert "Failed to login to session state SQL server for user 'sa'." in text
    assert "wrong" not in text


def test_a_database_without_session_state_is_said_to_be_one(farm: Farm) -> None:
    text = f"{farm.connection_string(farm.a)};Initial Catalog=master"
    farm.start(farm.a, text, allowCustomSqlDatabase="true")
    assert "Session State is not installed on the SQL server" in page(Browser().get(farm.a.url))


def test_a_login_that_may_not_call_a_procedure_is_not_told_which(farm: Farm) -> None:
    login = farm.lab.login_with()
    with farm.database() as server:
        let_in(server, login, "ASPState", "EXECUTE")
        server.run(f"DENY EXECUTE ON dbo.TempInsertStateItemShort TO {login.user}")
    farm.start(farm.a, farm.connection_string(farm.a, login))
    answer = Browser().get(f"{farm.a.url}count")
    assert (answer.status, UNABLE in answer.text) == (500, True)


@pytest.mark.parametrize(("number", "status"), [(2627, 200), (2601, 500)])
def test_of_two_requests_that_make_one_session_the_second_is_no_error(farm: Farm, number: int, status: int) -> None:
    farm.lab.fail(match="^insert .*ASPStateTempSessions", nth=1, action="error", number=number)
    farm.start(farm.a)
    assert Browser().get(f"{farm.a.url}count").status == status


def test_a_command_that_takes_too_long_is_given_up(farm: Farm, visitor: Browser) -> None:
    visit(visitor, f"{farm.b.url}count")
    farm.lab.fail(match="^update .*ASPStateTempSessions", nth=1, action="stall", seconds=20)
    farm.start(farm.a, sqlCommandTimeout="1")
    begin = time.monotonic()
    answer = visitor.get(f"{farm.a.url}count")
    assert (answer.status, UNABLE in answer.text) == (500, True)
    assert time.monotonic() - begin < 10


def test_a_server_that_is_away_is_an_error_until_it_is_back(farm: Farm, visitor: Browser) -> None:
    farm.start(farm.a, f"{farm.connection_string(farm.a)};Connect Timeout=2")
    url = f"{farm.a.url}count"
    visit(visitor, url)
    farm.lab.own.kill()
    answer = visitor.get(url)
    farm.lab.restart()
    assert (answer.status, UNABLE in answer.text) == (500, True)
    deadline = time.monotonic() + 15
    while (answer := visitor.get(url)).status != 200:  # SqlClient repeats the error for 5 s without trying
        assert time.monotonic() < deadline, page(answer)
        time.sleep(0.2)
    assert answer.text == "2"
