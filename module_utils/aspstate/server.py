"""One connection to SQL Server through pymssql: the only file that knows the driver.

It uses pymssql's own layer (`pymssql._mssql`) below its DB-API, which drops an error's severity, state, procedure and
line. More habits of the driver's are met here:
- it connects with CURSOR_CLOSE_ON_COMMIT ON, unlike SQL Server Agent and SSMS: the SET options are given, also those
  that the server's 'user options' may turn (with IMPLICIT_TRANSACTIONS ON nothing would ever be committed);
- it raises an error only when the result set is read in which it comes: every one is read to its end;
- it cancels what is left of a batch at the first DONE that says "error", but not at those within a procedure;
- it binds bytes that happen to be ASCII as a string, but a bytearray always as 0x...;
- a process is told SQL Server's words of its first failed login only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from .errors import ConnectionLost, Refused, SqlError, SqlServerError
from .login import Login
from .reachability import cannot_connect

MINIMUM_PYMSSQL = (2, 4, 3)
"""Before it `encryption=` did not reach the wire (pymssql's ChangeLog, 2.4.3)."""

_COMMON_OPTIONS = (
    "SET ANSI_NULLS ON",
    "SET ANSI_NULL_DFLT_ON ON",
    "SET ANSI_PADDING ON",
    "SET ANSI_WARNINGS ON",
    "SET CONCAT_NULL_YIELDS_NULL ON",
    "SET CURSOR_CLOSE_ON_COMMIT OFF",
    "SET IMPLICIT_TRANSACTIONS OFF",
    "SET QUOTED_IDENTIFIER ON",
    "SET TEXTSIZE 2147483647",
)
OPERATOR_OPTIONS = ("SET ARITHABORT ON", *_COMMON_OPTIONS)
"""SET options as SSMS has them."""
APPLICATION_OPTIONS = ("SET ARITHABORT OFF", *_COMMON_OPTIONS)
"""SET options as System.Data.SqlClient has them; SQL Server keeps its plans apart from those of the others."""

# DB-Library's numbers: timed out, read failed, write failed, unexpected end of file, connection is dead
_TIMED_OUT = 20003
_GONE = (_TIMED_OUT, 20004, 20006, 20017, 20047)
_REMARK = re.compile(r"DB-Lib error message (\d+), severity \d+:\n")


@dataclass(frozen=True)
class Result:
    """What a batch answered: the rows of each result set, the lines of PRINT, and the names of each set's columns."""

    sets: tuple[list[tuple[Any, ...]], ...]
    printed: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...] = ()

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of the only result set."""
        (rows,) = self.sets
        return rows

    @property
    def row(self) -> tuple[Any, ...]:
        """The only row of the only result set."""
        (row,) = self.rows
        return row

    @property
    def named_row(self) -> dict[str, Any]:
        """The same by the names of the columns."""
        (columns,) = self.columns
        return dict(zip(columns, self.row, strict=True))


@dataclass(frozen=True)
class Heard:
    """What a batch answered, and its errors. The driver tells the number of the first of the most severe ones only:
    that of the others is 0.
    """

    answer: Result
    errors: tuple[SqlError, ...] = ()


class Server:
    """An open connection; made by `connect`, used as a context manager."""

    def __init__(self, connection: Any, login: Login) -> None:
        self._connection = connection
        self._login = login
        self._printed: list[str] = []
        self._errors: list[SqlError] = []
        connection.set_msghandler(self._heard)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """How messages name the server."""
        return self._login.address

    @property
    def user(self) -> str:
        """How messages name the login."""
        return self._login.user or "(Kerberos)"

    def close(self) -> None:
        """End the connection; what was not committed is rolled back."""
        self._connection.close()

    def run(self, statement: str, values: Mapping[str, Any] | None = None) -> Result:
        """Run one batch with `%(name)s` bound to `values`, and read all that it answers.

        A str is bound as N'...', bytes as 0x..., None as NULL. Raises SqlServerError and ConnectionLost.
        """
        from pymssql import _mssql

        self._printed.clear()
        self._errors.clear()
        sets, columns = [], []
        bound = {
            name: bytearray(value) if isinstance(value, bytes) else value for name, value in (values or {}).items()
        }
        try:
            self._connection.execute_query(statement, bound or _mssql.NoParams)
            while True:
                if header := self._connection.get_header():
                    columns.append(tuple(column[0] for column in header))
                    sets.append(list(self._connection.get_iterator(_mssql.ROW_FORMAT_TUPLE)))
                if not self._connection.nextresult():
                    return Result(tuple(sets), tuple(self._printed), tuple(columns))
        except _mssql.MSSQLDatabaseException as error:
            raise self._refusal(error) from None
        except _mssql.MSSQLDriverException:
            raise self._lost("the connection has ended") from None

    def hear(self, batch: str, *, to_its_end: bool) -> Heard:
        """Run one batch as it is, where an error is an answer too. Of a batch with errors no rows are told.

        With `to_its_end` it runs in a scope of its own (USE and SET end with it), and runs on after errors as far as
        SQL Server lets it; else an error may also end what the driver had not received yet. Raises ConnectionLost.
        """
        try:
            if to_its_end:
                return Heard(self.run("EXEC sys.sp_executesql %(batch)s", {"batch": batch}))
            return Heard(self.run(batch))
        except SqlServerError as error:
            others, unnumbered = list(self._errors), replace(error.error, number=0)
            if unnumbered in others:
                others.remove(unnumbered)
            return Heard(Result((), tuple(self._printed)), (error.error, *others))

    def run_in(
        self,
        database: str,
        statement: str,
        declare: str = "",
        values: Mapping[str, Any] | None = None,
        names: Mapping[str, str] | None = None,
    ) -> Result:
        """Run one batch in another database without entering it.

        `declare` are the parameters of `statement` (`@id int, @name sysname`), `values` what each of them gets. `names`
        are the databases that stand in it as [key's], which is no name of a database. The connection stays where it is,
        so that it never holds a database that is about to be dropped.
        """
        values, names = dict(values or {}), names or {}
        named = {f"named_{key}": name for key, name in names.items()}
        arguments = "".join(f", @{name} = %({name})s" for name in values)
        return self.run(
            "DECLARE @execute nvarchar(300) = QUOTENAME(%(in_database)s) + N'.sys.sp_executesql'\n"
            "DECLARE @batch nvarchar(max) = %(in_statement)s\n"
            + "".join(_named(key) for key in names)
            + "EXEC @execute @batch"
            + (", %(in_declare)s" + arguments if declare else ""),
            {"in_database": database, "in_statement": statement, "in_declare": declare, **values, **named},
        )

    def run_in_turn(self, *batches: tuple[str, str]) -> Result:
        """Run one batch after the other in one round trip, each in its database, without entering it.

        `batches` are pairs of a database and a statement; the result has the sets of all of them.
        """
        statement, values = "DECLARE @execute nvarchar(300)\n", {}
        for number, (database, batch) in enumerate(batches):
            values |= {f"database{number}": database, f"batch{number}": batch}
            statement += (
                f"SET @execute = QUOTENAME(%(database{number})s) + N'.sys.sp_executesql'\n"
                f"EXEC @execute %(batch{number})s\n"
            )
        return self.run(statement, values)

    def act_as(self, login: str) -> None:
        """Be another login from now on; SQL Server asks for the right to impersonate it."""
        self.run("DECLARE @login sysname = %(login)s EXECUTE AS LOGIN = @login", {"login": login})
        self._login = replace(self._login, user=login)

    def _heard(self, state: int, severity: int, _server: Any, procedure: Any, line: int, text: bytes) -> None:
        if severity <= 10:
            self._printed.append(_text(text))
        else:
            self._errors.append(SqlError(0, severity, state, _text(procedure), line, _text(text).strip()))

    def _refusal(self, error: Any) -> SqlServerError | ConnectionLost:
        answer = sql_error(error)
        remarks = {int(number) for number in _REMARK.findall(_text(error.text))}
        if _TIMED_OUT in remarks:
            return self._lost(f"no answer within query_timeout, {self._login.query_timeout} s")
        if answer.number in _GONE:
            return self._lost(answer.text)
        return SqlServerError(self.address, answer)

    def _lost(self, why: str) -> ConnectionLost:
        return ConnectionLost(f"the connection to {self.address} was lost: {why}")


def _named(key: str) -> str:
    return "SET @batch = REPLACE(@batch, N'[{key}''s]', QUOTENAME(%(named_{key})s))\n".replace("{key}", key)


def connect(login: Login, options: tuple[str, ...] = OPERATOR_OPTIONS) -> Server:
    """Open a connection. Raises CannotConnect, and Refused for a driver that is missing or too old."""
    _mssql = _driver()
    _mssql.login_timeout = login.login_timeout
    try:
        connection = _mssql.connect(
            server=login.host,
            port="" if login.instance else str(login.port),
            user=login.user or None,
            password=login.password or None,
            database=login.database,
            appname="aspstate",
            encryption=None if login.encrypt == "default" else login.encrypt,
            conn_properties=list(options),
        )
        connection.query_timeout = login.query_timeout  # speaks to the server, and may be the first to notice a loss
    except _mssql.MSSQLDatabaseException as error:
        raise cannot_connect(login, _connect_error(error)) from None
    except _mssql.MSSQLDriverException as error:
        raise cannot_connect(login, SqlError(0, 0, 0, "", 0, str(error))) from None
    return Server(connection, login)


def sql_error(error: Any) -> SqlError:
    """pymssql's exception as plain data, without the remarks of DB-Library's that follow SQL Server's text."""
    text = _text(error.text)
    said = _REMARK.split(text)[0].strip()
    remark = _REMARK.search(text)
    if not said and remark:
        said = text[remark.end() :].partition("\n")[0]
    return SqlError(error.number, error.severity, error.state, _text(error.procname), error.line, said)


def _connect_error(error: Any) -> SqlError:
    """The same for a failed connect, where a number without SQL Server's text may be that of an earlier connect."""
    remark = _REMARK.match(_text(error.text))
    return replace(sql_error(error), number=int(remark.group(1))) if remark else sql_error(error)


def load_driver() -> None:
    """Import pymssql, where it is installed: for a process that forks others which connect."""
    with suppress(ImportError):
        import pymssql  # noqa: F401


def _driver() -> Any:
    try:
        from pymssql import _mssql
    except ImportError:
        raise Refused(
            "pymssql is not installed where this module runs; it belongs on the controller: connection: local and "
            "ansible_python_interpreter: '{{ ansible_playbook_python }}', with requirements.txt installed there"
        ) from None
    if _mssql.VERSION < MINIMUM_PYMSSQL:
        found, least = (".".join(map(str, version)) for version in (_mssql.VERSION, MINIMUM_PYMSSQL))
        raise Refused(f"pymssql {found} does not encrypt what it is asked to encrypt; install {least} or later")
    return _mssql


def _text(value: bytes | str | None) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value or ""
