"""Starts and stops web nodes in the background: `python -m lab.web start|stop|status|prepare a|b`.

`status` says `a running URL` or `a stopped`. `prepare` brings the application's files where the node keeps them, and
says where that is.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from lab.background import NOT_RUNNING
from lab.web.node import NODES, Node, prepare
from lab.web.servers import WebError, runs, start, stop


def main(arguments: list[str] | None = None) -> int:
    """Returns 0, 1 if it did not work, NOT_RUNNING if `status` finds a node that does not run."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if unknown := set(options.nodes) - set(NODES):
        parser.error(f"there is no node {', '.join(sorted(unknown))}, only {', '.join(NODES)}")
    nodes = [Node(options.home.resolve(), name) for name in options.nodes or NODES]
    try:
        return max(_VERBS[options.verb](node) for node in nodes)
    except WebError as error:
        print(error, file=sys.stderr)
        return 1


def _start(node: Node) -> int:
    if not runs(node):
        start(node)
    return _status(node)


def _stop(node: Node) -> int:
    stop(node)
    print(f"{node.name} stopped")
    return 0


def _status(node: Node) -> int:
    running = runs(node)
    print(f"{node.name} running {node.url}" if running else f"{node.name} stopped")
    return 0 if running else NOT_RUNNING


def _prepare(node: Node) -> int:
    print(prepare(node))
    return 0


_VERBS = {"start": _start, "stop": _stop, "status": _status, "prepare": _prepare}


def _parser() -> argparse.ArgumentParser:
    home = Path(os.environ.get("ASPSTATE_LAB_HOME", Path(__file__).parents[2] / ".lab"))
    parser = argparse.ArgumentParser(prog="python -m lab.web", description="The lab's web nodes in the background.")
    parser.add_argument("verb", choices=tuple(_VERBS))
    parser.add_argument("nodes", metavar="a|b", nargs="*", help="all if none is named")
    parser.add_argument("--home", metavar="DIR", type=Path, default=home, help="the lab's folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
