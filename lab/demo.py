"""`make demo`: session state installed, used as ASP.NET uses it, looked at and removed, on a lab server of its own.

Where Mono is, two ASP.NET applications keep their sessions there meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab.control import CHECKOUT
from lab.own_server import OwnServer, own_server
from lab.web.browser import Browser
from lab.web.node import NODES, Node
from lab.web.servers import missing_packages
from lab.web.servers import start as start_node

sys.path.insert(0, str(CHECKOUT / "module_utils"))  # the product's core, as its tests import it

from aspstate.app_id import app_id, suffix
from aspstate.client import Client, session_key
from aspstate.instance import read_presence
from aspstate.login import Login
from aspstate.server import APPLICATION_OPTIONS, Server, connect
from aspstate.sessions import read_sessions

DATABASE = "ASPState"
JOB = "ASPState_Job_DeleteExpiredSessions"
SHOP = "/LM/W3SVC/1/ROOT/shop"
HELP_DESK = "/LM/W3SVC/2/ROOT/helpdesk"

# what three people have in their sessions: application, id as in the cookie, bytes, whether a request has it locked
VISITORS = [
    (SHOP, "ann0ann1ann2ann3ann4ann5", 640, False),
    (SHOP, "bob0bob1bob2bob3bob4bob5", 24_000, False),
    (HELP_DESK, "eve0eve1eve2eve3eve4eve5", 2_048, True),
]

_PASS = "UPDATE dbo.ASPStateTempSessions SET Expires = DATEADD(minute, -20, Expires) WHERE SessionId LIKE %(id)s"
_ENABLE = "EXEC msdb.dbo.sp_update_job @job_name = %(job)s, @enabled = %(enabled)s"
_COUNT = "SELECT COUNT(*) FROM dbo.ASPStateTempSessions"


class DemoFailed(Exception):
    """Something did not go as it must; the text says what."""


class Demo:
    """The run and its summary: a line for everything that was seen to work."""

    def __init__(self, server: OwnServer) -> None:
        self._server = server
        self._nodes = [] if missing_packages() else [Node(server.home.folder, name) for name in NODES]
        self._visitor = Browser()
        self.seen: list[str] = []

    def start_applications(self) -> None:
        """Two of ASP.NET, as they are before anybody configures them."""
        _title("Start: an ASP.NET application on two web nodes")
        if not self._nodes:
            print(f"  goes without: {missing_packages()}")
        for node in self._nodes:
            start_node(node)
            print(f"  web_{node.name} on {node.url}")

    def install(self) -> None:
        """The main playbook."""
        _title(
            f"Install: ansible-playbook playbooks/site.yml   (lab server on {self._server.host}:{self._server.port})"
        )
        with self._worked("installed, and a session lived through as ASP.NET would"):
            self._playbook("site.yml", "--diff")

    def use(self) -> None:
        """Three visitors' sessions, through the procedures that ASP.NET calls."""
        _title("Use: three visitors of two applications, through the procedures that ASP.NET calls, as login app_user")
        with (
            self._worked("3 sessions of 2 applications kept, one of them locked by a request"),
            self._connect_as_application() as server,
        ):
            client = Client(server)
            for application, visitor, size, locked in VISITORS:
                self._visit(client, application, visitor, size, locked)

    def show(self) -> None:
        """The table as an operator sees it."""
        _title("Look: the sessions in the table")
        with self._connect("master") as server:
            sessions = read_sessions(server, DATABASE).sessions
        row = "{:<28} {:<9} {:>5} {:>7} {:>5} {:>8}"
        print(row.format("application", "suffix", "live", "locked", "long", "bytes"))
        for each in sessions:
            print(row.format(each.application, each.suffix, each.live, each.locked, each.long, each.bytes))
        if [sum(counts) for counts in zip(*((s.live, s.locked, s.long) for s in sessions), strict=True)] != [3, 1, 1]:
            raise DemoFailed(f"3 live sessions, 1 locked and 1 long, should be there; found {sessions}")

    def expire(self) -> None:
        """The job, in a minute that takes a second."""
        _title("Expire: a visitor does not come back, and SQL Server Agent's job ends the session")
        begin = time.monotonic()
        with self._worked("1 expired session deleted by the Agent's job"), self._connect() as server:
            server.run(_PASS, {"id": f"{VISITORS[0][1]}%"})
            while server.run(_COUNT).row != (2,):
                if time.monotonic() > begin + 30:
                    raise DemoFailed("the job did not delete the expired session")
                time.sleep(0.1)
        print(f"  gone after {time.monotonic() - begin:.1f} s (the Agent of this lab server takes 1 s for a minute)")

    def check(self) -> None:
        """What somebody did by hand is found, and told by its id."""
        _title("Check: somebody disables the job, and ansible-playbook playbooks/check.yml finds it")
        options = (
            "--limit",
            "aspstate_database",
            "-e",
            f"aspstate_check_report_path={self._server.home.folder}/reports",
        )
        with self._worked("a job that somebody disabled found, with its id and a report"), self._connect() as server:
            server.run(_ENABLE, {"job": JOB, "enabled": 0})
            self._failure(
                "check.yml", *options, expected=f"ASP206 (warning) lab, job {JOB}: it is not as the inventory"
            )
            server.run(_ENABLE, {"job": JOB, "enabled": 1})

    def browse(self) -> None:
        """A visitor of the applications, whose requests go to the one node and to the other."""
        if not self._nodes:
            return
        _title("Browse: a visitor whose requests come to both web nodes")
        with self._worked("a visitor counted on across two web nodes"):
            self._count("aaab", "1234")

    def uninstall(self) -> None:
        """Refused while sessions are live; done when that is what is wanted."""
        live = 2 + bool(self._nodes)
        confirm = ("-e", f"aspstate_uninstall_confirm={DATABASE}")
        _title("Remove: ansible-playbook playbooks/uninstall.yml")
        with self._worked(f"removal refused: {live} live sessions would have been lost"):
            self._failure("uninstall.yml", *confirm, expected=f"holds {live} live session(s)")
        with self._worked("removed, once asked to discard them"):
            self._playbook("uninstall.yml", *confirm, "-e", "aspstate_database_discard_live_sessions=true")
        with self._connect("master") as server:
            if read_presence(server, DATABASE).exists:
                raise DemoFailed(f"database {DATABASE} is still there")
        if self._nodes:
            with self._worked("the web nodes answer again, each with sessions of its own"):
                self._count("aab", "121")

    def _count(self, nodes: str, expected: str) -> None:
        """Let the visitor come to these nodes in turn; each page must say its number."""
        by_name = {node.name: node for node in self._nodes}
        for name, number in zip(nodes, expected, strict=True):
            answer = self._visitor.get(f"{by_name[name].url}count")
            print(f"  GET web_{name}/count: {answer.text[:60]}")
            if (answer.status, answer.text) != (200, number):
                raise DemoFailed(f"web_{name}/count should have answered {number}")

    def _visit(self, client: Client, application: str, visitor: str, size: int, locked: bool) -> None:
        identity = client.app_id(application)
        if identity != app_id(application):
            raise DemoFailed(f"TempGetAppID answered {identity} for {application}")
        key, data = session_key(visitor, identity), bytes(size)
        client.insert(key, data, timeout=20)
        item = client.get_exclusive(key)
        if item is None or item.data != data:
            raise DemoFailed(f"the session {key} was not read back as it was stored")
        if not locked:
            client.release(key, item.lock_cookie)
        print(f"  {application:<24} {visitor} + {suffix(identity)}  {size:>6} bytes{'  (locked)' if locked else ''}")

    def _connect(self, database: str = DATABASE) -> Server:
        password = self._server.home.password()
        return connect(Login(self._server.host, self._server.port, "sa", password, database), APPLICATION_OPTIONS)

    def _connect_as_application(self) -> Server:
        """As the login to which inventory/lab gives what an application needs."""
        password = (self._server.home.folder / "app_user_password").read_text(encoding="utf-8").strip()
        login = Login(self._server.host, self._server.port, "app_user", password, DATABASE)
        return connect(login, APPLICATION_OPTIONS)

    def _playbook(self, name: str, *options: str) -> None:
        command = self._command(name, *options)
        if subprocess.run(command, env=self._server.environment, cwd=CHECKOUT, check=False).returncode:
            raise DemoFailed(f"{' '.join(command[2:])} failed, as shown above")

    def _failure(self, name: str, *options: str, expected: str) -> None:
        command = self._command(name, *options)
        run = subprocess.run(
            command, env=self._server.environment, cwd=CHECKOUT, check=False, capture_output=True, text=True
        )
        output = run.stdout + run.stderr
        if run.returncode == 0 or expected not in " ".join(output.split()):
            raise DemoFailed(f"{name} should have failed ({expected}); it said:\n{output}")
        print(f"  exit code {run.returncode}: {expected}")

    def _command(self, name: str, *options: str) -> list[str]:
        return [sys.executable, "-m", "ansible", "playbook", f"playbooks/{name}", "-i", "inventory/lab", *options]

    @contextmanager
    def _worked(self, what: str) -> Iterator[None]:
        begin = time.perf_counter()
        yield
        self.seen.append(f"{what} ({time.perf_counter() - begin:.1f} s)")


def _title(text: str) -> None:
    print(f"\n=== {text}", flush=True)


def main() -> int:
    """Returns 0 only if all of it worked."""
    begin = time.perf_counter()
    try:
        with own_server("--agent", "--agent-minute", "1") as server:
            demo = Demo(server)
            parts = (
                demo.start_applications,
                demo.install,
                demo.use,
                demo.show,
                demo.expire,
                demo.check,
                demo.browse,
                demo.uninstall,
            )
            for part in parts:
                part()
    except DemoFailed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    _title(f"All of it worked, in {time.perf_counter() - begin:.0f} s")
    for line in demo.seen:
        print(f"  - {line}")
    print("  - the lab server and its data are gone again")
    print("\nTo go on by hand: make lab, then ansible-playbook playbooks/site.yml --check --diff")
    return 0


if __name__ == "__main__":
    sys.exit(main())
