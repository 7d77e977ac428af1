"""report.html as an operator opens it: in Chromium, light and dark, wide and narrow, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aspstate.report.waivers import waivers
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.integration.browser import MISSING, browser_options, browser_path
from tests.unit.reports import SAMPLE, finding, host, run_of

SCREENSHOTS = Path(__file__).parents[2] / ".lab/screenshots"

pytestmark = pytest.mark.skipif(not browser_path(), reason=MISSING)

EVIL = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
LONG = "ASPState" * 60
PROCEDURE = "CREATE PROCEDURE dbo.DeleteExpiredSessions\nAS\n    DELETE dbo.ASPStateTempSessions\n    RETURN 0\n"
RUNS = 9
WAIVERS = tuple(
    waivers(
        [
            {
                "id": "ASP118",
                "subject": "database ASPState",
                "host": "sql02",
                "reason": "log backups run every 10 minutes",
                "owner": "dba@example.net",
                "until": "2027-03-31",
            }
        ]
    )
)


def farm(run: int) -> list[dict[str, Any]]:
    """A farm in which something of each kind is to be seen in the last run."""
    last = run == RUNS - 1
    sample = {**SAMPLE, "live": 900 + 37 * run, "expired": 40 * max(0, run - 5), "bytes": 4_000_000 + 250_000 * run}
    sql01 = [
        finding("ASP403", message="2,412 sessions have expired and are still there, more than max_expired"),
        finding(
            "ASP119",
            subject="procedure dbo.DeleteExpiredSessions in database ASPState",
            message="its definition is not the project's: playbooks/site.yml would alter it",
            expected=PROCEDURE,
            found=PROCEDURE.replace("DELETE ", "DELETE TOP (10) "),
        ),
        finding("ASP409", "info", subject=f"application {EVIL}", message=LONG, expected=None, found=None),
    ]
    if last:
        sql01.append(finding("ASP202", "critical", subject="job ASPState_Job_DeleteExpiredSessions"))
    return [
        host("sql01", *sql01, sample=None if run == 3 else sample, job={"duration": 2 + run % 3, "last_good": 40}),
        host("sql02", finding("ASP118", subject="database ASPState", expected="SIMPLE", found="FULL"), sample=sample),
        host("web01.example.net", finding("ASP505", subject=r"C:\inetpub\shop\web.config"), kind="web"),
        host(
            "web02.example.net",
            *([] if last else [finding("ASP602", "critical", subject="https://shop.example.net/")]),
            kind="web",
            status="unreachable" if last else "checked",
            reason="connect to host web02.example.net port 22: Connection timed out" if last else "",
        ),
        host("bastion", kind="controller", address=""),
    ]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the last of some runs."""
    path = tmp_path_factory.mktemp("reports")
    for run in range(RUNS):
        made = run_of(path, *farm(run), hours=6 * run, waivers=WAIVERS, runbook_url="https://git.example.net/main")
    return made.folder / "report.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=browser_options())
        yield browser
        browser.close()


