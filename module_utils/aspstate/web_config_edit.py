"""What is to change in a web.config, and the bytes with just that changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .connection_string import public
from .errors import Refused
from .session_state import canonical, shown, shown_connection
from .session_state_lint import connection_values, lint
from .web_config import CONNECTION_STRINGS, SESSION_STATE, SYSTEM_WEB, WebConfig, judge_entries, read_web_config
from .xml_insert import empty_element, with_last_child, with_tag
from .xml_tag import new_tag
from .xml_text import Element


@dataclass(frozen=True)
class Wishes:
    """`attributes` of `<sessionState>` to set, or to take out where None; `entries` of `<connectionStrings>` to set."""

    attributes: Mapping[str, str | None] = field(default_factory=dict)
    entries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Edit:
    """A file before and after; `before` and `after` are the two sides of the diff."""

    raw: bytes
    config: WebConfig
    before: str
    after: str


def plan_edit(raw: bytes, wishes: Wishes) -> Edit:
    """The file as it is wanted. Raises Refused where it cannot be, or where ASP.NET would not load it."""
    old = new = read_web_config(raw)
    if wishes.entries:
        judge_entries(old)
    for name, values in wishes.entries.items():
        new = _with_entry(new, name, values)
    new = _with_attributes(new, wishes.attributes)
    if (wishes.attributes or wishes.entries) and (errors := [each for each in lint(new) if each.refused]):
        raise Refused("; ".join(f"{each.subject}: {each.message}" for each in errors))
    before, after = _lines(old, wishes), _lines(new, wishes)
    return Edit(new.encoding.encode(new.text), new, _text(before, {}), _text(after, before))


def session_state_facts(config: WebConfig) -> dict[str, object]:
    """`<sessionState>` as it may be shown: whether there is one, its attributes, and where its sessions are kept."""
    values = connection_values(config)
    return {
        "exists": config.session_state is not None,
        "attributes": {name: shown(name, value) for name, value in config.attributes.items()},
        "connection": None if values is None else public(values),
    }


def _with_attributes(config: WebConfig, wanted: Mapping[str, str | None]) -> WebConfig:
    changes = {name: value for name, value in wanted.items() if _differs(name, config.attributes.get(name), value)}
    if not changes:
        return config
    if config.session_state:
        tag = config.session_state.tag.with_values(changes, config.encoding.codec)
        new = _reread(config, with_tag(config.text, config.session_state, tag))
    else:
        tag = new_tag(
            SESSION_STATE, {name: value for name, value in changes.items() if value is not None}, _codec(config)
        )
        config, parent = _with_system_web(config)
        new = _reread(config, with_last_child(config.text, parent, str(tag)))
    expected = {name: value for name, value in {**config.attributes, **changes}.items() if value is not None}
    _prove(new.attributes == expected)
    return new


def _with_system_web(config: WebConfig) -> tuple[WebConfig, Element]:
    if not config.system_web:
        config = _reread(config, with_last_child(config.text, config.root, empty_element(SYSTEM_WEB)))
    assert config.system_web
    return config, config.system_web


def _with_entry(config: WebConfig, name: str, values: Mapping[str, str]) -> WebConfig:
    entry = config.entries.get(name.lower())
    if entry:
        changes = {key: value for key, value in values.items() if entry.tag.values.get(key) != value}
        if not changes:
            return config
        new = _reread(config, with_tag(config.text, entry, entry.tag.with_values(changes, _codec(config))))
    else:
        if not config.connection_strings:
            config = _reread(config, with_last_child(config.text, config.root, empty_element(CONNECTION_STRINGS)))
        assert config.connection_strings
        tag = new_tag("add", {"name": name, **values}, _codec(config))
        new = _reread(config, with_last_child(config.text, config.connection_strings, str(tag)))
    written = new.entries[name.lower()].tag.values
    _prove(all(written.get(key) == value for key, value in values.items()))
    return new


def _reread(config: WebConfig, text: str) -> WebConfig:
    return read_web_config(config.encoding.encode(text))


def _prove(reads_as_wanted: bool) -> None:
    if not reads_as_wanted:
        raise Refused("the changed file would not read as it is wanted, which is a defect of this editor; report it")


def _codec(config: WebConfig) -> str:
    return config.encoding.codec


def _differs(name: str, now: str | None, wanted: str | None) -> bool:
    if now is None or wanted is None:
        return now != wanted
    return canonical(name, now) != canonical(name, wanted)


def _lines(config: WebConfig, wishes: Wishes) -> dict[str, tuple[str, str]]:
    """What the diff tells: each attribute, and the entries that are asked for, as it is shown and as it is."""
    lines = {name: (shown(name, value), value) for name, value in config.attributes.items()}
    for name in wishes.entries:
        entry = config.entries.get(name.lower())
        for key, value in (entry.tag.values if entry else {}).items():
            if key == "connectionString":
                lines[f"{CONNECTION_STRINGS}/{name}"] = (shown_connection(value), value)
            elif key != "name":
                lines[f"{CONNECTION_STRINGS}/{name}/{key}"] = (value, value)
    return lines


def _text(lines: Mapping[str, tuple[str, str]], before: Mapping[str, tuple[str, str]]) -> str:
    return "".join(f"{name} = {value}{_mark(raw, value, before.get(name))}\n" for name, (value, raw) in lines.items())


def _mark(raw: str, value: str, before: tuple[str, str] | None) -> str:
    """What is hidden may differ where what is shown does not."""
    return " (changed)" if before and before[0] == value and before[1] != raw else ""
