"""Changing the database itself: what the operator chose, what is to be, and the statements that lead there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from .errors import Refused
from .plan import Drift, Step
from .properties import DATA_FILE, LOG_FILE, SA, File, Properties, on_off
from .rights import Right
from .server import Server

RECOVERY_MODELS = ("simple", "bulk_logged", "full")

# In a database that was created here, what is not chosen is this; elsewhere it stays as it is.
_OWN_GROWTH = 64

_LOGINS = """
SELECT SUSER_SNAME(0x01), SUSER_SNAME(), SUSER_SID(@login)

SELECT name
FROM sys.database_principals
WHERE sid = SUSER_SID(CASE WHEN @login = N'sa' THEN SUSER_SNAME(0x01) ELSE @login END) AND principal_id <> 1
"""
_COLLATION = "SELECT CONVERT(int, COLLATIONPROPERTY(%(collation)s, 'CodePage'))"

# A size is given where it is more than that of model, which is the least for a data file.
_NEW_FILES = """
DECLARE @data nvarchar(4000) = CONVERT(nvarchar(4000), SERVERPROPERTY('InstanceDefaultDataPath'))
DECLARE @log nvarchar(4000) = CONVERT(nvarchar(4000), SERVERPROPERTY('InstanceDefaultLogPath'))
DECLARE @data_size int = %(data_size)s, @log_size int = %(log_size)s, @model_size int
SELECT @model_size = size / 128 FROM sys.master_files WHERE database_id = DB_ID(N'model') AND file_id = 1
"""

# CREATE and ALTER DATABASE take no variables; QUOTENAME makes any name a safe identifier. The words of an option and a
# collation that SQL Server knows are put in as they are.
_CREATE = f"""{_NEW_FILES}
DECLARE @create nvarchar(max) = N'CREATE DATABASE ' + QUOTENAME(%(database)s)
    + N' ON PRIMARY (NAME = {DATA_FILE}, FILENAME = N''' + REPLACE(@data + %(file)s, N'''', N'''''') + N'.mdf'''
    + CASE WHEN @data_size > @model_size THEN N', SIZE = ' + CONVERT(nvarchar(10), @data_size) + N' MB' ELSE N'' END
    + N', FILEGROWTH = ' + %(data_growth)s
    + N') LOG ON (NAME = {LOG_FILE}, FILENAME = N''' + REPLACE(@log + %(file)s, N'''', N'''''') + N'_log.ldf'''
    + ISNULL(N', SIZE = ' + CONVERT(nvarchar(10), @log_size) + N' MB', N'')
    + N', FILEGROWTH = ' + %(log_growth)s + N')' + %(collate)s
EXEC (@create)
"""
_SET = "DECLARE @set nvarchar(400) = N'ALTER DATABASE ' + QUOTENAME(%(database)s) + N' SET ' + %(option)s EXEC (@set)"
_MODIFY_FILE = """
DECLARE @modify nvarchar(800) = N'ALTER DATABASE ' + QUOTENAME(%(database)s)
    + N' MODIFY FILE (NAME = ' + QUOTENAME(%(file)s) + %(change)s + N')'
EXEC (@modify)
"""
_OWNER = """
DECLARE @owner nvarchar(600) = N'ALTER AUTHORIZATION ON DATABASE::' + QUOTENAME(%(database)s)
    + N' TO ' + QUOTENAME(%(login)s)
EXEC (@owner)
"""


@dataclass(frozen=True)
class Choices:
    """What the operator chose; None where nothing was chosen. Sizes and growth in MB, a size is the least size."""

    owner: str | None = None
    recovery_model: str | None = None
    collation: str | None = None
    auto_close: bool | None = None
    auto_shrink: bool | None = None
    data_file_size: int | None = None
    data_file_growth: int | None = None
    log_file_size: int | None = None
    log_file_growth: int | None = None
    manage_ownership_chain: bool = False

    def __post_init__(self) -> None:
        """Raises Refused for values that could not work."""
        for name in ("data_file_size", "data_file_growth", "log_file_size", "log_file_growth"):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= 16_777_216:
                raise Refused(f"{name} is {value}; give MB, from 1 to 16777216")
        if self.collation is not None and not re.fullmatch(r"[A-Za-z0-9_]+", self.collation):
            raise Refused(f"collation {self.collation!r} is no name of a collation, as Latin1_General_100_CI_AS is")
        if self.owner is not None and not self.owner.strip():
            raise Refused("owner is empty; give the name of a login, or leave it out")
        if self.manage_ownership_chain and self.owner not in (None, SA):
            raise Refused(
                f"owner is {self.owner!r}, but manage_ownership_chain needs {SA}, which owns tempdb; leave owner out"
            )

    def judge(self, type_: str) -> None:
        """Raises Refused for what has no meaning with a type of session state."""
        if self.manage_ownership_chain and type_ != "temporary":
            raise Refused(
                f"manage_ownership_chain has a meaning with type temporary only, not with {type_}, whose tables are "
                "where its procedures are; leave it out"
            )


@dataclass(frozen=True)
class Logins:
    """Names of logins: the one with SID 0x01, the connection's own, and the one that is to be the owner.

    `user` is the name of the user, other than dbo, that the last of them has in the database.
    """

    sa: str
    own: str
    owner: str
    user: str = ""


def read_logins(server: Server, choices: Choices, database: str = "") -> Logins:
    """The logins, and their user in `database` where that is there.

    Raises Refused where the chosen owner is no login, or the chosen collation unknown to the server.
    """
    owner = choices.owner or SA
    (row,), users = server.run_in(database or "master", _LOGINS, "@login sysname", {"login": owner}).sets
    sa, own, sid = row
    if owner.casefold() != SA and sid is None:
        raise Refused(f"owner: {server.address} has no login {owner!r}; give another one in aspstate_database_owner")
    if choices.collation and server.run(_COLLATION, {"collation": choices.collation}).row == (None,):
        raise Refused(
            f"collation: {server.address} does not know {choices.collation!r}; "
            "give another one in aspstate_database_collation"
        )
    owner = sa if owner.casefold() == SA else owner
    return Logins(sa, own, owner, users[0][0] if users and database else "")


def wanted_properties(current: Properties | None, choices: Choices) -> Properties:
    """`current` with what was chosen; in a database that was, or will be, created here also what was not chosen."""
    if current is None:
        files = (_new_file(DATA_FILE, "data", choices), _new_file(LOG_FILE, "log", choices))
        base = Properties(SA, "simple", None, auto_close=False, auto_shrink=False, db_chaining=False, files=files)
    elif current.created_here:
        model = current.recovery_model if current.in_availability_group else "simple"
        base = replace(current, owner=SA, recovery_model=model, auto_close=False, auto_shrink=False)
    else:
        base = current
    chosen: dict[str, Any] = {
        name: getattr(choices, name)
        for name in ("owner", "recovery_model", "collation", "auto_close", "auto_shrink")
        if getattr(choices, name) is not None
    }
    if choices.manage_ownership_chain:
        chosen |= {"db_chaining": True, "owner": SA}
    ours = current is None or current.created_here
    return replace(base, **chosen, files=tuple(_wanted_file(file, choices, ours) for file in base.files))


def _new_file(name: str, kind: str, choices: Choices) -> File:
    return File(name, kind, getattr(choices, f"{kind}_file_size"), "")


def _wanted_file(file: File, choices: Choices, ours: bool) -> File:
    size, growth = getattr(choices, f"{file.kind}_file_size"), getattr(choices, f"{file.kind}_file_growth")
    if growth is None and ours:
        growth = _OWN_GROWTH
    return replace(
        file,
        size=file.size if size is None else max(size, file.size or 0),
        growth=file.growth if growth is None else f"{growth} MB",
    )


def property_obstacles(current: Properties, choices: Choices, type_: str) -> list[str]:
    """What is there and cannot be altered."""
    found = []
    if choices.collation and choices.collation.casefold() != (current.collation or "").casefold():
        found.append(f"its collation is {current.collation}, not {choices.collation}: that is given at creation only")
    if current.read_only:
        found.append("it is read-only")
    if current.in_availability_group and choices.recovery_model not in (None, "full"):
        found.append(f"it is in an availability group, which needs recovery model full, not {choices.recovery_model}")
    if type_ == "temporary" and current.in_availability_group:
        found.append(
            "it is in an availability group, where type temporary does not work: tempdb and master are not replicated"
        )
    return found


def create_step(database: str, desired: Properties) -> Step:
    """CREATE DATABASE with its files."""
    values: dict[str, Any] = {"database": database, "file": re.sub(r'[\\/:*?"<>|]', "_", database)}
    for file in desired.files:
        values |= {f"{file.kind}_size": file.size, f"{file.kind}_growth": file.growth}
    values["collate"] = f" COLLATE {desired.collation}" if desired.collation else ""
    drift = (Drift("ASP117", f"database {database}", "present", "absent"),)
    return Step(f"create database {database}", _CREATE, values, rights=(Right("CREATE ANY DATABASE"),), drift=drift)


def property_steps(database: str, current: Properties | None, desired: Properties) -> Iterator[Step]:
    """All but the owner. A new database gets its options whatever model's are."""
    may_alter = () if current is None else (Right("ALTER", "DATABASE", database=database),)
    before: Any = current or object()
    for name, words in (
        ("recovery_model", f"RECOVERY {desired.recovery_model.upper()}"),
        ("auto_close", f"AUTO_CLOSE {on_off(desired.auto_close)}"),
        ("auto_shrink", f"AUTO_SHRINK {on_off(desired.auto_shrink)}"),
    ):
        if getattr(before, name, None) != getattr(desired, name):
            drift = _drift(f"{name} of database {database}", getattr(desired, name), getattr(before, name, None))
            yield Step(
                f"set {words} in database {database}", _SET, _option(database, words), rights=may_alter, drift=drift
            )
    if desired.db_chaining and not getattr(before, "db_chaining", False):
        words = "DB_CHAINING ON"
        drift, rights = _drift(f"db_chaining of database {database}", True, False), (Right("CONTROL SERVER"),)
        yield Step(f"set {words} in database {database}", _SET, _option(database, words), rights=rights, drift=drift)
    for file, then in zip(current.files, desired.files, strict=True) if current else ():
        for name, change in _file_changes(file, then):
            values = {"database": database, "file": file.name, "change": f", {change}"}
            where = f"{file.kind} file {file.name} of database {database}"
            drift = _drift(f"{name} of {where}", getattr(then, name), getattr(file, name))
            yield Step(f"set {change} of {where}", _MODIFY_FILE, values, rights=may_alter, drift=drift)


def _drift(subject: str, expected: object, found: object) -> tuple[Drift]:
    return (Drift("ASP118", subject, expected, found),)


def _option(database: str, words: str) -> dict[str, str]:
    return {"database": database, "option": words}


def _file_changes(file: File, then: File) -> Iterator[tuple[str, str]]:
    if then.size != file.size:
        yield "size", f"SIZE = {then.size} MB"
    if then.growth != file.growth:
        yield "growth", f"FILEGROWTH = {then.growth}"


def owner_step(database: str, current: Properties | None, desired: Properties, logins: Logins) -> Iterator[Step]:
    """The owner: last of all steps, since a login that gives a database away may no longer enter it."""
    if not _changes_owner(current, desired, logins):
        return
    login = logins.sa if desired.owner == SA else desired.owner
    rights: tuple[Right, ...] = () if login == logins.own else (Right("IMPERSONATE", "LOGIN", login),)
    if current is not None:
        rights += (Right("TAKE OWNERSHIP", "DATABASE", database=database),)
    yield Step(
        f"give database {database} to login {login}",
        _OWNER,
        {"database": database, "login": login},
        rights=rights,
        drift=_drift(f"owner of database {database}", desired.owner, current.owner if current else None),
    )


def _changes_owner(current: Properties | None, desired: Properties, logins: Logins) -> bool:
    owner = (logins.own if logins.own != logins.sa else SA) if current is None else current.owner
    return (owner or "").casefold() != (desired.owner or "").casefold()


def owner_obstacles(current: Properties | None, desired: Properties, logins: Logins) -> list[str]:
    """Why the owner cannot be changed: SQL Server gives no database to a login that is a user in it (error 15110)."""
    if not logins.user or not _changes_owner(current, desired, logins):
        return []
    return [
        f"it cannot be given to login {logins.owner}, which is user {logins.user} in it: DROP USER first (that login "
        "will be dbo), or give another one in aspstate_database_owner"
    ]
