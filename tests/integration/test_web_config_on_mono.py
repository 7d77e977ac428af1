"""What the editor writes is loaded by a real ASP.NET application, and what the linter refuses is refused there."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from aspstate.session_state_lint import lint
from aspstate.web_config import read_web_config
from aspstate.web_config_edit import Wishes, plan_edit

from lab.web import servers
from lab.web.browser import Browser
from lab.web.node import Node
from tests.unit.test_session_state_lint import FOUND
from tests.unit.web_configs import around, declared

RELOADED_AFTER = 30
"""Seconds within which Mono has seen a changed web.config and started the application anew."""

OTHERS = {
    "a switch's case where it matters": "Mono takes cookieless in any case",
    "a partition resolver in memory": "Mono does not look at partitionResolverType",
    "no such value": "Mono 6.8 has no cookieSameSite",
    "an infinite command": "needs SQL Server",
    "a negative command": "needs SQL Server",
}
"""Rules of .NET Framework's that Mono does not share, or not for the same reason."""

REFUSED = {
    name: f"<sessionState {row[0]} />" for name, row in FOUND.items() if row[1] == "ASP501" and name not in OTHERS
} | {"an unknown child": "<sessionState><provider /></sessionState>"}

WISHES = Wishes({"mode": "InProc", "timeout": "525600", "cookieName": "größe<&>", "compressionEnabled": "TRUE"})
# files, as they are before the edit
EDITED = {
    "a mark and line ends of Windows": declared("utf-8", "utf-8", b"\xef\xbb\xbf"),
    "utf-16": declared("utf-16", "utf-16-le", b"\xff\xfe"),
    "one byte a character": declared("windows-1252", "cp1252"),
    "nothing": b"<configuration/>",
    "an own location": b"<configuration><location path=''><system.web/></location></configuration>",
    "a namespace": b"<configuration xmlns='http://schemas.microsoft.com/.NetConfiguration/v2.0'/>",
    "children": around("<sessionState mode='Off'><providers><clear /></providers></sessionState>"),
}

SAMPLE = ("an attribute's case", "an unknown child", "utf-16")


def rows(table: dict[str, object]) -> list[object]:
    """All of a table; what is not in the sample takes part in the sweep only."""
    sweep = pytest.mark.sweep
    return [pytest.param(row, id=name, marks=() if name in SAMPLE else sweep) for name, row in table.items()]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A web node that runs."""
    if missing := servers.missing_packages():
        pytest.skip(missing)
    node = Node(tmp_path_factory.mktemp("lab"), "a")
    servers.start(node)
    yield node
    servers.stop(node)


def comes_to(node: Node, raw: bytes) -> bool:
    """Give the node this web.config, and wait for the other answer than before: true where it is a good one."""
    path = node.application / "web.config"
    before = answers(node)
    part = path.with_name("web.config.part")
    part.write_bytes(raw)
    part.replace(path)
    deadline = time.monotonic() + RELOADED_AFTER
    while answers(node) == before and time.monotonic() < deadline:
        time.sleep(0.2)
    return answers(node)


def answers(node: Node) -> bool:
    """Whether a page with a session comes; while the application restarts, an answer may be cut off."""
    try:
        return Browser().get(f"{node.url}count").status == 200
    except OSError:
        return False


BAD, GOOD = around("<sessionState mode='Bogus' />"), around("<sessionState />")


@pytest.mark.parametrize("section", rows(REFUSED))
def test_what_is_refused_here_is_refused_there(node: Node, section: str) -> None:
    if not answers(node):
        assert comes_to(node, GOOD)
    assert any(each.refused for each in lint(read_web_config(around(section))))
    assert not comes_to(node, around(section))


@pytest.mark.parametrize("raw", rows(EDITED))
def test_what_was_edited_here_is_loaded_there(node: Node, raw: bytes) -> None:
    if answers(node):
        assert not comes_to(node, BAD)
    assert comes_to(node, plan_edit(raw, WISHES).raw)
