"""The files that CREATE DATABASE and ALTER DATABASE ... MODIFY FILE speak of."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lab.server.engine import space
from lab.server.engine.database import Database
from lab.server.engine.database_files import (
    PAGE,
    SMALLEST_DATA_PAGES,
    SMALLEST_PAGES,
    DatabaseFile,
    Files,
    growth_pages,
    pages,
)
from lab.server.errors import SqlError
from lab.server.sql import ast

_ABSOLUTE = re.compile(r"/.+|[A-Za-z]:[\\/].+|\\\\.+")
_LONGEST_PATH = 259


def files_of(session: Any, node: ast.CreateDatabase) -> Files:
    """The files of a database that is to be made; raises 1803, 1828, 5105, 5170 and 5174."""
    files = session.engine.default_files(node.name)
    if node.files:
        files = tuple(_defined(file, written) for file, written in zip(files, node.files, strict=True))
    data, log = files
    if data.name.casefold() == log.name.casefold():
        text = f'The logical file name "{log.name}" is already in use. Choose a different name.'
        raise SqlError(1828, text, state=3)
    taken = {one.path.casefold() for other in session.engine.databases for one in other.files}
    for file in files:
        if file.path.casefold() in taken:
            text = (
                f"Cannot create file '{file.path}' because it already exists. Change the file path or the file name,"
                " and retry the operation."
            )
            raise _not_created(SqlError(5170, text))
        taken.add(file.path.casefold())
    return files


def _not_created(reason: SqlError) -> SqlError:
    text = "CREATE DATABASE failed. Some file names listed could not be created. Check related errors."
    return SqlError(1802, text, state=4, before=reason)


def _defined(default: DatabaseFile, node: ast.FileDefinition) -> DatabaseFile:
    if not _ABSOLUTE.fullmatch(node.path) or len(node.path) > _LONGEST_PATH:
        text = f"A file activation error occurred. The physical file name '{node.path}' may be incorrect."
        raise _not_created(SqlError(5105, text, state=2))
    file = replace(default, name=node.name, path=node.path)
    if node.size is not None:
        _refuse_small(default, node.size)
        file = replace(file, pages=pages(node.size))
    return file if node.growth is None else replace(file, **_growth(node))


def _growth(node: ast.FileDefinition) -> dict[str, Any]:
    growth = node.growth if node.percent else growth_pages(node.growth)
    return {"growth": growth, "is_percent": node.percent}


def _refuse_small(file: DatabaseFile, kilobytes: int) -> None:
    smallest_log, smallest_data = (count * PAGE // 1024 for count in (SMALLEST_PAGES, SMALLEST_DATA_PAGES))
    if kilobytes < smallest_log:
        raise SqlError(5174, "Each file size must be greater than or equal to 512 KB.")
    if not file.is_log and kilobytes < smallest_data:
        text = (
            "The CREATE DATABASE statement failed. The primary file must be at least"
            f" {smallest_data // 1024} MB to accommodate a copy of the model database."
        )
        raise SqlError(1803, text)


def modified(session: Any, database: Database, node: ast.FileDefinition) -> Files:
    """The files after MODIFY FILE; raises 5039 and 5041."""
    files = space.current_files(session.engine, database)
    wanted = node.name.casefold()
    if all(file.name.casefold() != wanted for file in files):
        raise SqlError(5041, f"MODIFY FILE failed. File '{node.name}' does not exist.")
    return tuple(_modified(file, node) if file.name.casefold() == wanted else file for file in files)


def _modified(file: DatabaseFile, node: ast.FileDefinition) -> DatabaseFile:
    if node.size is None:
        return replace(file, **_growth(node))
    if pages(node.size) <= file.pages:
        raise SqlError(5039, "MODIFY FILE failed. Specified size is less than or equal to current size.")
    return replace(file, pages=pages(node.size))
