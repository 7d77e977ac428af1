"""Faults on demand: a statement that a connection does not survive, that fails, or that takes its time.

A file says which; it is read at each login, so that a test can change it while the server runs.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.server.engine.locks import Cancelled
from lab.server.errors import SqlError
from lab.server.sql import ast

DROP_BEFORE, DROP_AFTER, ERROR, STALL = "drop_before", "drop_after", "error", "stall"
NO_STATEMENTS = (ast.Declare, ast.If, ast.While, ast.Return)
"""What a program is made of, but a fault does not see."""

_KEYS = {"match", "nth", "action", "number", "seconds", "program"}
_NEEDS = {DROP_BEFORE: set(), DROP_AFTER: set(), ERROR: {"number"}, STALL: {"seconds"}}
_SPACE = re.compile(r"\s+")
_LARGEST_INT = 2**31 - 1


class FaultsWrong(ValueError):
    """The file of faults cannot be read, or says what no fault is; in words for the user."""


@dataclass(frozen=True)
class Fault:
    """The `nth` statement of a connection that matches gets what `action` says; `program` limits it to one client."""

    match: re.Pattern[str]
    nth: int
    action: str
    number: int = 0
    seconds: float = 0
    program: str | None = None


def read(file: Path) -> list[Fault]:
    """The faults that are in force; none if there is no file. Raises FaultsWrong."""
    try:
        entries = json.loads(file.read_text())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise FaultsWrong(f"{file}: {error}") from None
    if not isinstance(entries, list):
        raise FaultsWrong(f"{file}: not a list of faults")
    return [_fault(file, number, entry) for number, entry in enumerate(entries, 1)]


def _fault(file: Path, number: int, entry: Any) -> Fault:
    def check(holds: bool, what: str) -> None:
        if not holds:
            raise FaultsWrong(f"{file}: fault {number}: {what}")

    check(isinstance(entry, dict), "not an object")
    check(entry.keys() <= _KEYS, f"unknown: {', '.join(sorted(entry.keys() - _KEYS))}")
    check({"match", "nth", "action"} <= entry.keys(), "needs match, nth and action")
    check(entry["action"] in tuple(_NEEDS), f"action is none of {', '.join(_NEEDS)}")
    needed = _NEEDS[entry["action"]]
    check(
        entry.keys() & {"number", "seconds"} == needed, f"{entry['action']} goes with {', '.join(needed) or 'nothing'}"
    )
    check(_whole(entry["nth"], 1), "nth is not a number from 1")
    check("number" not in entry or _whole(entry["number"], 1), "number is not that of an error")
    seconds = entry.get("seconds", 0)
    check(type(seconds) in (int, float) and math.isfinite(seconds) and seconds >= 0, "seconds is not a duration")
    check(isinstance(entry.get("program", ""), str), "program is not a name")
    check(isinstance(entry["match"], str), "match is not a regular expression")
    try:
        pattern = re.compile(entry["match"], re.IGNORECASE)
    except re.error as error:
        raise FaultsWrong(f"{file}: fault {number}: match: {error}") from None
    return Fault(**{**entry, "match": pattern})


def _whole(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= _LARGEST_INT


class SessionFaults:
    """The faults of one connection, and how often each has matched."""

    def __init__(self, session: Any, faults: list[Fault]) -> None:
        self._session = session
        self._faults = faults
        self._counts = [0] * len(faults)

    def step(self, step: Callable[[Any, Any], Any], frame: Any, instruction: Any) -> Any:
        """Run an instruction by `step`, or let happen what a fault says in its place, before or after it."""
        due = self._due(frame, instruction.node)
        for fault in due:
            self._before(fault)
        try:
            return step(frame, instruction)
        finally:
            if any(fault.action == DROP_AFTER for fault in due):
                self._drop()

    def _due(self, frame: Any, node: Any) -> list[Fault]:
        if node is None or isinstance(node, NO_STATEMENTS):
            return []
        start, end = node.span
        text = _SPACE.sub(" ", frame.code.text[start:end])
        due = []
        for at, fault in enumerate(self._faults):
            if fault.match.search(text):
                self._counts[at] += 1
                if self._counts[at] == fault.nth:
                    due.append(fault)
        return due

    def _before(self, fault: Fault) -> None:
        match fault.action:
            case "drop_before":
                self._drop()
            case "error":
                raise SqlError(fault.number, f"The lab server was told to fail here with error {fault.number}.")
            case "stall":
                self._session.sleep(fault.seconds)

    def _drop(self) -> None:
        """As if the network had failed: nothing more reaches the client, and the session is rolled back."""
        self._session.end()
        raise Cancelled


def for_session(session: Any, file: Path | None) -> SessionFaults | None:
    """The faults of a session that logs in; raises FaultsWrong."""
    if file is None:
        return None
    program = session.login.program_name
    faults = [fault for fault in read(file) if fault.program in (None, program)]
    return SessionFaults(session, faults) if faults else None
