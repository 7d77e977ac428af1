"""What uninstall.yml leaves."""

from __future__ import annotations

from aspstate.server import Server


def test_only_the_system_databases_are_left(server: Server) -> None:
    names = {name for (name,) in server.run("SELECT name FROM sys.databases").rows}
    assert names == {"master", "model", "msdb", "tempdb"}


def test_master_and_msdb_hold_no_leftover(server: Server) -> None:
    for database in ("master", "msdb"):
        objects = server.run_in(database, "SELECT name FROM sys.objects WHERE name LIKE N'%ASPState%'").rows
        assert objects == []
