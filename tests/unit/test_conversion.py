"""How far a conversion is, from what is there; and what it will look like after a phase."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aspstate.conversion import COPYING, FINISHED, NOT_BEGUN, SWITCHED, Move, Place
from aspstate.conversion_plan import ConversionWishes, describe_move
from aspstate.conversion_preview import expected
from aspstate.database import Database
from aspstate.errors import Refused
from aspstate.temporary import Outside

from tests.unit.states import SCHEMAS, absent, whole, with_contents

HOME, TEMPDB = whole("persisted"), whole("temporary")
BACK_HOME = replace(HOME, leftovers=replace(TEMPDB.outside, tables={}))


def place(type_: str, database: Database, **more: object) -> Place:
    return Place(type_, database, SCHEMAS[type_], **more)


def two(source: Database, target: Database, forwards: tuple[str, str] = ("", ""), **more: object) -> Move:
    return Move(place("persisted", source, forwards=forwards[0]), place("custom", target, forwards=forwards[1]), **more)


STATES: dict[str, tuple[Move, str]] = {
    "nothing done": (two(HOME, replace(absent("custom"), exists=True)), NOT_BEGUN),
    "the target installed": (two(HOME, whole("custom")), NOT_BEGUN),
    "the target forwards": (two(HOME, whole("custom"), ("", "ASPState")), COPYING),
    "the source forwards": (two(with_contents(HOME, tables={}), whole("custom"), ("Shop", "")), SWITCHED),
    "the source gone": (two(absent(), whole("custom")), FINISHED),
    "taken back before it was begun": (two(HOME, whole("custom"), untouched=True), FINISHED),
    "the database of type temporary gone, but not what it has outside": (
        Move(
            place("temporary", replace(absent(), type="temporary", outside=TEMPDB.outside)),
            place("custom", whole("custom")),
        ),
        SWITCHED,
    ),
    "in place": (Move(place("persisted", HOME), place("temporary", HOME)), NOT_BEGUN),
    "in place, with copies": (Move(place("persisted", HOME), place("temporary", HOME, copies=True)), COPYING),
    "in place, moved": (Move(place("persisted", TEMPDB), place("temporary", TEMPDB)), FINISHED),
    "in place, with copies left": (Move(place("persisted", TEMPDB, copies=True), place("temporary", TEMPDB)), SWITCHED),
    "in place, with the startup procedure left": (
        Move(place("temporary", BACK_HOME), place("persisted", BACK_HOME)),
        SWITCHED,
    ),
}


@pytest.mark.parametrize(("move", "state"), STATES.values(), ids=STATES)
def test_what_is_there_tells_how_far_it_is(move: Move, state: str) -> None:
    assert move.state == state
    assert move.at is (move.source if state in (NOT_BEGUN, COPYING) else move.target)


BEGINNINGS = {
    "to another database": two(HOME, replace(absent("custom"), exists=True)),
    "to tempdb": Move(place("persisted", HOME), place("temporary", HOME)),
    "from tempdb": Move(place("temporary", TEMPDB), place("persisted", TEMPDB)),
    "from tempdb to another database": Move(place("temporary", TEMPDB), place("custom", absent("custom"))),
}


@pytest.mark.parametrize("move", BEGINNINGS.values(), ids=BEGINNINGS)
def test_a_preview_is_as_far_as_it_is_to_be_and_never_back(move: Move) -> None:
    copying = expected(move, COPYING)
    switched = expected(copying, SWITCHED)
    assert copying.state == COPYING
    assert switched.state in (SWITCHED, FINISHED)  # in place there may be nothing left to take away
    assert switched.at.tables
    assert not switched.source.tables
    assert expected(switched, COPYING) is switched
    assert describe_move(expected(move, SWITCHED)) == describe_move(switched)


def test_leftovers_of_somebody_else_are_no_copies() -> None:
    database = replace(HOME, leftovers=Outside(TEMPDB.outside.tables))
    assert Move(place("persisted", database), place("temporary", database)).state == NOT_BEGUN


@pytest.mark.parametrize("size", [0, -1, 100_001])
def test_a_batch_of_no_size_is_refused(size: int) -> None:
    with pytest.raises(Refused, match="batch_size"):
        ConversionWishes(batch_size=size)
