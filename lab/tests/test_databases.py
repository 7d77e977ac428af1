"""Databases as a DBA sees them: files, options, and what the catalog says of both."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest

from lab.server.errors import UNSUPPORTED
from lab.tests.recorder import log_in, ok, open_engine, run

FILES = "SELECT name, type_desc, size, growth, is_percent_growth, physical_name FROM d.sys.database_files"
SETTINGS = """SELECT recovery_model_desc, is_auto_close_on, is_auto_shrink_on, is_db_chaining_on
FROM sys.databases WHERE name = """


@pytest.fixture
def session(tmp_path):
    return log_in(open_engine(tmp_path))


def reopened(session, folder, **options):
    """A session on the same folder after the engine was left as a kill leaves it."""
    os.close(session.engine._log._file)
    return log_in(open_engine(folder, **options))


def create(data: str = "", log: str = "") -> str:
    """CREATE DATABASE d with two files in a folder of the DBA's."""
    return (
        f"CREATE DATABASE [d] ON PRIMARY (NAME = [the data], FILENAME = N'/sql/d.mdf'{data})"
        f" LOG ON (NAME = d_l, FILENAME = '/sql/d.ldf'{log})"
    )


# Files


def test_a_new_database_has_the_files_of_model_in_the_default_folders(session):
    ok(session, "CREATE DATABASE d")
    folders = ok(
        session,
        "SELECT CONVERT(nvarchar(400), SERVERPROPERTY('InstanceDefaultDataPath')),"
        " CONVERT(nvarchar(400), SERVERPROPERTY('InstanceDefaultLogPath'))",
    ).rows[0]
    assert all(folder.startswith("/") and folder.endswith("/") for folder in folders)
    assert ok(session, FILES).rows == [
        ("d", "ROWS", 1024, 8192, 0, f"{folders[0]}d.mdf"),
        ("d_log", "LOG", 1024, 10, 1, f"{folders[1]}d_log.ldf"),
    ]


@pytest.mark.parametrize(
    ("data", "log", "sizes"),
    [
        (", SIZE = 16MB, FILEGROWTH = 64MB", ", SIZE = 512KB, FILEGROWTH = 20%", [(2048, 8192, 0), (64, 20, 1)]),
        (", FILEGROWTH = 1GB, SIZE = 9", ", SIZE = 1 GB", [(1152, 131072, 0), (131072, 10, 1)]),
        (", FILEGROWTH = 65KB", ", FILEGROWTH = 0", [(1024, 16, 0), (1024, 0, 0)]),
    ],
)
def test_files_are_as_the_dba_wants_them(session, data, log, sizes):
    ok(session, create(data, log))
    rows = ok(session, FILES).rows
    assert [row[2:5] for row in rows] == sizes
    assert [(row[0], row[5]) for row in rows] == [("the data", "/sql/d.mdf"), ("d_l", "/sql/d.ldf")]


def test_names_of_files_may_be_strings_or_quoted(session):
    ok(session, """CREATE DATABASE d ON (NAME = N'a b', FILENAME = '/x') LOG ON (NAME = "c d", FILENAME = '/y')""")
    assert [row[0] for row in ok(session, FILES).rows] == ["a b", "c d"]


WRONG_FILES = {
    create().replace("[d]", "e"): [5170, 1802],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/E.mdf') LOG ON (NAME=l, FILENAME='/e.MDF')": [5170, 1802],
    "CREATE DATABASE e ON (NAME=e, FILENAME='e.mdf') LOG ON (NAME=l, FILENAME='/e.ldf')": [5105, 1802],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/e.mdf') LOG ON (NAME=E, FILENAME='/e.ldf')": [1828],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/e.mdf', SIZE=7MB) LOG ON (NAME=l, FILENAME='/e.ldf')": [1803],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/e.mdf') LOG ON (NAME=l, FILENAME='/l', SIZE=511KB)": [5174],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/e.mdf')": [UNSUPPORTED],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/e.mdf', MAXSIZE=9) LOG ON (NAME=l, FILENAME='/l')": [UNSUPPORTED],
    "CREATE DATABASE e ON (NAME=e, FILENAME='/e') LOG ON (NAME=l, FILENAME='/l', SIZE=1 TB)": [UNSUPPORTED],
    "CREATE DATABASE e ON (NAME=e) LOG ON (NAME=l, FILENAME='/l')": [UNSUPPORTED],
    "CREATE DATABASE e ON (NAME=e, NAME=f) LOG ON (NAME=l, FILENAME='/l')": [102],
}


