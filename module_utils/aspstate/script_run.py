"""Running a script as it is, batch by batch on one connection, and telling what each answered.

Which errors are meant: aspnet_regsql goes on after the same two, for the same batches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from .batches import Batch
from .dropped_features import dropped
from .errors import ConnectionLost, SqlError, SqlServerError
from .server import Server
from .tsql import significant

# By what the batch calls: the category is there already, the job is not there.
_EXPECTED = {"sp_add_category": 14261, "sp_delete_job": 14262}
_ENDS_CONNECTION = 20


@dataclass(frozen=True)
class Ran:
    """One batch: `index` from 1 and the `line` of its first line in the file; `rows` are those that it returned.

    `errors` are those that were expected, with their lines in the file.
    """

    index: int
    line: int
    seconds: float
    rows: int
    printed: tuple[str, ...]
    errors: tuple[SqlError, ...]

    def facts(self) -> dict[str, object]:
        """As plain data for a module's result."""
        return {**asdict(self), "errors": [asdict(error) for error in self.errors]}


def run_script(server: Server, path: str, batches: tuple[Batch, ...]) -> Iterator[Ran]:
    """Run each batch as often as its GO says, in order.

    Raises SqlServerError at the first error that is not expected, and ConnectionLost; both have notes: where in the
    file it was and what had been done.
    """
    for index, batch in enumerate(batches, start=1):
        for _ in range(batch.count):
            try:
                yield _run(server, index, batch)
            except (SqlServerError, ConnectionLost) as error:
                for note in _notes(error, path, batches, index):
                    error.add_note(note)
                raise


def _run(server: Server, index: int, batch: Batch) -> Ran:
    words = _words(batch)
    expected = {number for procedure, number in _EXPECTED.items() if procedure in words}
    start = time.monotonic()
    # USE in a statement of its own would end with it
    heard = server.hear(batch.text, to_its_end=bool(expected) and "use" not in words)
    for error in heard.errors:
        if error.number not in expected:
            raise SqlServerError(server.address, error)
    errors = tuple(replace(error, line=_line(batch, error)) for error in heard.errors)
    rows = sum(map(len, heard.answer.sets))
    return Ran(index, batch.line, round(time.monotonic() - start, 3), rows, heard.answer.printed, errors)


def _words(batch: Batch) -> list[str]:
    return [word.text.strip('[]"').casefold() for word in significant(batch.text)]


def _line(batch: Batch, error: SqlError) -> int:
    """Where in the file: in a procedure that is made there as it counts, else where the procedure is named."""
    procedure = error.procedure.rpartition(".")[2].casefold()
    if not procedure or _words(batch)[:1] in (["create"], ["alter"]):
        return batch.line + max(error.line, 1) - 1
    lines = batch.text.casefold().split("\n")
    return batch.line + next((number for number, line in enumerate(lines) if procedure in line), 0)


def _notes(error: SqlServerError | ConnectionLost, path: str, batches: tuple[Batch, ...], index: int) -> Iterator[str]:
    batch = batches[index - 1]
    done = f"batches 1 to {index - 1} are done and stay so" if index > 1 else "no batch before it"
    if isinstance(error, ConnectionLost):
        yield (
            f"{path}: this was in batch {index} of {len(batches)}, from line {batch.line}, of which a part may be "
            f"done; {done}"
        )
        return
    yield f"{path}, line {_line(batch, error.error)}: this was in batch {index} of {len(batches)}; {done}"
    if why := dropped(error.error, batch.text):
        yield why
    if error.error.severity >= _ENDS_CONNECTION:
        yield (
            f"severity {error.error.severity} ends the connection: what was not committed is rolled back, and SQL "
            "Server's error log tells more"
        )
