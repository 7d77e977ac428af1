"""Two web nodes with a session database of their own."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from xml.sax.saxutils import quoteattr

from aspstate.login import Login
from aspstate.server import Server, connect

from lab.web.browser import Answer, Browser
from lab.web.node import NODES, Node, prepare
from lab.web.servers import runs, start, stop
from tests.integration.conftest import install
from tests.integration.lab_login import OwnLab, own_lab

DATABASE = "ASPState"

_CONFIG = """<configuration>
  <connectionStrings>
    <add name="Sessions" connectionString={connection_string} />
  </connectionStrings>
  <system.web>
    <sessionState {attributes} />
  </system.web>
</configuration>
"""


@dataclass(frozen=True)
class Farm:
    """A lab server with session state installed, and nodes a and b."""

    lab: OwnLab
    a: Node
    b: Node

    def start(self, node: Node, connection_string: str = "", **attributes: str) -> None:
        """Let a node run with this connection string (default sa's, and its own name) and other attributes."""
        text = connection_string or self.connection_string(node)
        given = {"mode": "SQLServer", "sqlConnectionString": text, **attributes}
        config = _CONFIG.format(
            connection_string=quoteattr(text),
            attributes=" ".join(f"{name}={quoteattr(value)}" for name, value in given.items()),
        )
        file = prepare(node) / "web.config"
        if file.read_text() != config or not runs(node):
            stop(node)
            file.write_text(config)
            start(node)

    def connection_string(self, node: Node, login: Login | None = None) -> str:
        """As an operator would write it."""
        login = login or self.lab.login
        source = f"Data Source={login.host},{login.port};User ID={login.user};Password={login.password}"
        return f"{source};Workstation ID=web_{node.name}"

    @contextmanager
    def database(self, name: str = DATABASE) -> Iterator[Server]:
        """A connection of sa."""
        with connect(replace(self.lab.login, database=name)) as server:
            yield server


@contextmanager
def own_farm() -> Iterator[Farm]:
    """The nodes are stopped at first; all is gone afterwards."""
    with own_lab() as lab:
        with connect(lab.login) as server:
            install(server, DATABASE)
        yield Farm(lab, *(Node(lab.own.home.folder, name) for name in NODES))


def visit(browser: Browser, *urls: str) -> list[str]:
    """The texts that a visitor is answered."""
    texts = []
    for url in urls:
        answer = browser.get(url)
        assert answer.status == 200, page(answer)
        texts.append(answer.text)
    return texts


def page(answer: Answer) -> str:
    """What an error page says, in one line: the error in front, and those that wrap it at the end."""
    text = re.sub(r"<(style|script).*?</\1>|<!--|-->|<[^>]+>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())