@pytest.mark.parametrize(("text", "numbers"), WRONG_FILES.items(), ids=WRONG_FILES)
def test_files_that_cannot_be(session, text, numbers):
    ok(session, create())
    assert run(session, text).numbers == numbers
    assert ok(session, "SELECT DB_ID('e')").value is None


def test_a_catch_sees_the_last_error_only(session):
    answer = ok(
        session, "BEGIN TRY ALTER DATABASE nix SET AUTO_CLOSE ON END TRY BEGIN CATCH SELECT ERROR_NUMBER() END CATCH"
    )
    assert answer.value == 5069


def test_files_can_be_made_larger_and_grow_differently(session):
    ok(session, "CREATE DATABASE d", "ALTER DATABASE d MODIFY FILE (NAME = D, SIZE = 100MB)", "USE d")
    ok(session, "ALTER DATABASE CURRENT MODIFY FILE (NAME = d_log, FILEGROWTH = 5MB)")
    ok(session, "ALTER DATABASE d MODIFY FILE (NAME = d, FILEGROWTH = 25%)")
    assert [row[2:5] for row in ok(session, FILES).rows] == [(12800, 25, 1), (1024, 640, 0)]


@pytest.mark.parametrize(
    ("text", "numbers"),
    {
        "ALTER DATABASE d MODIFY FILE (NAME = d, SIZE = 8MB)": [5039],
        "ALTER DATABASE d MODIFY FILE (NAME = d, SIZE = 1MB)": [5039],
        "ALTER DATABASE d MODIFY FILE (NAME = nix, SIZE = 80MB)": [5041],
        "ALTER DATABASE nix MODIFY FILE (NAME = d, SIZE = 80MB)": [5011, 5069],
        "ALTER DATABASE d MODIFY FILE (NAME = d)": [UNSUPPORTED],
        "ALTER DATABASE d MODIFY FILE (NAME = d, SIZE = 80MB, FILEGROWTH = 1%)": [UNSUPPORTED],
        "ALTER DATABASE d MODIFY FILE (NAME = d, FILENAME = '/x')": [UNSUPPORTED],
        "ALTER DATABASE tempdb MODIFY FILE (NAME = tempdev, SIZE = 80MB)": [UNSUPPORTED],
    }.items(),
)
def test_files_that_cannot_be_changed_so(session, text, numbers):
    ok(session, "CREATE DATABASE d")
    before = ok(session, FILES).rows
    assert run(session, text).numbers == numbers
    assert ok(session, FILES).rows == before


def test_master_files_has_the_files_of_all(session):
    ok(session, "CREATE DATABASE d")
    rows = ok(session, "SELECT database_id, file_id, name, max_size, state_desc FROM sys.master_files").rows
    assert rows[:2] == [(1, 1, "master", -1, "ONLINE"), (1, 2, "mastlog", 268435456, "ONLINE")]
    assert [row[2] for row in rows[2:]] == [
        "tempdev", "templog", "modeldev", "modellog", "MSDBData", "MSDBLog", "d", "d_log",
    ]  # fmt: skip


# Space


def used(session, name: str) -> int:
    """FILEPROPERTY of a file of the current database."""
    return ok(session, f"SELECT FILEPROPERTY('{name}', 'SpaceUsed')").value


