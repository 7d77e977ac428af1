"""sp_procoption: which procedures of master run at each start of the server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.server.engine import locking
from lab.server.engine.database import Procedure
from lab.server.engine.definition import change_schema, settled
from lab.server.engine.names import NameSpace
from lab.server.engine.permissions import require_sysadmin
from lab.server.engine.recovery import object_step
from lab.server.engine.text_functions import name_parts
from lab.server.errors import SqlError
from lab.server.sql import ast

_VALUES = {"on": True, "true": True, "off": False, "false": False}


def set_option(session: Any, name: str | None, option: str | None, value: str | None) -> int:
    """Mark a procedure, or take the mark away; raises 15002, 15247, 15009, 15129, 15398, 15399 and 15600."""
    require_sysadmin(session)
    if session.transaction_count:
        raise SqlError(15002, "The procedure 'sys.sp_procoption' cannot be executed within a transaction.")
    if option is None or option.casefold() != "startup":
        raise SqlError(15600, "An invalid parameter or option was specified for procedure 'sys.sp_procoption'.")
    if value is None or value.casefold() not in _VALUES:
        text = f"'{value or ''}' is not a valid value for configuration option 'startup'."
        raise SqlError(15129, text)
    wanted = _VALUES[value.casefold()]
    with session.statement():
        settled(session, lambda: _mark(session, _procedure(session, name), wanted))
    return 0


def _procedure(session: Any, name: str | None) -> Procedure:
    parts = name_parts(name or "")
    found = None
    if parts and parts[-1]:
        try:
            found = NameSpace(session, session.current).find(ast.ObjectName(parts))
        except SqlError as error:
            if error.number != 911:
                raise
    if not isinstance(found, Procedure):
        text = (
            f"The object '{name}' does not exist in database '{session.current.name}' or is invalid for this operation."
        )
        raise SqlError(15009, text)
    master = session.engine.find_database("master")
    if session.current is not master or master.by_id(found.object_id) is not found or found.schema != "dbo":
        text = "Only objects in the master database owned by dbo can have the startup setting changed."
        raise SqlError(15398, text, severity=11)
    if found.parameters:
        text = "Could not change startup option because this option is restricted to objects that have no parameters."
        raise SqlError(15399, text, severity=11)
    return found


def _mark(session: Any, procedure: Procedure, wanted: bool) -> None:
    if procedure.startup is wanted:
        return
    database = session.engine.database_by_id(procedure.database_id)
    locking.lock_names(session, database)
    locking.lock_procedure(session, database, procedure)
    changed = replace(procedure, startup=wanted, code=None)
    database.put(changed)
    change_schema(session, lambda: database.put(procedure), database, object_step(changed))
