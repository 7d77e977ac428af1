"""The shipped procedures answer as ASP.NET's client needs it, called as it calls them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from aspstate.app_id import app_id
from aspstate.client import EMPTY_SESSION, SHORT_LIMIT, Client, Item
from aspstate.errors import SqlServerError
from aspstate.login import Login
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.unit.test_app_id import VECTORS

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
SHORT = bytes(range(256)) * 4 + bytes(4)
LONG = bytes(range(256)) * 40


def expires_in_minutes(server: Server, key: str = KEY) -> int:
    """How far from now a session expires, by the server's UTC clock."""
    query = "SELECT DATEDIFF(minute, GETUTCDATE(), Expires) FROM dbo.ASPStateTempSessions WHERE SessionId = %(key)s"
    return server.run(query, {"key": key}).row[0]


def move_expiry(server: Server, minutes: int, key: str = KEY) -> None:
    """Set when a session expires, from now."""
    server.run(
        "UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, %(minutes)s, GETUTCDATE()) "
        "WHERE SessionId = %(key)s",
        {"minutes": minutes, "key": key},
    )


def test_the_schema_says_what_it_is(client: Client) -> None:
    assert client.is_installed()
    assert client.major_version() >= 11


@pytest.mark.parametrize(("app_name", "identity"), [(name, ids[0]) for name, ids in VECTORS.items()])
def test_an_application_gets_the_id_that_every_session_database_gives_it(
    application: Server, client: Client, app_name: str, identity: int
) -> None:
    assert client.app_id(app_name.upper()) == identity
    assert client.app_id(app_name) == identity
    rows = application.run("SELECT AppId, RTRIM(AppName) FROM dbo.ASPStateTempApplications").rows
    assert rows == [(identity, app_name)]


def test_two_applications_with_one_hash_are_refused_and_get_no_id(application: Server, client: Client) -> None:
    application.run(
        "INSERT dbo.ASPStateTempApplications (AppId, AppName) VALUES (%(id)s, 'other')", {"id": app_id("/lm/w3svc/1")}
    )
    with pytest.raises(SqlServerError, match=r"hash-code collision.*'/lm/w3svc/1' and 'other'") as refused:
        client.app_id("/LM/W3SVC/1")
    assert (refused.value.error.severity, refused.value.error.procedure) == (18, "TempGetAppID")
    assert application.run("SELECT COUNT(*) FROM dbo.ASPStateTempApplications").row == (1,)
    assert application.run("SELECT @@TRANCOUNT").row == (0,)


@pytest.mark.parametrize("read", [Client.get, Client.get_exclusive], ids=["read", "lock"])
def test_a_session_that_is_not_there_is_nothing(client: Client, read: object) -> None:
    assert read(client, KEY) is None


@pytest.mark.parametrize("data", [SHORT, bytes(SHORT_LIMIT), bytes(SHORT_LIMIT + 1), LONG, bytes(3_000_000)], ids=len)
def test_what_is_stored_is_read_back_with_its_trailing_zeros(client: Client, data: bytes) -> None:
    client.insert(KEY, data, 20)
    item = client.get(KEY)
    assert item.data == data
    assert item.was_row == (len(data) > SHORT_LIMIT)


def test_a_lock_is_taken_once_and_given_back_with_its_cookie(client: Client) -> None:
    client.insert(KEY, SHORT, 20)
    assert client.get_exclusive(KEY) == Item(False, 0, 2, False, SHORT)
    second = client.get_exclusive(KEY)
    assert (second.locked, second.lock_cookie, second.data) == (True, 2, None)
    reader = client.get(KEY)
    assert (reader.locked, reader.lock_cookie, reader.data) == (True, 2, None)
    client.release(KEY, 1)
    assert client.get(KEY).locked
    client.release(KEY, 2)
    assert client.get_exclusive(KEY) == Item(False, 0, 3, False, SHORT)


