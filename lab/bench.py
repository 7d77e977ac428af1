"""`make bench`: speeds as ratios within one run. Of the lab server they say nothing about SQL Server."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace

from lab.control import CHECKOUT
from lab.own_server import own_server

sys.path.insert(0, str(CHECKOUT / "module_utils"))  # the product's core, as its tests import it

from aspstate.client import Client
from aspstate.database import read
from aspstate.installation import plan_present
from aspstate.login import Login
from aspstate.plan import apply
from aspstate.property_changes import Choices, read_logins
from aspstate.schema import schema
from aspstate.server import Server, connect

DATABASE = "ASPState"
KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
EXPIRED = 20_000
TYPE = "persisted"
FOLDERS = ("schema", "tables_in_database")
FILES = [file for each in FOLDERS for file in (CHECKOUT / "roles/aspstate_database/files" / each).glob("*.sql")]

# one statement a row would be slow to parse, and one of 20,000 rows too large: a doubling SELECT
_FILL = """
DECLARE @rows int = 1
INSERT dbo.ASPStateTempSessions (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked)
VALUES (N'0', DATEADD(minute, -1, GETUTCDATE()), GETUTCDATE(), GETDATE(), 1, 1, 0)
WHILE @rows < %(rows)s
BEGIN
    INSERT dbo.ASPStateTempSessions (SessionId, Expires, LockDate, LockDateLocal, LockCookie, Timeout, Locked)
    SELECT TOP (%(rows)s - @rows) SessionId + N'-' + CONVERT(nvarchar(12), @rows), Expires, LockDate, LockDateLocal,
        LockCookie, Timeout, Locked
    FROM dbo.ASPStateTempSessions WHERE SessionId NOT LIKE N'abc%%'
    SET @rows = @rows + @@ROWCOUNT
END
"""


def main() -> int:
    """Print a line a comparison."""
    with own_server() as own:
        login = Login(own.host, own.port, "sa", own.home.password())
        objects = schema(file.read_text(encoding="utf-8") for file in FILES)
        with connect(login) as server:
            now, _ = read(server, DATABASE, TYPE, objects)
            apply(server, plan_present(now, TYPE, objects, Choices(), read_logins(server, Choices())))
            trip = _each(1000, lambda: server.run("SELECT 1"))
            look = _each(50, lambda: read(server, DATABASE, TYPE, objects))
        with connect(replace(login, database=DATABASE)) as server:
            client = Client(server)
            client.insert(KEY, bytes(1000), 20)
            lock = _each(1000, lambda: client.get_exclusive(KEY))
            print(f"reading the whole database      {look / trip:6.1f} times SELECT 1 ({1 / trip:,.0f} a second)")
            print(f"TempGetStateItemExclusive3      {lock / trip:6.1f} times SELECT 1")
            one_total, one_wait = _expire(login, server, "DELETE dbo.ASPStateTempSessions WHERE Expires < GETUTCDATE()")
            total, wait = _expire(login, server, "EXEC dbo.DeleteExpiredSessions")
        print(f"expiry of {EXPIRED:,}, in batches   {total / one_total:6.1f} times as long as one DELETE, while")
        print(f"the longest wait of a request   {wait / one_wait:6.2f} times that during one DELETE")
    return 0


def _each(times: int, call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begin) / times


def _expire(login: Login, server: Server, statement: str) -> tuple[float, float]:
    """Seconds that `statement` takes for EXPIRED rows, and the longest that a request waited meanwhile."""
    server.run(_FILL, {"rows": EXPIRED})
    busy, done, waits = threading.Event(), threading.Event(), []

    def request() -> None:
        with connect(replace(login, database=DATABASE)) as other:
            client = Client(other)
            while not done.is_set():
                waits.append(_each(1, lambda: client.reset_timeout(KEY)))
                busy.set()

    requests = threading.Thread(target=request)
    requests.start()
    busy.wait(30)
    try:
        total = _each(1, lambda: server.run(statement))
    finally:
        done.set()
        requests.join()
    return total, max(waits)


if __name__ == "__main__":
    sys.exit(main())
