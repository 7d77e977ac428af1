"""Waivers: which are refused, and what one covers."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from aspstate.errors import Refused
from aspstate.report.waivers import expired, waivers

WAIVER = {"id": "ASP403", "subject": "database *", "reason": "known", "owner": "dba", "until": "2026-11-22"}
FOUND = {"id": "ASP403", "subject": "database ASPState", "host": "sql01"}
DAY = date(2026, 11, 22)


def without(key: str) -> dict[str, str]:
    return {name: value for name, value in WAIVER.items() if name != key}


# the waiver, and what is said of it
BAD: dict[str, tuple[Any, str]] = {
    "no expiry": (without("until"), "number 2 (ASP403, database *) has no until: the last day on which it holds"),
    "no reason": (without("reason"), "number 2 (ASP403, database *) has no reason"),
    "a blank owner": ({**WAIVER, "owner": " "}, "number 2 (ASP403, database *): owner is no text"),
    "no id": (without("id"), "number 2 (without an id, database *) has no id"),
    "no subject": (without("subject"), "number 2 (ASP403, without a subject) has no subject"),
    "an id that there is not": ({**WAIVER, "id": "ASP999"}, "there is no finding ASP999"),
    "what is not known": ({**WAIVER, "id": "ASP001"}, "what could not be seen cannot be waived"),
    "no day": ({**WAIVER, "until": "next year"}, "until is next year, which is no day as YYYY-MM-DD"),
    "a day that there is not": ({**WAIVER, "until": "2026-02-30"}, "until is 2026-02-30"),
    "a day in other digits": ({**WAIVER, "until": "22.11.2026"}, "until is 22.11.2026"),
    "a misspelt key": ({**WAIVER, "untill": "2026-11-22"}, "number 2 (ASP403, database *) has untill; there are id"),
    "a number for a text": ({**WAIVER, "subject": 7}, "subject is no text"),
    "no mapping": ("ASP403", "number 2 is not a mapping"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_a_bad_waiver_is_refused_by_its_place_with_what_is_wrong(given: Any, message: str) -> None:
    with pytest.raises(Refused) as refused:
        waivers([WAIVER, given])
    assert message in str(refused.value)
    assert "number 1" not in str(refused.value)


def test_all_bad_waivers_are_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        waivers([each for each, _ in BAD.values()])
    assert all(f"number {number} " in str(refused.value) for number in range(1, len(BAD) + 1))


@pytest.mark.parametrize(
    ("waiver", "covered"),
    [
        ({}, True),
        ({"until": date(2026, 11, 22)}, True),
        ({"until": "2026-11-21"}, False),
        ({"subject": "database ASPState"}, True),
        ({"subject": "database aspstate"}, False),
        ({"host": "sql0?"}, True),
        ({"host": "web*"}, False),
        ({"id": "ASP402"}, False),
    ],
    ids=str,
)
def test_a_waiver_covers_its_id_subject_and_host_to_the_end_of_its_day(waiver: dict[str, Any], covered: bool) -> None:
    (one,) = waivers([{**WAIVER, **waiver}])
    assert one.covers(FOUND, DAY) == covered


def test_an_expired_waiver_says_who_gave_it_and_why() -> None:
    given = waivers([WAIVER, {**WAIVER, "until": "2026-11-21", "host": "sql*"}])
    (found,) = expired(given, DAY)
    assert (found.id, found.host, found.subject) == ("ASP002", "report", "waiver ASP403 of database * on sql*")
    assert found.message == "it held until 2026-11-21 and no longer does; dba gave it because: known"
