"""What uninstall.yml leaves."""

from __future__ import annotations

from aspstate.server import Server


def test_only_the_system_databases_are_left(server: Server) -> None:
    names = {name for (name,) in server.run("SELECT name FROM sys.databases").rows}
    assert names == {"master", "model", "msdb", "tempdb"}


def test_master_holds_no_leftover(server: Server) -> None:
    assert server.run_in("master", "SELECT name FROM sys.objects WHERE is_ms_shipped = 0").rows == []


def test_no_job_is_left(server: Server) -> None:
    assert server.run_in("msdb", "SELECT name FROM dbo.sysjobs").rows == []
    assert server.run_in("msdb", "SELECT name FROM dbo.sysschedules").rows == []
