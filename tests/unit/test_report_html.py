"""The page: HTML without an error, whatever was found, and complete without a script or a network."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from aspstate.report.settings import Settings
from hypothesis import given, settings
from hypothesis import strategies as st
from tinyhtml5.parser import HTMLParser

from tests.unit.reports import SAMPLE, finding, host, run_of

NASTY = (
    '<script>alert("x")</script><img src=x onerror=alert(1)>\' "&amp; {{ 7 * 7 }} ]]> --> \x00\x85\ud800\u202e\ufffe'
)
RUNBOOKS = "https://git.example.net/main"


def tree(page: str) -> Element:
    """The page as the parser of the HTML standard reads it; without a single error of its own."""
    parser = HTMLParser(namespace_html_elements=False)
    root = parser.parse(page)
    assert not parser.errors, parser.errors[:3]
    return root


def test_the_parser_tells_what_is_no_html() -> None:
    with pytest.raises(AssertionError):
        tree("<!DOCTYPE html><title>x</title><p></i>")


def page_of(path: Path, *hosts: dict[str, Any], **given: Any) -> str:
    return (run_of(path, *hosts, **given).folder / "report.html").read_text(encoding="utf-8")


def text(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def findings(root: Element) -> list[Element]:
    return [each for each in root.iter("li") if each.get("class", "").startswith("finding ")]


@pytest.mark.parametrize(
    "hosts",
    [[], [host()], [host("sql01", finding())], [host("sql01", status="unreachable")]],
    ids=["no host", "clean", "a finding", "not reached"],
)
def test_a_page_is_html_for_the_first_run_and_the_next(tmp_path: Path, hosts: list[dict[str, Any]]) -> None:
    for hours in (0, 1):
        root = tree(page_of(tmp_path, *hosts, hours=hours))
        assert root.get("lang") == "en"
        identities = [each.get("id") for each in root.iter() if each.get("id")]
        assert len(identities) == len(set(identities))


def test_what_was_found_is_text_whatever_it_says(tmp_path: Path) -> None:
    evil = host(
        NASTY,
        finding(subject=NASTY, message=NASTY, expected=NASTY, found={NASTY: [NASTY]}),
        address=NASTY,
        sample={**SAMPLE, "live": NASTY},
        status="incomplete",
        reason=NASTY,
    )
    harmless = page_of(tmp_path / "a", host("sql01", finding(), status="incomplete"))
    for hours in (0, 1):
        page = page_of(tmp_path / "b", evil, hours=hours, title=NASTY)
    root = tree(page)
    assert len(list(root.iter("script"))) == len(list(tree(harmless).iter("script"))) == 1
    assert not list(root.iter("img"))
    assert not [name for each in root.iter() for name in each.attrib if name.startswith("on") or name == "style"]
    assert '<script>alert("x")</script>' in text(findings(root)[0])
    assert "{{ 7 * 7 }}" in page


@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(), min_size=1), st.text(st.characters(), min_size=1))
def test_any_text_makes_html(tmp_path_factory: pytest.TempPathFactory, subject: str, found: str) -> None:
    path = tmp_path_factory.mktemp("reports")
    root = tree(page_of(path, host("sql01", finding(subject=subject, message=found, found=found, expected=subject))))
    assert len(findings(root)) == 1


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    page = page_of(tmp_path, host("sql01", finding()))
    root = tree(page)
    policy = next(each.get("content") for each in root.iter("meta") if each.get("http-equiv"))
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'; base-uri 'none'; form-action 'none'",
        policy,
    )
    assert not [each for each in root.iter() if each.get("src") or each.tag in ("link", "iframe", "object", "base")]
    assert all(each.get("href").startswith("#") for each in root.iter("a"))
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", page)


def test_a_runbook_is_named_and_with_an_address_linked(tmp_path: Path) -> None:
    named = findings(tree(page_of(tmp_path / "a", host("sql01", finding()))))[0]
    assert "docs/runbooks/sessions.md#asp403" in text(named)
    linked = findings(tree(page_of(tmp_path / "b", host("sql01", finding()), runbook_url=RUNBOOKS)))[0]
    assert f"{RUNBOOKS}/docs/runbooks/sessions.md#asp403" in [each.get("href") for each in linked.iter("a")]


PROCEDURE = "CREATE PROCEDURE dbo.X\nAS\n    RETURN 0\n"
# what was expected and found, and what is shown of it
COMPARED: dict[str, tuple[Any, Any, str, list[str], list[str]]] = {
    "numbers": (1000, 2412, "Expected 1000 Found 2412", [], []),
    "only what was found": (None, "FULL", "Found FULL", [], []),
    "zero": (0, None, "Expected 0", [], []),
    "long texts": (PROCEDURE, PROCEDURE.replace("0", "1"), "CREATE PROCEDURE dbo.X", ["- RETURN 0"], ["+ RETURN 1"]),
    "structures": ({"a": 1, "b": 2}, {"b": 3, "a": 1}, '"a": 1', ['- "b": 2'], ['+ "b": 3']),
    "a long text alone": (None, PROCEDURE, "RETURN 0", [], []),
}


@pytest.mark.parametrize(("expected", "found", "shown", "less", "more"), COMPARED.values(), ids=COMPARED)
def test_what_was_expected_and_found_is_compared(
    tmp_path: Path, expected: Any, found: Any, shown: str, less: list[str], more: list[str]
) -> None:
    (one,) = findings(tree(page_of(tmp_path, host("sql01", finding(expected=expected, found=found)))))
    assert shown in text(one)
    assert [text(each) for each in one.iter("del")] == less
    assert [text(each) for each in one.iter("ins")] == more


def test_very_long_texts_are_shown_one_after_the_other(tmp_path: Path) -> None:
    long = "".join(f"line {each}\n" for each in range(3000))
    (one,) = findings(tree(page_of(tmp_path, host("sql01", finding(expected=long, found=long.replace("7", "8"))))))
    assert [text(each) for each in one.iter("h4")] == ["Expected", "Found"]
    assert not list(one.iter("del"))


def test_since_when_is_said_with_the_age(tmp_path: Path) -> None:
    run_of(tmp_path, host("sql01", finding()))
    (one,) = findings(tree(page_of(tmp_path, host("sql01", finding()), hours=76)))
    assert "First seen 3 days ago, 2026-11-22 01:44 UTC" in text(one)


def test_what_changed_is_listed(tmp_path: Path) -> None:
    a, b, c = (finding(subject=each) for each in "abc")
    run_of(tmp_path, host("sql01", a), host("sql02", b))
    root = tree(page_of(tmp_path, host("sql01", c), host("sql02", status="unreachable"), hours=1))
    section = next(each for each in root.iter("section") if each.get("aria-labelledby") == "changed")
    lists = {
        text(next(iter(each.iter("summary")))): [text(one) for one in each.iter("li")]
        for each in section.iter("details")
    }
    assert {title: len(entries) for title, entries in lists.items()} == {
        "2 new": 2,
        "1 resolved": 1,
        "1 no longer known": 1,
    }
    assert "sql01 a: there are too many" in lists["1 resolved"][0]
    assert "sql02 b: there are too many" in lists["1 no longer known"][0]


def test_trends_are_drawn_with_words_for_who_cannot_see_them(tmp_path: Path) -> None:
    for hours, live in enumerate((5, 9, 7)):
        page = page_of(tmp_path, host("sql01", sample={**SAMPLE, "live": live}), host("web01", kind="web"), hours=hours)
    root = tree(page)
    drawn = list(root.iter("{http://www.w3.org/2000/svg}svg")) or list(root.iter("svg"))
    words = [text(each) for each in drawn]
    assert words[0] == "Live sessions of sql01 3 runs: least 5, most 9, last 7"
    assert len(drawn) == 4  # live, expired, bytes, the oldest expired: no job told anything


def test_settings_have_the_defaults_of_the_arguments(tmp_path: Path) -> None:
    from aspstate.report.settings import SETTINGS

    made = Settings(tmp_path)
    defaults = {name: option["default"] for name, option in SETTINGS.items() if "default" in option}
    assert {name: getattr(made, name) for name in defaults} == {**defaults, "waivers": ()}
    assert replace(made) == made
