"""The T-SQL that the project ships: .sql files of roles, and constants of the core.

A constant is T-SQL where it is a whole string literal, assigned to an UPPER_CASE name of a module (alone or within a
tuple, list or dict), and begins with a keyword in capitals (_TSQL has them) or a comment. Not seen: f-strings and texts
put together with + or join, texts inside functions and classes, and T-SQL inside T-SQL strings.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

_TSQL = re.compile(
    r"""
    \s* (?: -- \s | /\* | (?:
        ALTER | BACKUP | BEGIN | CLOSE | COMMIT | CREATE | DBCC | DEALLOCATE | DECLARE | DELETE | DENY | DROP
      | EXEC | EXECUTE | FETCH | GOTO | GRANT | IF | INSERT | KILL | MERGE | OPEN | PRINT | RAISERROR | RECONFIGURE
      | RESTORE | RETURN | REVOKE | ROLLBACK | SAVE | SELECT | SET | THROW | TRUNCATE | UPDATE | USE | WAITFOR
      | WHILE | WITH
    ) [\s(] )
    """,
    re.VERBOSE,
)
_CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]*")
_VALUE = re.compile(r"%\((\w+)\)s")
_NAME = re.compile(r"\{(\w+)\}")
_OPENING = re.compile(r"[A-Za-z]*(?:'''|\"\"\"|'|\")")


def shipped(checkout: Path) -> list[tuple[str, str]]:
    """Every T-SQL text of the checkout, each after the path of the file that it is from."""
    texts = [(str(path.relative_to(checkout)), path.read_text(encoding="utf-8-sig")) for path in sql_files(checkout)]
    for path in sorted((checkout / "module_utils/aspstate").glob("*.py")):
        name = str(path.relative_to(checkout))
        texts += [(name, text) for text in constants(path.read_text(encoding="utf-8"))]
    return texts


def sql_files(checkout: Path) -> list[Path]:
    """The .sql files that roles ship."""
    return sorted(checkout.glob("roles/**/files/**/*.sql"))


def constants(module: str) -> Iterator[str]:
    """The constants of a module's source that are T-SQL, each in its place: after as many lines and columns of nothing.

    Markers become what stands there at run time, in as many characters: %(name)s a string, {name} a name.
    """
    for statement in ast.parse(module).body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value and _is_constant(statement):
            for literal in _literals(statement.value):
                if _TSQL.match(literal.value):
                    yield _place(literal, module) + _filled(literal.value)


def _is_constant(statement: ast.Assign | ast.AnnAssign) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(isinstance(target, ast.Name) and _CONSTANT.fullmatch(target.id) for target in targets)


def _literals(node: ast.expr) -> Iterator[ast.Constant]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node
    elif isinstance(node, ast.Tuple | ast.List):
        for element in node.elts:
            yield from _literals(element)
    elif isinstance(node, ast.Dict):
        for element in node.values:
            yield from _literals(element)


def _place(literal: ast.Constant, module: str) -> str:
    """Exact where the literal is in one piece and without escapes, else only its beginning is."""
    line = module.splitlines()[literal.lineno - 1].encode()[literal.col_offset :].decode()
    return "\n" * (literal.lineno - 1) + " " * (literal.col_offset + len(_OPENING.match(line).group()))


def _filled(text: str) -> str:
    return _NAME.sub(r"_\1_", _VALUE.sub(r"'\1__'", text))
