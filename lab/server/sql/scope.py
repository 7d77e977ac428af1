"""What a batch or a procedure declares: variables, labels, and what may stand in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from lab.server.errors import Reach, SqlError
from lab.server.sql import ast


def parse_error(number: int, text: str, line: int) -> SqlError:
    """An error of the parser: nothing of the batch runs."""
    return SqlError(number, text, severity=15, reach=Reach.PARSE, line=line)


def no_image(line: int) -> SqlError:
    """2739, for a variable of type image."""
    return parse_error(2739, "The text, ntext, and image data types are invalid for local variables.", line)


@dataclass
class Scope:
    """One batch, or one procedure's parameters and body. `known` holds variable names in lower case."""

    is_procedure: bool = False
    known: set[str] = field(default_factory=set)
    variables: list[ast.Declaration] = field(default_factory=list)
    labels: dict[str, tuple[int, ...]] = field(default_factory=dict)
    gotos: list[tuple[ast.Goto, tuple[int, ...]]] = field(default_factory=list)
    """Both with the TRY and CATCH blocks around them."""
    tries: tuple[int, ...] = ()
    """The TRY and CATCH blocks that are open here, by the position of their first token."""
    loops: int = 0

    def declare(self, names: Iterable[str], line: int) -> None:
        """Make the names known; raises 134 for one that is."""
        for name in names:
            if name.lower() in self.known:
                text = (
                    f"The variable name '{name}' has already been declared. Variable names must be unique within a"
                    " query batch or stored procedure."
                )
                raise parse_error(134, text, line)
            self.known.add(name.lower())

    def label(self, name: str, line: int) -> None:
        """Take note of a label; raises 132 for a second one of that name."""
        if name.lower() in self.labels:
            text = (
                f"The label '{name}' has already been declared. Label names must be unique within a query batch or"
                " stored procedure."
            )
            raise parse_error(132, text, line)
        self.labels[name.lower()] = self.tries

    def check_gotos(self) -> None:
        """Raises 133 for a GOTO whose label is nowhere, 1026 for one into a TRY or CATCH block."""
        for goto, tries in self.gotos:
            around = self.labels.get(goto.label.lower())
            if around is None:
                text = f"A GOTO statement references the label '{goto.label}' but the label has not been declared."
                raise parse_error(133, text, goto.line)
            if around != tries[: len(around)]:
                raise parse_error(1026, "GOTO cannot be used to jump into a TRY or CATCH scope.", goto.line)
