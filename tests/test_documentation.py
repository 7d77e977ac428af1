"""What is written about the project is what the project is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from aspstate.finding import FINDINGS, SEVERITIES

from tests.integration.browser import BROWSERS
from tools.lint_tsql.scriptdom import PACKAGE as MONO_PACKAGE

CHECKOUT = Path(__file__).parents[1]
MODULES = sorted((CHECKOUT / "library").glob("*.py"))
ROLES = sorted(path for path in (CHECKOUT / "roles").iterdir() if path.is_dir())
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


def load_module(path: Path) -> ModuleType:
    """A module of library/ with ansible.module_utils.aspstate being the project's."""
    import ansible.module_utils

    directory = str(CHECKOUT / "module_utils")
    if directory not in ansible.module_utils.__path__:
        ansible.module_utils.__path__.append(directory)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fragment_options(name: str) -> dict[str, Any]:
    """The options of a documentation fragment, which several modules share."""
    path = CHECKOUT / f"plugins/doc_fragments/{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)["options"]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_documents_exactly_its_arguments(path: Path) -> None:
    module = load_module(path)
    documentation = yaml.safe_load(module.DOCUMENTATION)
    fragment = documentation.get("extends_documentation_fragment")
    documented = {**documentation.get("options", {}), **(fragment_options(fragment) if fragment else {})}
    facts = ("type", "default", "choices", "required", "elements")
    assert {name: {key: option[key] for key in facts if key in option} for name, option in documented.items()} == {
        name: {key: argument[key] for key in facts if key in argument} for name, argument in module.ARGUMENTS.items()
    }
    assert documentation["module"] == path.stem


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_has_examples_and_return_values_that_parse(path: Path) -> None:
    module = load_module(path)
    arguments = {name for task in yaml.safe_load(module.EXAMPLES) for name in task[path.stem]}
    assert arguments <= set(module.ARGUMENTS)
    assert all(value["description"] and value["type"] for value in yaml.safe_load(module.RETURN).values())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_every_option_of_a_role_has_a_default_or_is_said_to_have_none(role: Path) -> None:
    specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    defaults = role / "defaults/main.yml"
    if defaults.exists():
        text = defaults.read_text(encoding="utf-8")
        comment = re.search(r"^# Not set: ([^.]*)\.", text, re.MULTILINE)
        not_set = {f"{role.name}_{name}" for name in re.findall(r"\w+", comment.group(1))} if comment else set()
        assert {*yaml.safe_load(text), *not_set} == {
            option for entry_point in specs.values() for option in entry_point["options"]
        }
        assert not not_set & set(yaml.safe_load(text))
    assert all("default" not in option for spec in specs.values() for option in spec["options"].values())


def test_every_playbook_is_in_the_readme_and_the_other_way_round() -> None:
    there = {path.name for path in (CHECKOUT / "playbooks").glob("*.yml")}
    table = set(re.findall(r"^\| .*?`playbooks/([a-z_]+\.yml)`", README, re.MULTILINE))
    assert table == there