def test_the_age_of_a_lock_is_in_seconds(application: Server, client: Client) -> None:
    client.insert(KEY, SHORT, 20)
    client.get_exclusive(KEY)
    application.run("UPDATE dbo.ASPStateTempSessions SET LockDate = DATEADD(second, -90, LockDate)")
    assert 90 <= client.get_exclusive(KEY).lock_age <= 95
    assert 90 <= client.get(KEY).lock_age <= 95


TAKE_LOCK = """
DECLARE @short varbinary(7000), @isLocked bit, @date datetime, @age int, @cookie int, @flags int
EXEC dbo.{procedure} @id = %(id)s, @itemShort = @short OUTPUT, @locked = @isLocked OUTPUT, @lockCookie = @cookie OUTPUT,
    {rest}
"""


@pytest.mark.parametrize(
    ("procedure", "rest"),
    [
        ("TempGetStateItemExclusive", "@lockDate = @date OUTPUT"),
        ("TempGetStateItemExclusive2", "@lockAge = @age OUTPUT"),
        ("TempGetStateItemExclusive3", "@lockAge = @age OUTPUT, @actionFlags = @flags OUTPUT"),
    ],
)
def test_a_lock_has_the_time_at_which_it_was_taken(
    application: Server, client: Client, procedure: str, rest: str
) -> None:
    client.insert(KEY, SHORT, 20)
    long_ago = """
    UPDATE dbo.ASPStateTempSessions
    SET LockDate = DATEADD(day, -2000, LockDate), LockDateLocal = DATEADD(day, -2000, LockDateLocal)
    """
    application.run(long_ago)
    take_lock = TAKE_LOCK.replace("{procedure}", procedure).replace("{rest}", rest)
    ages = """
    SELECT DATEDIFF(second, LockDate, GETUTCDATE()), DATEDIFF(second, LockDateLocal, GETDATE())
    FROM dbo.ASPStateTempSessions
    """
    application.run(take_lock, {"id": KEY})
    assert all(0 <= age <= 5 for age in application.run(ages).row)

    application.run(long_ago)
    application.run(take_lock, {"id": KEY})
    assert all(age > 1_000_000 for age in application.run(ages).row)


def test_an_uninitialized_session_is_so_for_its_first_reader_only(client: Client) -> None:
    client.insert_uninitialized(KEY, 20)
    first = client.get_exclusive(KEY)
    assert (first.uninitialized, first.data) == (True, EMPTY_SESSION)
    client.release(KEY, first.lock_cookie)
    assert not client.get(KEY).uninitialized


# each row: the lengths before and after
@pytest.mark.parametrize(("before", "after"), [(SHORT, SHORT[::-1]), (SHORT, LONG), (LONG, SHORT), (LONG, LONG[::-1])])
def test_a_session_may_grow_and_shrink_and_ends_its_lock_when_stored(
    application: Server, client: Client, before: bytes, after: bytes
) -> None:
    client.insert(KEY, before, 20)
    cookie = client.get_exclusive(KEY).lock_cookie
    client.update(KEY, after, 45, cookie, len(before))
    assert 44 <= expires_in_minutes(application) <= 45
    item = client.get(KEY)
    assert item == Item(False, item.lock_age, cookie, False, after, len(after) > SHORT_LIMIT)
    sizes = "SELECT DATALENGTH(SessionItemShort), DATALENGTH(SessionItemLong) FROM dbo.ASPStateTempSessions"
    assert sorted(application.run(sizes).row, key=lambda size: size or 0) == [None, len(after)]


@pytest.mark.parametrize("data", [SHORT, LONG], ids=["short", "long"])
def test_a_request_that_lost_its_lock_changes_nothing(client: Client, data: bytes) -> None:
    client.insert(KEY, data, 20)
    cookie = client.get_exclusive(KEY).lock_cookie
    for stale in (cookie - 1, cookie + 1):
        client.update(KEY, b"other", 20, stale, len(data))
        client.update(KEY, LONG[::-1], 20, stale, len(data))
        client.remove(KEY, stale)
        assert client.get(KEY).locked
    client.release(KEY, cookie)
    assert client.get(KEY).data == data


def test_an_abandoned_session_is_gone(client: Client) -> None:
    client.insert(KEY, SHORT, 20)
    client.remove(KEY, 1)
    assert client.get(KEY) is None


