"""The Agent of a server that runs as a process: options, stop and start from outside, and what the catalog says."""

from __future__ import annotations

import subprocess
import sys
import time

import pymssql
import pytest

from lab.control import ControlError
from lab.own_server import OwnServer, own_server
from lab.tests.jobs import job_batch
from lab.tests.server_process import CHECKOUT

pytestmark = pytest.mark.controls_server

SOON = 20
SERVICES = "SELECT servicename, status_desc, startup_type_desc, service_account FROM sys.dm_server_services"
AGENT = ("SQL Server Agent (MSSQLSERVER)", "NT SERVICE\\SQLSERVERAGENT")


def connect(server: OwnServer) -> pymssql.Connection:
    return pymssql.connect(
        server=server.host, port=str(server.port), user="sa", password=server.home.password(), autocommit=True
    )


def query(server: OwnServer, text: str) -> list[tuple]:
    with connect(server) as connection:
        cursor = connection.cursor()
        cursor.execute(text)
        return cursor.fetchall() if cursor.description else []


def runs(server: OwnServer) -> int:
    return query(server, "SELECT COUNT(*) FROM msdb.dbo.sysjobhistory WHERE step_id = 0 AND run_status = 1")[0][0]


def test_it_is_stopped_and_started_while_the_server_runs() -> None:
    with own_server("--agent", "--agent-minute", "0.2") as server:
        query(server, job_batch("j", "SELECT 1"))
        deadline = time.monotonic() + SOON
        while not runs(server):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert query(server, SERVICES)[1] == (AGENT[0], "Running", "Automatic", AGENT[1])
        server.agent(running=False)
        assert query(server, SERVICES)[1] == (AGENT[0], "Stopped", "Automatic", AGENT[1])
        before = runs(server)
        time.sleep(0.5)
        assert runs(server) == before
        command = [sys.executable, "-m", "lab.control", "agent", "start", "--home", str(server.home.folder)]
        assert subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True).stdout == b"the Agent runs\n"
        while runs(server) == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        server.kill()
        server.restart("--agent")
        assert query(server, SERVICES)[1][1] == "Running"


def test_without_it() -> None:
    with own_server() as server:
        assert query(server, SERVICES)[1] == (AGENT[0], "Stopped", "Manual", AGENT[1])
        with pytest.raises(ControlError, match="without --agent"):
            server.agent(running=True)
        server.restart("--engine-edition", "4")
        assert [row[0] for row in query(server, SERVICES)] == ["SQL Server (MSSQLSERVER)"]
        query(server, "CREATE LOGIN app WITH PASSWORD = 'Correct-Horse-9'")
        with pytest.raises(pymssql.DatabaseError) as caught:
            query(server, f"EXECUTE AS LOGIN = 'app' {SERVICES}")
        assert caught.value.args[0] == 300


@pytest.mark.parametrize("options", [("--engine-edition", "4"), ("--agent-minute", "61"), ("--agent-minute", "0")])
def test_refused_options(options: tuple[str, ...]) -> None:
    with pytest.raises(ControlError, match="--agent"), own_server("--agent", *options):
        pass
