"""CREATE and ALTER TABLE, CREATE INDEX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lab.server.sql import ast, parse_expressions, parse_types
from lab.server.sql.lexer import Kind
from lab.server.sql.reader import Reader

_TABLE_OPTIONS = ("CHECK", "FOREIGN", "INDEX", "PERIOD")
_STORAGE = ("AS", "FILESTREAM_ON", "HASH", "INCLUDE", "ON", "TEXTIMAGE_ON", "WHERE", "WITH")


def create_table(reader: Reader, line: int) -> ast.CreateTable:
    """The rest of CREATE TABLE; a comma may follow the last column."""
    name = reader.object_name()
    reader.expect("(")
    columns: list[ast.ColumnDefinition] = []
    keys: list[ast.KeyConstraint] = []
    while True:
        if reader.at("CONSTRAINT", "PRIMARY", "UNIQUE", *_TABLE_OPTIONS):
            keys.append(_table_constraint(reader))
        else:
            columns.append(_column(reader, keys.append))
        if not reader.accept(",") or reader.at(")"):
            break
    reader.expect(")")
    reader.refuse(_STORAGE)
    return ast.CreateTable(name, tuple(columns), tuple(keys), line=line)


def _column(reader: Reader, add_key: Callable[[ast.KeyConstraint], None]) -> ast.ColumnDefinition:
    line = reader.token.line
    name = reader.name()
    reader.refuse(("AS",))
    type_ = parse_types.type_name(reader)
    nullable = default = None
    identity = False
    while not reader.at(",", ")"):
        if reader.at("NULL", "NOT") and nullable is None:
            nullable = _nullable(reader)
            continue
        constraint = _constraint_name(reader)
        if reader.at("DEFAULT") and default is None:
            default = _default(reader, constraint)
        elif reader.at("PRIMARY", "UNIQUE"):
            add_key(_key(reader, constraint, name))
        elif reader.at("IDENTITY") and constraint is None and not identity:
            identity = _identity(reader)
        elif reader.token.kind is Kind.WORD and not reader.at("CONSTRAINT", "DEFAULT", "NOT", "NULL"):
            raise reader.unsupported()  # CHECK, COLLATE, REFERENCES and many more
        else:
            raise reader.syntax_error()
    return ast.ColumnDefinition(name, type_, nullable, default, identity, line=line)


def _identity(reader: Reader) -> bool:
    """IDENTITY [(1, 1)]."""
    reader.expect("IDENTITY")
    if reader.accept("("):
        start = [reader.whole_number()]
        reader.expect(",")
        start.append(reader.whole_number())
        reader.expect(")")
        if start != [1, 1]:
            raise reader.unsupported(f"IDENTITY({start[0]}, {start[1]})")
    return True


def _nullable(reader: Reader) -> bool:
    negated = bool(reader.accept("NOT"))
    reader.refuse(("FOR",))
    reader.expect("NULL")
    return not negated


def _constraint_name(reader: Reader) -> str | None:
    return reader.name() if reader.accept("CONSTRAINT") else None


def _default(reader: Reader, name: str | None) -> ast.DefaultConstraint:
    line = reader.expect("DEFAULT").line
    start, first = reader.token.start, reader.position
    value = parse_expressions.expression(reader)
    written = reader.tokens[first : reader.position]
    if not reader.quoted_identifier and any(token.kind is Kind.DOUBLE_QUOTED for token in written):
        raise reader.unsupported("DEFAULT with a string in double quotes")  # its text would later be read as a name
    text = reader.text[start : reader.token.start].strip()
    return ast.DefaultConstraint(name, value, text, line=line)


def _table_constraint(reader: Reader) -> ast.KeyConstraint:
    name = _constraint_name(reader)
    reader.refuse(_TABLE_OPTIONS)
    return _key(reader, name)


def _key(reader: Reader, name: str | None, column: str | None = None) -> ast.KeyConstraint:
    """PRIMARY KEY or UNIQUE: of the one column, or of those in the parentheses that follow."""
    line = reader.token.line
    primary = reader.expect("PRIMARY", "UNIQUE").upper == "PRIMARY"
    if primary:
        reader.expect("KEY")
    kind = reader.accept("CLUSTERED", "NONCLUSTERED")
    columns = _key_columns(reader) if column is None else (ast.KeyColumn(column, line=line),)
    reader.refuse(_STORAGE)
    return ast.KeyConstraint(name, primary, columns, kind == "CLUSTERED" if kind else None, line=line)


def _key_columns(reader: Reader) -> tuple[ast.KeyColumn, ...]:
    reader.expect("(")
    columns = [_key_column(reader)]
    while reader.accept(","):
        columns.append(_key_column(reader))
    reader.expect(")")
    return tuple(columns)


def _key_column(reader: Reader) -> ast.KeyColumn:
    line = reader.token.line
    name = reader.name()
    return ast.KeyColumn(name, reader.accept("ASC", "DESC") == "DESC", line=line)


def alter_table(reader: Reader) -> ast.Statement:
    """ALTER TABLE: one column added or altered, a key added, a constraint dropped."""
    line = reader.expect("ALTER").line
    reader.expect("TABLE")
    table = reader.object_name()
    if reader.accept("DROP"):
        if not reader.accept("CONSTRAINT"):
            raise reader.unsupported("ALTER TABLE ... DROP of anything but a constraint")
        return _only(reader, ast.DropKey(table, reader.name(), line=line))
    if reader.accept_sequence("ALTER", "COLUMN"):
        return _only(reader, ast.AlterColumn(table, _changed_column(reader), line=line))
    if not reader.accept("ADD"):
        raise reader.unsupported(f"ALTER TABLE ... {reader.token.text}")
    if reader.at("CONSTRAINT", "PRIMARY", "UNIQUE", *_TABLE_OPTIONS):
        return _only(reader, ast.AddKey(table, _table_constraint(reader), line=line))
    column = _changed_column(reader)
    default = None
    if reader.at("CONSTRAINT", "DEFAULT"):
        default = _default(reader, _constraint_name(reader))
    reader.refuse(("WITH",))
    return _only(reader, ast.AddColumn(table, replace(column, default=default), line=line))


def _changed_column(reader: Reader) -> ast.ColumnDefinition:
    line = reader.token.line
    name, type_ = reader.name(), parse_types.type_name(reader)
    nullable = _nullable(reader) if reader.at("NULL", "NOT") else None
    reader.refuse(("COLLATE", "IDENTITY"))
    return ast.ColumnDefinition(name, type_, nullable, line=line)


def _only(reader: Reader, statement: ast.Statement) -> ast.Statement:
    if reader.at(","):
        raise reader.unsupported("ALTER TABLE of more than one thing")
    return statement


def create_index(reader: Reader, line: int) -> ast.CreateIndex:
    """The rest of CREATE, from [UNIQUE] [CLUSTERED] INDEX."""
    unique = bool(reader.accept("UNIQUE"))
    clustered = reader.accept("CLUSTERED", "NONCLUSTERED") == "CLUSTERED"
    reader.expect("INDEX")
    name = reader.name()
    reader.expect("ON")
    table = reader.object_name()
    columns = _key_columns(reader)
    reader.refuse(_STORAGE)
    return ast.CreateIndex(name, table, columns, unique, clustered, line=line)
