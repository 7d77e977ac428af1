"""An uninstall that goes wrong: what ran is running again, nothing is lost, and the next run completes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aspstate.agent_job import usual_name
from aspstate.instance import read_presence
from aspstate.server import connect

from tests.integration.breaking import was_killed
from tests.integration.conftest import install
from tests.integration.farm import BACK, OUT, WEB_CONFIG, Farm, WebHost
from tests.integration.lab_login import OLDEST, OwnLab, own_lab
from tests.integration.playbook import HostsRun
from tests.integration.test_agent_job import set_up
from tests.integration.web_service.services import little_services

pytestmark = pytest.mark.controls_server
NAME = "ASPState"
CONFIRMED = {"aspstate_uninstall_confirm": NAME, "aspstate_grants_logins": []}


@pytest.fixture(scope="module")
def lab() -> Iterator[OwnLab]:
    """A server that fails when told to."""
    with own_lab(*OLDEST, "--agent") as lab:
        yield lab


@dataclass
class Uninstall:
    """A farm of two web hosts, on which everything runs."""

    lab: OwnLab
    farm: Farm

    def set_up(self) -> None:
        """Nothing is broken, and everything is installed and runs."""
        mend(self)
        with connect(self.lab.login) as server:
            install(server, NAME)
            set_up(server)
        for host in self.hosts:
            host.web_config.write_text(WEB_CONFIG, encoding="utf-8")
            host.service.call("start")

    @property
    def hosts(self) -> list[WebHost]:
        """Its web hosts."""
        return self.farm.hosts

    def run(self, **how: object) -> HostsRun:
        """Run it."""
        return self.farm.run("uninstall.yml", **CONFIRMED, **how)

    @property
    def installed(self) -> bool:
        """Whether the database is there."""
        with connect(self.lab.login) as server:
            return read_presence(server, NAME).exists

    @property
    def configured(self) -> list[str]:
        """Where each host's application keeps its sessions."""
        return ["SQLServer" if host.web_config.read_text() == WEB_CONFIG else _mode(host) for host in self.hosts]

    @property
    def running(self) -> list[bool]:
        """Whether each host's service runs."""
        return [host.service.runs for host in self.hosts]

    @property
    def processes(self) -> list[str]:
        """Which processes they are: others after a restart."""
        return [host.process for host in self.hosts]

    def is_as_before(self) -> None:
        """Nothing is lost."""
        assert (self.installed, self.configured, self.running) == (True, ["SQLServer"] * 2, [True] * 2)
        self.is_forgotten()

    def is_complete(self) -> None:
        """It is all gone, and the applications run without it."""
        assert (self.installed, self.configured, self.running) == (False, ["InProc"] * 2, [True] * 2)
        with connect(self.lab.login) as server:
            jobs = server.run("SELECT name FROM msdb.dbo.sysjobs WHERE name = %(name)s", {"name": usual_name(NAME)})
        assert jobs.rows == []
        self.is_forgotten()

    def is_forgotten(self) -> None:
        """No host has anything left to be brought back."""
        assert not [host.name for host in self.hosts if host.service.record.exists()]


def _mode(host: WebHost) -> str:
    text = host.web_config.read_text()
    assert "secret" not in text
    return text.partition('mode="')[2].partition('"')[0]


@pytest.fixture
def uninstall(lab: OwnLab, tmp_path: Path) -> Iterator[Uninstall]:
    """Everything installed and running; whatever a test leaves is gone afterwards."""
    with little_services(tmp_path) as make:
        hosts = [WebHost(name, service) for name, service in make("web_a", "web_b").items()]
        uninstall = Uninstall(lab, Farm(lab.login, tmp_path, hosts))
        uninstall.set_up()
        yield uninstall


def sampled(kind: str, sample: str) -> list[pytest.MarkDecorator]:
    """Every kind but the sample is for the sweep."""
    return [] if kind == sample else [pytest.mark.sweep]


def failed(run: HostsRun, *texts: str) -> None:
    """It says so, and why."""
    assert run.code == 2, run.output
    assert "Traceback" not in run.output
    for text in texts:
        assert text in run.text, run.output


def test_applications_are_stopped_for_it_and_started_without_it(uninstall: Uninstall) -> None:
    before = uninstall.processes
    run = uninstall.run()
    assert run.code == 0, run.output
    uninstall.is_complete()
    assert not set(before) & set(uninstall.processes)

    after = uninstall.processes
    again = uninstall.run()
    assert (again.code, again.changed) == (0, 0), again.output
    assert uninstall.processes == after


