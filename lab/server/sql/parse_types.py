"""Names of types."""

from __future__ import annotations

from lab.server.sql import ast
from lab.server.sql.reader import Reader
from lab.server.sql.type_names import LENGTH_IN_DECLARATION, builtin_type, no_width
from lab.server.types import MAX


def type_name(reader: Reader, default_length: int = LENGTH_IN_DECLARATION) -> ast.TypeName:
    """Take a type: a built-in one, or one or two parts of an alias type's name."""
    line = reader.token.line
    reader.refuse(("CURSOR", "TABLE", "NATIONAL", "DOUBLE"))
    parts = reader.dotted_name()
    if len(parts) > 2:
        raise reader.syntax_error(reader.previous())
    length = _length(reader, parts[-1])
    may_be_builtin = len(parts) == 1 or parts[0].lower() == "sys"
    builtin = builtin_type(parts[-1], length, default_length, line) if may_be_builtin else None
    if length is not None and builtin is None:
        raise no_width(".".join(parts), line)
    return ast.TypeName(parts, builtin, line=line)


def _length(reader: Reader, name: str) -> int | None:
    if not reader.accept("("):
        return None
    length = MAX if reader.accept("MAX") else reader.whole_number()
    if reader.at(","):
        raise reader.unsupported(name)
    reader.expect(")")
    return length
