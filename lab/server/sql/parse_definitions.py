"""CREATE, ALTER and DROP of databases, tables, indexes, types and procedures; USE."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from lab.server.sql import ast, parse_procedures, parse_security, parse_types
from lab.server.sql.parse_databases import alter_database, create_database
from lab.server.sql.parse_tables import alter_table, create_index, create_table
from lab.server.sql.reader import Reader
from lab.server.sql.scope import parse_error

_PROCEDURE = ("PROC", "PROCEDURE")

Name = TypeVar("Name")


def create(reader: Reader) -> ast.Statement:
    """CREATE of what the lab server has."""
    what = reader.peek().upper
    if reader.ahead("CREATE", "OR", "ALTER"):
        raise reader.unsupported("CREATE OR ALTER")
    if what in _PROCEDURE:
        return parse_procedures.create_procedure(reader)
    if what in parse_security.CREATED:
        return parse_security.CREATED[what](reader)
    if what not in ("CLUSTERED", "DATABASE", "INDEX", "NONCLUSTERED", "TABLE", "TYPE", "UNIQUE"):
        raise reader.unsupported(f"CREATE {reader.peek().text}")
    line = reader.next().line
    match what:
        case "DATABASE":
            return create_database(reader, line)
        case "TABLE":
            reader.next()
            return create_table(reader, line)
        case "TYPE":
            return _create_type(reader, line)
        case _:
            return create_index(reader, line)


def alter(reader: Reader) -> ast.Statement:
    """ALTER of what the lab server can alter."""
    if reader.peek().upper == "DATABASE":
        return alter_database(reader)
    if reader.peek().upper == "TABLE":
        return alter_table(reader)
    if reader.peek().upper in parse_security.ALTERED:
        return parse_security.ALTERED[reader.peek().upper](reader)
    if reader.peek().upper not in _PROCEDURE:
        raise reader.unsupported(f"ALTER {reader.peek().text}")
    return parse_procedures.create_procedure(reader)


def _create_type(reader: Reader, line: int) -> ast.CreateType:
    reader.expect("TYPE")
    name = _type_name(reader, "CREATE TYPE")
    if reader.at("AS"):
        raise reader.unsupported(f"CREATE TYPE ... AS {reader.peek().text}")
    reader.expect("FROM")
    base = parse_types.type_name(reader)
    negated = bool(reader.accept("NOT"))
    if negated:
        reader.expect("NULL")
    else:
        reader.accept("NULL")
    return ast.CreateType(name, base, not negated, line=line)


def _type_name(reader: Reader, statement: str) -> ast.ObjectName:
    name = reader.object_name()
    if len(name.parts) > 2:
        text = f"'{statement}' does not allow specifying the database name as a prefix to the object name."
        raise parse_error(166, text, name.line)
    return name


def drop(reader: Reader) -> ast.Statement:
    """DROP of what the lab server has."""
    what = reader.peek().upper
    if what in parse_security.DROPPED:
        return parse_security.drop(reader)
    if what not in ("DATABASE", "INDEX", "TABLE", "TYPE", *_PROCEDURE):
        raise reader.unsupported(f"DROP {reader.peek().text}")
    if reader.peek(2).upper == "IF":
        raise reader.unsupported(f"DROP {reader.peek().text} IF EXISTS")
    line = reader.next().line
    reader.next()
    match what:
        case "DATABASE":
            return ast.DropDatabase(_names(reader, reader.name), line=line)
        case "TABLE":
            return ast.DropTable(_names(reader, reader.object_name), line=line)
        case "INDEX":
            return _drop_index(reader, line)
        case "TYPE":
            return ast.DropType(_type_name(reader, "DROP TYPE"), line=line)
        case _:
            return ast.DropProcedure(_names(reader, reader.object_name), line=line)


def _names(reader: Reader, take: Callable[[], Name]) -> tuple[Name, ...]:
    names = [take()]
    while reader.accept(","):
        names.append(take())
    return tuple(names)


def _drop_index(reader: Reader, line: int) -> ast.DropIndex:
    name = reader.name()
    if reader.at("."):
        raise reader.unsupported("DROP INDEX table.index")
    reader.expect("ON")
    table = reader.object_name()
    if reader.at(",", "WITH"):
        raise reader.unsupported(f"DROP INDEX ... {reader.token.text}")
    return ast.DropIndex(name, table, line=line)


def use(reader: Reader) -> ast.Use:
    """USE database; raises 154 in a procedure."""
    line = reader.expect("USE").line
    if reader.scope.is_procedure:
        raise parse_error(154, "a USE database statement is not allowed in a procedure, function or trigger.", line)
    return ast.Use(reader.name(), line=line)
