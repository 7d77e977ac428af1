"""The shipped .sql files, as the role hands them to the module."""

from __future__ import annotations

from pathlib import Path

FILES = Path(__file__).parents[1] / "roles/aspstate_database/files"

TABLES_IN = {
    "temporary": "tables_in_tempdb",
    "persisted": "tables_in_database",
    "custom": "tables_in_database",
}


def files(type_: str) -> list[Path]:
    """The files of one type of session state."""
    return sorted([*FILES.glob("schema/*.sql"), *FILES.glob(f"{TABLES_IN[type_]}/*.sql")])


def definitions(type_: str) -> list[str]:
    """Their texts."""
    return [file.read_text(encoding="utf-8") for file in files(type_)]