@pytest.mark.parametrize("data", [SHORT, LONG], ids=["short", "long"])
def test_a_second_insert_is_a_violation_of_the_primary_key(client: Client, data: bytes) -> None:
    client.insert(KEY, data, 20)
    for insert in (
        lambda: client.insert(KEY, data, 20),
        lambda: client.insert_uninitialized(KEY, 20),
    ):
        with pytest.raises(SqlServerError) as refused:
            insert()
        assert refused.value.error.number == 2627
    assert client.get(KEY).data == data


@pytest.mark.parametrize(
    "insert",
    [
        lambda client: client.insert(KEY, SHORT, 7),
        lambda client: client.insert(KEY, LONG, 7),
        lambda client: client.insert_uninitialized(KEY, 7),
    ],
    ids=["short", "long", "uninitialized"],
)
def test_a_new_session_expires_after_its_timeout(application: Server, client: Client, insert: object) -> None:
    insert(client)
    assert 6 <= expires_in_minutes(application) <= 7
    assert application.run("SELECT Timeout FROM dbo.ASPStateTempSessions").row == (7,)


RENEWALS = {
    "TempGetStateItem3": lambda client: client.get(KEY),
    "TempGetStateItemExclusive3": lambda client: client.get_exclusive(KEY),
    "TempReleaseStateItemExclusive": lambda client: client.release(KEY, 1),
    "TempUpdateStateItemShort": lambda client: client.update(KEY, SHORT, 20, 1, 10),
    "TempResetTimeout": lambda client: client.reset_timeout(KEY),
}


@pytest.mark.parametrize("renew", RENEWALS.values(), ids=RENEWALS)
def test_using_a_session_renews_it_even_after_it_has_expired(
    application: Server, client: Client, renew: object
) -> None:
    client.insert(KEY, SHORT, 20)
    move_expiry(application, -5)
    renew(client)
    assert 19 <= expires_in_minutes(application) <= 20


