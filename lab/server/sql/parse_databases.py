"""CREATE and ALTER DATABASE."""

from __future__ import annotations

from lab.server.sql import ast
from lab.server.sql.lexer import Kind
from lab.server.sql.parse_literals import at_string
from lab.server.sql.reader import Reader

_KILOBYTES = {"KB": 1, "MB": 1024, "GB": 1024 * 1024}
_SWITCHES = ("AUTO_CLOSE", "AUTO_SHRINK", "DB_CHAINING")
_STATES = ("MULTI_USER", "OFFLINE", "ONLINE", "RESTRICTED_USER", "SINGLE_USER")
_RECOVERY = ("BULK_LOGGED", "FULL", "SIMPLE")


def create_database(reader: Reader, line: int) -> ast.CreateDatabase:
    """CREATE DATABASE name [ON [PRIMARY] (file) LOG ON (file)] [COLLATE name]; CREATE is taken already."""
    reader.expect("DATABASE")
    name = reader.name()
    files = _files(reader) if reader.at("ON") else ()
    collation = reader.name() if reader.accept("COLLATE") else None
    if reader.at("AS", "CONTAINMENT", "FOR", "LOG", "ON", "WITH"):
        raise reader.unsupported(f"CREATE DATABASE ... {reader.token.text}")
    return ast.CreateDatabase(name, collation, files, line=line)


def _files(reader: Reader) -> tuple[ast.FileDefinition, ...]:
    reader.expect("ON")
    reader.accept("PRIMARY")
    data = _file(reader)
    if reader.at(","):
        raise reader.unsupported("CREATE DATABASE with more than two files")
    if not reader.accept_sequence("LOG", "ON"):
        raise reader.unsupported("CREATE DATABASE ... ON without LOG ON")
    log = _file(reader)
    if reader.at(","):
        raise reader.unsupported("CREATE DATABASE with more than two files")
    for file in (data, log):
        if file.path is None:
            raise reader.unsupported("a file without FILENAME")
    return data, log


def _file(reader: Reader) -> ast.FileDefinition:
    """`(NAME = name [, FILENAME = 'path'] [, SIZE = n] [, FILEGROWTH = n])`, in any order."""
    line = reader.expect("(").line
    found: dict[str, object] = {}
    while True:
        word = reader.expect_kind(Kind.WORD)
        if word.upper in found:
            raise reader.syntax_error(word)
        if word.upper not in _PROPERTIES:
            raise reader.unsupported(f"{word.text} of a file")
        reader.expect("=")
        found[word.upper] = _PROPERTIES[word.upper](reader)
        if not reader.accept(","):
            break
    reader.expect(")")
    if "NAME" not in found:
        raise reader.unsupported("a file without NAME")
    growth, percent = found.get("FILEGROWTH", (None, False))
    return ast.FileDefinition(found["NAME"], found.get("FILENAME"), found.get("SIZE"), growth, percent, line=line)


def _logical_name(reader: Reader) -> str:
    return reader.next().value if at_string(reader) else reader.name()


def _path(reader: Reader) -> str:
    if not at_string(reader):
        raise reader.syntax_error()
    return reader.next().value


def _size(reader: Reader) -> int:
    """In kilobytes; without a unit it is megabytes."""
    number = reader.whole_number()
    if reader.at("TB"):
        raise reader.unsupported()
    return number * _KILOBYTES[reader.accept(*_KILOBYTES) or "MB"]


def _growth(reader: Reader) -> tuple[int, bool]:
    """In kilobytes, or in percent."""
    if reader.peek().upper == "%":
        number = reader.whole_number()
        reader.next()
        return number, True
    return _size(reader), False


_PROPERTIES = {"NAME": _logical_name, "FILENAME": _path, "SIZE": _size, "FILEGROWTH": _growth}


def alter_database(reader: Reader) -> ast.SetDatabase | ast.ModifyFile:
    """ALTER DATABASE name SET option, or MODIFY FILE."""
    line = reader.expect("ALTER").line
    reader.expect("DATABASE")
    name = None if reader.accept("CURRENT") else reader.name()
    if reader.accept_sequence("MODIFY", "FILE"):
        return _modify_file(reader, name, line)
    if not reader.accept("SET"):
        raise reader.unsupported(f"ALTER DATABASE ... {reader.token.text}")
    word = reader.token.upper
    if word in _STATES:
        reader.next()
        node = ast.SetDatabase(name, word, None, _termination(reader), line=line)
    elif word in _SWITCHES:
        reader.next()
        node = ast.SetDatabase(name, word, reader.expect("ON", "OFF").upper == "ON", line=line)
    elif reader.accept("RECOVERY"):
        node = ast.SetDatabase(name, word, reader.expect(*_RECOVERY).upper, line=line)
    else:
        raise reader.unsupported(f"ALTER DATABASE ... SET {reader.token.text}")
    if reader.at(",", "WITH"):
        raise reader.unsupported(f"ALTER DATABASE ... SET {word} ... {reader.token.text}")
    return node


def _termination(reader: Reader) -> str:
    if not reader.at("WITH"):
        return ""
    reader.next()
    if reader.accept("NO_WAIT"):
        return "NO_WAIT"
    if reader.accept_sequence("ROLLBACK", "IMMEDIATE"):
        return "ROLLBACK IMMEDIATE"
    raise reader.unsupported(f"WITH {reader.token.text} {reader.peek().text}")


def _modify_file(reader: Reader, name: str | None, line: int) -> ast.ModifyFile:
    file = _file(reader)
    if file.path is not None:
        raise reader.unsupported("MODIFY FILE with FILENAME")
    if (file.size is None) is (file.growth is None):
        raise reader.unsupported("MODIFY FILE with anything but one of SIZE and FILEGROWTH")
    return ast.ModifyFile(name, file, line=line)
