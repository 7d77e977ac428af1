"""What service managers answer, and what an earlier run wrote down, as the role aspstate_web_service reads it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.filter.aspstate_failure import aspstate_failure
from plugins.filter.aspstate_web_record import aspstate_web_record
from plugins.filter.aspstate_web_units import (
    aspstate_folder_units,
    aspstate_not,
    aspstate_odd,
    aspstate_pool_units,
    aspstate_settled,
    aspstate_status_units,
    aspstate_systemd_units,
    aspstate_windows_units,
)


def shown(**units: dict[str, str]) -> str:
    """`systemctl show` of these units; what is not said of one is as of a loaded, active unit."""
    usual = {"LoadState": "loaded", "ActiveState": "active", "RequiredBy": "", "BoundBy": ""}
    blocks = [
        {"Id": f"{name}.service", "Names": f"{name}.service", **usual, **properties}
        for name, properties in units.items()
    ]
    return "\n\n".join("\n".join(f"{key}={value}" for key, value in block.items()) for block in blocks) + "\n"


CHAIN = shown(
    other={"RequiredBy": "nginx.service"},
    web={"RequiredBy": "api.service gone.service", "Names": "alias.service web.service"},
    api={"BoundBy": "worker.service web.service"},
    idle={"ActiveState": "inactive"},
    worker={"ConsistsOf": "idle.service"},
)


@pytest.mark.parametrize("name", ["web", "web.service", "alias"])
def test_systemd_stops_a_whole_chain_with_a_unit(name: str) -> None:
    units = aspstate_systemd_units(CHAIN, name)
    assert list(units.items()) == [
        ("web.service", "running"),
        ("api.service", "running"),
        ("worker.service", "running"),
    ]


@pytest.mark.parametrize("property_", ["RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo"])
def test_each_way_in_which_systemd_stops_a_unit_with_another_counts(property_: str) -> None:
    text = shown(web={property_: "api.service"}, api={})
    assert list(aspstate_systemd_units(text, "web")) == ["web.service", "api.service"]


def test_of_a_stopped_unit_only_what_is_written_down_counts() -> None:
    text = shown(web={"ActiveState": "failed", "ConsistsOf": "api.service"}, api={}, worker={"ActiveState": "inactive"})
    assert aspstate_systemd_units(text, "web") == {"web.service": "stopped"}
    recorded = ["web.service", "worker.service", "gone.service"]
    assert aspstate_systemd_units(text, "web", recorded) == {
        "web.service": "stopped",
        "worker.service": "stopped",
        "gone.service": "missing",
    }


@pytest.mark.parametrize(
    ("properties", "state"),
    [
        ({"ActiveState": "reloading"}, "running"),
        ({"ActiveState": "deactivating"}, "deactivating"),
        ({"LoadState": "masked", "ActiveState": "inactive"}, "stopped"),
        ({"LoadState": "masked"}, "running but masked, so that it could not be started again: systemctl unmask it"),
        ({"LoadState": "not-found", "ActiveState": "inactive"}, "missing"),
    ],
)
def test_a_unit_is_told_as_systemd_has_it(properties: dict[str, str], state: str) -> None:
    assert list(aspstate_systemd_units(shown(web=properties), "web").values()) == [state]
    assert aspstate_systemd_units("", "web") == {"web": "missing"}


def test_other_answers_become_units_too() -> None:
    services = [{"name": "W3SVC", "state": "started"}, {"name": "x", "state": "stopped", "start_mode": "disabled"}]
    assert aspstate_windows_units(services, ["w3svc", "x", "y"]) == {"w3svc": "running", "x": "stopped", "y": "missing"}
    pools = [{"name": "Shop", "attributes": {"state": "Started"}}, {"name": "None", "attributes": {}}]
    assert [aspstate_pool_units(pools, name) for name in ("shop", "None")] == [{"shop": "running"}, {"None": "missing"}]
    assert aspstate_folder_units(["a", "b", "c"], ["a"], ["b"]) == {"a": "missing", "b": "stopped", "c": "running"}
    assert [aspstate_status_units({"rc": code}, "x") for code in (0, 3)] == [{"x": "running"}, {"x": "stopped"}]


@given(st.integers() | st.none(), st.text())
def test_an_exit_code_that_means_nothing_is_odd(code: int | None, said: str) -> None:
    odd = aspstate_odd(aspstate_status_units({"rc": code, "stderr": said}, "x"))
    assert (odd == []) == (code in (0, 3))


def test_a_wait_ends_with_what_is_awaited() -> None:
    units = {"a": "running but disabled", "b": "stopped"}
    assert aspstate_settled(units, "running", ["a"])
    assert not aspstate_settled(units, "running", ["a", "b"])
    assert not aspstate_settled(units, "stopped", [])
    assert aspstate_settled({"b": "stopped"}, "stopped", [])
    for pending in ("stop_pending", "Stopping".lower(), "activating"):
        assert not aspstate_settled({"a": pending}, "", [])
        assert aspstate_odd({"a": pending}) == [f"a is {pending}"]
    assert aspstate_settled(units, "", [])
    assert aspstate_not(units, "running", ["a", "c"]) == ["c is missing"]
    assert aspstate_not(units, "stopped") == ["a is running but disabled"]


GOOD = {"format": 1, "backend": "windows", "service": "W3SVC", "units": ["W3SVC"], "drained": False, "pages": []}
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2))


def test_a_record_is_read_as_it_was_written() -> None:
    assert aspstate_web_record(json.dumps(GOOD)) == GOOD


@given(st.text() | VALUES.map(json.dumps))
def test_whatever_else_is_in_its_file_is_damage(text: str) -> None:
    assert list(aspstate_web_record(text)) == ["damage"]


@given(st.sampled_from(sorted(GOOD)), VALUES)
def test_a_field_of_another_kind_is_damage(name: str, value: Any) -> None:
    record = aspstate_web_record(json.dumps({**GOOD, name: value}))
    if "damage" not in record:
        assert type(value) is type(GOOD[name]), record
        assert not isinstance(value, list) or all(isinstance(item, str) for item in value)


def test_a_failure_says_why() -> None:
    assert aspstate_failure({"msg": "non-zero return code", "stderr": "no port\n"}) == "non-zero return code: no port"
    items = [{"failed": True, "msg": "denied"}, {"failed": False, "msg": "fine"}, {"failed": True, "msg": "gone"}]
    assert aspstate_failure({"msg": "One or more items failed", "results": items}) == "denied; gone"
    assert aspstate_failure({}) == "no reason was given"
