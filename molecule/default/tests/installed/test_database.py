"""What site.yml leaves."""

from __future__ import annotations

from pathlib import Path

from aspstate.server import Server

SCHEMA = Path(__file__).parents[4] / "roles/aspstate_database/files/schema"


def test_every_object_is_there(server: Server) -> None:
    rows = server.run_in("ASPState", "SELECT name FROM sys.procedures UNION ALL SELECT name FROM sys.types").rows
    assert {file.stem for file in SCHEMA.glob("*.sql")} <= {name for (name,) in rows}


def test_the_probe_left_nothing(server: Server) -> None:
    counts = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions SELECT COUNT(*) FROM dbo.ASPStateTempApplications"
    assert server.run_in("ASPState", counts).sets == ([(0,)], [(0,)])


def test_the_job_is_there(server: Server) -> None:
    job = "SELECT j.enabled, s.command FROM dbo.sysjobs AS j JOIN dbo.sysjobsteps AS s ON s.job_id = j.job_id"
    assert server.run_in("msdb", job).rows == [(1, "EXECUTE dbo.DeleteExpiredSessions")]
