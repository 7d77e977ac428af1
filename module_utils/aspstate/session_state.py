"""The attributes of `<sessionState>` in .NET Framework 4.8: their kinds, ranges and defaults, and how they are shown.

Documented with System.Web.Configuration.SessionStateSection and the configuration schema; names and values are
case-sensitive, `Infinite` too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import connection_string
from .errors import Refused

MODES = ("Off", "InProc", "StateServer", "SQLServer", "Custom")

_INT = 2**31 - 1
_BOOLEAN = ("true", "false")
_COOKIELESS = {"true": "UseUri", "false": "UseCookies"}
_WHOLE_NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*")
_HARMLESS = re.compile(r"[\w .,:+-]{0,60}", re.ASCII)
_STATE_SERVER = re.compile(r"tcpip=[\w.:\[\]-]+", re.ASCII | re.IGNORECASE)
_INFINITE = "Infinite"


@dataclass(frozen=True)
class Kind:
    """What an attribute may be: one of `choices`, a whole number (of `unit`) from `least` to `most`, or any text."""

    default: str
    choices: tuple[str, ...] = ()
    unit: str = ""
    least: int = 0
    most: int = _INT
    infinite: str = ""
    """Why `Infinite` does not do, where it does not: ASP.NET reads it, and its number is too large for what follows."""

    @property
    def boolean(self) -> bool:
        """Read by .NET's BooleanConverter, which takes any case and blanks around it."""
        return self.choices == _BOOLEAN


def _flag(default: str) -> Kind:
    return Kind(default, _BOOLEAN)


KINDS: dict[str, Kind] = {
    "mode": Kind("InProc", MODES),
    "stateConnectionString": Kind("tcpip=loopback:42424"),
    "stateNetworkTimeout": Kind("10", unit="seconds", least=1),
    "sqlConnectionString": Kind("data source=localhost;Integrated Security=SSPI"),
    "sqlCommandTimeout": Kind(
        "30", unit="seconds", infinite="it overflows the number that SqlCommand gets; write 0 to wait for ever"
    ),
    "sqlConnectionRetryInterval": Kind("0", unit="seconds"),
    "customProvider": Kind(""),
    "cookieless": Kind("UseCookies", ("UseCookies", "UseUri", "AutoDetect", "UseDeviceProfile", "true", "false")),
    "cookieName": Kind("ASP.NET_SessionId"),
    "cookieSameSite": Kind("Lax", ("None", "Lax", "Strict")),
    "timeout": Kind(
        "20", unit="minutes", least=1, infinite="it overflows the number of minutes that a session gets; write minutes"
    ),
    "allowCustomSqlDatabase": _flag("false"),
    "compressionEnabled": _flag("false"),
    "regenerateExpiredSessionId": _flag("true"),
    "partitionResolverType": Kind(""),
    "useHostingIdentity": _flag("true"),
    "sessionIDManagerType": Kind(""),
}

ANY_SECTION = (
    "configSource",
    "configProtectionProvider",
    "lockAttributes",
    "lockAllAttributesExcept",
    "lockElements",
    "lockAllElementsExcept",
    "lockItem",
)
"""Attributes that every section of .NET's configuration may have."""


def text_of(name: str, value: Any) -> str:
    """A value of YAML's as ASP.NET reads it. Raises Refused for what is neither text nor a number nor a switch."""
    if name == "mode" and value is False:
        return "Off"  # YAML reads the word off as false
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int):
        return str(value)
    kind = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, Mapping) else "no whole number"
    raise Refused(f"attribute {name} is {kind}; give text, a whole number, true, false, or null to take it out")


def canonical(name: str, text: str) -> str:
    """One text for all that ASP.NET reads alike, so that what differs in writing only is left alone."""
    kind = KINDS.get(name)
    if kind and kind.boolean:
        return text.strip().lower()
    if name == "cookieless":
        return _COOKIELESS.get(text, text)
    if kind and kind.unit and _WHOLE_NUMBER.fullmatch(text):
        return str(int(text))
    return text


def why_not(name: str, text: str) -> str:
    """Why ASP.NET would not take this value of a known attribute, or not do what it says; empty where it does."""
    kind = KINDS[name]
    if kind.choices:
        return (
            ""
            if _chosen(kind, text)
            else f"it is {quoted(text)}, not one of {', '.join(kind.choices)}{_near(kind, text)}"
        )
    if kind.unit:
        return _why_not_number(kind, text)
    return ""


def shown(name: str, text: str) -> str:
    """A value for a diff or a result: secrets hidden, and all of an attribute that nobody knows."""
    if name == "sqlConnectionString":
        return shown_connection(text)
    if name == "stateConnectionString":
        return text if _STATE_SERVER.fullmatch(text) else connection_string.HIDDEN
    return text if name in KINDS or name in ANY_SECTION else connection_string.HIDDEN


def shown_connection(text: str) -> str:
    """A connection string without its secrets, or the name of one as it is."""
    return text if is_name(text) else connection_string.masked(text)


def is_name(text: str) -> bool:
    """Whether a sqlConnectionString can only be the name of an entry in `<connectionStrings>`, or of a registry key."""
    return "=" not in text and bool(re.fullmatch(r"[\w .:,\\/-]+", text))


def quoted(text: str) -> str:
    """A value for a message; what may hold a secret that got to the wrong place is not repeated."""
    return repr(text) if _HARMLESS.fullmatch(text) else "something else"


def _chosen(kind: Kind, text: str) -> bool:
    return (text.strip().lower() if kind.boolean else text) in kind.choices


def _near(kind: Kind, text: str) -> str:
    near = next((each for each in kind.choices if each.lower() == text.strip().lower()), "")
    return f"; did you mean {near}? Case and blanks matter" if near else ""


def _why_not_number(kind: Kind, text: str) -> str:
    if text == _INFINITE:
        return kind.infinite and f"it is Infinite: {kind.infinite}"
    if not _WHOLE_NUMBER.fullmatch(text):
        hint = "; did you mean Infinite? Case matters" if text.strip().lower() == _INFINITE.lower() else ""
        return f"it is {quoted(text)}, not a whole number of {kind.unit}{hint}"
    if not kind.least <= int(text) <= kind.most:
        return f"it is {text.strip()}, not {kind.least} to {kind.most} {kind.unit}"
    return ""
