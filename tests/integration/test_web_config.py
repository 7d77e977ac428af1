"""The role aspstate_web_config as a user runs it, on files of web hosts."""

from __future__ import annotations

import base64
import ctypes
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.integration.config_hosts import CONNECTION, IN_SQL, PLAIN, SECRET, SQL, ConfigHosts, backups, page
from tests.integration.playbook import HostsRun


@pytest.fixture
def hosts(tmp_path: Path) -> ConfigHosts:
    """No hosts yet."""
    return ConfigHosts(tmp_path)


def without_secret(run: HostsRun) -> HostsRun:
    """The same; neither the password nor the connection string is in its output, as text or as Ansible sends a file."""
    assert SECRET not in run.output
    for at in range(3):  # base64 has three forms of a text
        assert base64.b64encode(bytes(at) + SECRET.encode())[4:-4].decode() not in run.output
    return run


def test_check_run_and_run_again(hosts: ConfigHosts) -> None:
    path = hosts.file("web1")
    path.chmod(0o640)
    os.chown(path, 12345 if os.geteuid() == 0 else -1, -1)
    was = path.stat()
    would = without_secret(hosts.run("main", "--check", "--diff", attributes=SQL))
    assert (would.code, would.changed, path.read_bytes(), backups(path)) == (0, 1, PLAIN, []), would.output

    done = without_secret(hosts.run("main", "--diff", attributes=SQL))
    assert (done.code, done.changed, done.diff) == (0, 1, would.diff), done.output
    hidden = "data source=sql01;user id=shop;password=********"
    assert [line for line in done.diff if not line.startswith(("---", "+++", "@@"))] == [
        "-mode = InProc",
        "-timeout = 20",
        "+mode = SQLServer",
        "+timeout = 30",
        f"+sqlConnectionString = {hidden}",
    ]
    assert path.read_bytes() == IN_SQL
    assert (path.stat().st_mode, path.stat().st_uid) == (was.st_mode, was.st_uid)
    (backup,) = backups(path)
    assert backup.read_bytes() == PLAIN
    assert backup.name.endswith(".config")
    assert backup.stat().st_mode == was.st_mode
    assert "ASP505 (warning)" in done.text

    written = path.stat().st_mtime_ns
    for options in ((), ("--check",)):
        again = hosts.run("main", "--diff", *options, attributes=SQL)
        assert (again.code, again.changed, again.diff) == (0, 0, []), again.output
    assert (path.stat().st_mtime_ns, backups(path)) == (written, [backup])


def test_a_hidden_change_shows_that_it_is_one(hosts: ConfigHosts) -> None:
    path = hosts.file("web1", IN_SQL)
    run = without_secret(
        hosts.run("main", "--diff", attributes={"sqlConnectionString": f"{CONNECTION}2"}, backup=False)
    )
    line = "sqlConnectionString = data source=sql01;user id=shop;password=********"
    assert [f"-{line}", f"+{line} (changed)"] == [each for each in run.diff if "sqlConn" in each]
    assert path.read_bytes() == IN_SQL.replace(SECRET.encode(), SECRET.encode() + b"2")
    assert backups(path) == []


def test_preflight_changes_nothing_and_says_so(hosts: ConfigHosts) -> None:
    path = hosts.file("web1")
    run = hosts.run("preflight", "--diff", attributes=SQL)
    assert (run.code, run.changed, run.diff, path.read_bytes()) == (0, 0, [], PLAIN), run.output


def test_a_link_stays_a_link(hosts: ConfigHosts, tmp_path: Path) -> None:
    path = hosts.file("web1")
    real = path.rename(tmp_path / "shared.config")
    path.symlink_to(real)
    assert hosts.run(attributes=SQL).code == 0
    assert path.is_symlink()
    assert real.read_bytes() == IN_SQL


def test_an_entry_of_connection_strings_instead_of_the_string_itself(hosts: ConfigHosts) -> None:
    path = hosts.file("web1")
    wanted = {
        "attributes": {"mode": "SQLServer", "sqlConnectionString": "Shop"},
        "connection_strings": {"Shop": CONNECTION},
    }
    run = without_secret(hosts.run("main", "--diff", **wanted))
    assert (run.code, run.changed) == (0, 1), run.output
    entry = f'<add name="Shop" connectionString="{CONNECTION}" />'
    assert f"\t<connectionStrings>\r\n\t\t{entry}\r\n\t</connectionStrings>\r\n".encode() in path.read_bytes()
    assert b"sqlConnectionString='Shop'" in path.read_bytes()
    assert hosts.run("main", **wanted).changed == 0


