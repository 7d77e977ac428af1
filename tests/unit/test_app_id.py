"""The id of an application, which ends the key of each of its sessions."""

from __future__ import annotations

import pytest
from aspstate.app_id import app_id, suffix
from hypothesis import given
from hypothesis import strategies as st

# computed by the procedures of existing installations
VECTORS = {
    "/lm/w3svc/1/root": (538231025, "2014c0f1"),
    "/lm/w3svc/2/root": (729231826, "2b7731d2"),
    "/lm/w3svc/3/root": (611758131, "2476b033"),
    "/lm/w3svc/1/root/myapp": (1701170859, "6565ceab"),
    "/lm/w3svc/1446149547/root": (-1011505267, "c3b5a78d"),
    "a": (177604, "0002b5c4"),
    "": (5381, "00001505"),
}


@pytest.mark.parametrize(("name", "expected"), VECTORS.items())
def test_ids_are_those_of_existing_databases(name: str, expected: tuple[int, str]) -> None:
    assert (app_id(name), suffix(app_id(name))) == expected


@given(st.text(st.characters(max_codepoint=127), max_size=280))
def test_case_and_trailing_blanks_do_not_matter_and_ids_are_32_bit(name: str) -> None:
    assert app_id(name.upper()) == app_id(name.lower()) == app_id(name + "  ")
    assert -(2**31) <= app_id(name) < 2**31
    assert int(suffix(app_id(name)), 16) == app_id(name) % 2**32


def test_sites_of_one_server_do_not_collide() -> None:
    assert len({app_id(f"/lm/w3svc/{site}/root") for site in range(1, 2000)}) == 1999


def test_a_name_whose_bytes_depend_on_the_code_page_is_refused() -> None:
    with pytest.raises(ValueError, match="is not ASCII"):
        app_id("/lm/w3svc/1/root/größe")
