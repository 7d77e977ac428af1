"""Session state that a script made years ago becomes the built-in one, with its sessions, while applications use it."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest
from aspstate.adoption import Adoption
from aspstate.app_id import suffix
from aspstate.client import SHORT_LIMIT, Client
from aspstate.errors import AspstateError, Refused, SqlServerError
from aspstate.generation import BUILT_IN
from aspstate.installation import generation
from aspstate.probe import probe
from aspstate.schema import TABLES
from aspstate.server import connect

from tests.integration.conftest import install
from tests.integration.lab_login import OwnLab, own_lab
from tests.integration.playbook import Playbooks
from tests.integration.scripted import OLD, Scripted, client_of, keys

pytestmark = pytest.mark.controls_server

SHORT, LONG = bytes(range(1, 200)) + bytes(3), bytes(range(250)) * 80 + bytes(8)
DEADLOCK = 1205
SOON = 30
REPORT, PROCEDURES = Adoption("report"), Adoption("procedures")


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server for the tests of this file."""
    with own_lab() as server:
        yield server


@pytest.fixture
def old(lab: OwnLab, request: pytest.FixtureRequest) -> Iterator[Scripted]:
    """What a script has just made."""
    scripted = Scripted(lab.login, *request.param)
    scripted.make()
    yield scripted
    scripted.remove()


each_old = pytest.mark.parametrize("old", OLD, indirect=True, ids=" ".join)
of_1_1_and_2_0 = pytest.mark.parametrize(
    "old", [("1.1", "temporary"), ("1.1", "persisted"), ("2.0", "temporary")], indirect=True, ids=" ".join
)


def store(old: Scripted, count: int = 8) -> dict[str, tuple[bytes, int]]:
    """Sessions, half of them long and half of each locked; each key with its bytes and the cookie of its lock or 0."""
    made = {}
    with old.application() as application:
        client = client_of(old.dialect, application)
        end = suffix(client.app_id("/LM/W3SVC/1/ROOT"))
        for number, key in enumerate(keys(count, end)):
            data = (LONG if number % 2 else SHORT) + bytes([number % 256, 0])
            client.insert(key, data, 20)
            made[key] = (data, client.get_exclusive(key).lock_cookie if number % 4 > 1 else 0)
    return made


def must_be_readable(client: Client, made: dict[str, tuple[bytes, int]]) -> None:
    """Every session, with its bytes and its lock, which still opens with its cookie."""
    for key, (data, cookie) in made.items():
        item = client.get(key)
        assert (item.locked, item.data) == (bool(cookie), None if cookie else data)
        if cookie:
            assert item.lock_cookie == cookie
            client.release(key, cookie)
            assert client.get(key).data == data


def must_be_built_in(old: Scripted) -> None:
    """What site.yml looks for: nothing is left to do, and ASP.NET lives through a session."""
    with connect(old.login) as server:
        now = old.current(server)
        kind = generation(now)
        assert (kind.name, kind.edited, kind.is_built_in) == (BUILT_IN, (), True)
        assert {name: table.indexes for name, table in now.tables.items()} == {
            name: table.indexes for name, table in TABLES.items()
        }
        assert install(server, old.name, old.type).steps == ()
        with old.application() as application:
            assert len(probe(application).calls) > 20


@each_old
def test_it_is_recognized_and_adopted_with_every_session(old: Scripted) -> None:
    made, rows = store(old), old.rows()
    with connect(old.login) as server:
        assert generation(old.current(server)).name == old.dialect
        plan = install(server, old.name, old.type)
    assert plan.before != plan.after
    assert old.rows() == rows
    must_be_built_in(old)
    with old.application() as application:
        client = client_of(old.dialect, application)
        must_be_readable(client, made)
        # the id of the application ends the keys of its sessions
        assert next(iter(made)).endswith(suffix(client.app_id("/LM/W3SVC/1/ROOT")))
        client.app_id("/LM/W3SVC/2/ROOT")


FILL = """
INSERT dbo.ASPStateTempSessions
    (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked, SessionItemShort)
VALUES """
ROW = "('{}', DATEADD(minute, 20, GETUTCDATE()), GETUTCDATE(), GETDATE(), 1, 20, 0, 0x{}0000)"


def ten_thousand_stay(old: Scripted, read: int) -> None:
    """All rows are compared, and `read` sessions read as well."""
    made = store(old, 100)
    many = list(keys(9900, "00000001", "x"))
    with connect(old.login) as server:
        place = old.current(server).tables_in
        for start in range(0, len(many), 100):
            rows = (ROW.format(key, key.encode().hex()) for key in many[start : start + 100])
            server.run_in(place, FILL + ", ".join(rows))
        before = old.rows()
        install(server, old.name, old.type)
    assert len(before) == 10_000
    assert old.rows() == before
    made |= {key: (key.encode() + bytes(2), 0) for key in many}
    with old.application() as application:
        must_be_readable(client_of(old.dialect, application), dict(list(made.items())[:read]))