# what is in the file, what is asked for, what must be said
REFUSED: dict[str, tuple[bytes | None, dict[str, object], str]] = {
    "no file": (None, {}, "cannot be read: File not found"),
    "malformed": (PLAIN.replace(b"</system.web>", b""), {}, "web.config: line 7, column 3: malformed XML"),
    "encrypted": (
        PLAIN.replace(b"<sessionState", b"<sessionState configProtectionProvider='x'"),
        {},
        "<sessionState> is encrypted; decrypt it on the web host (aspnet_regiis -pdf",
    ),
    "a misspelt attribute": (PLAIN, {"attributes": {"Mode": SECRET}}, "no attribute Mode; did you mean mode?"),
    "a misspelt mode": (PLAIN, {"attributes": {"mode": "sqlserver"}}, "did you mean SQLServer?"),
    "a database": (
        PLAIN,
        {"attributes": {**SQL, "sqlConnectionString": f"{CONNECTION};Database=Shop"}},
        "names a database, which ASP.NET refuses unless allowCustomSqlDatabase is true",
    ),
    "a malformed connection string": (
        PLAIN,
        {"attributes": {**SQL, "sqlConnectionString": f'Data Source=sql01;Password="{SECRET}'}},
        "the connection string is malformed at character",
    ),
    "attributes that are none": (PLAIN, {"attributes": SECRET}, "unable to convert to dict"),
    "an attribute that is a list": (PLAIN, {"attributes": {"mode": [SECRET]}}, "attribute mode is a list; give text"),
    "an entry that is null": (
        PLAIN,
        {"connection_strings": {"Shop": None}},
        "Shop is null; an entry is never taken out",
    ),
    "a misspelt key": (
        PLAIN,
        {"connection_strings": {"Shop": {"connectionstring": SECRET}}},
        "Shop has connectionstring; there are connectionString and providerName",
    ),
    "an application without a path": (PLAIN, {"applications": [{"url": "x"}]}, "missing required arguments: path"),
    "an application's misspelt key": (
        PLAIN,
        {"applications": [{"path": "x", "site": 1}]},
        "aspstate_web_config_applications.site",
    ),
    "an application that is no path": (
        PLAIN,
        {"applications": [{"path": "x", "application": "/größe"}]},
        "is no path in ASCII that begins with /",
    ),
    "a mode for afterwards that is none": (PLAIN, {"after_uninstall": "Off"}, "must be one of: InProc, StateServer"),
    "StateServer without a string": (
        PLAIN,
        {"after_uninstall": "StateServer"},
        "StateServer needs aspstate_web_config_state",
    ),
    "no time": (PLAIN, {"url_timeout": 0}, "url_timeout is at least 1 second"),
}


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> tuple[HostsRun, ConfigHosts]:
    """One run with a host for each row."""
    hosts = ConfigHosts(tmp_path_factory.mktemp("refused"))
    for place, (raw, choices, _) in enumerate(REFUSED.values()):
        path = hosts.file(f"web{place}", raw or b"")
        if raw is None:
            path.unlink()
        chosen = {"attributes": SQL, **choices}
        hosts.hosts[f"web{place}"] |= {f"aspstate_web_config_{name}": value for name, value in chosen.items()}
    return hosts.run("preflight_after_uninstall"), hosts.run("main")


@pytest.mark.parametrize(("place", "row"), list(enumerate(REFUSED.values())), ids=REFUSED)
def test_what_cannot_be_done_is_refused_in_one_message(
    refusals: tuple[HostsRun, ConfigHosts], place: int, row: tuple[bytes | None, dict[str, object], str]
) -> None:
    failure = refusals[1].failure(f"web{place}").replace('\\"', '"')
    assert row[2] in failure
    assert "Traceback" not in failure


def test_no_refusal_changes_anything_or_says_a_secret(refusals: tuple[HostsRun, HostsRun]) -> None:
    for run in refusals:
        assert (run.code, run.changed) == (2, 0)
        without_secret(run)


def test_two_applications_are_edited_one_after_the_other(hosts: ConfigHosts, tmp_path: Path) -> None:
    first = hosts.file("web1")
    second = tmp_path / "second.config"
    second.write_bytes(b"<configuration/>")
    hosts.hosts["web1"]["aspstate_web_config_applications"].append({"path": str(second)})
    run = hosts.run(attributes={"mode": "Off", "timeout": None})
    assert (run.code, run.changed) == (0, 2)
    assert b"<sessionState mode='Off'/>" in first.read_bytes()
    assert second.read_bytes() == b'<configuration><system.web><sessionState mode="Off" /></system.web></configuration>'