def test_space_used_follows_the_rows_and_the_open_changes(session):
    ok(session, "CREATE DATABASE d", "USE d", "CREATE TABLE t (id int NOT NULL PRIMARY KEY, v varchar(max))")
    empty = used(session, "d")
    assert used(session, "D_LOG") == 1
    ok(session, "BEGIN TRAN INSERT t VALUES (1, REPLICATE(CONVERT(varchar(max), 'x'), 800000))")
    assert used(session, "d") - empty in range(98, 103)
    assert used(session, "d_log") in range(98, 200)
    ok(session, "COMMIT")
    assert used(session, "d_log") == 1
    ok(session, "DELETE t")
    assert used(session, "d") == empty
    assert used(session, "nix") is None
    assert run(session, "SELECT FILEPROPERTY('d', 'IsReadOnly')").numbers == [UNSUPPORTED]


def test_a_file_grows_by_its_growth_and_stays_so(session, tmp_path):
    ok(session, create(", FILEGROWTH = 1MB"), "CREATE TABLE d.dbo.t (v varchar(max))")
    ok(session, "INSERT d.dbo.t VALUES (REPLICATE(CONVERT(varchar(max), 'x'), 10000000))")
    assert ok(session, FILES).rows[0][2] == 1024 + 2 * 128
    ok(session, "DELETE d.dbo.t")
    assert ok(session, FILES).rows[0][2] == 1024 + 2 * 128
    session = reopened(session, tmp_path)
    assert ok(session, FILES).rows[0][2] == 1024 + 2 * 128


# Options


CHANGES = {
    "RECOVERY SIMPLE": ("SIMPLE", 0, 0, 0),
    "RECOVERY BULK_LOGGED": ("BULK_LOGGED", 0, 0, 0),
    "AUTO_CLOSE ON": ("FULL", 1, 0, 0),
    "AUTO_SHRINK ON": ("FULL", 0, 1, 0),
    "DB_CHAINING ON": ("FULL", 0, 0, 1),
}


@pytest.mark.parametrize(("option", "row"), CHANGES.items(), ids=CHANGES)
def test_options_are_set_and_last(session, tmp_path, option, row):
    ok(session, "CREATE DATABASE d", f"ALTER DATABASE [d] SET {option}")
    assert ok(session, f"{SETTINGS}'d'").rows == [row]
    session = reopened(session, tmp_path)
    assert ok(session, f"{SETTINGS}'d'").rows == [row]
    ok(session, f"ALTER DATABASE d SET {option.replace(' ON', ' OFF').replace('SIMPLE', 'FULL')}")


def test_options_and_files_outlive_a_log_written_anew(session, tmp_path):
    ok(session, create(), "USE d", "ALTER DATABASE CURRENT SET RECOVERY SIMPLE", "CREATE TABLE t (a int)")
    ok(session, "INSERT t VALUES (0) DECLARE @i int = 0 WHILE @i < 1500 BEGIN UPDATE t SET a = a + 1 SET @i += 1 END")
    before = [ok(session, text).rows for text in (FILES, f"{SETTINGS}'d'")]
    session.close()
    session.engine.close()
    engine = open_engine(tmp_path)
    session = log_in(engine)
    assert engine._log.records < 100
    assert [ok(session, text).rows for text in (FILES, f"{SETTINGS}'d'")] == before


def test_system_databases_have_their_own(session):
    rows = ok(session, f"{SETTINGS}'master' OR name = 'tempdb' OR name = 'model' OR name = 'msdb'").rows
    assert rows == [("SIMPLE", 0, 0, 1), ("SIMPLE", 0, 0, 1), ("FULL", 0, 0, 0), ("SIMPLE", 0, 0, 1)]