@pytest.mark.parametrize("old", [("1.1", "temporary"), ("2.0", "persisted")], indirect=True, ids=" ".join)
def test_ten_thousand_live_sessions_stay(old: Scripted) -> None:
    ten_thousand_stay(old, 300)


@pytest.mark.sweep
@each_old
def test_ten_thousand_live_sessions_stay_everywhere(old: Scripted) -> None:
    ten_thousand_stay(old, 10_000)


@each_old
def test_grants_stay(old: Scripted, lab: OwnLab) -> None:
    login = lab.login_with()
    granted = "SELECT major_id, permission_name FROM sys.database_permissions WHERE class = 1 ORDER BY major_id"
    with connect(old.login) as server:
        server.run_in(old.name, f"CREATE USER {login.user} FOR LOGIN {login.user}")
        for name in ("TempGetAppID", "TempResetTimeout"):
            server.run_in(old.name, f"GRANT EXECUTE ON dbo.{name} TO {login.user}")
        before = server.run_in(old.name, granted).rows
        install(server, old.name, old.type)
        assert server.run_in(old.name, granted).rows == before
        assert len(before) == 2


class Visitor:
    """A client that uses sessions of its own, and knows what must be in them. It may lose a deadlock once at a time."""

    def __init__(self, old: Scripted, name: str) -> None:
        self.old, self.name = old, name
        self.turns = self.deadlocks = 0
        self.ended = threading.Event()

    def live(self) -> None:
        with self.old.application() as application:
            client = client_of(self.old.dialect, application)
            end = suffix(client.app_id("/LM/W3SVC/1/ROOT"))
            data = dict.fromkeys(keys(3, end, self.name), SHORT)
            for key in data:
                client.insert(key, SHORT, 20)
            while not self.ended.is_set():
                for key in data:
                    data[key] = self.visit(client, key, data[key])
                self.turns += 1

    def visit(self, client: Client, key: str, data: bytes) -> bytes:
        found = self.again(lambda: client.get_exclusive(key))
        assert (found.locked, found.data) == (False, data)
        assert self.again(lambda: client.get(key)).locked
        new = (LONG if len(data) <= SHORT_LIMIT else SHORT) + self.turns.to_bytes(3, "big")
        self.again(lambda: client.update(key, new, 20, found.lock_cookie, len(data)))
        self.again(lambda: client.reset_timeout(key))
        again = self.again(lambda: client.get_exclusive(key))
        assert (again.locked, again.data, again.lock_cookie) == (False, new, found.lock_cookie + 1)
        self.again(lambda: client.release(key, again.lock_cookie))
        return new

    def again(self, call):
        try:
            return call()
        except SqlServerError as error:
            if error.error.number != DEADLOCK:
                raise
            self.deadlocks += 1
            return call()

    def wait(self, running: Future, turns: int) -> None:
        """Until it has gone round that often more."""
        until, deadline = self.turns + turns, time.monotonic() + SOON
        while self.turns < until and not running.done():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@each_old
def test_no_request_fails_meanwhile(old: Scripted) -> None:
    made = store(old)
    visitors = [Visitor(old, name) for name in "abcd"]
    with ThreadPoolExecutor(len(visitors)) as pool:
        running = [pool.submit(visitor.live) for visitor in visitors]
        try:
            for visitor, future in zip(visitors, running, strict=True):
                visitor.wait(future, 2)
            with connect(old.login) as server:
                install(server, old.name, old.type)
            for visitor, future in zip(visitors, running, strict=True):
                visitor.wait(future, 2)
        finally:
            for visitor in visitors:
                visitor.ended.set()
        for future in running:
            future.result(SOON)
    with old.application() as application:
        must_be_readable(client_of(old.dialect, application), made)


@each_old
def test_report_changes_nothing_and_tells_what_would_be_done(old: Scripted) -> None:
    store(old)
    with connect(old.login) as server:
        before = old.current(server)
        plan = install(server, old.name, old.type, adoption=REPORT)
        assert (plan.steps, plan.before) == ((), plan.after)
        assert old.current(server) == before


