"""The playbooks as a user runs them: what they change, what they print, and what they refuse."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from aspstate.client import Client
from aspstate.login import Login
from aspstate.server import Server, connect

from tests.integration.conftest import current, install, wait_until_nobody_is_in
from tests.integration.lab_login import let_in, own_lab
from tests.integration.playbook import HostsRun, Playbooks, Run

KEY = "abcdefghijklmnopqrstuvwx2014c0f1"
EVERYTHING = 2
"""Tasks that change something where there is nothing, or remove it all: the database, and the job."""


def refused(run: Run, message: str, code: int = 2) -> None:
    """One clear message, a non-zero exit, nothing changed, no traceback."""
    assert run.code == code, run.output
    assert message in run.text, run.output
    assert "Traceback" not in run.output
    assert run.changed == 0


def test_check_install_again_and_remove(playbooks: Playbooks, server: Server, name: str) -> None:
    """The whole life of a database, from an empty server and back to one."""
    checked = playbooks.run("site.yml", "--check", "--diff", aspstate_database_name=name)
    assert (checked.code, checked.changed) == (0, EVERYTHING), checked.output
    assert not current(server, name).exists

    installed = playbooks.run("site.yml", "--diff", aspstate_database_name=name)
    assert (installed.code, installed.changed) == (0, EVERYTHING), installed.output
    assert installed.diff == checked.diff
    assert f"+database {name}: present" in installed.diff
    assert "+procedure dbo.TempGetStateItemExclusive3" in installed.diff
    assert f"+job {name}_Job_DeleteExpiredSessions: present" in installed.diff

    for options in ((), ("--check",)):
        again = playbooks.run("site.yml", "--diff", *options, aspstate_database_name=name)
        assert (again.code, again.changed, again.diff) == (0, 0, []), again.output

    confirmed = {"aspstate_database_name": name, "aspstate_uninstall_confirm": name}
    would_remove = playbooks.run("uninstall.yml", "--check", "--diff", **confirmed)
    assert (would_remove.code, would_remove.changed) == (0, EVERYTHING), would_remove.output
    assert current(server, name).exists

    removed = playbooks.run("uninstall.yml", "--diff", **confirmed)
    assert (removed.code, removed.changed) == (0, EVERYTHING), removed.output
    assert removed.diff == would_remove.diff
    assert not current(server, name).exists

    again = playbooks.run("uninstall.yml", **confirmed)
    assert (again.code, again.changed) == (0, 0), again.output


def test_a_changed_procedure_is_shown_as_a_diff_of_its_text(
    playbooks: Playbooks, server: Server, installed: str
) -> None:
    server.run_in(installed, "ALTER PROCEDURE dbo.TempResetTimeout @id tSessionId AS RETURN 7")
    run = playbooks.run("site.yml", "--check", "--diff", aspstate_database_name=installed)
    assert run.changed == 2
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


# by the task that refuses, which all hosts of a run come to: what is wrong, the variables, what the message must say
BAD_INPUT = {
    "names": [
        (
            "a misspelt variable",
            {"aspstate_databse_name": "x"},
            "aspstate_databse_name is not a variable of this project: did you mean aspstate_database_name?",
        ),
    ],
    "kinds": [
        (
            "a password that is not text",
            {"aspstate_login_password": {"a": 's3"cret'}},
            "aspstate_login_password is a mapping, not text",
        ),
        ("a list for text", {"aspstate_database_owner": ["sa"]}, "aspstate_database_owner is a list, not text"),
        ("nothing for text", {"aspstate_database_name": None}, "aspstate_database_name is nothing, not text"),
        ("true for text", {"aspstate_login_user": True}, "aspstate_login_user is true or false, not text"),
        (
            "true for a number",
            {"aspstate_login_port": True},
            "aspstate_login_port is true or false, not a whole number",
        ),
        (
            "a list for a switch",
            {"aspstate_database_probe": [1]},
            "aspstate_database_probe is a list, not true or false",
        ),
    ],
    "argument_specs of aspstate_preflight": [
        (
            "a port that is none",
            {"aspstate_login_port": "sql"},
            "argument 'aspstate_login_port' is of type str and we were unable to convert to int",
        ),
        (
            "a type that is none",
            {"aspstate_type": "stateserver"},
            "aspstate_type must be one of: temporary, persisted",
        ),
        (
            "an encryption that is none",
            {"aspstate_login_encrypt": "maybe"},
            "aspstate_login_encrypt must be one of: default, off",
        ),
    ],
    "argument_specs of aspstate_database": [
        ("a switch that is none", {"aspstate_database_probe": "perhaps"}, "The value 'perhaps' is not a valid boolean"),
        (
            "a recovery model that is none",
            {"aspstate_database_recovery_model": "none"},
            "must be one of: simple, bulk",
        ),
    ],
    "module": [
        ("a blank name", {"aspstate_database_name": " "}, "it is blank; give another one in aspstate_database_name"),
        ("a bracket", {"aspstate_database_name": "a]b"}, "it contains ], which aspnet_regsql refuses as well"),
        ("a quote", {"aspstate_database_name": "a'b"}, "it contains ', which aspnet_regsql refuses as well"),
        (
            "a long name",
            {"aspstate_database_name": "x" * 129},
            "it has 129 characters, and SQL Server allows 128",
        ),
        ("a system database", {"aspstate_database_name": "msdb"}, "it is a system database of SQL Server"),
        (
            "no host of that name",
            {"aspstate_login_host": "nowhere.invalid"},
            "the name nowhere.invalid cannot be resolved",
        ),
        ("a wrong password", {"aspstate_login_password": "wr0ng-s3cret"}, "refused the login"),
        ("a host name that is none", {"aspstate_login_host": "a..b"}, "the name a..b cannot be resolved"),
        ("an empty host name", {"aspstate_login_host": ""}, "login_host is empty"),
        (
            "a port that no TCP has",
            {"aspstate_login_port": 99999},
            "login_port is 99999; a TCP port is from 1 to 65535",
        ),
        (
            "a wait of no time",
            {"aspstate_login_timeout": 0},
            "login_timeout is 0; give the seconds to wait, at least 1",
        ),
        ("a wait of less", {"aspstate_query_timeout": -1}, "query_timeout is -1; give the seconds to wait, or 0"),
        ("a file of no size", {"aspstate_database_data_file_size": 0}, "data_file_size is 0; give MB, from 1 to"),
        ("a login that is none", {"aspstate_database_owner": "nobody"}, "has no login 'nobody'"),
        ("a collation that is none", {"aspstate_database_collation": "Klingon"}, "does not know 'Klingon'"),
        (
            "type temporary in a database of another name",
            {"aspstate_type": "temporary", "aspstate_database_name": "Shop"},
            "type temporary is always in ASPState",
        ),
        (
            "type custom without a database",
            {"aspstate_type": "custom"},
            "type custom needs the name of a database of yours",
        ),
        (
            "a system database as custom",
            {"aspstate_type": "custom", "aspstate_database_name": "model"},
            "it is a system database of SQL Server",
        ),
        (
            "an ownership chain without need",
            {"aspstate_manage_ownership_chain": True},
            "manage_ownership_chain has a meaning with type temporary only",
        ),
        (
            "an ownership chain with another owner",
            {"aspstate_type": "temporary", "aspstate_manage_ownership_chain": True, "aspstate_database_owner": "dba"},
            "owner is 'dba', but manage_ownership_chain needs sa",
        ),
    ],
    "the job": [
        ("interval 0", {"aspstate_agent_job_interval": 0}, "interval is 0; give minutes, from 1 to 1440"),
        ("interval 1441", {"aspstate_agent_job_interval": 1441}, "interval is 1441; give minutes"),
        ("an owner that is none", {"aspstate_agent_job_owner": "nobody"}, "has no login 'nobody'"),
        ("a limit without consent", {"aspstate_agent_job_history_rows": 5000}, "set manage_agent_history to true"),
        (
            "a name of 95 characters",
            {"aspstate_database_name": "x" * 95},
            "has 95 characters; with an Agent job it may have 94",
        ),
    ],
}
ROWS = [(stage, place, *row) for stage, rows in BAD_INPUT.items() for place, row in enumerate(rows)]


@pytest.fixture(scope="module")
def refusals(login: Login, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], HostsRun]:
    """A run for each task that refuses, with a host for each of its rows."""

    @cache
    def run(stage: str) -> HostsRun:
        hosts = {f"host{place}": row[1] for place, row in enumerate(BAD_INPUT[stage])}
        return Playbooks(login).run_hosts("site.yml", hosts, tmp_path_factory.mktemp("hosts"))

    return run


@pytest.mark.parametrize(("stage", "place", "message"), [(*row[:2], row[4]) for row in ROWS], ids=[r[2] for r in ROWS])
def test_bad_input_gets_one_clear_message_and_changes_nothing(
    refusals: Callable[[str], HostsRun], login: Login, stage: str, place: int, message: str
) -> None:
    run = refusals(stage)
    assert run.code == 2, run.output
    assert message in run.failure(f"host{place}")
    assert run.changed == 0
    for never in ("Traceback", login.password, "wr0ng-s3cret", 's3"cret'):
        assert never not in run.output


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
    assert (run.code, run.changed) == (0, 1), run.output
    run = playbooks.run("uninstall.yml", aspstate_database_name=with_emoji, aspstate_uninstall_confirm=with_emoji)
    assert (run.code, run.changed) == (0, EVERYTHING), run.output


@pytest.mark.controls_server
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--product-version", "10.50.6560.0"), "is SQL Server 10.50.6560.0; the oldest that is supported is 11.0"),
        (("--engine-edition", "5"), "is Azure SQL Database: it has no SQL Server Agent to expire sessions"),
        (("--availability-group", "ASPState"), "in an availability group, where type temporary does not work"),
    ],
    ids=["too old", "Azure SQL Database", "an availability group"],
)
def test_a_server_that_cannot_have_it_is_refused(options: tuple[str, ...], message: str) -> None:
    with own_lab(*options) as lab:
        with connect(lab.login) as server:
            server.run("CREATE DATABASE ASPState")
        run = Playbooks(lab.login).run("site.yml", aspstate_type="temporary")
        refused(run, message)


@pytest.mark.controls_server
@pytest.mark.parametrize("playbook", ["site.yml", "uninstall.yml"])
def test_a_login_without_rights_is_refused_before_anything_changes(playbook: str) -> None:
    with own_lab() as lab:
        with connect(lab.login) as server:
            install(server, "ASPState")
            server.run_in("ASPState", "DROP PROCEDURE dbo.TempResetTimeout")
            operator = lab.login_with()
            let_in(server, operator, "ASPState", "VIEW DEFINITION")
        run = Playbooks(operator).run(playbook, aspstate_uninstall_confirm="ASPState", aspstate_database_owner="sa")
        refused(run, f"login {operator.user} on ")
        assert "which this needs; nothing was changed; grant that, or use another login" in run.text


TWO_HOSTS = """
aspstate_database:
  vars: {{ansible_connection: local, ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"}}
  hosts:
    first: {{aspstate_database_name: {name}}}
    second: {{aspstate_database_name: {name}_2, {variable}: {value}}}
"""


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("aspstate_database_log_file_growth", "0"),
        ("aspstate_database_probe", "perhaps"),
        ("aspstate_database_prob", "true"),
        ("aspstate_login_port", "[1]"),
    ],
)
def test_one_host_that_is_refused_keeps_all_hosts_from_changing(
    playbooks: Playbooks, server: Server, name: str, tmp_path: Path, variable: str, value: str
) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(TWO_HOSTS.format(name=name, variable=variable, value=value))
    without = replace(playbooks.login, port=1) if variable == "aspstate_login_port" else playbooks.login
    run = Playbooks(without).run("site.yml", inventory=str(inventory))
    assert run.code == 2, run.output
    assert run.changed == 0
    assert not current(server, name).exists


def test_type_custom_is_installed_beside_other_things_and_removed_from_them(
    playbooks: Playbooks, server: Server, empty: str
) -> None:
    server.run_in(empty, "CREATE TABLE dbo.orders (id int NOT NULL)")
    custom = {"aspstate_type": "custom", "aspstate_database_name": empty, "aspstate_uninstall_confirm": empty}
    checked = playbooks.run("site.yml", "--check", "--diff", **custom)
    done = playbooks.run("site.yml", "--diff", **custom)
    assert (checked.changed, done.changed, checked.diff) == (EVERYTHING, EVERYTHING, done.diff), done.output
    run = playbooks.run("uninstall.yml", **custom, aspstate_database_terminate_connections=True)
    refused(run, "one of type custom is shared: it is never done there")
    removed = playbooks.run("uninstall.yml", "--diff", **custom)
    assert removed.changed == EVERYTHING, removed.output
    assert "+database" not in removed.diff
    assert server.run_in(empty, "SELECT name FROM sys.tables").rows == [("orders",)]


@pytest.mark.controls_server
def test_type_temporary_from_an_empty_server_and_back_to_one() -> None:
    with own_lab() as lab:
        playbooks = Playbooks(lab.login)
        temporary = {"aspstate_type": "temporary", "aspstate_uninstall_confirm": "ASPState"}
        checked = playbooks.run("site.yml", "--check", "--diff", **temporary)
        done = playbooks.run("site.yml", "--diff", **temporary)
        assert (checked.changed, done.changed, checked.diff) == (EVERYTHING, EVERYTHING, done.diff), done.output
        assert "+procedure master.dbo.ASPState_Startup: runs at each start" in done.diff
        assert playbooks.run("site.yml", **temporary).changed == 0
        refused(playbooks.run("site.yml"), "so it is of type temporary, not persisted")
        assert playbooks.run("uninstall.yml", **temporary).changed == EVERYTHING
        with connect(lab.login) as server:
            assert current(server, "ASPState", "temporary").outside.nothing


@pytest.mark.controls_server
def test_the_agent_ends_sessions_after_site_yml_and_a_stopped_agent_is_named() -> None:
    with own_lab("--agent", "--agent-minute", "0.5") as lab:
        playbooks = Playbooks(lab.login)
        assert playbooks.run("site.yml").code == 0
        with connect(replace(lab.login, database="ASPState")) as application:
            Client(application).insert(KEY, b"x", 1)
            application.run("UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, -1, Expires)")
            deadline = time.monotonic() + 10
            while application.run("SELECT COUNT(*) FROM dbo.ASPStateTempSessions").row != (0,):
                assert time.monotonic() < deadline
                time.sleep(0.02)
        lab.own.agent(running=False)
        run = playbooks.run("site.yml")
        assert (run.code, run.changed) == (0, 0), run.output
        assert "ASP201 (critical) SQL Server Agent: does not run, so sessions never end" in run.text
