"""`python -m tools.lint_tsql`: exit code 0 where the shipped T-SQL is SQL Server 2012's, 1 where not, 2 if unknown."""

from __future__ import annotations

import sys

from .scriptdom import CHECKOUT, CannotRun, parse
from .sources import shipped


def main() -> int:
    texts = shipped(CHECKOUT)
    try:
        problems = parse(texts)
    except CannotRun as error:
        print(f"lint-tsql: {error}", file=sys.stderr)
        return 2
    for problem in problems:
        print(problem)
    print(f"lint-tsql: {len(texts)} texts, {len(problems)} errors", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
