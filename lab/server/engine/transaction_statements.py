"""BEGIN, COMMIT, ROLLBACK and SAVE TRANSACTION."""

from __future__ import annotations

from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.frames import Frame, Run
from lab.server.errors import SqlError
from lab.server.sql import ast


def _name(binder: Binder, name: str | ast.Variable | None) -> Run:
    if isinstance(name, ast.Variable):
        place, _ = binder.variable(name.name)
        return lambda frame: frame.variables[place] or ""
    return lambda frame: name or ""


def _begin(binder: Binder, node: ast.BeginTransaction) -> Run:
    name = _name(binder, node.name)
    return lambda frame: frame.session.begin(name(frame))


def _commit(binder: Binder, node: ast.CommitTransaction) -> Run:
    return lambda frame: frame.session.commit()


def _roll_back(binder: Binder, node: ast.RollbackTransaction) -> Run:
    name = _name(binder, node.name)

    def run(frame: Frame) -> None:
        session, wanted = frame.session, name(frame)
        if not session.transaction_count:
            raise SqlError(3903, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.")
        transaction = session.transaction
        if not wanted or wanted.casefold() == transaction.name.casefold():
            session.roll_back_all()
            return
        session.refuse_doomed()
        if not transaction.roll_back_to_savepoint(wanted):
            text = f"Cannot roll back {wanted}. No transaction or savepoint of that name was found."
            raise SqlError(6401, text)
        session.engine.schema_version += 1

    return run


def _save(binder: Binder, node: ast.SaveTransaction) -> Run:
    name = _name(binder, node.name)

    def run(frame: Frame) -> None:
        session = frame.session
        if not session.transaction_count:
            raise SqlError(628, "Cannot issue SAVE TRANSACTION when there is no active transaction.")
        session.refuse_doomed()
        session.transaction.save(name(frame))

    return run


TRANSACTIONS: Grammar = {
    ast.BeginTransaction: _begin,
    ast.CommitTransaction: _commit,
    ast.RollbackTransaction: _roll_back,
    ast.SaveTransaction: _save,
}
