"""The playbooks as a user runs them: what they change, what they print, and what they refuse."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest
from aspstate.client import Client
from aspstate.login import Login
from aspstate.server import Server, connect

from tests.integration.conftest import current, install, wait_until_nobody_is_in
from tests.integration.playbook import Playbooks, Run

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"


def refused(run: Run, message: str, code: int = 2) -> None:
    """One clear message, a non-zero exit, nothing changed, no traceback."""
    assert run.code == code, run.output
    assert message in run.text, run.output
    assert "Traceback" not in run.output
    assert run.changed == 0


def test_check_install_again_and_remove(playbooks: Playbooks, server: Server, name: str) -> None:
    """The whole life of a database, from an empty server and back to one."""
    checked = playbooks.run("site.yml", "--check", "--diff", aspstate_database_name=name)
    assert (checked.code, checked.changed) == (0, 1), checked.output
    assert not current(server, name).exists

    installed = playbooks.run("site.yml", "--diff", aspstate_database_name=name)
    assert (installed.code, installed.changed) == (0, 1), installed.output
    assert installed.diff == checked.diff
    assert f"+database {name}: present" in installed.diff
    assert "+procedure dbo.TempGetStateItemExclusive3" in installed.diff

    for options in ((), ("--check",)):
        again = playbooks.run("site.yml", "--diff", *options, aspstate_database_name=name)
        assert (again.code, again.changed, again.diff) == (0, 0, []), again.output

    confirmed = {"aspstate_database_name": name, "aspstate_uninstall_confirm": name}
    would_remove = playbooks.run("uninstall.yml", "--check", "--diff", **confirmed)
    assert (would_remove.code, would_remove.changed) == (0, 1), would_remove.output
    assert current(server, name).exists

    removed = playbooks.run("uninstall.yml", "--diff", **confirmed)
    assert (removed.code, removed.changed) == (0, 1), removed.output
    assert removed.diff == would_remove.diff
    assert not current(server, name).exists

    again = playbooks.run("uninstall.yml", **confirmed)
    assert (again.code, again.changed) == (0, 0), again.output


def test_a_changed_procedure_is_shown_as_a_diff_of_its_text(
    playbooks: Playbooks, server: Server, installed: str
) -> None:
    server.run_in(installed, "ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 7")
    run = playbooks.run("site.yml", "--check", "--diff", aspstate_database_name=installed)
    assert run.changed == 1
    assert any(line.startswith("-") and "RETURN 7" in line for line in run.diff), run.output
    assert any(line.startswith("+") and "UPDATE dbo.ASPStateTempSessions" in line for line in run.diff)


@pytest.mark.parametrize("confirm", [None, "another"])
def test_uninstall_asks_for_the_name(playbooks: Playbooks, server: Server, installed: str, confirm: str | None) -> None:
    variables = {} if confirm is None else {"aspstate_uninstall_confirm": confirm}
    run = playbooks.run("uninstall.yml", aspstate_database_name=installed, **variables)
    refused(run, f"to confirm, run again with -e aspstate_uninstall_confirm={installed}")


def test_a_name_that_yaml_takes_for_a_number_can_be_confirmed(playbooks: Playbooks) -> None:
    run = playbooks.run("uninstall.yml", aspstate_database_name=20241121, aspstate_uninstall_confirm="20241121 ")
    assert (run.code, run.changed) == (0, 0), run.output


def test_an_inventory_without_a_database_host_is_refused(playbooks: Playbooks) -> None:
    run = playbooks.run("site.yml", inventory="localhost,")
    refused(run, "the inventory has no host in the group aspstate_database")


def test_live_sessions_are_kept_until_they_may_be_discarded(
    playbooks: Playbooks, server: Server, installed: str, login: Login
) -> None:
    with connect(replace(login, database=installed)) as own:
        Client(own).insert(KEY, b"x", 20)
    wait_until_nobody_is_in(server, installed)
    variables = {"aspstate_database_name": installed, "aspstate_uninstall_confirm": installed}
    refused(playbooks.run("uninstall.yml", **variables), "holds 1 live session(s), which would be lost")
    assert current(server, installed).exists
    run = playbooks.run("uninstall.yml", **variables, aspstate_database_discard_live_sessions=True)
    assert run.changed == 1
    assert not current(server, installed).exists


def test_a_failing_probe_fails_the_run_with_the_sql_error(playbooks: Playbooks, server: Server, installed: str) -> None:
    server.run_in(installed, "DROP INDEX Index_Expires ON dbo.ASPStateTempSessions")
    server.run_in(installed, "CREATE UNIQUE INDEX ux ON dbo.ASPStateTempSessions (Timeout)")
    run = playbooks.run("site.yml", aspstate_database_name=installed)
    assert run.code == 0, run.output
    server.run_in(
        installed,
        "INSERT dbo.ASPStateTempSessions (SessionId, Expires, LockDate, LockDateLocal, LockCookie, "
        "Timeout, Locked) VALUES (N'x', GETUTCDATE(), GETUTCDATE(), GETDATE(), 1, 1, 0)",
    )
    run = playbooks.run("site.yml", aspstate_database_name=installed)
    assert run.code == 2
    assert "TempInsertUninitializedItem failed:" in run.text
    assert "error 2601" in run.text
    assert "Unable to connect to SQL Server session database." in run.text


# each row: what is wrong, the variables, what the message must say
BAD_INPUT = [
    ("a blank name", {"aspstate_database_name": " "}, "it is blank; give another one in aspstate_database_name"),
    ("a bracket", {"aspstate_database_name": "a]b"}, "it contains ], which aspnet_regsql refuses as well"),
    ("a quote", {"aspstate_database_name": "a'b"}, "it contains ', which aspnet_regsql refuses as well"),
    ("a long name", {"aspstate_database_name": "x" * 129}, "it has 129 characters, and SQL Server allows 128"),
    ("a system database", {"aspstate_database_name": "msdb"}, "it is a system database of SQL Server"),
    (
        "a misspelt variable",
        {"aspstate_databse_name": "x"},
        "aspstate_databse_name is not a variable of this project: did you mean aspstate_database_name?",
    ),
    ("no host of that name", {"aspstate_login_host": "nowhere.invalid"}, "the name nowhere.invalid cannot be resolved"),
    ("a wrong password", {"password": "wr0ng-s3cret"}, "refused the login"),
    ("a host name that is none", {"aspstate_login_host": "a..b"}, "the name a..b cannot be resolved"),
    ("an empty host name", {"aspstate_login_host": ""}, "login_host is empty"),
    ("a port that no TCP has", {"aspstate_login_port": 99999}, "login_port is 99999; a TCP port is from 1 to 65535"),
    ("a wait of no time", {"aspstate_login_timeout": 0}, "login_timeout is 0; give the seconds to wait, at least 1"),
    ("a wait of less", {"aspstate_query_timeout": -1}, "query_timeout is -1; give the seconds to wait, or 0"),
    (
        "a password that is not text",
        {"aspstate_login_password": {"a": 's3"cret'}},
        "aspstate_login_password is not text",
    ),
    (
        "a port that is none",
        {"aspstate_login_port": "sql"},
        "argument 'aspstate_login_port' is of type str and we were unable to convert to int",
    ),
    (
        "an encryption that is none",
        {"aspstate_login_encrypt": "maybe"},
        "aspstate_login_encrypt must be one of: default, off",
    ),
]


@pytest.mark.parametrize(("variables", "message"), [row[1:] for row in BAD_INPUT], ids=[row[0] for row in BAD_INPUT])
def test_bad_input_gets_one_clear_message_and_changes_nothing(
    playbooks: Playbooks, variables: dict[str, str], message: str
) -> None:
    run = playbooks.run("site.yml", "-vvvv", **variables)
    refused(run, message)
    for secret in (playbooks.login.password, "wr0ng-s3cret"):
        assert secret not in run.output


def test_a_wrong_port_says_what_to_check(playbooks: Playbooks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run = playbooks.run("site.yml", aspstate_login_host="127.0.0.1", aspstate_login_port=port)
    refused(run, f"cannot connect to 127.0.0.1:{port}: nothing listens on port {port}; check login_port")


def test_a_database_with_something_else_is_refused_before_anything_changes(
    playbooks: Playbooks, server: Server, empty: str
) -> None:
    server.run_in(empty, "CREATE TABLE dbo.orders (id int NOT NULL)")
    refused(playbooks.run("site.yml", aspstate_database_name=empty), "it holds something else and no session tables")


def test_an_emoji_is_a_fine_name(playbooks: Playbooks, server: Server, name: str) -> None:
    with_emoji = f"{name} 😀"
    install(server, with_emoji)
    run = playbooks.run("site.yml", aspstate_database_name=with_emoji)
    assert (run.code, run.changed) == (0, 0), run.output
    run = playbooks.run("uninstall.yml", aspstate_database_name=with_emoji, aspstate_uninstall_confirm=with_emoji)
    assert (run.code, run.changed) == (0, 1), run.output
