"""In what the web hosts of one farm must agree to share sessions, and where they do not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from .app_id import app_id, suffix
from .errors import Refused
from .finding import Finding
from .names import USUAL
from .session_state import KINDS, canonical

_ATTRIBUTES = (
    "mode",
    "compressionEnabled",
    "cookieName",
    "cookieless",
    "timeout",
    "sessionIDManagerType",
    "customProvider",
    "partitionResolverType",
)
_OWN_KEYWORDS = ("workstation id", "application name")
"""What may differ in the connection strings."""

_ABSENT = "not set"


@dataclass(frozen=True)
class Node:
    """An application on one web host: its `<sessionState>` as it may be shown, and where IIS has it.

    `connection` is the connection string without its secrets; None where it is not to be read there.
    """

    host: str
    path: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    connection: Mapping[str, str] | None = None
    site_id: int | None = None
    application: str = "/"


def compare(farm: str, hosts: Mapping[str, Iterable[Node]]) -> list[Finding]:
    """The findings about hosts of one database, which share the sessions of their first, second, ... applications."""
    nodes = {host: list(given) for host, given in hosts.items()}
    findings = list(_numbers(farm, nodes))
    for each in zip(*nodes.values(), strict=False) if len(nodes) > 1 else ():
        findings += _differences(farm, each)
    return findings


def app_name(site_id: int, application: str) -> str:
    """HttpRuntime.AppDomainAppId on IIS. Raises Refused for a name whose hash depends on the server's code page."""
    name = f"/LM/W3SVC/{site_id}/ROOT/{application.strip('/')}".rstrip("/")
    if not name.isascii():
        raise Refused(f"application {application!r} is not ASCII, so its id depends on SQL Server's code page")
    return name


def _numbers(farm: str, nodes: Mapping[str, list[Node]]) -> Iterator[Finding]:
    numbers = {host: str(len(given)) for host, given in nodes.items()}
    if len(set(numbers.values())) > 1:
        message = f"the hosts have different numbers of applications: {_who(numbers)}; the last ones are not compared"
        yield Finding("ASP506", farm, "applications", message, found=numbers)


def _differences(farm: str, nodes: tuple[Node, ...]) -> Iterator[Finding]:
    state_server = any(_value(node, "mode") == "StateServer" for node in nodes)
    for attribute in (*_ATTRIBUTES, *(["stateConnectionString"] if state_server else [])):
        values = {node.host: _value(node, attribute) for node in nodes}
        yield from _disagreement(
            "ASP506", farm, nodes, attribute, values, lambda text, name=attribute: canonical(name, text)
        )
    connected = [node for node in nodes if _value(node, "mode") == "SQLServer" and node.connection is not None]
    for keyword in sorted({name for node in connected for name in _connection(node)}):
        values = {node.host: _connection(node).get(keyword, _ABSENT) for node in connected}
        yield from _disagreement("ASP506", farm, nodes, f"connection string, {keyword}", values, str.casefold)
    located = [node for node in nodes if node.site_id is not None]
    ids = {node.host: suffix(app_id(app_name(node.site_id or 0, node.application))) for node in located}
    if len(set(ids.values())) > 1:
        names = {node.host: f"{app_name(node.site_id or 0, node.application)} ({ids[node.host]})" for node in located}
        message = f"the site's id and the application's path make different ids: {_who(names)}; they share no session"
        yield Finding("ASP507", farm, _paths(nodes), message, found=names)


def _disagreement(
    id_: str, farm: str, nodes: Iterable[Node], what: str, values: Mapping[str, str], same: Callable[[str], str]
) -> Iterator[Finding]:
    if len({same(value) for value in values.values()}) > 1:
        yield Finding(id_, farm, _paths(nodes), f"{what} differs: {_who(values)}", found=dict(values))


def _value(node: Node, attribute: str) -> str:
    return node.attributes.get(attribute, KINDS[attribute].default)


def _connection(node: Node) -> dict[str, str]:
    values = {"initial catalog": USUAL, **(node.connection or {})}
    return {name: value for name, value in values.items() if name not in _OWN_KEYWORDS}


def _who(values: Mapping[str, str]) -> str:
    return ", ".join(f"{host} has {value or 'nothing'}" for host, value in values.items())


def _paths(nodes: Iterable[Node]) -> str:
    return ", ".join(dict.fromkeys(node.path for node in nodes))