def test_check_mode_tells_it_and_touches_nothing(uninstall: Uninstall) -> None:
    before = uninstall.processes
    checked = uninstall.farm.run("uninstall.yml", "--check", "--diff", **CONFIRMED)
    assert checked.code == 0, checked.output
    uninstall.is_as_before()
    assert uninstall.processes == before
    done = uninstall.farm.run("uninstall.yml", "--diff", **CONFIRMED)
    assert (done.code, done.changed) == (0, checked.changed), done.output
    assert sorted(done.diff) == sorted(checked.diff)  # which of two hosts is told first is chance


def test_a_service_that_is_stopped_stays_stopped(uninstall: Uninstall) -> None:
    uninstall.hosts[1].service.call("stop")
    assert uninstall.run().code == 0
    assert (uninstall.configured, uninstall.running) == (["InProc"] * 2, [True, False])
    uninstall.is_forgotten()


def refuses_to_drop(uninstall: Uninstall) -> dict[str, object]:
    uninstall.lab.fail(match="^DROP DATABASE", nth=1, action="error", number=3708)
    return {}


def loses_the_connection_before(uninstall: Uninstall) -> dict[str, object]:
    uninstall.lab.fail(match="^DROP DATABASE", nth=1, action="drop_before")
    return {}


def will_not_stop(uninstall: Uninstall) -> dict[str, object]:
    uninstall.hosts[1].service.breaks("cannot_stop")
    return {}


BEFORE: dict[str, tuple[Callable[[Uninstall], dict[str, object]], str]] = {
    "the server refuses": (refuses_to_drop, "answered error 3708"),
    "the connection is lost": (loses_the_connection_before, "was lost"),
    "a service does not stop": (will_not_stop, "web_b could not be taken out of service, so nothing was removed"),
}


@pytest.mark.parametrize(
    ("fault", "message"),
    [pytest.param(*row, id=kind, marks=sampled(kind, "the server refuses")) for kind, row in BEFORE.items()],
)
def test_a_failure_before_the_database_is_dropped_leaves_everything_as_it_was(
    uninstall: Uninstall, fault: Callable[[Uninstall], dict[str, object]], message: str
) -> None:
    run = uninstall.run(**fault(uninstall))
    failed(run, message, "The database was not removed")
    mend(uninstall)
    uninstall.is_as_before()
    assert uninstall.run().code == 0
    uninstall.is_complete()


@pytest.mark.sweep
def test_a_server_that_is_gone_in_the_middle_leaves_the_applications_as_they_were(uninstall: Uninstall) -> None:
    killed = uninstall.hosts[0].service.folder / "killed"
    with killer(uninstall.lab, killed):
        run = uninstall.run(at="aspstate_database : Absent | Remove session state", of="Session database", do=killed)
    failed(run, "Whether the database is removed is not known; its applications are brought back as they were")
    assert (uninstall.configured, uninstall.running) == (["SQLServer"] * 2, [True] * 2)
    uninstall.lab.restart()
    killed.unlink()
    assert uninstall.run().code == 0
    uninstall.is_complete()


@contextmanager
def killer(lab: OwnLab, file: Path) -> Iterator[None]:
    """Kill the server as soon as that file is there."""

    def wait() -> None:
        while not file.exists() and not over.wait(0.02):
            pass
        lab.own.kill()

    over = threading.Event()
    waiting = threading.Thread(target=wait)
    waiting.start()
    try:
        yield
    finally:
        over.set()
        waiting.join()


def test_a_host_that_is_cut_off_when_it_is_to_stop_keeps_the_database(uninstall: Uninstall) -> None:
    run = uninstall.run(at="1", of=OUT, do=uninstall.hosts[1].cut)
    failed(run, "web_b could not be taken out of service, so nothing was removed", "web_b: the host could not be reach")
    mend(uninstall)
    uninstall.is_as_before()


def loses_the_connection_after(uninstall: Uninstall) -> dict[str, object]:
    uninstall.lab.fail(match="^DROP DATABASE", nth=1, action="drop_after")
    return {}


def cannot_delete_the_job(uninstall: Uninstall) -> dict[str, object]:
    uninstall.lab.fail(match="^EXEC msdb.dbo.sp_delete_job", nth=1, action="error", number=229)
    return {}


def will_not_start(uninstall: Uninstall) -> dict[str, object]:
    uninstall.hosts[1].service.breaks("cannot_start")
    return {}


def is_cut_off_when_it_is_to_start(uninstall: Uninstall) -> dict[str, object]:
    return {"at": "1", "of": BACK, "do": uninstall.hosts[1].cut}


