"""A conversion as it will be after a phase that has not been run: what check mode shows the next phase of."""

from __future__ import annotations

from dataclasses import replace

from .catalog import Procedure
from .conversion import COPYING, FINISHED, NOT_BEGUN, SWITCHED, Move, Place
from .installation import wanted
from .schema import TABLES
from .temporary import Outside

_ORDER = (NOT_BEGUN, COPYING, SWITCHED, FINISHED)


def expected(move: Move, state: str) -> Move:
    """`move` where it is as far as `state` says, or further; else as it will be there."""
    if _ORDER.index(move.state) >= _ORDER.index(state):
        return move
    if state == COPYING:
        return _prepared(move)
    return _switched_in_place(move) if move.in_place else _switched(move)


def _prepared(move: Move) -> Move:
    source, target = move.source, move.target
    if not move.in_place:
        database = wanted(target.database, target.type, target.schema)
        return replace(move, target=replace(target, database=database, copies=True, forwards=source.name))
    database = target.database
    if target.type == "temporary":
        database = replace(database, leftovers=_outside(target))
    else:
        database = replace(database, contents=replace(database.contents, tables=TABLES))
    return replace(move, target=replace(target, database=database, copies=True))


def _switched(move: Move) -> Move:
    source, target = move.source, _prepared(move).target
    database = source.database
    if source.type == "temporary":
        database = replace(database, outside=replace(database.outside, tables={}))
    else:
        database = replace(database, contents=replace(database.contents, tables={}))
    return replace(
        move,
        source=replace(source, database=database, copies=False, forwards=target.name),
        target=replace(target, copies=False, forwards=""),
    )


def _switched_in_place(move: Move) -> Move:
    """One database: the source's tables are gone, but not the startup procedure of type temporary."""
    source, target, now = move.source, move.target, move.source.database
    if target.type == "temporary":
        contents = replace(now.contents, tables={})
        database = replace(now, type="temporary", contents=contents, outside=_outside(target), leftovers=Outside())
    else:
        contents = replace(now.contents, tables=TABLES)
        left = replace(now.outside, tables={})
        database = replace(now, type="own tables", contents=contents, outside=Outside(), leftovers=left)
    return replace(
        move,
        source=replace(source, database=database, copies=False),
        target=replace(target, database=database, copies=False),
    )


def _outside(place: Place) -> Outside:
    return Outside(TABLES, Procedure(place.schema.startup), marked=True, scan=True)
