"""Filters that make units of what service managers answer: a service, pool or folder by its name, and its state.

A state is "running" or "stopped"; any other text is said to the user, who has to decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Units = dict[str, str]

# the words of systemd, of Windows and of IIS
_RUNNING = ("active", "reloading", "started")
_STOPPED = ("inactive", "failed", "stopped")

# these pass by themselves
_PENDING = ("activating", "deactivating", "starting", "stopping")

# properties of a unit that name the units which stop with it
_STOPS_WITH = ("RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo")


def aspstate_systemd_units(text: str, name: str, recorded: Iterable[str] = ()) -> Units:
    """The unit, those recorded, and while it runs every unit that stops with it, from `systemctl show` of all units."""
    shown = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.strip().split("\n\n")]
    by_name = {alias: unit for unit in shown for alias in unit.get("Names", "").split()}
    first = by_name.get(name) or by_name.get(f"{name}.service") or {"LoadState": "not-found"}
    if first["LoadState"] == "not-found":
        return {name: "missing"}
    found = [first]
    for unit in found if _systemd_state(first) != "stopped" else []:  # grows on the way
        near = [by_name[other] for other in _stops_with(unit) if other in by_name]
        found += [other for other in near if other not in found and _systemd_state(other) != "stopped"]
    others = {other: _systemd_state(by_name[other]) if other in by_name else "missing" for other in recorded}
    return {unit["Id"]: _systemd_state(unit) for unit in found} | others


def aspstate_windows_units(services: Iterable[Mapping[str, Any]], names: Iterable[str]) -> Units:
    """The services `names`, from what win_service_info tells of them."""
    by_name = {service["name"].lower(): service for service in services}
    return {name: _windows_state(by_name.get(name.lower())) for name in names}


def aspstate_pool_units(pools: Iterable[Mapping[str, Any]], name: str) -> Units:
    """The application pool, from what web_app_pool_info tells."""
    states = [pool["attributes"].get("state") for pool in pools if pool["name"].lower() == name.lower()]
    return {name: _state(str(states[0])) if states and states[0] else "missing"}


def aspstate_status_units(status: Mapping[str, Any], name: str) -> Units:
    """What a status command says, by its exit code: 0 runs, 3 is stopped, as the Linux Standard Base has it."""
    code = status.get("rc")
    said = str(status.get("stderr") or status.get("stdout") or status.get("msg") or "nothing").strip()
    odd = f"unknown: its status answers exit code {code}, not 0 (running) or 3 (stopped), and says: {said}"
    return {name: {0: "running", 3: "stopped"}.get(code, odd)}


def aspstate_folder_units(folders: Iterable[str], missing: Iterable[str], offline: Iterable[str]) -> Units:
    """The applications' folders: those that are missing, those that have an App_Offline.htm, and the others."""
    missing, offline = set(missing), set(offline)
    return {
        folder: "missing" if folder in missing else "stopped" if folder in offline else "running" for folder in folders
    }


def aspstate_settled(units: Units, awaited: str, names: Iterable[str]) -> bool:
    """Whether all are stopped, or those of `names` run; without something awaited whether nothing changes any more."""
    if awaited == "stopped":
        return all(state == "stopped" for state in units.values())
    if awaited == "running":
        return all(state.startswith("running") for name, state in units.items() if name in names)
    return not any(state in _PENDING or state.endswith("_pending") for state in units.values())


def aspstate_odd(units: Units) -> list[str]:
    """A clause for each unit that is neither running nor stopped."""
    return [f"{name} is {state}" for name, state in units.items() if state not in ("running", "stopped")]


def aspstate_not(units: Units, state: str, names: Iterable[str] = ()) -> list[str]:
    """A clause for each of `names`, or of all units, that is not in that state."""
    found = {name: units.get(name, "missing") for name in names} or units
    return [f"{name} is {is_}" for name, is_ in found.items() if not is_.startswith(state)]


def _state(word: str) -> str:
    word = word.lower()
    return "running" if word in _RUNNING else "stopped" if word in _STOPPED else word


def _stops_with(unit: Mapping[str, str]) -> list[str]:
    return " ".join(unit.get(property_, "") for property_ in _STOPS_WITH).split()


def _systemd_state(unit: Mapping[str, str]) -> str:
    state = _state(unit.get("ActiveState", "missing"))
    if state == "running" and unit.get("LoadState") == "masked":
        return "running but masked, so that it could not be started again: systemctl unmask it"
    return state


def _windows_state(service: Mapping[str, Any] | None) -> str:
    if service is None:
        return "missing"
    state = _state(service["state"])
    if state == "running" and service.get("start_mode") == "disabled":
        return "running but disabled, so that it could not be started again: give it another start mode"
    return state


class FilterModule:
    """Ansible's entry point."""

    def filters(self) -> dict[str, Any]:
        return {
            "aspstate_systemd_units": aspstate_systemd_units,
            "aspstate_windows_units": aspstate_windows_units,
            "aspstate_pool_units": aspstate_pool_units,
            "aspstate_status_units": aspstate_status_units,
            "aspstate_folder_units": aspstate_folder_units,
            "aspstate_settled": aspstate_settled,
            "aspstate_odd": aspstate_odd,
            "aspstate_not": aspstate_not,
        }