@dataclass
class Opened:
    """A page, what it asked for, what of that it did not get, and what the browser complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def shown(self) -> list[str]:
        """The ids of the findings that are to be seen."""
        return self.page.locator(".finding:visible .mark a").all_text_contents()


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Callable[..., Opened]]:
    """Opens the report, or another file, in a window of its own; the browser must have nothing to complain of."""
    contexts, pages = [], []

    def open_(
        file: Path = report, anchor: str = "", width: int = 1280, scheme: str = "light", **options: Any
    ) -> Opened:
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, **options)
        contexts.append(context)
        one = Opened(context.new_page())
        pages.append(one)
        one.page.on("request", lambda request: one.asked.append(request.url))
        one.page.on("requestfailed", lambda request: one.refused.append(request.url))
        one.page.on("console", lambda message: one.said.append(message.text))
        one.page.on("pageerror", lambda error: one.said.append(str(error)))
        one.page.goto(f"file://{file}{anchor}")
        return one

    yield open_
    for context in contexts:
        context.close()
    assert [one.said for one in pages if one.said] == []


ALL = ["ASP202", "ASP001", "ASP119", "ASP403", "ASP505", "ASP409"]
# what is done in the form, and which findings are then to be seen
FILTERS: dict[str, tuple[Callable[[Page], None], list[str]]] = {
    "nothing": (lambda page: None, ALL),
    "no notes": (lambda page: page.get_by_label("info").uncheck(), ALL[:-1]),
    "a host": (lambda page: page.get_by_role("combobox", name="Host").select_option("web02.example.net"), ["ASP001"]),
    "a family": (lambda page: page.get_by_label("Family").select_option("sessions"), ["ASP403", "ASP409"]),
    "new ones": (lambda page: page.get_by_label("new only").check(), ["ASP202", "ASP001"]),
    "waived ones too": (lambda page: page.get_by_label("waived too").check(), [*ALL, "ASP118"]),
    "a word": (lambda page: page.get_by_label("Search").fill("timed"), ["ASP001"]),
    "two words in any case": (lambda page: page.get_by_label("Search").fill("SITE.YML  sql01"), ["ASP119"]),
    "a word of a comparison": (lambda page: page.get_by_label("Search").fill("TOP (10)"), ["ASP119"]),
    "what there is not": (lambda page: page.get_by_label("Search").fill("nowhere"), []),
}


@pytest.mark.parametrize(("act", "shown"), FILTERS.values(), ids=FILTERS)
def test_filters_and_search_leave_what_fits(
    opened: Callable[..., Opened], act: Callable[[Page], None], shown: list[str]
) -> None:
    one = opened()
    act(one.page)
    expect(one.page.locator("output")).to_have_text(f"{len(shown)} of 7 findings")
    assert one.shown == shown
    assert one.page.get_by_text("No finding matches these filters.").is_visible() == (not shown)
    one.page.get_by_role("button", name="Reset").click()
    expect(one.page.locator("output")).to_have_text("6 of 7 findings")
    assert one.shown == ALL


def test_a_host_leads_to_its_findings(opened: Callable[..., Opened]) -> None:
    one = opened()
    one.page.get_by_label("Search").fill("nowhere")
    one.page.get_by_role("link", name="Its 4 findings").click()
    expect(one.page.locator("output")).to_have_text("4 of 7 findings")
    assert one.page.get_by_role("combobox", name="Host").input_value() == "sql01"


@pytest.mark.parametrize("id_", ["ASP202", "ASP409", "ASP118"])
def test_a_link_to_a_finding_shows_it_even_if_it_is_waived(opened: Callable[..., Opened], id_: str) -> None:
    link = opened().page.locator(".finding .mark a", has_text=id_).get_attribute("href")
    one = opened(anchor=link)
    target = one.page.locator(link)
    expect(target).to_be_in_viewport()
    expect(target).to_be_focused()
    one.page.get_by_label("Search").fill("nowhere")
    expect(target).to_be_hidden()


def background(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_it_is_dark_where_the_system_is_and_where_the_operator_wants_it(opened: Callable[..., Opened]) -> None:
    light, dark = (opened(scheme=scheme) for scheme in ("light", "dark"))
    colors = background(light.page), background(dark.page)
    assert colors[0] != colors[1]
    light.page.get_by_role("button", name="Dark mode").click()
    assert background(light.page) == colors[1]
    light.page.reload()
    assert background(light.page) == colors[1], "it was forgotten"
    light.page.get_by_role("button", name="Light mode").click()
    assert background(light.page) == colors[0]


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
def test_nothing_scrolls_sideways(opened: Callable[..., Opened], width: int) -> None:
    one = opened(width=width)
    one.page.get_by_label("waived too").check()
    one.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    beyond = one.page.evaluate(
        "[...document.querySelectorAll('body *')].filter((each) => each.checkVisibility() && !each.closest('.unseen')"
        " && each.getBoundingClientRect().right > innerWidth + 0.5).map((each) => each.outerHTML.slice(0, 80))"
    )
    assert beyond == []
    assert one.page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [400, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_it(opened: Callable[..., Opened], scheme: str, width: int) -> None:
    """By axe-core: contrast of at least 4.5, labels, landmarks, headings, roles. The screenshots are for people."""
    one = opened(scheme=scheme, width=width)
    one.page.get_by_label("waived too").check()
    one.page.locator("details.compare").first.evaluate("(each) => { each.open = true; }")
    one.page.set_viewport_size({"width": width, "height": one.page.evaluate("document.body.scrollHeight") + 1000})
    result = Axe().run(one.page, options={"resultTypes": ["violations", "incomplete", "passes"]}).response
    assert [(each["id"], [node["html"] for node in each["nodes"]][:3]) for each in result["violations"]] == []
    assert "color-contrast" not in [each["id"] for each in result["incomplete"]]
    contrast = next(each for each in result["passes"] if each["id"] == "color-contrast")
    assert len(contrast["nodes"]) > 100
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    one.page.set_viewport_size({"width": width, "height": one.page.evaluate("document.body.offsetHeight")})
    one.page.screenshot(path=SCREENSHOTS / f"report-{scheme}-{width}.png", full_page=True)


def test_axe_does_find_what_nobody_can_read(opened: Callable[..., Opened]) -> None:
    one = opened()
    one.page.evaluate("document.querySelector('.message').style.color = '#aaaaaa'")
    assert "color-contrast" in [each["id"] for each in Axe().run(one.page).response["violations"]]


def test_it_asks_nothing_of_the_network_and_runs_nothing_that_was_found(
    opened: Callable[..., Opened], report: Path
) -> None:
    one = opened()
    assert one.asked == [f"file://{report}"]
    assert one.page.title().startswith("incomplete: 2 critical findings, 3 warnings")
    assert EVIL in one.page.locator("h3", has_text="application").inner_text()


def test_what_would_get_past_the_escaping_is_stopped_by_the_policy(
    opened: Callable[..., Opened], report: Path, tmp_path: Path
) -> None:
    """As if something on the page were not escaped."""
    hole = tmp_path / "report.html"
    hole.write_text(report.read_text().replace("<main>", f"<main>{EVIL}<script src='https://evil.example/x'></script>"))
    one = opened(hole)
    assert one.refused == one.asked[1:] != []
    assert "owned" not in one.page.title()
    assert len(one.said) == 4  # the two scripts, the image and its handler
    assert all("Content Security Policy" in each for each in one.said)
    one.said.clear()


def test_without_scripts_everything_is_there_but_the_filters(opened: Callable[..., Opened]) -> None:
    one = opened(java_script_enabled=False)
    assert one.shown == [*ALL, "ASP118"]
    expect(one.page.get_by_role("form", name="Filter the findings")).to_be_hidden()
    expect(one.page.get_by_role("button")).to_have_count(0)
    one.page.get_by_text("What differs: - expected, + found").click()
    expect(one.page.locator("ins").first).to_be_visible()


def test_the_keyboard_reaches_what_the_mouse_does(opened: Callable[..., Opened]) -> None:
    page = opened().page
    names = []
    for _ in range(5):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
    assert names[:4] == ["Dark mode", "Findings", "Changes", "Trends"]
    page.get_by_role("navigation").get_by_text("Findings").press("Enter")
    expect(page.get_by_role("heading", name="Findings", exact=True)).to_be_focused()
    page.get_by_label("new only").press("Space")
    expect(page.locator("output")).to_have_text("2 of 7 findings")


def test_printed_it_is_light_and_has_no_controls(opened: Callable[..., Opened]) -> None:
    page = opened(scheme="dark").page
    page.emulate_media(media="print")
    assert background(page) == "rgb(255, 255, 255)"
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator(".finding").first).to_be_visible()


def test_ten_thousand_findings_are_filtered_while_one_types(opened: Callable[..., Opened], tmp_path: Path) -> None:
    """Far below these limits where nothing else runs; without content-visibility each takes several times as long."""
    hosts = [
        host(f"sql{number:02}", *(finding(subject=f"object {each}, database {number}") for each in range(200)))
        for number in range(50)
    ]
    made = run_of(tmp_path, *hosts)
    one = opened(made.folder / "report.html", anchor=f"#f-{made.report['findings'][9000]['key']}")
    expect(one.page.locator(":target")).to_be_in_viewport()
    search = one.page.get_by_label("Search")
    for text, shown in (("object 150,", 50), ("sql07", 200), ("object 150, sql07", 1), ("", 10_000)):
        search.fill(text)
        expect(one.page.locator("output")).to_have_text(f"{shown:,} of 10,000 findings", timeout=10_000)