@pytest.mark.parametrize("old", [("2.0", "temporary"), ("4.x", "custom")], indirect=True, ids=" ".join)
def test_procedures_alone_are_enough_for_those_of_2_0_and_later(old: Scripted) -> None:
    made = store(old)
    with connect(old.login) as server:
        server.run_in(old.current(server).tables_in, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")
        before = old.current(server)
        plan = install(server, old.name, old.type, adoption=PROCEDURES)
        now = old.current(server)
        assert (now.tables, now.contents.types) == (before.tables, before.contents.types)
        assert {step.sentence.split()[0] for step in plan.steps} == {"alter"}
        assert generation(now).is_built_in
    with old.application() as application:
        must_be_readable(Client(application), made)


@pytest.mark.parametrize("old", [("1.1", "persisted")], indirect=True, ids=" ".join)
def test_procedures_alone_are_not_enough_for_those_of_1_1(old: Scripted) -> None:
    with connect(old.login) as server:
        before = old.current(server)
        with pytest.raises(Refused, match="its procedures cannot be altered without its columns"):
            install(server, old.name, old.type, adoption=PROCEDURES)
        assert old.current(server) == before


@pytest.mark.parametrize("old", [("1.1", "persisted"), ("2.0", "custom")], indirect=True, ids=" ".join)
def test_site_reports_shows_and_adopts_and_is_then_done(old: Scripted) -> None:
    made, playbooks = store(old), Playbooks(old.login)
    what = {"aspstate_type": old.type, "aspstate_database_name": old.name, "aspstate_agent_job_state": "unmanaged"}
    probed = {"aspstate_database_probe": old.dialect != "1.1"}
    reported = playbooks.run("site.yml", "--diff", **what, **probed, aspstate_database_adopt="report")
    assert (reported.code, reported.changed, reported.diff) == (0, 0, []), reported.output
    assert f"database {old.name}: adoption: " in reported.text

    checked = playbooks.run("site.yml", "--check", "--diff", **what)
    assert (checked.code, checked.changed) == (0, 1), checked.output
    adopted = playbooks.run("site.yml", "--diff", **what)
    assert (adopted.code, adopted.changed, adopted.diff) == (0, 1, checked.diff), adopted.output
    again = playbooks.run("site.yml", "--diff", **what)
    assert (again.code, again.changed, again.diff) == (0, 0, []), again.output
    with old.application() as application:
        must_be_readable(client_of(old.dialect, application), made)


EDITED = "ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS EXEC dbo.Seen @id"


@of_1_1_and_2_0
def test_what_somebody_has_edited_is_refused_by_name_until_that_is_allowed(old: Scripted) -> None:
    with connect(old.login) as server:
        server.run_in(old.name, EDITED)
        with pytest.raises(Refused, match=r"somebody has edited procedure dbo\.TempResetTimeout"):
            install(server, old.name, old.type)
        assert old.current(server).contents.procedures["TempResetTimeout"].definition.endswith("EXEC dbo.Seen @id")
        plan = install(server, old.name, old.type, adoption=Adoption(overwrite_edited=True))
        assert "EXEC dbo.Seen @id" in plan.before
    must_be_built_in(old)


of_1_1 = pytest.mark.parametrize("old", [("1.1", "temporary"), ("1.1", "persisted")], indirect=True, ids=" ".join)


@pytest.mark.parametrize("what", ["SELECT ON dbo.ASPStateTempApplications", "REFERENCES ON TYPE::dbo.tSessionId"])
@of_1_1
def test_rights_on_what_is_made_anew_are_not_lost(old: Scripted, lab: OwnLab, what: str) -> None:
    login = lab.login_with()
    with connect(old.login) as server:
        before = old.current(server)
        place = old.name if "TYPE" in what else before.tables_in
        server.run_in(place, f"CREATE USER {login.user} FOR LOGIN {login.user}")
        server.run_in(place, f"GRANT {what} TO {login.user}")
        with pytest.raises(AspstateError, match=rf"rights were granted on .*{what.partition('dbo.')[2]} itself"):
            install(server, old.name, old.type)
        assert old.current(server) == before


@pytest.mark.parametrize(
    "of", ["ASPStateTempApplications (AppName, AppId)", "ASPStateTempSessions (Locked, SessionId)"]
)
@of_1_1
def test_an_index_of_somebodys_own_is_not_lost_and_does_not_stop_it_half_way(old: Scripted, of: str) -> None:
    with connect(old.login) as server:
        place = old.current(server).tables_in
        server.run_in(place, f"CREATE INDEX mine ON dbo.{of}")
        table, _, columns = of.partition(" ")
        with pytest.raises(Refused, match=re.escape(f"index mine {columns} on dbo.{table} would be lost")):
            install(server, old.name, old.type)
        server.run_in(place, f"DROP INDEX mine ON dbo.{table}")
        server.run_in(place, "CREATE INDEX mine ON dbo.ASPStateTempSessions (Created)")
        install(server, old.name, old.type)
        assert "mine (Created)" in old.current(server).tables["ASPStateTempSessions"].indexes


@of_1_1
def test_a_column_of_somebodys_own_is_refused_by_its_name_alone(old: Scripted) -> None:
    with connect(old.login) as server:
        server.run_in(old.current(server).tables_in, "ALTER TABLE dbo.ASPStateTempSessions ADD Mine int NULL")
        with pytest.raises(
            Refused, match=r"up to date: dbo\.ASPStateTempSessions has the column Mine int NULL\. Nothing"
        ):
            install(server, old.name, old.type)


def test_a_type_that_something_else_uses_is_not_replaced(lab: OwnLab) -> None:
    old = Scripted(lab.login, "1.1", "persisted")
    old.make()
    with connect(old.login) as server:
        server.run_in(old.name, "CREATE PROCEDURE dbo.mine @id tSessionId AS RETURN 0")
        with pytest.raises(Refused, match=r"type dbo\.tSessionId is to be replaced, and dbo\.mine may use it"):
            install(server, old.name, old.type)
        server.run_in(old.name, "DROP PROCEDURE dbo.mine")
    old.remove()


def test_who_keeps_the_tables_locked_is_told_and_nothing_has_changed(lab: OwnLab) -> None:
    old = Scripted(lab.login, "1.1", "persisted")
    old.make()
    with connect(old.login) as server, connect(replace(old.login, database=old.name)) as other:
        before = old.current(server)
        store(old, 1)
        other.run("BEGIN TRANSACTION UPDATE dbo.ASPStateTempSessions SET Timeout = 5")
        with pytest.raises(Refused, match="locked for too long"):
            install(server, old.name, old.type)
        other.run("ROLLBACK TRANSACTION")
        assert old.current(server) == before
    old.remove()


@pytest.mark.parametrize(("deadlocks", "adopted"), [(2, True), (3, False)])
def test_who_loses_a_deadlock_to_the_applications_tries_three_times(lab: OwnLab, deadlocks: int, adopted: bool) -> None:
    old = Scripted(lab.login, "1.1", "persisted")
    old.make()
    made = store(old)
    once = {"match": "sp_rename", "action": "error", "number": DEADLOCK, "program": "aspstate"}
    lab.faults.write_text(json.dumps([{**once, "nth": 1 + nth} for nth in range(deadlocks)]))
    with connect(old.login) as server:
        if adopted:
            install(server, old.name, old.type)
        else:
            with pytest.raises(Refused, match="locked for too long"):
                install(server, old.name, old.type)
        assert generation(old.current(server)).is_built_in == adopted
    lab.faults.unlink()
    with old.application() as application:
        must_be_readable(client_of(old.dialect, application), made)
    old.remove()


WAYS = {
    "lost before it": {"action": "drop_before"},
    "lost after it": {"action": "drop_after"},
    "an error": {"action": "error", "number": 1105},
}
PARTS = (0.3, 0.7, 1.0)


def fails(lab: OwnLab, old: Scripted, nth: int, way: str) -> bool:
    """Whether the adoption came to its nth statement and failed there; then nothing is lost, and it is completed."""
    old.make()
    made, rows = store(old), old.rows()
    lab.fail(match=".", nth=nth, program="aspstate", **WAYS[way])
    failed = False
    try:
        with connect(old.login) as server:
            install(server, old.name, old.type)
    except AspstateError as error:
        assert str(error)
        failed = True
    finally:
        lab.faults.unlink()
    assert old.rows() == rows
    with connect(old.login) as server:
        install(server, old.name, old.type)
    assert old.rows() == rows
    must_be_built_in(old)
    with old.application() as application:
        must_be_readable(client_of(old.dialect, application), made)
    return failed


@pytest.mark.parametrize(("dialect", "type_"), [("1.1", "temporary"), ("2.0", "persisted")])
def test_an_adoption_that_fails_somewhere_loses_nothing_and_is_completed(lab: OwnLab, dialect: str, type_: str) -> None:
    old, last = Scripted(lab.login, dialect, type_), 16
    while fails(lab, old, last * 2, "an error"):
        last *= 2
    for part, way in zip(PARTS, WAYS, strict=True):
        assert fails(lab, old, int(last * part), way)
    old.remove()


@pytest.mark.sweep
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("dialect", "type_"), [("1.1", "temporary"), ("1.1", "persisted"), ("2.0", "temporary"), ("4.x", "custom")]
)
def test_an_adoption_may_fail_anywhere(lab: OwnLab, dialect: str, type_: str, way: str) -> None:
    old, nth = Scripted(lab.login, dialect, type_), 1
    while fails(lab, old, nth, way):
        nth += 1
    assert nth > 10
    old.remove()
