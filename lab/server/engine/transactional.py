"""A session's transaction: BEGIN, COMMIT, ROLLBACK, and all or nothing for each statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lab.server.engine.transactions import Transaction
from lab.server.errors import Reach, SqlError


class Transactional:
    """What `Session` inherits; called with the engine's turn."""

    engine: Any

    def __init__(self) -> None:
        self.transaction: Transaction | None = None
        self._in_statement = False

    @property
    def transaction_count(self) -> int:
        """@@TRANCOUNT."""
        return self.transaction.depth if self.transaction else 0

    def cost(self) -> int:
        """How many changes a rollback would throw away."""
        return len(self.transaction.changes) if self.transaction else 0

    @contextmanager
    def statement(self) -> Iterator[None]:
        """Within the block there is a transaction; what fails is undone, and without BEGIN TRANSACTION it commits."""
        if self._in_statement:
            yield
            return
        if self.transaction is None:
            self.transaction = Transaction(self)
        transaction = self.transaction
        mark = len(transaction.changes)
        self._in_statement = True
        try:
            yield
        except BaseException:
            transaction.undo_to(mark)
            if not transaction.depth:
                self.roll_back_all()
            raise
        finally:
            self._in_statement = False
            transaction.end_statement()
        if not transaction.depth:
            self._finish(transaction)

    def refuse_doomed(self) -> None:
        """Raises 3930 if the transaction can only be rolled back."""
        if self.transaction and self.transaction.doomed:
            text = (
                "The current transaction cannot be committed and cannot support operations that write to the log file."
                " Roll back the transaction."
            )
            raise SqlError(3930, text, reach=Reach.BATCH)

    def begin(self, name: str) -> None:
        """BEGIN TRANSACTION."""
        if self.transaction is None:
            self.transaction = Transaction(self, name=name)
        self.transaction.depth += 1

    def commit(self) -> None:
        """COMMIT TRANSACTION; raises 3902 and 3930."""
        if not self.transaction_count:
            raise SqlError(3902, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        self.refuse_doomed()
        if self.transaction.depth > 1:
            self.transaction.depth -= 1
        else:
            self._finish(self.transaction)

    def _finish(self, transaction: Transaction) -> None:
        """Commit: first the log, then the locks."""
        try:
            self.engine.write(transaction.records())
        except BaseException:
            self.roll_back_all()
            raise
        self.transaction = None
        transaction.end()

    def roll_back_all(self) -> None:
        """ROLLBACK TRANSACTION, if there is one."""
        transaction, self.transaction = self.transaction, None
        if transaction:
            transaction.roll_back()
