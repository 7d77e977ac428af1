"""Judging a `<sessionState>` as ASP.NET 4.8 loads it: what it would refuse, and what it would not do as it is meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from . import connection_string
from .connection_string import Malformed
from .finding import FINDINGS, Finding
from .session_state import ANY_SECTION, KINDS, canonical, is_name, quoted, why_not
from .web_config import SESSION_STATE, WebConfig

_YEAR = 525_600
"""Minutes, the most that modes InProc and StateServer take."""


@dataclass(frozen=True)
class Problem:
    """What is wrong with an attribute; with a refused one the application answers every request with an error."""

    id: str
    subject: str
    message: str

    @property
    def refused(self) -> bool:
        """Whether ASP.NET does not come up with it."""
        return FINDINGS[self.id][0] == "critical"

    def finding(self, host: str, path: str) -> Finding:
        """The same about a file on a host."""
        return Finding(self.id, host, f"{path}: {self.subject}", self.message)


def lint(config: WebConfig) -> list[Problem]:
    """Everything, in the order of the file's attributes; nothing where there is no `<sessionState>`."""
    if not config.session_state:
        return []
    return [problem for rule in _RULES for problem in rule(config)]


def connection_values(config: WebConfig) -> dict[str, str] | None:
    """The connection string that counts, in keywords; None where it is kept elsewhere, or is malformed."""
    text = _connection(config)
    try:
        return None if text is None else connection_string.parse(text)
    except Malformed:
        return None


def _connection(config: WebConfig) -> str | None:
    """The text of the connection string, literal or from `<connectionStrings>`; None where it is not in this file."""
    value = config.attributes.get("sqlConnectionString", KINDS["sqlConnectionString"].default)
    if entry := config.entries.get(value.lower()):
        return entry.tag.values.get("connectionString", "")
    return None if is_name(value) else value


def _mode(config: WebConfig) -> str:
    return config.attributes.get("mode", KINDS["mode"].default)


def _names(config: WebConfig) -> Iterator[Problem]:
    """Attributes that there are not."""
    known = (*KINDS, *ANY_SECTION)
    for name in config.attributes:
        if name not in known and name.partition(":")[0] != "xmlns":
            near = next((each for each in known if each.lower() == name.lower()), "")
            near = near or next(iter(difflib.get_close_matches(name, known, n=1)), "")
            hint = f"; did you mean {near}? Case matters" if near else ""
            yield Problem("ASP501", name, f"<sessionState> has no attribute of this name{hint}")


def _values(config: WebConfig) -> Iterator[Problem]:
    """Values that cannot be."""
    for name, text in config.attributes.items():
        if name in KINDS and (why := why_not(name, text)):
            yield Problem("ASP501", name, why)


def _timeout(config: WebConfig) -> Iterator[Problem]:
    text = config.attributes.get("timeout", "")
    if _mode(config) in ("InProc", "StateServer") and not why_not("timeout", text) and int(text) > _YEAR:
        yield Problem("ASP501", "timeout", f"it is {text.strip()}; mode {_mode(config)} takes at most {_YEAR}, a year")


def _partition_resolver(config: WebConfig) -> Iterator[Problem]:
    if not config.attributes.get("partitionResolverType"):
        return
    if _mode(config) not in ("StateServer", "SQLServer"):
        yield Problem(
            "ASP501",
            "partitionResolverType",
            f"mode is {quoted(_mode(config))}, and only StateServer and SQLServer take one; take it out",
        )
        return
    unused = "sqlConnectionString" if _mode(config) == "SQLServer" else "stateConnectionString"
    if unused in config.attributes:
        yield Problem("ASP504", unused, "it is not used: partitionResolverType says where each session is")


def _custom_provider(config: WebConfig) -> Iterator[Problem]:
    if _mode(config) != "Custom":
        return
    name = config.attributes.get("customProvider", "")
    if not name:
        yield Problem("ASP501", "customProvider", "mode is Custom, which needs the name of a provider here")
    elif name.lower() not in config.providers:
        yield Problem("ASP501", "customProvider", f"{quoted(name)} is not in <providers>; add it there")


def _children(config: WebConfig) -> Iterator[Problem]:
    assert config.session_state
    for child in config.session_state.children:
        if child.name != "providers":
            yield Problem("ASP501", SESSION_STATE, f"<{child.name}> in it (line {child.line}) is unknown; take it out")


def _retry_interval(config: WebConfig) -> Iterator[Problem]:
    text = config.attributes.get("sqlConnectionRetryInterval", "0")
    seconds = canonical("sqlConnectionRetryInterval", text)
    if (
        not why_not("sqlConnectionRetryInterval", text)
        and seconds.isdigit()
        and int(seconds)
        and int(seconds) % 60 == 0
    ):
        yield Problem(
            "ASP503",
            "sqlConnectionRetryInterval",
            f"it is {seconds}, a multiple of 60, with which ASP.NET does not try again; write {int(seconds) + 1}",
        )


def _connection_string(config: WebConfig) -> Iterator[Problem]:
    """Only where it is used; the password wherever it is."""
    text = _connection(config)
    used = _mode(config) == "SQLServer" and not config.attributes.get("partitionResolverType")
    if used and "sqlConnectionString" not in config.attributes:
        yield Problem("ASP504", "sqlConnectionString", "it is not set, so sessions go to the server on localhost")
    if text is None:
        if used and not config.connection_strings_elsewhere:
            why = "<connectionStrings> of this file has no entry of that name; is there one in a file above?"
            yield Problem("ASP504", "sqlConnectionString", why)
        return
    try:
        values = connection_string.parse(text)
    except Malformed as error:
        if used:
            yield Problem("ASP502", "sqlConnectionString", f"the connection string is malformed {error}")
        return
    if used:
        yield from _keywords(config, values)
    if connection_string.has_password(values):
        yield Problem("ASP505", "sqlConnectionString", "the connection string holds a password in plain text")


def _keywords(config: WebConfig, values: dict[str, str]) -> Iterator[Problem]:
    if "data source" not in values:
        yield Problem("ASP502", "sqlConnectionString", "the connection string names no server (Data Source)")
    allowed = canonical("allowCustomSqlDatabase", config.attributes.get("allowCustomSqlDatabase", "false")) == "true"
    if connection_string.names_database(values) and not allowed:
        yield Problem(
            "ASP502",
            "sqlConnectionString",
            "the connection string names a database, which ASP.NET refuses unless allowCustomSqlDatabase is true; set "
            "that, or leave the database out: it is ASPState then",
        )
    if unknown := sum(not connection_string.is_known(each) for each in values):
        yield Problem(
            "ASP504",
            "sqlConnectionString",
            f"{unknown} of the connection string's keywords are none of System.Data.SqlClient's, which then refuses it",
        )


_RULES = (
    _names,
    _values,
    _timeout,
    _partition_resolver,
    _custom_provider,
    _children,
    _retry_interval,
    _connection_string,
)
