"""`<sessionState>` in a web.config: finding the one that counts, and what ASP.NET would read there.

Names are compared as they are written, as .NET's configuration system does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Refused
from .xml_text import Element, Encoding, decode, parse

SESSION_STATE = "sessionState"
SYSTEM_WEB = "system.web"
CONNECTION_STRINGS = "connectionStrings"
_NAMESPACE = "http://schemas.microsoft.com/.NetConfiguration/v2.0"
_OWN_LOCATION = (".", "")
_GROUPS = ("configuration", "location", "system.webServer")
"""Where a `<sessionState>` is not a section and not the content of somebody's own section either."""


@dataclass(frozen=True)
class WebConfig:
    """A web.config that was read: `session_state` and `connection_strings` are the application's, where it has them."""

    encoding: Encoding
    text: str
    root: Element
    system_web: Element | None
    session_state: Element | None
    connection_strings: Element | None

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of `<sessionState>` as ASP.NET reads them; none where there is no element."""
        return self.session_state.tag.values if self.session_state else {}

    @property
    def entries(self) -> dict[str, Element]:
        """The entries of `<connectionStrings>`, by their names in small letters, which is how .NET compares them."""
        children = self.connection_strings.children if self.connection_strings else []
        return {entry_name(each): each for each in children if each.name == "add"}

    @property
    def connection_strings_elsewhere(self) -> bool:
        """Whether `<connectionStrings>` is in another file, or not to be read."""
        section = self.connection_strings
        return self.session_state is self.root or bool(section and (_source(section) or _protected(section)))

    @property
    def providers(self) -> list[str]:
        """The names of the providers in `<sessionState>`, in small letters."""
        groups = [each for each in _children(self.session_state) if each.name == "providers"]
        adds = [each for group in groups for each in group.children if each.name == "add"]
        return [each.tag.values.get("name", "").lower() for each in adds]


def read_web_config(raw: bytes) -> WebConfig:
    """What is in the file. Raises Refused where it could not be edited, or not be told what ASP.NET would read."""
    encoding, text = decode(raw)
    root = parse(text)
    if root.name == SESSION_STATE:  # the file that a configSource names
        _judge_readable(root, SESSION_STATE)
        return WebConfig(encoding, text, root, None, root, None)
    _judge_root(root)
    _judge_misplaced(root)
    groups = [each for parent in _own(root) for each in parent.children if each.name == SYSTEM_WEB]
    sections = [each for group in groups for each in group.children if each.name == SESSION_STATE]
    strings = [each for parent in _own(root) for each in parent.children if each.name == CONNECTION_STRINGS]
    section = _only_one(sections, SESSION_STATE)
    if section:
        _judge_readable(section, "system.web/sessionState")
    else:
        _judge_elsewhere(root)
    system_web = groups[0] if groups else None
    return WebConfig(encoding, text, root, system_web, section, _only_one(strings, CONNECTION_STRINGS))


def judge_entries(config: WebConfig) -> None:
    """Raises Refused where an entry of `<connectionStrings>` could not be read or set."""
    section = config.connection_strings
    if config.session_state is config.root:
        raise Refused("this file is <sessionState> alone; set connection strings in the application's web.config")
    if not section:
        return
    _judge_readable(section, CONNECTION_STRINGS)
    names = [entry_name(each) for each in section.children if each.name == "add"]
    for each in sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"line {section.line}: <connectionStrings> has {each!r} twice, which .NET refuses; take one out")


def entry_name(element: Element) -> str:
    """The name of an entry, in small letters."""
    return element.tag.values.get("name", "").lower()


def _children(element: Element | None) -> list[Element]:
    return element.children if element else []


def _own(root: Element) -> Iterator[Element]:
    """What holds sections for the application itself."""
    yield root
    for each in root.children:
        if each.name == "location" and each.tag.values.get("path", "") in _OWN_LOCATION:
            yield each


def _judge_root(root: Element) -> None:
    if root.name != "configuration":
        raise Refused(f"line {root.line}: the root element is <{root.name}>, not <configuration>; is it a web.config?")
    namespace = root.tag.values.get("xmlns", _NAMESPACE)
    if namespace != _NAMESPACE:
        raise Refused(f"line {root.line}: .NET takes xmlns {_NAMESPACE!r} only on <configuration>; take it out")
    late = [each for each in root.children[1:] if each.name == "configSections"]
    if late:
        raise Refused(f"line {late[0].line}: <configSections> must be the first in <configuration>; move it there")


def _judge_misplaced(root: Element) -> None:
    """An element that .NET would take for a section that it does not know: the application does not load with it."""
    for each in root.walk():
        if each.name.lower() == SESSION_STATE.lower():
            _judge_place(each)
        elif each.name.lower() == SYSTEM_WEB and each.name != SYSTEM_WEB and each.parent in (root, *_locations(root)):
            raise Refused(f"line {each.line}: <{each.name}> is to be <{SYSTEM_WEB}>, case matters; correct it")


def _judge_place(section: Element) -> None:
    above = section.path[:-1]
    if above in (("configuration", SYSTEM_WEB), ("configuration", "location", SYSTEM_WEB)):
        if section.name != SESSION_STATE:
            raise Refused(f"line {section.line}: <{section.name}> is to be <{SESSION_STATE}>, case matters; correct it")
    elif above[-1] in _GROUPS or SYSTEM_WEB in above:
        raise Refused(f"line {section.line}: <{section.name}> is in <{above[-1]}>; its place is in <{SYSTEM_WEB}>")


def _locations(root: Element) -> list[Element]:
    return [each for each in root.children if each.name == "location"]


def _judge_elsewhere(root: Element) -> None:
    for location in _locations(root):
        path = location.tag.values.get("path", "")
        groups = [each for each in location.children if each.name == SYSTEM_WEB]
        if path not in _OWN_LOCATION and any(each.name == SESSION_STATE for group in groups for each in group.children):
            raise Refused(
                f"line {location.line}: <sessionState> is for <location path={path!r}> only; name the web.config of "
                f"that application, or give the one here a <sessionState> of its own"
            )


def _only_one(sections: list[Element], name: str) -> Element | None:
    if len(sections) > 1:
        lines = ", ".join(str(each.line) for each in sections)
        raise Refused(
            f"<{name}> is there {len(sections)} times (lines {lines}), and ASP.NET takes one; take out the others"
        )
    return sections[0] if sections else None


def _judge_readable(section: Element, path: str) -> None:
    if _protected(section):
        raise Refused(
            f"line {section.line}: <{section.name}> is encrypted; decrypt it on the web host (aspnet_regiis -pdf "
            f'"{path}" <folder of the application>), run this, and encrypt it again with -pef'
        )
    if source := _source(section):
        way = "name that one instead" if section.name == SESSION_STATE else "put it back in here, or edit that one"
        raise Refused(
            f"line {section.line}: <{section.name}> is in another file, configSource={source!r} in the folder of "
            f"this one; {way}"
        )


def _source(section: Element) -> str:
    return section.tag.values.get("configSource", "")


def _protected(section: Element) -> bool:
    return "configProtectionProvider" in section.tag.values or any(
        each.name.rpartition(":")[2] == "EncryptedData" for each in section.children
    )
