"""A client without a wire: it keeps what a session answers, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.server.engine.engine import Engine
from lab.server.engine.session import Session
from lab.server.errors import SqlError
from lab.server.instance import Instance
from lab.server.interface import Column, LoginRequest, RpcParameter
from lab.server.types import SqlType

PASSWORD = "for tests only"


@dataclass
class Recorder:
    """Implements `interface.Client`."""

    sets: list[tuple[list[Column], list[tuple[Any, ...]]]] = field(default_factory=list)
    counts: list[int | None] = field(default_factory=list)
    messages: list[tuple[int, int, str]] = field(default_factory=list)
    errors: list[SqlError] = field(default_factory=list)
    databases: list[str] = field(default_factory=list)
    status: int | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    output_types: dict[str, SqlType] = field(default_factory=dict)
    ordinals: dict[str, int] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)

    def columns(self, columns: Sequence[Column]) -> None:
        self.events.append("columns")
        self.sets.append((list(columns), []))

    def row(self, values: Sequence[Any]) -> None:
        self.sets[-1][1].append(tuple(values))

    def done(self, rows: int | None, *, select: bool = False) -> None:
        self.events.append("done")
        self.counts.append(rows)

    def message(self, number: int, severity: int, state: int, text: str, procedure: str = "", line: int = 0) -> None:
        self.events.append("message")
        self.messages.append((number, severity, text))

    def error(self, error: SqlError) -> None:
        self.events.append("error")
        self.errors += [error.before, error] if error.before else [error]

    def database_changed(self, new: str, old: str) -> None:
        self.databases.append(new)

    def return_status(self, status: int) -> None:
        self.events.append("status")
        self.status = status

    def return_value(self, ordinal: int, name: str, type_: SqlType, value: Any) -> None:
        self.events.append("output")
        self.outputs[name] = value
        self.output_types[name] = type_
        self.ordinals[name] = ordinal

    @property
    def numbers(self) -> list[int]:
        """The numbers of the errors."""
        return [error.number for error in self.errors]

    @property
    def printed(self) -> list[str]:
        """The texts of PRINT."""
        return [text for number, _, text in self.messages if number == 0]

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """The rows of the only result set; errors fail the test that asks."""
        assert not self.errors, [str(error) for error in self.errors]
        assert len(self.sets) == 1, self.sets
        return self.sets[0][1]

    @property
    def value(self) -> Any:
        """The only value of the only row."""
        assert len(self.rows) == 1, self.rows
        assert len(self.rows[0]) == 1, self.rows
        return self.rows[0][0]


def open_engine(folder: Path, **options: Any) -> Engine:
    """An engine on a data folder; options as `Instance` has them."""
    return Engine(folder, PASSWORD, Instance(**options))


def log_in(engine: Engine, database: str = "") -> Session:
    """A session of the administrator."""
    return engine.login(LoginRequest("sa", PASSWORD, database, "test-host", "test-program", 42))


def run(session: Session, text: str) -> Recorder:
    """Run a batch; errors are recorded."""
    answer = Recorder()
    session.renew()
    session.batch(text, answer)
    return answer


def ok(session: Session, *texts: str) -> Recorder:
    """Run batches that must not fail; the answer to the last one."""
    answer = Recorder()
    for text in texts:
        answer = run(session, text)
        assert not answer.errors, (text, [str(error) for error in answer.errors])
    return answer


def call(session: Session, procedure: str, *parameters: RpcParameter) -> Recorder:
    """Call a procedure as a client's RPC does."""
    answer = Recorder()
    session.renew()
    session.rpc(procedure, parameters, answer)
    return answer
