"""The shipped T-SQL is in SQL Server 2012's grammar, by Microsoft's parser; and that parser finds what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from aspstate.tsql import significant

from tests.scripts import DIALECTS, file_name, script
from tools.lint_tsql import scriptdom
from tools.lint_tsql.scriptdom import CannotRun, MonoMissing, Problem, parse
from tools.lint_tsql.sources import constants, shipped, sql_files

CHECKOUT = Path(__file__).parents[1]
FILES = sql_files(CHECKOUT)

Planted = tuple[str, int]
"""A text with an error, and the error's line."""


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def misspelt_first_keyword(text: str) -> Planted:
    word = significant(text)[0]
    return f"{text[: word.start]}X{text[word.start :]}", line_of(text, word.start)


def no_character_of_tsql(text: str) -> Planted:
    words = significant(text)
    middle = words[len(words) // 2].start
    return f"{text[:middle]}?{text[middle:]}", line_of(text, middle)


def one_end_too_many(text: str) -> Planted:
    text = f"{text.rstrip()}\nEND"
    return text, line_of(text, len(text))


def one_end_too_few(text: str) -> Planted | None:
    last = significant(text)[-1]
    text = text[: last.start].rstrip()
    return (text, line_of(text, len(text))) if last.text == "END" else None


def drop_if_exists(text: str) -> Planted:
    text = f"{text.rstrip()}\nGO\nDROP PROCEDURE IF EXISTS dbo.TempGetVersion"
    return text, line_of(text, len(text))


def create_or_alter(text: str) -> Planted | None:
    words = significant(text)
    if [word.text for word in words[:2]] != ["CREATE", "PROCEDURE"]:
        return None
    return f"{text[: words[1].start]}OR ALTER {text[words[1].start :]}", line_of(text, words[1].start)


KINDS: tuple[Callable[[str], Planted | None], ...] = (
    misspelt_first_keyword,
    no_character_of_tsql,
    one_end_too_many,
    one_end_too_few,
    drop_if_exists,
    create_or_alter,
)
PLANTED = {
    f"{file.stem} {kind.__name__}": planted
    for file in FILES
    for kind in KINDS
    if (planted := kind(file.read_text(encoding="utf-8")))
}
NEWER_THAN_2012 = {
    "an index within CREATE TABLE (2014)": "CREATE TABLE t (a int, INDEX i (a))",
    "DROP TABLE IF EXISTS (2016)": "DROP TABLE IF EXISTS t",
    "AT TIME ZONE (2016)": "SELECT a AT TIME ZONE 'UTC' FROM t",
    "WITHIN GROUP for STRING_AGG (2017)": "SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY a) FROM t",
}
IN_2012 = {
    "THROW": "BEGIN TRY SELECT 1 END TRY BEGIN CATCH ;THROW END CATCH",
    "OFFSET": "SELECT a FROM t ORDER BY a OFFSET 1 ROWS FETCH NEXT 1 ROWS ONLY",
    "a name in double quotes": 'SELECT "a" FROM "t"',
}
OLD_SCRIPTS = {
    f"{dialect} {file_name(verb, 'temporary')}": script(dialect, verb, "temporary")
    for dialect in DIALECTS
    for verb in ("install", "uninstall")
}


@pytest.fixture(scope="module")
def problems() -> dict[str, list[Problem]]:
    """What the parser says of everything here, by name: one Mono process for all."""
    texts = [(name, text) for name, (text, _) in PLANTED.items()]
    texts += [*NEWER_THAN_2012.items(), *IN_2012.items(), *OLD_SCRIPTS.items(), *shipped(CHECKOUT)]
    try:
        found = parse(texts)
    except MonoMissing as error:
        pytest.skip(str(error))
    return {name: [problem for problem in found if problem.name == name] for name, _ in texts}


@pytest.mark.parametrize("name", sorted({name for name, _ in shipped(CHECKOUT)}))
def test_shipped_tsql_is_in_the_grammar(problems: dict[str, list[Problem]], name: str) -> None:
    assert [str(problem) for problem in problems[name]] == []


@pytest.mark.parametrize("name", PLANTED)
def test_an_error_planted_in_a_shipped_file_is_found_at_its_line(problems: dict[str, list[Problem]], name: str) -> None:
    assert PLANTED[name][1] in [problem.line for problem in problems[name]]


@pytest.mark.parametrize("name", NEWER_THAN_2012)
def test_what_later_versions_brought_is_refused(problems: dict[str, list[Problem]], name: str) -> None:
    assert problems[name]


@pytest.mark.parametrize("name", OLD_SCRIPTS)
def test_the_scripts_in_old_dialects_are_what_2012_still_takes(problems: dict[str, list[Problem]], name: str) -> None:
    assert [str(problem) for problem in problems[name]] == []


@pytest.mark.parametrize("name", IN_2012)
def test_what_2012_has_is_accepted(problems: dict[str, list[Problem]], name: str) -> None:
    assert problems[name] == []


def test_every_sql_file_of_the_roles_is_checked() -> None:
    there = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "roles").rglob("*.sql")}
    assert there
    assert there == {name for name, _ in shipped(CHECKOUT) if name.endswith(".sql")}


