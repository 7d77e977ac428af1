"""The catalog views: which columns each has, and where its rows come from.

A view has only columns that SQL Server has too, and only those that the project asks for; any other is "not
supported", and so is every other view.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from lab.server.engine import catalog_files, catalog_objects, catalog_security, catalog_server
from lab.server.engine.database import Database
from lab.server.errors import unsupported
from lab.server.interface import Column
from lab.server.types import BIT, DATETIME, INT, NVARCHAR_MAX, SYSNAME, UNIQUE_ID, SqlType

Rows = Callable[[Any, Database], Iterator[tuple[Any, ...]]]
"""Of the session that asks and the database it asks in."""


@dataclass(frozen=True)
class View:
    """One catalog view."""

    name: str
    columns: tuple[Column, ...]
    rows: Rows


_TINYINT, _SMALLINT = SqlType("tinyint"), SqlType("smallint")
_TYPE_CODE = SqlType("char", 2)
_DESCRIPTION = SqlType("nvarchar", 60)
_NAME_128 = SqlType("nvarchar", 128)

_FILE = {
    "file_id": INT,
    "name": SYSNAME,
    "type_desc": _DESCRIPTION,
    "size": INT,
    "growth": INT,
    "is_percent_growth": BIT,
    "max_size": INT,
    "physical_name": SqlType("nvarchar", 260),
    "state_desc": _DESCRIPTION,
}

_OBJECT = {
    "name": SYSNAME,
    "object_id": INT,
    "schema_id": INT,
    "parent_object_id": INT,
    "type": _TYPE_CODE,
    "type_desc": _DESCRIPTION,
    "create_date": DATETIME,
    "modify_date": DATETIME,
    "is_ms_shipped": BIT,
}
_TYPED = {
    "object_id": INT,
    "name": SYSNAME,
    "system_type_id": _TINYINT,
    "user_type_id": INT,
    "max_length": _SMALLINT,
    "precision": _TINYINT,
    "scale": _TINYINT,
}


def _view(name: str, rows: Rows, columns: dict[str, SqlType]) -> View:
    return View(name, tuple(Column(column, type_) for column, type_ in columns.items()), rows)


_ALL = (
    _view(
        "databases",
        catalog_server.databases,
        {
            "name": SYSNAME,
            "database_id": INT,
            "create_date": DATETIME,
            "collation_name": SYSNAME,
            "state": _TINYINT,
            "state_desc": _DESCRIPTION,
            "user_access_desc": _DESCRIPTION,
            "is_read_only": BIT,
            "recovery_model_desc": _DESCRIPTION,
            "is_auto_close_on": BIT,
            "is_auto_shrink_on": BIT,
            "is_db_chaining_on": BIT,
            "log_reuse_wait_desc": _DESCRIPTION,
            "replica_id": UNIQUE_ID,
            "group_database_id": UNIQUE_ID,
            "owner_sid": SqlType("varbinary", 85),
        },
    ),
    _view("database_files", catalog_files.database_files, _FILE),
    _view("master_files", catalog_files.master_files, {"database_id": INT} | _FILE),
    _view(
        "configurations",
        catalog_server.configurations,
        {"configuration_id": INT, "name": SqlType("nvarchar", 35), "value": INT, "value_in_use": INT},
    ),
    _view(
        "dm_exec_sessions",
        catalog_server.sessions,
        {
            "session_id": _SMALLINT,
            "login_time": DATETIME,
            "host_name": _NAME_128,
            "program_name": _NAME_128,
            "host_process_id": INT,
            "login_name": _NAME_128,
            "original_login_name": _NAME_128,
            "status": SqlType("nvarchar", 30),
            "database_id": _SMALLINT,
            "is_user_process": BIT,
            "open_transaction_count": INT,
            "last_request_start_time": DATETIME,
        },
    ),
    _view(
        "dm_exec_requests",
        catalog_server.requests,
        {
            "session_id": _SMALLINT,
            "start_time": DATETIME,
            "status": SqlType("nvarchar", 30),
            "database_id": _SMALLINT,
            "blocking_session_id": _SMALLINT,
        },
    ),
    _view(
        "dm_exec_connections",
        catalog_server.connections,
        {
            "session_id": INT,
            "net_transport": SqlType("nvarchar", 40),
            "encrypt_option": SqlType("nvarchar", 40),
            "client_net_address": SqlType("nvarchar", 48),
        },
    ),
    _view(
        "dm_hadr_availability_replica_states",
        catalog_server.replica_states,
        {"replica_id": UNIQUE_ID, "is_local": BIT, "role": _TINYINT, "role_desc": _DESCRIPTION},
    ),
    _view(
        "dm_server_services",
        catalog_server.services,
        {
            "servicename": SqlType("nvarchar", 256),
            "startup_type_desc": SqlType("nvarchar", 256),
            "status_desc": SqlType("nvarchar", 256),
            "service_account": SqlType("nvarchar", 256),
            "last_startup_time": DATETIME,
        },
    ),
    _view("schemas", catalog_objects.schemas, {"name": SYSNAME, "schema_id": INT, "principal_id": INT}),
    _view("objects", catalog_objects.objects, _OBJECT),
    _view("tables", catalog_objects.tables, _OBJECT),
    _view("procedures", catalog_objects.procedures, _OBJECT),
    _view("triggers", catalog_objects.none, {"name": SYSNAME, "parent_class": _TINYINT, "is_ms_shipped": BIT}),
    _view("assemblies", catalog_objects.none, {"name": SYSNAME, "is_user_defined": BIT}),
    _view(
        "columns",
        catalog_objects.columns,
        _TYPED
        | {
            "column_id": INT,
            "is_nullable": BIT,
            "is_ansi_padded": BIT,
            "collation_name": SYSNAME,
            "default_object_id": INT,
            "is_identity": BIT,
        },
    ),
    _view("parameters", catalog_objects.parameters, _TYPED | {"parameter_id": INT, "is_output": BIT}),
    _view(
        "types",
        catalog_objects.types,
        {
            "name": SYSNAME,
            "system_type_id": _TINYINT,
            "user_type_id": INT,
            "schema_id": INT,
            "max_length": _SMALLINT,
            "precision": _TINYINT,
            "scale": _TINYINT,
            "is_nullable": BIT,
            "is_user_defined": BIT,
        },
    ),
    _view(
        "indexes",
        catalog_objects.indexes,
        {
            "object_id": INT,
            "name": SYSNAME,
            "index_id": INT,
            "type": _TINYINT,
            "type_desc": _DESCRIPTION,
            "is_unique": BIT,
            "is_primary_key": BIT,
            "is_unique_constraint": BIT,
            "is_disabled": BIT,
            "has_filter": BIT,
        },
    ),
    _view(
        "index_columns",
        catalog_objects.index_columns,
        {
            "object_id": INT,
            "index_id": INT,
            "index_column_id": INT,
            "column_id": INT,
            "key_ordinal": _TINYINT,
            "is_descending_key": BIT,
            "is_included_column": BIT,
        },
    ),
    _view("key_constraints", catalog_objects.key_constraints, _OBJECT | {"unique_index_id": INT}),
    _view(
        "default_constraints",
        catalog_objects.default_constraints,
        _OBJECT | {"parent_column_id": INT, "definition": NVARCHAR_MAX},
    ),
    _view(
        "sql_modules",
        catalog_objects.sql_modules,
        {
            "object_id": INT,
            "definition": NVARCHAR_MAX,
            "uses_ansi_nulls": BIT,
            "uses_quoted_identifier": BIT,
        },
    ),
    _view(
        "extended_properties",
        catalog_objects.extended_properties,
        {"class": _TINYINT, "class_desc": _DESCRIPTION, "major_id": INT, "minor_id": INT, "name": SYSNAME},
    ),
    _view(
        "sysobjects",
        catalog_objects.sysobjects,
        {"name": SYSNAME, "id": INT, "xtype": _TYPE_CODE, "uid": _SMALLINT, "type": _TYPE_CODE},
    ),
    _view(
        "systypes",
        catalog_objects.systypes,
        {"name": SYSNAME, "xtype": _TINYINT, "xusertype": _SMALLINT, "length": _SMALLINT},
    ),
)

_SECURITY = tuple(_view(name, rows, columns) for name, (rows, columns) in catalog_security.VIEWS.items())

VIEWS = {view.name: view for view in (*_ALL, *_SECURITY)}

_SYSTEM_SCHEMAS = ("sys", "information_schema")


def find_view(schema: str, name: str, hidden: bool) -> View | None:
    """The view that a name means; `hidden` says that there is a table of that name.

    Raises "not supported" for a name of a system schema that is not known.
    """
    folded = schema.casefold()
    if folded not in _SYSTEM_SCHEMAS:
        if hidden or folded not in ("", "dbo") or not name.casefold().startswith("sys"):
            return None
        if name.casefold() not in ("sysobjects", "systypes"):  # others of old, and the tables of msdb
            raise unsupported(name)
        return VIEWS[name.casefold()]
    view = VIEWS.get(name.casefold())
    if view is None or folded != "sys":
        raise unsupported(f"{schema}.{name}")
    return view
