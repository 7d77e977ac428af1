"""A batch or procedure as a list of instructions: IF, WHILE, GOTO and TRY become jumps, so any label is reached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from lab.server.sql import ast


@dataclass(eq=False)
class Place:
    """Where something is in the list; known when it has been reached. `depth` is in how many CATCH blocks it is."""

    address: int = -1
    depth: int = 0


@dataclass(eq=False, slots=True)
class Instruction:
    """A statement; or a condition, after which the next is at `target` unless it is true; or, without node, a jump.

    `handler` is where the CATCH of the innermost TRY around it begins, `depth` in how many CATCH blocks it is.
    `plan` is what the executor has bound it to.
    """

    node: Any
    target: Place | None = None
    handler: Place | None = None
    depth: int = 0
    plan: Any = None


@dataclass
class _Loop:
    start: Place
    end: Place


@dataclass
class _Compiler:
    instructions: list[Instruction] = field(default_factory=list)
    labels: dict[str, Place] = field(default_factory=dict)
    loops: list[_Loop] = field(default_factory=list)
    handler: Place | None = None
    depth: int = 0

    def add(self, node: Any, target: Place | None = None) -> None:
        self.instructions.append(Instruction(node, target, self.handler, self.depth))

    def reach(self, place: Place) -> None:
        place.address = len(self.instructions)

    def label(self, name: str) -> Place:
        return self.labels.setdefault(name.casefold(), Place())

    def statements(self, nodes: Iterable[ast.Statement]) -> None:
        for node in nodes:
            self.statement(node)

    def statement(self, node: ast.Statement) -> None:
        match node:
            case ast.Block():
                self.statements(node.statements)
            case ast.If():
                self.if_(node)
            case ast.While():
                self.while_(node)
            case ast.TryCatch():
                self.try_(node)
            case ast.Label():
                self.reach(self.label(node.name))
            case ast.Goto():
                self.add(None, self.label(node.label))
            case ast.Break():
                self.add(None, self.loops[-1].end)
            case ast.Continue():
                self.add(None, self.loops[-1].start)
            case _:
                self.add(node)

    def if_(self, node: ast.If) -> None:
        otherwise, end = Place(), Place()
        self.add(node, otherwise)
        self.statement(node.then)
        if node.otherwise is not None:
            self.add(None, end)
        self.reach(otherwise)
        if node.otherwise is not None:
            self.statement(node.otherwise)
        self.reach(end)

    def while_(self, node: ast.While) -> None:
        loop = _Loop(Place(), Place())
        self.reach(loop.start)
        self.add(node, loop.end)
        self.loops.append(loop)
        self.statement(node.body)
        self.loops.pop()
        self.add(None, loop.start)
        self.reach(loop.end)

    def try_(self, node: ast.TryCatch) -> None:
        outer, handler, end = self.handler, Place(depth=self.depth), Place()
        self.handler = handler
        self.statements(node.body)
        self.handler = outer
        self.add(None, end)
        self.reach(handler)
        self.depth += 1
        self.statements(node.handler)
        self.depth -= 1
        self.reach(end)


def compile_statements(nodes: Iterable[ast.Statement]) -> list[Instruction]:
    """The instructions of a batch or of a procedure's body."""
    compiler = _Compiler()
    compiler.statements(nodes)
    return compiler.instructions
