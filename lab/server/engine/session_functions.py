"""Functions and @@ variables whose answer depends on the session; their functions take the frame first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.server.engine import name_functions
from lab.server.engine import permission_functions as rights
from lab.server.engine.catalog_files import file_property
from lab.server.engine.database import CODE_PAGE, COLLATION
from lab.server.engine.frames import Frame
from lab.server.engine.functions import Function
from lab.server.engine.operators import Operation
from lab.server.engine.options import bits
from lab.server.errors import unsupported
from lab.server.product import PROGRAM, SERVER_NAME
from lab.server.types import INT, SYSNAME, SqlType

_VARIANT = SqlType("sql_variant")
_TEXT_4000 = SqlType("nvarchar", 4000)
_SID = SqlType("varbinary", 85)


# The server and the login


def _server_property(frame: Frame, name: str | None) -> str | int | None:
    engine = frame.session.engine
    properties = {
        "productversion": engine.instance.product_version,
        "productmajorversion": str(engine.instance.version[0]),
        "engineedition": engine.instance.engine_edition,
        "edition": PROGRAM,
        "servername": SERVER_NAME,
        "machinename": SERVER_NAME,
        "instancename": None,
        "collation": COLLATION,
        "ishadrenabled": 0,
        "isclustered": 0,
        "instancedefaultdatapath": engine.data_path,
        "instancedefaultlogpath": engine.log_path,
    }
    if name is None or name.casefold() not in properties:
        raise unsupported(f"SERVERPROPERTY({name!r})")
    return properties[name.casefold()]


def _collation_property(frame: Frame, name: str | None, wanted: str | None) -> int | None:
    if wanted is None or wanted.casefold() != "codepage":
        raise unsupported(f"COLLATIONPROPERTY of {wanted}")
    return CODE_PAGE if name is not None and name.casefold() == COLLATION.casefold() else None


# Errors and transactions


def _of_error(attribute: str) -> Callable[[Frame], Any]:
    def read(frame: Frame) -> Any:
        error = frame.caught_error()
        return None if error is None else getattr(error, attribute) or (None if attribute == "procedure" else 0)

    return read


def _error_message(frame: Frame) -> str | None:
    error = frame.caught_error()
    return error.text if error else None


def _transaction_state(frame: Frame) -> int:
    transaction = frame.session.transaction
    if transaction is None or not transaction.depth:
        return 0
    return -1 if transaction.doomed else 1


def _function(
    name: str, takes: tuple[SqlType, ...], gives: SqlType, call: Callable[..., Any], optional: int = 0
) -> Function:
    def bind(types: tuple[SqlType | None, ...]) -> Operation:
        return Operation(takes[: len(types)], gives, call)

    return Function(name, len(takes) - optional, len(takes), bind)


_ALL = (
    _function("DB_ID", (SYSNAME,), SqlType("smallint"), name_functions.db_id, optional=1),
    _function("DB_NAME", (INT,), SYSNAME, name_functions.db_name, optional=1),
    _function("OBJECT_ID", (_TEXT_4000, SYSNAME), INT, name_functions.object_id, optional=1),
    _function("OBJECTPROPERTY", (INT, SYSNAME), INT, name_functions.object_property),
    _function("SCHEMA_ID", (SYSNAME,), INT, name_functions.schema_id, optional=1),
    _function("SERVERPROPERTY", (SYSNAME,), _VARIANT, _server_property),
    _function("COLLATIONPROPERTY", (SYSNAME, SYSNAME), _VARIANT, _collation_property),
    _function("FILEPROPERTY", (SYSNAME, SYSNAME), INT, file_property),
    _function("HAS_PERMS_BY_NAME", (_TEXT_4000, SYSNAME, SYSNAME), INT, rights.has_permission),
    _function("HAS_DBACCESS", (SYSNAME,), INT, rights.has_access),
    _function("SUSER_SNAME", (_SID,), SYSNAME, rights.login_name, optional=1),
    _function("SUSER_SID", (SYSNAME,), _SID, rights.login_sid, optional=1),
    _function("ORIGINAL_LOGIN", (), SYSNAME, lambda frame: frame.session.original_login_name),
    _function("USER_NAME", (), SYSNAME, rights.user_name),
    _function("IS_SRVROLEMEMBER", (SYSNAME, SYSNAME), INT, rights.is_server_role_member, optional=1),
    _function("IS_MEMBER", (SYSNAME,), INT, rights.is_member),
    _function("HOST_NAME", (), SYSNAME, lambda frame: frame.session.login.host_name),
    _function("APP_NAME", (), SYSNAME, lambda frame: frame.session.login.program_name),
    _function("ERROR_NUMBER", (), INT, _of_error("number")),
    _function("ERROR_MESSAGE", (), _TEXT_4000, _error_message),
    _function("ERROR_SEVERITY", (), INT, _of_error("severity")),
    _function("ERROR_STATE", (), INT, _of_error("state")),
    _function("ERROR_PROCEDURE", (), SYSNAME, _of_error("procedure")),
    _function("ERROR_LINE", (), INT, _of_error("line")),
    _function("XACT_STATE", (), SqlType("smallint"), _transaction_state),
)

FUNCTIONS = {function.name: function for function in _ALL}


def _version(frame: Frame) -> str:
    return f"{PROGRAM} - {frame.session.engine.instance.product_version}"


SYSTEM_VARIABLES: dict[str, tuple[SqlType, Callable[[Frame], Any]]] = {
    "@@VERSION": (SqlType("nvarchar", 300), _version),
    "@@SPID": (SqlType("smallint"), lambda frame: frame.session.spid),
    "@@ROWCOUNT": (INT, lambda frame: frame.session.row_count),
    "@@ERROR": (INT, lambda frame: frame.session.error_number),
    "@@FETCH_STATUS": (INT, lambda frame: frame.session.fetch_status),
    "@@TRANCOUNT": (INT, lambda frame: frame.session.transaction_count),
    "@@OPTIONS": (INT, lambda frame: bits(frame.session.options)),
}
