"""What is asked of Windows' modules: a stand-in takes the options that the real win_copy documents, and no others.

This says nothing of Windows: no Windows host was at hand.
"""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.contract.stub_collections import argument_spec, documented
from tests.integration.config_hosts import IN_SQL, PLAIN, SECRET, SQL, ConfigHosts, backups

STUB = Path(__file__).with_name("half_written.py")


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a collection ansible.windows of the real action win_copy and a stand-in for its module."""
    real = Path(find_spec("ansible_collections.ansible.windows").submodule_search_locations[0])
    folder = tmp_path_factory.mktemp("collections")
    plugins = folder / "ansible_collections/ansible/windows/plugins"
    (plugins / "action").mkdir(parents=True)
    (plugins / "modules").mkdir()
    shutil.copy(real / "plugins/action/win_copy.py", plugins / "action")
    options = json.dumps(
        argument_spec(documented(["ansible.windows.win_copy"])["ansible.windows.win_copy"]["doc"]["options"])
    )
    (plugins / "modules/win_copy.py").write_text(STUB.read_text().replace("DOCUMENTED", options))
    return folder


@pytest.fixture
def hosts(tmp_path: Path, collections: Path) -> ConfigHosts:
    """Hosts that are said to run Windows."""
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(collections)}
    return ConfigHosts(tmp_path, shared={"aspstate_web_windows": True}, environment=environment)


def test_a_file_is_backed_up_and_written_with_valid_arguments(hosts: ConfigHosts) -> None:
    path = hosts.file("web1")
    assert hosts.run("main", "--check", attributes=SQL).changed == 1
    assert path.read_bytes() == PLAIN
    run = hosts.run(attributes=SQL)
    assert (run.code, run.changed) == (0, 1), run.output
    assert "AnsiballZ_win_copy" in run.output
    assert "AnsiballZ_copy" not in run.output
    assert path.read_bytes() == IN_SQL
    assert [each.read_bytes() for each in backups(path)] == [PLAIN]
    assert SECRET not in run.output
    again = hosts.run(attributes=SQL)
    assert (again.changed, "AnsiballZ_win_copy" in again.output) == (0, False)


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("", "There is not enough space on the disk."),
        ("quiet", "what is there afterwards is not what was sent"),
    ],
)
def test_a_file_that_was_written_half_is_said_to_be_with_the_way_back(hosts: ConfigHosts, word: str, why: str) -> None:
    path = hosts.file("web1")
    broken = path.parent / "broken"
    broken.write_text(word)
    run = hosts.run(attributes=SQL)
    broken.unlink()
    (backup,) = backups(path)
    assert run.code == 2
    failure = run.failure("web1")
    assert "web.config was not written as it should be: " in failure
    assert f"{why}; look at it; as it was it is in {backup}: copy that back" in failure
    assert "nothing was changed" not in failure
    assert (len(path.read_bytes()), backup.read_bytes()) == (50, PLAIN)
    assert SECRET not in run.output