FORWARD = "The database is removed, so there is only the way forward"
AFTER: dict[str, tuple[Callable[[Uninstall], dict[str, object]], list[bool], str]] = {
    "the connection is lost": (loses_the_connection_after, [True, True], FORWARD),
    "the job stays": (cannot_delete_the_job, [True, True], FORWARD),
    "a service does not start": (will_not_start, [True, False], "the port is taken"),
    "a host is cut off": (is_cut_off_when_it_is_to_start, [True, False], "web_b: the host could not be reached"),
}


@pytest.mark.parametrize(
    ("fault", "running", "message"),
    [pytest.param(*row, id=kind, marks=sampled(kind, "a service does not start")) for kind, row in AFTER.items()],
)
def test_a_failure_after_the_database_is_dropped_goes_forward_and_says_so(
    uninstall: Uninstall, fault: Callable[[Uninstall], dict[str, object]], running: list[bool], message: str
) -> None:
    run = uninstall.run(**fault(uninstall))
    failed(run, message)
    assert (uninstall.installed, uninstall.running) == (False, running)
    assert [mode for mode, runs in zip(uninstall.configured, running, strict=True) if runs] == ["InProc"] * sum(running)
    mend(uninstall)
    again = uninstall.run()
    assert again.code == 0, again.output
    uninstall.is_complete()


@pytest.mark.parametrize("playbook", ["uninstall.yml", "site.yml", "restart_web.yml"])
def test_a_host_that_cannot_be_reached_is_told_before_anything_is_changed(uninstall: Uninstall, playbook: str) -> None:
    before = uninstall.processes
    uninstall.hosts[1].cut.touch()
    run = uninstall.farm.run(playbook, **CONFIRMED)
    assert "fatal: [web_b]: UNREACHABLE" in run.output
    assert "web_b failed the preflight or could not be reached" in run.failure("web_a")
    assert (run.code, run.changed) == (4, 0), run.output
    uninstall.hosts[1].cut.unlink()
    uninstall.is_as_before()
    assert uninstall.processes == before


def test_someone_else_in_the_database_is_named_before_anything_is_stopped(uninstall: Uninstall) -> None:
    before = uninstall.processes
    with connect(uninstall.lab.login) as server:
        server.run(f"USE {NAME}")
        run = uninstall.run()
    failed(run, "is in use and cannot be dropped; nothing was changed", "aspstate, as sa. Stop them")
    uninstall.is_as_before()
    assert uninstall.processes == before


def mend(uninstall: Uninstall) -> None:
    """What was broken is whole again."""
    uninstall.lab.fail()
    for host in uninstall.hosts:
        for way in ("cannot_start", "cannot_stop", "cut"):
            (host.service.folder / way).unlink(missing_ok=True)


def is_killed(uninstall: Uninstall, task: str) -> bool:
    """Kill the controller at a task and run it again; whether there was such a task."""
    if not was_killed(uninstall.run(at=task, do="kill")):
        return False
    again = uninstall.run()
    assert again.code == 0, again.output
    uninstall.is_complete()
    return True


def test_a_run_whose_controller_is_killed_is_completed_by_the_next(uninstall: Uninstall) -> None:
    assert is_killed(uninstall, "aspstate_agent_job : Job | ")


@pytest.mark.sweep
@pytest.mark.parametrize("first", range(1, 5))
def test_the_controller_may_be_killed_at_any_task(uninstall: Uninstall, first: int) -> None:
    task = first
    while is_killed(uninstall, str(task)):
        uninstall.set_up()
        task += 4
    assert task > 20
    uninstall.is_complete()


def test_grants_in_a_database_that_stays_are_given_back_where_it_fails(lab: OwnLab, tmp_path: Path) -> None:
    lab.fail()
    with connect(lab.login) as server:
        server.run("CREATE DATABASE Shop")
    app = {"name": "shop_app", "create_login": True, "password": "4n-0rdinary-0ne"}
    variables = {"aspstate_type": "custom", "aspstate_database_name": "Shop", "aspstate_grants_logins": [app]}
    farm = Farm(lab.login, tmp_path, [], {**variables, "aspstate_uninstall_confirm": "Shop"})
    assert farm.run("site.yml").code == 0
    checked = farm.run("uninstall.yml", "--check", "--diff")
    lab.fail(match="^DROP PROCEDURE", nth=1, action="error", number=1105)
    failed(farm.run("uninstall.yml"), "answered error 1105", "The database was not removed")
    lab.fail()
    again = farm.run("site.yml", "--diff")
    assert (again.code, again.changed) == (0, 0), again.output
    removed = farm.run("uninstall.yml", "--diff")
    assert (removed.code, removed.changed, removed.diff) == (0, checked.changed, checked.diff), removed.output
