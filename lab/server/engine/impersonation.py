"""EXECUTE AS LOGIN and REVERT: who a session is for the time being."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lab.server.engine import permissions
from lab.server.engine.binder import Binder, Grammar
from lab.server.engine.database import Database
from lab.server.engine.frames import Frame, Run
from lab.server.engine.principals import Principal
from lab.server.engine.securables import of_login
from lab.server.errors import Reach, SqlError
from lab.server.sql import security_ast
from lab.server.types import SYSNAME


@dataclass(frozen=True)
class Context:
    """Who a session was before EXECUTE AS, and the database in which it was said."""

    principal: Principal
    login_name: str
    rights: permissions.Rights
    database: Database


def become(session: Any, login: Principal) -> None:
    """Be another login; raises 916 if it may not enter the current database."""
    session.contexts.append(Context(session.principal, session.login_name, session.rights, session.current))
    session.principal, session.login_name, session.rights = login, login.name, permissions.Rights()
    try:
        permissions.require_access(session, session.current)
    except SqlError:
        leave(session, len(session.contexts) - 1)
        raise


def leave(session: Any, depth: int) -> None:
    """End all but the first `depth` of them."""
    while len(session.contexts) > depth:
        context = session.contexts.pop()
        session.principal, session.login_name = context.principal, context.login_name
        session.rights = context.rights


def is_used(session: Any, login: Principal) -> bool:
    """Whether a session is a login, or was one before EXECUTE AS."""
    return session.principal is login or any(context.principal is login for context in session.contexts)


def _execute_as(binder: Binder, node: security_ast.ExecuteAs) -> Run:
    name = binder.bind_as(node.login, SYSNAME).run

    def run(frame: Frame) -> None:
        session, wanted = frame.session, name(frame)
        login = None if wanted is None else session.engine.security.login(wanted)
        if login is not None and (
            login is session.principal or permissions.may(session, "IMPERSONATE", of_login(login))
        ):
            become(session, login)
            return
        text = (
            f'Cannot execute as the server principal because the principal "{wanted or ""}" does not exist, this type'
            " of principal cannot be impersonated, or you do not have permission."
        )
        raise SqlError(15406, text, reach=Reach.BATCH)

    return run


def _revert(binder: Binder, node: security_ast.Revert) -> Run:
    def run(frame: Frame) -> None:
        session = frame.session
        if len(session.contexts) == session.context_base:
            return  # also in a procedure that was called by somebody who impersonates
        if session.contexts[-1].database is not session.current:
            text = (
                "The current security context cannot be reverted. Please switch to the original database where"
                " 'Execute As' was called and try it again."
            )
            raise SqlError(15199, text, reach=Reach.BATCH)
        leave(session, len(session.contexts) - 1)

    return run


IMPERSONATION: Grammar = {security_ast.ExecuteAs: _execute_as, security_ast.Revert: _revert}
