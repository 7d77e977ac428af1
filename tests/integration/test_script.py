"""Scripts run as they are: once, with every answer told, and never at the cost of a session that nobody gave up."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aspstate.client import Client
from aspstate.login import Login
from aspstate.probe import probe
from aspstate.server import APPLICATION_OPTIONS, Server, connect

from tests.integration.conftest import current, install, wait_until_nobody_is_in
from tests.integration.modern_scripts import install_script, uninstall_script
from tests.integration.playbook import Module, Playbooks

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
Run = Callable[..., dict[str, Any]]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture
def answer(playbooks: Playbooks, name: str) -> Callable[..., Module]:
    """What the module answers to a script."""

    def ask(text: str, state: str = "present", *, check: bool = False, **options: object) -> Module:
        path = "Install.sql" if state == "present" else "Uninstall.sql"
        values = {"name": name, "type": "custom", "state": state, **options}
        return playbooks.module("aspstate_script", check=check, content=encoded(text), path=path, **values)

    return ask


@pytest.fixture
def run(answer: Callable[..., Module]) -> Run:
    """The result of a script that works."""

    def ask(*arguments: Any, **options: Any) -> dict[str, Any]:
        module = answer(*arguments, **options)
        assert module.code == 0, module.output
        return module.result

    return ask


@pytest.fixture
def refused(answer: Callable[..., Module]) -> Callable[..., str]:
    """The message of one that does not."""

    def ask(*arguments: Any, **options: Any) -> str:
        module = answer(*arguments, **options)
        assert module.code == 2, module.output
        return module.result["msg"]

    return ask


def keep_session(login: Login, database: str) -> None:
    with connect(replace(login, database=database)) as own:
        Client(own).insert(KEY, b"x", 20)


def test_a_script_installs_once_and_removes_once(run: Run, server: Server, name: str, login: Login) -> None:
    would, did = run(install_script(name), check=True), run(install_script(name))
    assert would["steps"] == did["steps"] == [f"run Install.sql: {len(did['batches'])} batches"]
    assert (would["changed"], did["changed"], would.get("batches")) == (True, True, None)
    with connect(replace(login, database=name), APPLICATION_OPTIONS) as application:
        assert len(probe(application).calls) > 20
    assert server.run("SELECT COUNT(*) FROM msdb.dbo.sysjobs WHERE name LIKE %(job)s", {"job": f"{name}%"}).row == (1,)
    again = run(install_script(name))
    assert (again["changed"], again["steps"], again.get("batches"), again["remarks"]) == (False, [], None, [])
    wait_until_nobody_is_in(server, name)
    did = run(uninstall_script(name, "custom"), "absent")
    assert (did["changed"], did["steps"]) == (True, ["run Uninstall.sql: 6 batches"])
    assert run(uninstall_script(name, "custom"), "absent")["changed"] is False
    assert not current(server, name, "custom").contents.procedures


def test_each_batch_tells_its_line_rows_prints_and_expected_errors(run: Run, name: str) -> None:
    text = install_script(name)
    lines, batches = text.split("\n"), run(text)["batches"]
    assert [batch["index"] for batch in batches] == list(range(1, len(batches) + 1))
    assert all(lines[batch["line"] - 2 :][:1] == [""] or batch["index"] == 1 for batch in batches)
    assert sum(batch["rows"] for batch in batches) == 1
    expected = [error for batch in batches for error in batch["errors"]]
    assert [(error["number"], error["severity"], error["procedure"]) for error in expected] == [
        (14262, 16, "sp_delete_job"),
        (14261, 16, "sp_add_category"),
    ]
    assert ["sp_delete_job" in lines[expected[0]["line"] - 1], "sp_add_category" in lines[expected[1]["line"] - 1]] == [
        True,
        True,
    ]
    assert ["error 14262 is expected where there is no job"] in [batch["printed"] for batch in batches]


# each row: what it is about, what takes the place of one batch, what the message says of it
BROKEN = [
    (
        "a mistake in the grammar",
        "SELECT 1\nSELEC FROM",
        r"error 102 .*Install\.sql, line {line}: this was in batch {n} of ",
    ),
    ("a missing table", "SELECT 1\n\nSELECT a FROM dbo.nothing", r"error 208 .*Install\.sql, line {line}: "),
    (
        "an option that SQL Server 2012 dropped",
        "EXEC sp_dboption N'x', 'autoclose', 'on'",
        "SQL Server 2012 dropped sp_dboption",
    ),
    ("an error that is meant, but of another batch's", "RAISERROR('The job does not exist.', 16, 1)", "error 50000"),
    (
        "an error after one that is meant",
        "EXEC msdb.dbo.sp_delete_job @job_name = N'nothing'\nSELECT a FROM dbo.nothing",
        "error without a number .*Invalid object name 'dbo.nothing'",
    ),
    ("the end of the connection", "RAISERROR('the end', 20, 1) WITH LOG", "severity 20 ends the connection"),
]


@pytest.mark.parametrize(("batch", "message"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_any_other_error_stops_and_is_placed(
    refused: Callable[..., str], server: Server, name: str, batch: str, message: str
) -> None:
    text = install_script(name).replace("SELECT COUNT(*), N'objects' FROM sys.objects", batch)
    line = text[: text.index(batch)].count("\n") + 1 + batch.count("\n")
    said = refused(text)
    assert re.search(message.replace("{line}", str(line)).replace("{n}", "8"), said), said
    assert "batches 1 to 7 are done and stay so" in said
    assert current(server, name, "custom").exists


def test_the_statements_after_an_expected_error_run(run: Run, server: Server, name: str) -> None:
    after = "\nCREATE TABLE dbo.kept (a int NOT NULL)\nINSERT dbo.kept VALUES (1)"
    delete = f"EXEC msdb.dbo.sp_delete_job @job_name = N'{name}_x'{after}"
    run(install_script(name).replace("SELECT COUNT(*), N'objects' FROM sys.objects", delete))
    assert server.run_in(name, "SELECT a FROM dbo.kept").rows == [(1,)]


def test_a_batch_is_repeated_as_often_as_its_go_says(run: Run, name: str) -> None:
    ran = run(install_script(name).replace("FROM sys.objects\nGO\n", "FROM sys.objects\nGO 3\n"))["batches"]
    assert [batch["index"] for batch in ran if batch["rows"]] == [8, 8, 8]


def test_what_is_there_in_part_is_refused_with_what_is_missing(
    refused: Callable[..., str], run: Run, server: Server, name: str
) -> None:
    run(install_script(name))
    server.run_in(name, "DROP PROCEDURE dbo.TempResetTimeout")
    said = refused(install_script(name))
    assert "not all that Install.sql makes: procedure dbo.TempResetTimeout is missing; nothing was changed" in said
    assert run(install_script(name), force=True)["changed"] is True
    assert run(install_script(name))["changed"] is False


def test_force_says_in_numbers_what_is_lost_and_needs_leave_for_live_sessions(
    refused: Callable[..., str], run: Run, server: Server, name: str, login: Login
) -> None:
    run(install_script(name))
    keep_session(login, name)
    server.run_in(
        name,
        "CREATE ROLE shop GRANT EXECUTE ON dbo.TempResetTimeout TO shop "
        "GRANT SELECT ON dbo.ASPStateTempSessions TO shop",
    )
    assert "holds 1 live session(s), which would be lost; nothing was changed" in refused(
        install_script(name), force=True
    )
    forced = {"force": True, "discard_live_sessions": True}
    would, did = (run(install_script(name), check=check, **forced) for check in (True, False))
    assert (
        would["lost"] == ["1 live session(s)", "2 permission(s) on its procedures and tables, of shop"] == did["lost"]
    )
    assert server.run_in(name, "SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row == (0,)


def test_session_state_whose_job_went_is_left_alone_and_that_is_told(run: Run, server: Server, name: str) -> None:
    run(install_script(name))
    server.run("EXEC msdb.dbo.sp_delete_job @job_name = %(job)s", {"job": f"{name}_Job_DeleteExpiredSessions"})
    again = run(install_script(name))
    assert (again["changed"], len(again["remarks"])) == (False, 1)
    assert "no job expires its sessions" in again["remarks"][0]


def test_an_install_that_would_stop_half_way_is_refused(
    refused: Callable[..., str], run: Run, server: Server, name: str
) -> None:
    run(install_script(name))
    server.run_in(name, "CREATE TABLE dbo.mine (id dbo.tSessionId)")
    assert "the types of session state are used by dbo.mine" in refused(install_script(name), force=True)


def test_an_install_that_drops_the_database_asks_who_else_needs_it(
    refused: Callable[..., str], run: Run, server: Server, name: str, login: Login
) -> None:
    old = install_script(name).replace(
        "USE master\nGO\n", f"USE master\nGO\nIF DB_ID(N'{name}') IS NOT NULL DROP DATABASE [{name}]\nGO\n", 1
    )
    run(old)
    with connect(replace(login, database=name)):
        assert "is in use and cannot be dropped" in refused(old, force=True)
    wait_until_nobody_is_in(server, name)
    server.run_in(name, "CREATE TABLE dbo.mine (id int)")
    assert "also holds user table dbo.mine, which would be lost with it" in refused(old, force=True)


def test_an_uninstall_that_would_lose_sessions_or_fail_half_way_is_refused(
    refused: Callable[..., str], run: Run, server: Server, name: str, login: Login
) -> None:
    install(server, name, "custom")
    keep_session(login, name)
    uninstall = uninstall_script(name, "custom")
    assert "holds 1 live session(s), which would be lost" in refused(uninstall, "absent")
    server.run_in(name, "CREATE TABLE dbo.mine (id dbo.tSessionId)")
    options = {"discard_live_sessions": True}
    assert "the types of session state are used by dbo.mine" in refused(uninstall, "absent", **options)
    server.run_in(name, "DROP TABLE dbo.mine")
    assert run(uninstall, "absent", **options)["changed"] is True


def test_a_script_that_does_not_do_what_it_says_is_found_out(refused: Callable[..., str], name: str) -> None:
    text = install_script(name).replace("EXEC dbo.CreateTempTables", "PRINT 'EXEC dbo.CreateTempTables'")
    assert "ran to its end on " in (said := refused(text))
    assert "table dbo.ASPStateTempApplications, table dbo.ASPStateTempSessions is missing" in said


# each row: what it is about, the module's options, what the message says
BAD_INPUT = [
    ("no base64", {"content": "SELECT 1"}, "content of Install.sql is not in base64"),
    ("no text", {"content": base64.b64encode(b"PRINT '\xff'").decode()}, "the byte at offset 7 is not utf-8"),
    (
        "Unicode without a mark",
        {"content": base64.b64encode("PRINT 1".encode("utf-16-le")).decode()},
        "the byte at offset 1 is zero",
    ),
    ("an encoding that is none", {"encoding": "klingon"}, "'klingon' is no encoding"),
    ("a variable that is none", {"variables": {"x": "y"}}, r"it has no variable $(x)"),
    ("another type", {"type": "temporary", "name": "ASPState"}, "and type temporary was asked for"),
]


@pytest.mark.parametrize(("options", "message"), [row[1:] for row in BAD_INPUT], ids=[row[0] for row in BAD_INPUT])
def test_what_is_wrong_with_a_script_is_told_before_the_server_is_asked(
    playbooks: Playbooks, options: dict[str, object], message: str
) -> None:
    values = {
        "content": encoded(install_script("Shop")),
        "path": "Install.sql",
        "name": "Shop",
        "type": "custom",
        "login_port": 1,
    }
    module = playbooks.module("aspstate_script", **{**values, **options})
    assert (module.code, module.result["error_kind"]) == (2, "refused")
    assert message in module.result["msg"]
