"""What is asked of a web.config is judged before any file is read."""

from __future__ import annotations

import pytest
from aspstate.errors import Refused
from aspstate.web_config_edit import Wishes
from aspstate.web_config_wishes import wishes


def asked(**params: object) -> Wishes:
    return wishes({"attributes": {}, "connection_strings": {}, **params})


def test_values_of_yaml_are_written_as_aspnet_reads_them() -> None:
    given = {"mode": False, "timeout": 30, "compressionEnabled": True, "useHostingIdentity": False, "cookieName": None}
    written = {"mode": "Off", "timeout": "30", "compressionEnabled": "true", "useHostingIdentity": "false"}
    assert asked(attributes=given).attributes == {**written, "cookieName": None}


def test_an_entry_is_its_connection_string_or_its_attributes() -> None:
    long = {"connectionString": "server=b", "providerName": "p"}
    entries = asked(connection_strings={"a": "server=a", "b": long}).entries
    assert entries == {"a": {"connectionString": "server=a"}, "b": long}


def test_an_unknown_attribute_may_be_taken_out() -> None:
    assert asked(attributes={"bogus": None}).attributes == {"bogus": None}


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "case": ({"attributes": {"Mode": "Off"}}, r"no attribute Mode; did you mean mode\? Case matters"),
    "a misspelt one": ({"attributes": {"timeuot": 5}}, "no attribute timeuot; did you mean timeout"),
    "an unknown one": ({"attributes": {"zzz": 5}}, "no attribute zzz; there are mode, "),
    "a list": ({"attributes": {"mode": ["s3cr3t"]}}, "attribute mode is a list; give text"),
    "a mapping": ({"attributes": {"mode": {"s3cr3t": 1}}}, "attribute mode is a mapping"),
    "half a minute": ({"attributes": {"timeout": 0.5}}, "attribute timeout is no whole number"),
    "no entry": ({"connection_strings": {"a": None}}, "a is null; an entry is never taken out"),
    "a blank name": ({"connection_strings": {" ": "s3cr3t"}}, "the name of an entry is blank"),
    "a list for an entry": ({"connection_strings": {"a": ["s3cr3t"]}}, "a is neither text nor a mapping"),
    "a misspelt key": (
        {"connection_strings": {"a": {"connectionstring": "s3cr3t"}}},
        "a has connectionstring; there are",
    ),
    "no connection string": ({"connection_strings": {"a": {"providerName": "x"}}}, "a has no connectionString"),
}


@pytest.mark.parametrize(("params", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_without_repeating_a_value(params: dict[str, object], message: str) -> None:
    with pytest.raises(Refused, match=message) as refused:
        asked(**params)
    assert "s3cr3t" not in str(refused.value)
