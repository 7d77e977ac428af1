"""The database itself on a server: as a DBA wants it, and left alone where nobody asked."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest
from aspstate.errors import Refused
from aspstate.properties import read_properties, remarks
from aspstate.property_changes import Choices
from aspstate.server import Server

from tests.integration.conftest import current, install

COLLATION = "SQL_Latin1_General_CP1_CI_AS"


def test_a_new_database_is_as_a_dba_wants_it(server: Server, name: str) -> None:
    install(server, name)
    now = read_properties(server, name)
    assert (now.owner, now.recovery_model, now.db_chaining) == ("sa", "simple", False)
    assert (now.auto_close, now.auto_shrink) == (False, False)
    assert [(file.kind, file.growth) for file in now.files] == [("data", "64 MB"), ("log", "64 MB")]
    assert all(file.used <= file.size for file in now.files)


def test_a_new_database_gets_what_was_chosen(server: Server, name: str) -> None:
    choices = Choices(
        recovery_model="full",
        collation=COLLATION,
        auto_shrink=True,
        data_file_size=32,
        data_file_growth=16,
        log_file_size=24,
        log_file_growth=8,
    )
    install(server, name, choices=choices)
    now = read_properties(server, name)
    assert (now.recovery_model, now.collation, now.auto_shrink) == ("full", COLLATION, True)
    assert [(file.size, file.growth) for file in now.files] == [(32, "16 MB"), (24, "8 MB")]
    assert install(server, name, choices=choices).steps == ()


def test_a_size_is_the_least_size_where_model_is_larger(server: Server, name: str) -> None:
    choices = Choices(data_file_size=1, log_file_size=1)
    install(server, name, choices=choices)
    assert all(file.size >= 1 for file in read_properties(server, name).files)
    assert install(server, name, choices=choices).steps == ()


def test_growth_of_less_than_a_megabyte_is_growth(server: Server, empty: str) -> None:
    server.run_in(
        empty,
        "DECLARE @file sysname SELECT @file = name FROM sys.database_files WHERE type_desc = N'ROWS' "
        "EXEC (N'ALTER DATABASE CURRENT MODIFY FILE (NAME = ' + @file + N', FILEGROWTH = 512 KB)')",
    )
    now = read_properties(server, empty)
    assert [file.growth for file in now.files if file.kind == "data"] == ["512 KB"]
    assert not any("does not grow" in remark for remark in remarks(now))


def test_an_owner_who_is_a_user_there_is_refused_before_anything_is_done(server: Server, empty: str) -> None:
    owner = f"{empty}_owner"
    server.run(f"CREATE LOGIN {owner} WITH PASSWORD = N'Aa1!{secrets.token_hex(16)}'")
    try:
        server.run_in(empty, f"CREATE USER web FOR LOGIN {owner}")
        with pytest.raises(Refused, match=rf"it cannot be given to login {owner}, which is user web in it: DROP USER"):
            install(server, empty, choices=Choices(owner=owner))
        assert current(server, empty).contents.types == {}
    finally:
        server.run_in(empty, "DROP USER web")
        server.run(f"DROP LOGIN {owner}")


def test_what_others_created_is_left_alone_until_it_is_asked_for(server: Server, empty: str) -> None:
    for option in ("AUTO_CLOSE ON", "AUTO_SHRINK ON", "RECOVERY FULL"):
        server.run_in(empty, f"ALTER DATABASE CURRENT SET {option}")
    before = read_properties(server, empty)
    install(server, empty)
    after = read_properties(server, empty)
    assert replace(after, files=()) == replace(before, files=())
    plan = install(server, empty, choices=Choices(recovery_model="simple", auto_close=False, log_file_growth=32))
    log = next(file.name for file in before.files if file.kind == "log")
    assert [step.sentence for step in plan.steps] == [
        f"set RECOVERY SIMPLE in database {empty}",
        f"set AUTO_CLOSE OFF in database {empty}",
        f"set FILEGROWTH = 32 MB of log file {log} of database {empty}",
    ]
    now = read_properties(server, empty)
    assert (now.recovery_model, now.auto_close, now.auto_shrink) == ("simple", False, True)


def test_the_owner_is_changed_and_named_in_the_diff(server: Server, name: str) -> None:
    owner = f"{name}_owner"
    server.run(f"CREATE LOGIN {owner} WITH PASSWORD = N'Aa1!{secrets.token_hex(16)}'")
    try:
        install(server, name)
        plan = install(server, name, choices=Choices(owner=owner))
        assert [step.sentence for step in plan.steps] == [f"give database {name} to login {owner}"]
        assert "owner: sa\n" in plan.before
        assert f"owner: {owner}\n" in plan.after
        assert current(server, name).properties.owner == owner
        assert install(server, name, choices=Choices(owner=owner)).steps == ()
    finally:
        server.run(f"IF DB_ID(N'{name}') IS NOT NULL EXEC (N'ALTER AUTHORIZATION ON DATABASE::{name} TO sa')")
        server.run(f"DROP LOGIN {owner}")


BAD = [
    (Choices(owner="nobody_of_that_name"), "has no login 'nobody_of_that_name'"),
    (Choices(collation="Klingon_CI_AS"), "does not know 'Klingon_CI_AS'"),
]


@pytest.mark.parametrize(("choices", "message"), BAD, ids=["owner", "collation"])
def test_a_choice_that_the_server_does_not_know_is_refused(
    server: Server, name: str, choices: Choices, message: str
) -> None:
    with pytest.raises(Refused, match=message):
        install(server, name, choices=choices)
    assert not current(server, name).exists
