"""What the command line says of the server as a whole; everything else is in the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab.server.product import VERSION

WITHOUT_AGENT = (4, 5)
"""The engine editions that have no SQL Server Agent: Express and Azure SQL Database."""

ENGINE_EDITIONS = range(1, 13)
"""What SERVERPROPERTY('EngineEdition') may say."""


@dataclass(frozen=True)
class Instance:
    """`availability_groups` are the names of databases that count as members of one, in any case of letters;
    of those in `secondaries` this server has a copy that cannot be changed.

    `windows_principals` are the accounts of Windows that exist, as DOMAIN\\NAME.
    """

    version: tuple[int, int, int, int] = VERSION
    engine_edition: int = 3
    availability_groups: tuple[str, ...] = ()
    secondaries: tuple[str, ...] = ()
    startup_delay: float = 0
    windows_principals: tuple[str, ...] = ()
    faults: Path | None = None

    @property
    def product_version(self) -> str:
        """The version as T-SQL says it."""
        return ".".join(map(str, self.version))

    def in_availability_group(self, database: str) -> bool:
        """Whether a database counts as a member of an availability group."""
        return _is_one_of(database, self.availability_groups)

    def is_secondary(self, database: str) -> bool:
        """Whether a database is a copy of one that another server changes."""
        return _is_one_of(database, self.secondaries)


def _is_one_of(database: str, names: tuple[str, ...]) -> bool:
    return database.casefold() in {name.casefold() for name in names}


DEFAULT_INSTANCE = Instance()