def when_it_was_read(path: Path, act: Callable[[], object]) -> Thread:
    """Call `act` as soon as somebody has read the file once; the thread that waits for it."""
    closed_after_reading = 0x10  # IN_CLOSE_NOWRITE
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init()
    assert libc.inotify_add_watch(descriptor, os.fsencode(path), closed_after_reading) >= 0

    def wait() -> None:
        os.read(descriptor, 4096)
        os.close(descriptor)
        act()

    thread = Thread(target=wait)
    thread.start()
    return thread


def test_a_file_that_somebody_changes_meanwhile_is_left_to_them(hosts: ConfigHosts, tmp_path: Path) -> None:
    path, theirs = hosts.file("web1"), tmp_path / "theirs.config"
    theirs.write_bytes(PLAIN.replace(b"20", b"21"))
    thread = when_it_was_read(path, lambda: theirs.replace(path))
    run = hosts.run(attributes=SQL)
    thread.join()
    assert (run.code, run.changed) == (2, 0), run.output
    assert "was changed by somebody else since it was read; run it again; nothing was changed" in run.failure("web1")
    assert path.read_bytes() == PLAIN.replace(b"20", b"21")
    assert backups(path) == []


@pytest.fixture
def shop(hosts: ConfigHosts) -> Iterator[Path]:
    """The web.config of an application that answers 500 while its mode is SQLServer."""
    path = hosts.file("web1")
    with page(lambda: 500 if b"SQLServer" in path.read_bytes() else 200) as url:
        hosts.shared = {"aspstate_web_url": url, "aspstate_web_url_timeout": 2}
        yield path


def test_an_application_that_answers_keeps_the_change(hosts: ConfigHosts, shop: Path) -> None:
    assert hosts.run(attributes={"timeout": 45}).code == 0
    assert shop.read_bytes() == PLAIN.replace(b"20", b"45")


def test_the_file_is_put_back_where_the_application_does_not_answer(hosts: ConfigHosts, shop: Path) -> None:
    run = without_secret(hosts.run(attributes=SQL))
    assert run.code == 2
    said = "did not answer with 200 within 2 s: Status code was 500 and not [200]"
    assert said in run.failure("web1")
    assert "; the file as it was has been put back, with which it answers" in run.failure("web1")
    assert shop.read_bytes() == PLAIN


def test_it_is_said_where_the_application_did_not_answer_before_either(hosts: ConfigHosts) -> None:
    path = hosts.file("web1")
    with page(lambda: 404) as url:
        hosts.hosts["web1"]["aspstate_web_config_applications"][0]["url"] = url
        run = hosts.run(attributes=SQL, url="http://127.0.0.1:9/", url_timeout=1)
    assert "with which it does not answer either: Status code was 404" in run.failure("web1")
    assert path.read_bytes() == PLAIN


def test_what_somebody_wrote_after_the_run_is_not_put_back(hosts: ConfigHosts) -> None:
    path, theirs = hosts.file("web1"), PLAIN.replace(b"20", b"21")

    def status() -> int:
        path.write_bytes(theirs)
        return 500

    with page(status) as url:
        run = hosts.run(attributes=SQL, url=url, url_timeout=1)
    assert "was changed by somebody else since it was written" in run.failure("web1")
    assert path.read_bytes() == theirs


def test_without_a_backup_the_change_stays_and_that_is_said(hosts: ConfigHosts, shop: Path) -> None:
    run = hosts.run(attributes=SQL, backup=False)
    assert "the changed file stays, since aspstate_web_config_backup is false" in run.failure("web1")
    assert shop.read_bytes() == IN_SQL


def test_where_the_web_service_is_stopped_nothing_is_asked(hosts: ConfigHosts, shop: Path) -> None:
    assert hosts.run(attributes=SQL, prove=False).code == 0
    assert shop.read_bytes() == IN_SQL


MORE = "partitionResolverType='x' allowCustomSqlDatabase='true' sqlCommandTimeout='5' sqlConnectionRetryInterval='5'"
ALL = IN_SQL.replace(b"mode=", f"{MORE} mode=".encode())
STATE = {"after_uninstall": "StateServer", "state_connection_string": "tcpip=web1:42424"}
# what is in the file, what is chosen, what is there afterwards
AFTERWARDS: dict[str, tuple[bytes, dict[str, object], bytes]] = {
    "in the process": (ALL, {}, PLAIN.replace(b"20", b"30")),
    "in the state service": (
        ALL,
        STATE,
        PLAIN.replace(b"InProc", b"StateServer").replace(b"'20'", b"'30' stateConnectionString='tcpip=web1:42424'"),
    ),
    "as it is": (ALL, {"after_uninstall": "unmanaged"}, ALL),
    "already in another mode": (PLAIN, STATE, PLAIN),
    "without a section": (b"<configuration/>", STATE, b"<configuration/>"),
}


