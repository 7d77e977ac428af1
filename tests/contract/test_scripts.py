"""How scripts are fetched from a Windows host: what is asked of it, in which order, and what is left there."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import WindowsHost
from tests.integration.playbook import CHECKOUT, HostsRun
from tests.integration.web_hosts import WebHosts

NET = "C:\\Windows\\Microsoft.NET"
FOLDERS = {
    "2.0": f"{NET}\\Framework\\v2.0.50727",
    "2.0 of 64 bits": f"{NET}\\Framework64\\v2.0.50727",
    "4": f"{NET}\\Framework\\v4.0.30319",
    "4 of 64 bits": f"{NET}\\Framework64\\v4.0.30319",
    "deeper": f"{NET}\\Framework64\\v9.0.1\\ASP.NETClientFiles",
    "elsewhere": f"{NET}\\assembly\\v9.0",
}
Find = Callable[..., HostsRun]


@pytest.fixture
def host(tmp_path: Path) -> WindowsHost:
    """A host with .NET Framework in several versions; each script says where it is."""
    host = WindowsHost(tmp_path / "web1")
    host.home.mkdir()
    files = {}
    for folder in FOLDERS.values():
        files |= {
            f"{folder}\\{name}": folder for name in ("InstallPersistSqlState.sql", "UninstallPersistSqlState.sql")
        }
        files[f"{folder}\\aspnet_regsql.exe"] = "a program"
    encoded = {path: base64.b64encode(text.encode()).decode() for path, text in files.items()}
    programs = {f"{folder}\\aspnet_regsql.exe": f"by {folder}" for folder in FOLDERS.values()}
    host.write({"files": encoded, "folders": ["C:\\Temp"], "programs": programs})
    return host


@pytest.fixture
def find(tmp_path: Path, stubs: Path, host: WindowsHost) -> Find:
    """Fetches a script as the role does, and tells its path and text."""
    hosts = WebHosts(
        tmp_path,
        {"web1": {"ansible_remote_tmp": str(host.home / "tmp")}},
        environment={"ANSIBLE_COLLECTIONS_PATH": str(stubs)},
    )
    role = CHECKOUT / "roles/aspstate_database"

    def fetch(*options: str, kind: str = "install", **variables: Any) -> HostsRun:
        chosen = {
            f"aspstate_database_{name}": value
            for name, value in {"scripts_host": "web1", "type": "persisted", "name": "ASPState", **variables}.items()
            if value is not None
        }
        tasks = [
            {"ansible.builtin.include_vars": str(role / "defaults/main.yml")},
            {"ansible.builtin.include_vars": str(role / "vars/main.yml")},
            {"ansible.builtin.set_fact": {**chosen, "__aspstate_database_script_kind": kind}},
            {"ansible.builtin.include_tasks": str(role / "tasks/scripts/find.yml")},
            {"ansible.builtin.include_tasks": str(role / "tasks/scripts/find.yml")},
            {"ansible.builtin.debug": {"msg": "FOUND {{ __aspstate_database_script.path }}"}},
            {"ansible.builtin.debug": {"msg": "TEXT {{ __aspstate_database_script.content | b64decode }}"}},
        ]
        return hosts.play(
            [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}], options
        )

    return fetch


def told(run: HostsRun, what: str) -> str:
    """The rest of a line that the play tells."""
    assert run.code == 0, run.output
    (line,) = [line for line in run.output.split("\n") if f'"{what} ' in line]
    return json.loads("{" + line.strip().rstrip(",") + "}")["msg"].removeprefix(f"{what} ")


@pytest.mark.parametrize(
    ("framework", "folder"),
    [("newest", "4 of 64 bits"), ("v2.0.50727", "2.0 of 64 bits"), ("V4.0.30319", "4 of 64 bits")],
)
def test_the_script_of_a_version_is_read_from_the_host(
    find: Find, host: WindowsHost, framework: str, folder: str
) -> None:
    run = find("--check", scripts_framework=framework)
    assert told(run, "FOUND") == f"{FOLDERS[folder]}\\InstallPersistSqlState.sql"
    assert told(run, "TEXT") == FOLDERS[folder]
    assert [call.split(" ")[0] for call in host.calls()] == ["win_find", "slurp"]


def test_framework_serves_where_there_is_no_framework64(find: Find, host: WindowsHost) -> None:
    windows = host.read()
    windows["files"] = {path: text for path, text in windows["files"].items() if "Framework64" not in path}
    host.write(windows)
    assert told(find(kind="uninstall"), "FOUND") == f"{FOLDERS['4']}\\UninstallPersistSqlState.sql"


def test_a_version_that_is_not_there_is_refused_with_those_that_are(find: Find) -> None:
    run = find(scripts_framework="v1.1.4322")
    assert run.code == 2
    assert "web1 has no InstallPersistSqlState.sql of version v1.1.4322 below C:\\\\Windows" in run.text
    assert "Framework64\\\\v4.0.30319\\\\InstallPersistSqlState.sql" in run.text


# each row: the kind of script, the type, the database, what aspnet_regsql is told
EXPORTS = [
    ("install", "temporary", "ASPState", "-ssadd -sstype t"),
    ("uninstall", "persisted", "ASPState", "-ssremove -sstype p"),
    ("install", "custom", "My Shop", "-ssadd -sstype c -d 'My Shop'"),
]


@pytest.mark.parametrize(("kind", "type_", "name", "options"), EXPORTS)
def test_aspnet_regsql_writes_the_script_and_nothing_stays(
    find: Find, host: WindowsHost, kind: str, type_: str, name: str, options: str
) -> None:
    before = host.read()
    run = find("--check", scripts_export=True, kind=kind, type=type_, name=name)
    program = FOLDERS["4 of 64 bits"] + "\\aspnet_regsql.exe"
    assert (told(run, "FOUND"), told(run, "TEXT")) == (program, f"by {FOLDERS['4 of 64 bits']}")
    assert [call.split(" ")[0] for call in host.calls()] == [
        "win_find",
        "win_tempfile",
        "win_command",
        "slurp",
        "win_file",
    ]
    (command,) = host.calls("win_command")
    written = [word.strip("'") for word in options.replace("'My Shop'", "'My~Shop'").split(" ")]
    assert command.startswith(
        f"win_command {[program, *(word.replace('~', ' ') for word in written), '-sqlexportonly']}"[:-1]
    )
    assert host.read() == before


def test_nothing_stays_where_the_export_fails(find: Find, host: WindowsHost) -> None:
    windows = host.read() | {"programs": {}}
    host.write(windows)
    assert find(scripts_export=True).code == 2
    assert host.read() == windows


@pytest.mark.parametrize("places", [{"scripts_path": "/srv"}, {"scripts_host": None}])
def test_one_place_is_asked_for(find: Find, places: dict[str, str | None]) -> None:
    run = find(**places)
    assert run.code == 2
    assert "give either aspstate_database_scripts_path" in run.text