def test_expired_sessions_are_deleted_and_counted_and_live_ones_stay(application: Server, client: Client) -> None:
    for number in range(25):
        client.insert(f"{number:024}2014c0f1", SHORT, 20)
        if number % 5:
            move_expiry(application, -1, f"{number:024}2014c0f1")
    deleted = (
        "DECLARE @n int, @rc int EXEC @rc = dbo.DeleteExpiredSessions @batchSize = 3, @deleted = @n OUTPUT "
        "SELECT @rc, @n"
    )
    assert application.run(deleted).sets == ([(0, 20)],)
    assert application.run(deleted).sets == ([(0, 0)],)
    assert application.run("SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (5,)
    assert application.run("EXEC dbo.DeleteExpiredSessions").sets == ()


def test_expiry_deletes_no_more_than_a_batch_at_a_time(application: Server, client: Client) -> None:
    client.insert(KEY, SHORT, 20)
    move_expiry(application, -1)
    application.run("EXEC dbo.DeleteExpiredSessions @batchSize = 0")
    assert application.run("SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (1,)


def test_expiry_passes_by_a_session_that_is_being_used(
    application: Server, client: Client, login: Login, installed: str
) -> None:
    other_key = KEY[::-1]
    for key in (KEY, other_key):
        client.insert(key, SHORT, 20)
        move_expiry(application, -1, key)
    with connect(replace(login, database=installed)) as other:
        other.run("BEGIN TRANSACTION UPDATE dbo.ASPStateTempSessions SET Flags = 0 WHERE SessionId = %(k)s", {"k": KEY})
        application.run("SET LOCK_TIMEOUT 2000 EXEC dbo.DeleteExpiredSessions")
        other.run("COMMIT TRANSACTION")
    assert application.run("SELECT SessionId FROM dbo.ASPStateTempSessions").rows == [(KEY,)]


def test_two_web_servers_may_start_an_application_at_once(login: Login, installed: str) -> None:
    ready = threading.Barrier(2)

    def starts() -> list[int]:
        with connect(replace(login, database=installed), APPLICATION_OPTIONS) as own:
            identities = []
            for site in range(100):
                ready.wait(30)
                identities.append(Client(own).app_id(f"/LM/W3SVC/{site}/ROOT"))
        return identities

    with ThreadPoolExecutor(2) as pool:
        one, other = (web_server.result() for web_server in [pool.submit(starts), pool.submit(starts)])
    assert one == other == [app_id(f"/lm/w3svc/{site}/root") for site in range(100)]


def test_a_second_expiry_run_leaves_at_once(application: Server, client: Client, login: Login, installed: str) -> None:
    client.insert(KEY, SHORT, 20)
    move_expiry(application, -1)
    with connect(replace(login, database=installed)) as other:
        other.run(
            "BEGIN TRANSACTION EXEC sp_getapplock @Resource = N'ASPState.DeleteExpiredSessions', "
            "@LockMode = 'Exclusive', @LockOwner = 'Transaction'"
        )
        application.run("EXEC dbo.DeleteExpiredSessions")
        assert application.run("SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (1,)
        other.run("ROLLBACK TRANSACTION")
    application.run("EXEC dbo.DeleteExpiredSessions")
    assert application.run("SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (0,)


ONE_X = """
DECLARE @short varbinary(7000), @isLocked bit, @date datetime, @age int, @cookie int
EXEC dbo.{procedure} @id = %(id)s, @itemShort = @short OUTPUT, @locked = @isLocked OUTPUT, {lock},
    @lockCookie = @cookie OUTPUT
SELECT @short, @isLocked, @date, @age, @cookie
"""


@pytest.mark.parametrize("version", ["", "2"], ids=["ASP.NET 1.0", "ASP.NET 1.1"])
@pytest.mark.parametrize("data", [SHORT, LONG], ids=["short", "long"])
def test_asp_net_1_x_reads_and_locks(application: Server, client: Client, version: str, data: bytes) -> None:
    client.insert(KEY, data, 20)
    move_expiry(application, 1)
    lock = "@lockAge = @age OUTPUT" if version else "@lockDate = @date OUTPUT"

    def call(procedure: str) -> tuple[object, ...]:
        statement = ONE_X.replace("{procedure}", procedure + version).replace("{lock}", lock)
        *rows, outputs = application.run(statement, {"id": KEY}).sets
        return (rows[0][0][0] if rows else outputs[0][0], *outputs[0][1:])

    for procedure, was_locked, cookie in (
        ("TempGetStateItem", False, 1),
        ("TempGetStateItemExclusive", False, 2),
        ("TempGetStateItemExclusive", True, 2),
        ("TempGetStateItem", True, 2),
    ):
        item, locked, date, age, got = call(procedure)
        assert (item, locked, got) == (None if was_locked else data, was_locked, cookie)
        if version:
            assert (date, 0 <= age <= 5) == (None, True)
        else:
            seconds = "SELECT DATEDIFF(second, %(date)s, GETDATE())"
            assert (age, 0 <= application.run(seconds, {"date": date.isoformat("T", "milliseconds")}).row[0] <= 5) == (
                None,
                True,
            )
        assert 19 <= expires_in_minutes(application) <= 20


def test_of_two_requests_that_race_for_a_lock_exactly_one_gets_it(login: Login, installed: str, client: Client) -> None:
    client.insert(KEY, SHORT, 20)
    ready = threading.Barrier(2)

    def race() -> list[Item]:
        answers = []
        with connect(replace(login, database=installed), APPLICATION_OPTIONS) as own:
            mine = Client(own)
            for _ in range(1000):
                ready.wait(30)
                answers.append(mine.get_exclusive(KEY))
                ready.wait(30)
                if not answers[-1].locked:
                    mine.release(KEY, answers[-1].lock_cookie)
        return answers

    with ThreadPoolExecutor(2) as pool:
        one, other = (racer.result() for racer in [pool.submit(race), pool.submit(race)])
    assert [first.locked + second.locked for first, second in zip(one, other, strict=True)] == [1] * 1000
    assert [first.lock_cookie for first in one] == [second.lock_cookie for second in other] == list(range(2, 1002))