def test_after_an_uninstall_applications_are_off_the_database(hosts: ConfigHosts) -> None:
    paths = []
    for place, (raw, choices, _) in enumerate(AFTERWARDS.values()):
        paths.append(hosts.file(f"web{place}", raw))
        hosts.hosts[f"web{place}"] |= {f"aspstate_web_config_{key}": value for key, value in choices.items()}

    def there() -> list[bytes]:
        return [path.read_bytes() for path in paths]

    judged = hosts.run("preflight_after_uninstall", "--diff")
    would = hosts.run("after_uninstall", "--check", "--diff")
    assert (judged.code, judged.changed, judged.diff) == (0, 0, []), judged.output
    assert there() == [row[0] for row in AFTERWARDS.values()]
    done = without_secret(hosts.run("after_uninstall", "--diff"))
    assert (done.code, done.changed, sorted(done.diff)) == (0, 2, sorted(would.diff)), done.output
    assert there() == [row[2] for row in AFTERWARDS.values()]
    again = hosts.run("after_uninstall")
    assert (again.code, again.changed) == (0, 0)


def farm(hosts: ConfigHosts) -> None:
    """Two hosts of one database that differ in the compression and the site, and one of another database."""
    for place, extra in enumerate((b"", b" compressionEnabled='true'", b" cookieName='other'"), start=1):
        hosts.file(f"web{place}", IN_SQL.replace(b" timeout", extra + b" timeout"))
        facts = {"site_id": place, "application": "/shop"}
        hosts.hosts[f"web{place}"]["aspstate_web_config_applications"][0] |= facts
        hosts.hosts[f"web{place}"]["aspstate_web_database_host"] = "sql01" if place < 3 else "sql02"


def test_hosts_of_one_farm_that_differ_are_told(hosts: ConfigHosts) -> None:
    farm(hosts)
    run = without_secret(hosts.run("farm", attributes=SQL))
    assert (run.code, run.changed) == (0, 0), run.output
    assert "compressionEnabled differs: web1 has false, web2 has true" in run.text
    assert "ASP507 (critical)" in run.text
    assert "cookieName" not in "".join(line for line in run.output.splitlines() if "ASP506" in line)


def test_in_check_mode_the_farm_is_compared_as_a_run_would_leave_it(hosts: ConfigHosts) -> None:
    farm(hosts)
    would = hosts.run("farm", "--check", attributes={**SQL, "compressionEnabled": False})
    assert (would.code, "ASP506" in would.text, "ASP507" in would.text) == (0, False, True), would.output
    assert "ASP506" in hosts.run("farm", attributes={**SQL, "compressionEnabled": False}).text


def test_a_host_that_cannot_be_looked_at_is_not_known(hosts: ConfigHosts) -> None:
    farm(hosts)
    hosts.hosts["web2"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9}
    run = hosts.run("farm")
    assert run.code == 4
    assert "ASP001 (critical) web2: this web host could not be looked at" in run.text


FAKE_SSH = """#!/bin/sh
# runs the last argument here, as sshd would there
for command; do :; done
exec /bin/sh -c "$command"
"""


def test_over_ssh_the_file_is_not_printed_either(hosts: ConfigHosts, tmp_path: Path) -> None:
    path = hosts.file("web1")
    ssh = tmp_path / "ssh"
    ssh.write_text(FAKE_SSH)
    ssh.chmod(0o700)
    hosts.hosts["web1"] |= {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_ssh_executable": str(ssh),
        "ansible_ssh_transfer_method": "piped",
    }
    for attributes, code in ((SQL, 0), ({**SQL, "timeout": 31}, 0), ({**SQL, "timeout": 0}, 2)):
        run = without_secret(hosts.run(attributes=attributes))
        assert run.code == code, run.output
        assert "stdout and stderr censored due to no log" in run.output
    assert path.read_bytes() == IN_SQL.replace(b"30", b"31")


def test_without_its_action_plugin_it_says_what_is_missing(hosts: ConfigHosts, tmp_path: Path) -> None:
    path = hosts.file("web1")
    hosts.environment = {"ANSIBLE_ACTION_PLUGINS": str(tmp_path)}
    run = without_secret(hosts.run(attributes=SQL))
    assert (run.code, run.changed, path.read_bytes()) == (2, 0, PLAIN), run.output
    assert "set action_plugins to the project's plugins/action" in run.failure("web1")