MODULE = '''"""A module."""
PROSE = "Unable to connect to SQL Server session database."
WORD = "SELECT"
_ONE: str = "SELECT %(name)s"
_TWO = """
SELECT 1
EXEC dbo.{procedure} @id = %(id)s
"""
THREE = ("SET NOCOUNT ON", {"key": "DROP TABLE a"})
lower = "SELECT 2"
FORMATTED = f"SELECT {WORD}"
def function():
    LOCAL = "SELECT 3"
'''


def test_constants_of_a_module_that_are_tsql_are_checked_where_they_stand() -> None:
    found = list(constants(MODULE))
    assert [text.strip() for text in found] == [
        "SELECT 'name__'",
        "SELECT 1\nEXEC dbo._procedure_ @id = 'id__'",
        "SET NOCOUNT ON",
        "DROP TABLE a",
    ]
    for text in found:
        start = significant(text)[0].start
        column = start - (text.rfind("\n", 0, start) + 1)
        assert MODULE.splitlines()[line_of(text, start) - 1][column:].startswith(text[start : start + 6])


def test_an_error_in_a_constant_is_told_with_its_place_in_the_module() -> None:
    try:
        found = parse([("module.py", text) for text in constants(MODULE.replace("dbo.{procedure}", "dbo. . ="))])
    except MonoMissing as error:
        pytest.skip(str(error))
    assert [str(problem) for problem in found] == ["module.py:7:13: Incorrect syntax near =."]


def without_mono(tmp_path: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run in the checkout with a PATH on which nothing is but what the Makefile adds."""
    return subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**os.environ, "PATH": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


MISSING = f"is missing: apt install --no-install-recommends {scriptdom.PACKAGE}"


def test_without_mono_make_says_what_to_install(tmp_path: Path) -> None:
    run = without_mono(tmp_path, shutil.which("make"), "--old-file=.venv/ready", "lint-tsql")
    assert run.returncode == 2
    assert MISSING in run.stderr


@pytest.mark.parametrize(("ci", "code", "outcome"), [("", 0, "1 skipped"), ("true", 1, "1 error")])
def test_without_mono_the_test_skips_and_in_ci_fails(tmp_path: Path, ci: str, code: int, outcome: str) -> None:
    test = f"{Path(__file__).relative_to(CHECKOUT)}::test_what_2012_has_is_accepted[THROW]"
    run = without_mono(tmp_path, sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test, CI=ci)
    assert (run.returncode, outcome in run.stdout, MISSING in run.stdout) == (code, True, True), run.stdout


def test_a_dll_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / scriptdom.DLL).write_bytes(b"MZ something else")
    with pytest.raises(CannotRun, match=r"is not the file that was pinned: its sha256 is [0-9a-f]{64}, not 7816"):
        scriptdom.fetch(tmp_path)


def test_a_wheel_that_is_not_the_pinned_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mssql_cli-1.0.0-py2.py3-none-manylinux1_x86_64.whl").write_bytes(b"PK something else")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "there"))
    cache = tmp_path / "cache"
    cache.mkdir()
    with pytest.raises(CannotRun, match="DO NOT MATCH THE HASHES"):
        scriptdom.fetch(cache)
    assert list(cache.iterdir()) == []


def test_a_parser_that_does_not_come_to_its_end_is_no_clean_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in (tmp_path / "bin/mono", tmp_path / "bin/mcs"):
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    facade = tmp_path / "lib/mono/4.5/Facades/netstandard.dll"
    facade.parent.mkdir(parents=True)
    facade.touch()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(scriptdom, "fetch", lambda cache: None)
    monkeypatch.setattr(scriptdom, "compile_front_end", lambda cache, facade: None)
    with pytest.raises(CannotRun, match="failed, exit code 0"):
        parse([("a", "SELECT 1")], tmp_path / "cache")