def test_ci_runs_the_makefile_and_nothing_else() -> None:
    workflow = yaml.safe_load((CHECKOUT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    commands = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    targets = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    mono = f"sudo apt-get update -qq && sudo apt-get install -qq -y --no-install-recommends {MONO_PACKAGE}"
    assert commands == [mono, "sudo make web-packages", "make lint", "make test"]
    assert {command.removeprefix("sudo ").removeprefix("make ") for command in commands[1:]} <= targets
    assert "\nmake web-packages\nmake test\n" in (CHECKOUT / ".ci/run").read_text(encoding="utf-8")
    assert f"missing+=({MONO_PACKAGE})" in (CHECKOUT / ".ci/run").read_text(encoding="utf-8")
    browsers = f"command -v {' '.join(BROWSERS)} >/dev/null || missing+=(chromium)"
    assert browsers in (CHECKOUT / ".ci/run").read_text(encoding="utf-8")
    uses = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", use) for use in uses)
    assert workflow["permissions"] == {"contents": "read"}


def test_a_molecule_scenario_verifies_with_tests_that_exist() -> None:
    for scenario in (CHECKOUT / "molecule").glob("*/molecule.yml"):
        sequence = yaml.safe_load(scenario.read_text(encoding="utf-8"))["scenario"]["test_sequence"]
        folders = [step.split()[1] for step in sequence if step.startswith("verify")]
        assert folders
        assert all(list((scenario.parent / folder).glob("test_*.py")) for folder in folders)


def test_paths_that_the_documents_name_exist() -> None:
    for document in (*CHECKOUT.glob("*.md"), *(CHECKOUT / "docs").rglob("*.md"), *(CHECKOUT / "lab").glob("*.md")):
        for path in re.findall(r"\]\((?!http)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / path).exists(), f"{document.name} names {path}"


def test_nothing_of_the_lab_is_imported_by_the_product() -> None:
    product = [path for folder in ("library", "module_utils", "plugins") for path in (CHECKOUT / folder).rglob("*.py")]
    assert product
    for path in product:
        assert not re.search(r"^\s*(from|import) lab\b", path.read_text(encoding="utf-8"), re.MULTILINE), path


def test_only_two_doors_of_the_core_lead_outside() -> None:
    for path in (CHECKOUT / "module_utils/aspstate").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert ("ansible." in "".join(re.findall(r"^\s*from (\S+)", text, re.MULTILINE))) == (
            path.name == "ansible_module.py"
        )
        assert bool(re.search(r"^\s*(from|import) pymssql", text, re.MULTILINE)) == (path.name == "server.py")


def test_every_file_of_the_core_has_one_place_in_the_map() -> None:
    table = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## How it flows")[0]
    named = re.findall(r"`(\w+\.py)`", "".join(re.findall(r"^\| (`\w+\.py`.*?) \|", table, re.MULTILINE)))
    there = [path.name for path in (CHECKOUT / "module_utils/aspstate").glob("*.py") if path.name != "__init__.py"]
    assert sorted(named) == sorted(there)


def test_playbooks_and_variables_that_a_runbook_names_exist() -> None:
    known = {path.name for path in (CHECKOUT / "playbooks").glob("*.yml")} | {path.stem for path in MODULES}
    known |= {"aspstate_application", "aspstate_controller", "aspstate_database", "aspstate_web"}  # a role, groups
    for role in ROLES:
        specs = yaml.safe_load((role / "meta/argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
        known |= {option for entry_point in specs.values() for option in entry_point["options"]}
    for page in (CHECKOUT / "docs/check.md", *(CHECKOUT / "docs/runbooks").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        variables = re.findall(r"(?:`|-e\s)(aspstate_[a-z_]+)(?=[:`=])", text)
        assert not {*variables, *re.findall(r"playbooks/([a-z_]+\.yml)", text)} - known, page.name


PARTS = ("**Meaning.**", "**Impact.**", "**Diagnosis.**", "**Mitigation.**")


def runbooks() -> dict[str, tuple[str, str]]:
    """Each heading that is an id, with its page and its text."""
    found = {}
    for page in (CHECKOUT / "docs/runbooks").glob("*.md"):
        for section in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            id_, _, text = section.partition("\n")
            found[id_] = (page.stem, text)
    return found


def test_every_finding_has_its_runbook_and_every_runbook_its_finding() -> None:
    assert {id_: page for id_, (page, _) in runbooks().items()} == {id_: page for id_, (_, page) in FINDINGS.items()}
    assert {severity for severity, _ in FINDINGS.values()} <= set(SEVERITIES)


@pytest.mark.parametrize("id_", sorted(FINDINGS))
def test_a_runbook_says_what_it_means_and_what_to_do(id_: str) -> None:
    _, text = runbooks()[id_]
    assert [text.count(part) for part in PARTS] == [1, 1, 1, 1]
    severity, _ = FINDINGS[id_]
    names_playbook = re.search(r"playbooks/[a-z_]+\.yml", text.partition(PARTS[-1])[2])
    assert names_playbook or severity == "info"