REFUSED = {
    "ALTER DATABASE nix SET RECOVERY SIMPLE": [5011, 5069],
    "BEGIN TRAN ALTER DATABASE d SET RECOVERY SIMPLE": [226],
    "BEGIN TRAN ALTER DATABASE d MODIFY FILE (NAME = d, SIZE = 80MB)": [226],
    "ALTER DATABASE master SET DB_CHAINING OFF": [5058],
    "ALTER DATABASE model SET DB_CHAINING ON": [5058],
    "ALTER DATABASE tempdb SET DB_CHAINING OFF": [5058],
    "ALTER DATABASE tempdb SET RECOVERY FULL": [5058],
    "ALTER DATABASE master SET OFFLINE": [5058],
    "ALTER DATABASE msdb SET OFFLINE": [5058],
    "ALTER DATABASE master SET SINGLE_USER": [5058],
    "ALTER DATABASE CURRENT SET AUTO_CLOSE ON": [5058],
    "ALTER DATABASE msdb SET RECOVERY FULL": [UNSUPPORTED],
    "ALTER DATABASE d SET RECOVERY SIMPLE WITH NO_WAIT": [UNSUPPORTED],
    "ALTER DATABASE d SET AUTO_CLOSE ON, AUTO_SHRINK ON": [UNSUPPORTED],
    "ALTER DATABASE d SET SINGLE_USER WITH ROLLBACK AFTER 5": [UNSUPPORTED],
    "ALTER DATABASE d SET RECOVERY NONE": [102],
    "ALTER DATABASE d SET AUTO_CLOSE": [102],
}


@pytest.mark.parametrize(("text", "numbers"), REFUSED.items(), ids=REFUSED)
def test_options_that_are_not_set(session, text, numbers):
    ok(session, "CREATE DATABASE d")
    assert run(session, text).numbers == numbers
    assert ok(session, f"{SETTINGS}'d'").rows == [("FULL", 0, 0, 0)]


def test_why_the_log_is_kept(session):
    other = log_in(session.engine)

    def wait(name: str) -> str:
        rows = ok(other, "SELECT name, log_reuse_wait_desc FROM sys.databases").rows
        return dict(rows)[name]

    ok(session, "CREATE DATABASE d", "CREATE TABLE d.dbo.t (a int)")
    assert wait("d") == "LOG_BACKUP"
    ok(session, "ALTER DATABASE d SET RECOVERY SIMPLE")
    assert (wait("d"), wait("master"), wait("tempdb")) == ("NOTHING",) * 3
    ok(session, "BEGIN TRAN SELECT a FROM d.dbo.t WITH (HOLDLOCK)")
    assert wait("d") == "NOTHING"
    ok(session, "INSERT d.dbo.t VALUES (1)")
    assert (wait("d"), wait("tempdb")) == ("ACTIVE_TRANSACTION", "NOTHING")
    ok(session, "ROLLBACK BEGIN TRAN CREATE TABLE d.dbo.u (a int)")
    assert wait("d") == "ACTIVE_TRANSACTION"
    ok(session, "COMMIT")
    assert wait("d") == "NOTHING"


def test_tempdb_is_as_old_as_the_server(session, tmp_path):
    created = "SELECT create_date FROM sys.databases WHERE name = 'tempdb'"
    first = ok(session, created).value
    assert session.engine.now() - first < timedelta(minutes=1)
    ok(session, "WAITFOR DELAY '00:00:00.010'")
    assert ok(reopened(session, tmp_path), created).value > first


IN_GROUP = """SELECT name FROM sys.databases
WHERE CASE WHEN replica_id IS NULL THEN 0 ELSE 1 END = 1 AND group_database_id IS NOT NULL"""


def test_availability_group_is_what_the_command_line_says(session, tmp_path):
    ok(session, "CREATE DATABASE d", "CREATE DATABASE e")
    assert ok(session, IN_GROUP).rows == []
    session = reopened(session, tmp_path, availability_groups=("D", "f"))
    assert ok(session, IN_GROUP).rows == [("d",)]


def test_code_page_of_the_one_collation(session):
    ask = "SELECT CONVERT(int, COLLATIONPROPERTY('{}', 'CodePage'))"
    assert ok(session, ask.format("sql_latin1_general_cp1_ci_as")).value == 1252
    assert ok(session, ask.format("Latin1_General_BIN")).value is None
    assert run(session, "SELECT CONVERT(int, COLLATIONPROPERTY('x', 'LCID'))").numbers == [UNSUPPORTED]
