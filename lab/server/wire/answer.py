"""What one request is answered: its tokens, of which only the last DONE says that nothing follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from lab.server.errors import Reach, SqlError
from lab.server.interface import Column
from lab.server.types import SqlType
from lab.server.wire import tokens
from lab.server.wire.datatypes import Encoder, encoder
from lab.server.wire.tokens import Done, DoneKind


class Answer:
    """Implements `interface.Client`.

    Nothing is sent before the request has ended, so that no statement ever waits, with its locks, for a client that
    does not read. A failed statement's DONE follows its error by itself; the engine may, but need not, call `done`.
    """

    def __init__(self, server: str, wide: bool, call: bool = False) -> None:
        """`server` is the name in messages, `call` says that the request is an RPC."""
        self.ends_connection = False
        self.positional = 0
        """How many parameters of the call came without a name: their values go back without one."""
        self._server = server
        self._wide = wide
        self._call = call
        self._kind = DoneKind.IN_PROCEDURE if call else DoneKind.BATCH
        self._tokens = bytearray()
        self._encoders: list[Encoder] = []
        self._held: Done | None = None

    def columns(self, columns: Sequence[Column]) -> None:
        """See `Client`."""
        described = tokens.columns(columns, self._wide)
        self._encoders = [encoder(column.type, self._wide) for column in columns]
        self._write(described)

    def row(self, values: Sequence[Any]) -> None:
        """See `Client`."""
        self._write(tokens.row(self._encoders, values))

    def done(self, rows: int | None, *, select: bool = False) -> None:
        """See `Client`. A statement without a count says nothing."""
        if rows is not None:
            self._hold(Done(self._kind, rows, select))

    def message(self, number: int, severity: int, state: int, text: str, procedure: str = "", line: int = 0) -> None:
        """See `Client`."""
        self._tell(SqlError(number, text, severity, state, procedure=procedure, line=line))

    def error(self, error: SqlError) -> None:
        """See `Client`."""
        self._release()
        if error.before:
            self._tell(replace(error.before, procedure=error.procedure, line=error.line))
        self._tell(error)
        self._hold(Done(self._kind, failed=True))
        if error.reach is Reach.CONNECTION:
            self.ends_connection = True

    def database_changed(self, new: str, old: str) -> None:
        """See `Client`."""
        self._write(tokens.database_changed(new, old))

    def return_status(self, status: int) -> None:
        """See `Client`."""
        if self._call:
            self._write(tokens.return_status(status))

    def return_value(self, ordinal: int, name: str, type_: SqlType, value: Any) -> None:
        """See `Client`."""
        shown = "" if ordinal < self.positional else name
        self._write(tokens.return_value(ordinal, shown, type_, value, self._wide))

    def connection_reset(self, database: str, old: str) -> None:
        """RESETCONNECTION was obeyed; the session is in `database` again."""
        self._write(tokens.connection_reset() + tokens.database_changed(database, old))

    def finish(self) -> bytes:
        """The whole reply."""
        if self._call:
            self._hold(Done(DoneKind.PROCEDURE))
        last = self._held or Done(self._kind)
        return bytes(self._tokens) + last.encode(self._wide, more=False)

    def _write(self, data: bytes) -> None:
        self._release()
        self._tokens += data

    def _tell(self, told: SqlError) -> None:
        """Information that belongs to an error ("The statement has been terminated.") goes before the error's DONE."""
        if self._held and not self._held.failed:
            self._release()
        self._tokens += tokens.message(told, self._server, self._wide)

    def _hold(self, done: Done) -> None:
        self._release()
        self._held = done

    def _release(self) -> None:
        if self._held:
            self._tokens += self._held.encode(self._wide, more=True)
            self._held = None
