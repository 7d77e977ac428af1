"""CREATE, ALTER and DROP of procedures and types; the grammar of all definitions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lab.server.engine import locking
from lab.server.engine.binder import Grammar
from lab.server.engine.database import AliasType, Database, Parameter, Procedure, find_constraint
from lab.server.engine.database_statements import DATABASES
from lab.server.engine.definition import (
    already_there,
    change_schema,
    definition,
    object_place,
    put_object,
    refuse_shipped,
    remove_object,
    require_drop,
    usable_type,
)
from lab.server.engine.names import NameSpace
from lab.server.engine.permissions import may, may_drop_type, require
from lab.server.engine.recovery import drop_type_step, object_step, type_step
from lab.server.engine.securables import of_object, of_type
from lab.server.engine.storage import Table
from lab.server.engine.table_changes import TABLE_CHANGES
from lab.server.engine.table_definitions import TABLES
from lab.server.errors import Reach, SqlError, unsupported
from lab.server.sql import ast
from lab.server.types import IMAGE


def _define_procedure(session: Any, names: NameSpace, node: ast.CreateProcedure) -> None:
    if node.name.parts[-1].startswith("#"):
        raise unsupported(node.name.parts[-1], node.line)
    database, schema, name = object_place(names, node.name, None if node.alter else "CREATE PROCEDURE")
    found = database.find(schema, name)
    if node.alter:
        _alter(session, names, database, found, node)
        return
    if found or find_constraint(database, schema, name):
        raise already_there(name, state=3)
    put_object(session, database, _procedure(session, names, schema, name, database.new_object_id(), node))


def _alter(
    session: Any, names: NameSpace, database: Database, found: Table | Procedure | None, node: ast.CreateProcedure
) -> None:
    if not isinstance(found, Procedure):
        raise SqlError(208, f"Invalid object name '{node.name}'.", state=6, reach=Reach.SCOPE, line=node.line)
    refusal = f"User does not have permission to perform this operation on procedure '{node.name}'."
    require(session, "ALTER", of_object(database, found), SqlError(3704, refusal))
    refuse_shipped(found)
    procedure = _procedure(session, names, found.schema, found.name, found.object_id, node)
    procedure.created, procedure.startup = found.created, found.startup
    locking.lock_procedure(session, database, found)
    database.put(procedure)
    locking.acquire(session, procedure, "X")
    change_schema(session, lambda: database.put(found), database, object_step(procedure))


def _procedure(
    session: Any, names: NameSpace, schema: str, name: str, object_id: int, node: ast.CreateProcedure
) -> Procedure:
    parameters = []
    for one in node.parameters:
        type_ = usable_type(names, one.type)
        if one.output and type_.type == IMAGE:
            raise unsupported(f"{one.name}: an OUTPUT parameter of type image", one.line)
        parameters.append(Parameter(one.name, type_.type, type_.user_type_id, one.output))
    now = session.engine.now()
    settings = (session.options.quoted_identifier, session.options.ansi_nulls)
    return Procedure(schema, name, object_id, node.definition, tuple(parameters), now, now, *settings)


def _drop_procedure(session: Any, names: NameSpace, node: ast.DropProcedure) -> None:
    for written in node.names:
        found = names.find(written)
        if isinstance(found, Table):
            text = f"Cannot use DROP PROCEDURE with '{written}' because '{written}' is a table. Use DROP TABLE."
            raise SqlError(3705, text)
        if found is None:
            text = f"Cannot drop the procedure '{written}', because it does not exist or you do not have permission."
            raise SqlError(3701, text, severity=11, state=5)
        require_drop(session, found, written)
        remove_object(session, session.engine.database_by_id(found.database_id), found)


def create_type(session: Any, names: NameSpace, node: ast.CreateType) -> None:
    """CREATE TYPE ... FROM; raises 219 and 2715."""
    database, schema, name = object_place(names, node.name, "CREATE TYPE")
    base = names.type(node.base)
    if base.alias:
        raise SqlError(2715, f"Column, parameter, or variable #1: Cannot find data type {node.base}.", state=6)
    if name.casefold() in database.types:
        text = f"The type '{schema}.{name}' already exists, or you do not have permission to create it."
        raise SqlError(219, text)
    alias = AliasType(schema, name, database.next_type_id, base.type, node.nullable)
    locking.lock_names(session, database)
    database.put_type(alias)
    change_schema(session, lambda: database.remove_type(alias), database, type_step(database, alias))


def drop_type(session: Any, names: NameSpace, node: ast.DropType) -> None:
    """DROP TYPE; raises 218 and 3732."""
    alias = names.find_type(node.name)
    if alias is None or not may_drop_type(session, names.current, alias):
        text = f"Could not find the type '{node.name}'. Either it does not exist or you do not have permission."
        raise SqlError(218, text)
    database = names.current
    user = _first_user(database, alias)
    if user:
        text = (
            f"Cannot drop type '{node.name}' because it is being referenced by object '{user}'. There may be other"
            " objects that reference this type."
        )
        raise SqlError(3732, text)
    locking.lock_names(session, database)
    database.remove_type(alias)
    change_schema(session, lambda: database.put_type(alias), database, drop_type_step(database, alias))


def rename_type(session: Any, names: NameSpace, name: ast.ObjectName, new_name: str) -> None:
    """Give an alias type another name; what uses it keeps it. Raises 15225 and 15335."""
    alias, database = names.find_type(name), names.current
    if alias is None or not may(session, "CONTROL", of_type(database, alias)):
        text = (
            f"No item by the name of '{name}' could be found in the current database '{database.name}', given that"
            " @itemtype was input as 'USERDATATYPE'."
        )
        raise SqlError(15225, text, severity=11)
    if new_name.casefold() in database.types:
        raise SqlError(
            15335,
            f"Error: The new name '{new_name}' is already in use as a USERDATATYPE name and would cause a duplicate"
            " that is not permitted.",
            severity=11,
        )
    locking.lock_names(session, database)
    renamed = replace(alias, name=new_name)
    _swap(session, database, alias, renamed)


def _swap(session: Any, database: Database, old: AliasType, new: AliasType) -> None:
    database.remove_type(old)
    change_schema(session, lambda: database.put_type(old), database, drop_type_step(database, old))
    database.put_type(new)
    change_schema(session, lambda: database.remove_type(new), database, type_step(database, new))


def _first_user(database: Database, alias: AliasType) -> str | None:
    for thing in database.objects.values():
        typed = thing.columns if isinstance(thing, Table) else thing.parameters
        if any(one.user_type_id == alias.user_type_id for one in typed):
            return thing.name
    return None


DEFINITIONS: Grammar = {
    ast.CreateProcedure: definition(_define_procedure),
    ast.DropProcedure: definition(_drop_procedure),
    ast.CreateType: definition(create_type),
    ast.DropType: definition(drop_type),
    **TABLES,
    **TABLE_CHANGES,
    **DATABASES,
}
