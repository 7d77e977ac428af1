"""What the wire and the engine say to each other: the wire calls `Engine` and `Session`, the engine calls `Client`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lab.server.errors import SqlError
from lab.server.types import SqlType


@dataclass(frozen=True)
class LoginRequest:
    """What a client said of itself in LOGIN7."""

    user: str
    password: str
    database: str = ""
    host_name: str = ""
    program_name: str = ""
    host_process_id: int = 0
    library_name: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a result set."""

    name: str
    type: SqlType
    nullable: bool = True


@dataclass(frozen=True)
class RpcParameter:
    """One parameter of an RPC request; an empty name is positional."""

    name: str
    type: SqlType
    value: Any
    output: bool = False


class Client(Protocol):
    """Where a session sends what a batch or RPC answers, in the order in which it happens."""

    def columns(self, columns: Sequence[Column]) -> None:
        """A result set begins."""

    def row(self, values: Sequence[Any]) -> None:
        """A row of the result set that began last."""

    def done(self, rows: int | None, *, select: bool = False) -> None:
        """A statement ended; `rows` is its count, None where it has none or SET NOCOUNT ON hides it (not of SELECT)."""

    def message(self, number: int, severity: int, state: int, text: str, procedure: str = "", line: int = 0) -> None:
        """PRINT, RAISERROR of severity 0-10 and the server's information messages."""

    def error(self, error: SqlError) -> None:
        """An error the client is told, after the one that it has `before` it; the batch may go on after it."""

    def database_changed(self, new: str, old: str) -> None:
        """USE succeeded (the engine sends message 5701 itself)."""

    def return_status(self, status: int) -> None:
        """RPC only: what the procedure returned."""

    def return_value(self, ordinal: int, name: str, type_: SqlType, value: Any) -> None:
        """RPC only: an OUTPUT parameter, in the procedure's type; ordinal counts all parameters from 0."""


class Session(Protocol):
    """One logged-in connection. One thread calls batch/rpc at a time; cancel may come from any thread."""

    spid: int
    database: str
    hang_up: Callable[[], None] | None
    """The wire puts in what ends the client's stream, which KILL does."""

    def batch(self, text: str, client: Client) -> None:
        """Run one batch. Never raises SqlError: errors go to client.error."""

    def rpc(self, procedure: str, parameters: Sequence[RpcParameter], client: Client) -> None:
        """Call a procedure by name (one to three parts, or sp_executesql). Never raises SqlError."""

    def cancel(self) -> None:
        """End what is running as soon as it can (attention, client gone); waits for locks end too."""

    def renew(self) -> None:
        """Between two requests: a cancel that came too late for the one that ended must not hit the next."""

    def reset(self) -> None:
        """RESETCONNECTION: roll back, drop temporary tables, release locks, SET options and database as at login."""

    def close(self) -> None:
        """Roll back and forget the session; idempotent."""


class Engine(Protocol):
    """The databases of one data folder; `version` is the number that clients are told."""

    version: tuple[int, int, int, int]

    def login(self, request: LoginRequest) -> Session:
        """Raises SqlError 18456 (user or password) and 4060 (database)."""

    def close(self) -> None:
        """Close the log; sessions must be closed before."""
