"""The modules on their own, as `ansible -m` runs them."""

from __future__ import annotations

from dataclasses import replace

from aspstate.client import Client, session_key
from aspstate.login import Login
from aspstate.server import Server, connect

from tests.integration.playbook import Playbooks
from tests.shipped import definitions

SCHEMA = definitions("persisted")


def test_info_tells_the_instance_the_sessions_and_who_is_connected(
    playbooks: Playbooks, installed: str, login: Login
) -> None:
    with connect(replace(login, database=installed)) as own:
        client = Client(own)
        key = session_key("abcdefghijklmnopqrstuvwx", client.app_id("/LM/W3SVC/1/ROOT"))
        client.insert(key, bytes(9000), 20)
        client.get_exclusive(key)
        answer = playbooks.module("aspstate_database_info", name=installed).result
    assert (answer["changed"], answer["exists"]) == (False, True)
    assert int(answer["instance"]["product_version"].split(".")[0]) >= 11
    (holder,) = answer["holders"]
    assert (holder["program"], holder["login"], holder["connections"]) == ("aspstate", login.user, 1)
    assert answer["sessions"] == [
        {
            "application": "/lm/w3svc/1/root",
            "suffix": "2014c0f1",
            "live": 1,
            "expired": 0,
            "expired_before_start": 0,
            "locked": 1,
            "stuck": 0,
            "uninitialized": 0,
            "long": 1,
            "bytes": 9000,
            "long_bytes": 9000,
        }
    ]
    assert "missing_or_different" not in answer


def test_info_compares_with_a_schema(playbooks: Playbooks, server: Server, installed: str) -> None:
    server.run_in(installed, "DROP PROCEDURE dbo.TempResetTimeout")
    server.run_in(installed, "CREATE TABLE dbo.notes (id int NOT NULL)")
    answer = playbooks.module("aspstate_database_info", name=installed, schema=SCHEMA).result
    assert answer["missing_or_different"] == ["create procedure dbo.TempResetTimeout"]
    assert answer["others"] == ["user table dbo.notes"]


def test_info_of_a_database_that_is_not_there(playbooks: Playbooks, name: str) -> None:
    answer = playbooks.module("aspstate_database_info", name=name).result
    assert (answer["exists"], answer["sessions"], answer["holders"]) == (False, None, [])


def test_a_failing_probe_has_the_sql_error_as_data(playbooks: Playbooks, server: Server, installed: str) -> None:
    server.run_in(installed, "DROP PROCEDURE dbo.TempInsertStateItemLong")
    run = playbooks.module("aspstate_probe", name=installed)
    assert run.code == 2
    assert run.result["error_kind"] == "probe_failed"
    assert run.result["sql_error"]["number"] == 2812
    assert run.result["msg"].startswith("TempInsertStateItemLong failed: ")


def test_a_refused_login_has_its_kind_and_no_password(playbooks: Playbooks) -> None:
    run = playbooks.module("aspstate_database_info", login_user="nobody")
    assert (run.code, run.result["error_kind"]) == (2, "cannot_connect")
    assert playbooks.login.password not in run.output


def test_what_a_run_leaves_as_it_is_and_a_dba_would_want_to_know_is_a_warning(
    playbooks: Playbooks, server: Server, empty: str
) -> None:
    for option in ("AUTO_CLOSE", "AUTO_SHRINK"):
        server.run_in(empty, f"ALTER DATABASE CURRENT SET {option} ON")
    run = playbooks.module("aspstate_database", name=empty, schema=SCHEMA, auto_close=False)
    assert "AUTO_SHRINK is on" in run.result["remarks"]
    assert not any("AUTO_CLOSE" in remark for remark in run.result["remarks"])
    assert f"database {empty}: remarks: AUTO_SHRINK is on" in " ".join(run.output.split())
