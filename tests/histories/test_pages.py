"""The pages, as they are before a browser opens them, and in one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from etagere.histories.counterexamples import page, timeline, timelines, write_page
from etagere.histories.history import Call, History
from etagere.histories.limits import Limits
from etagere.histories.models import CasRegister
from etagere.histories.search import search
from etagere.histories.verdicts import Anomaly, Answer, Finding, KeyVerdict
from etagere.histories.versioned import check_versioned
from etagere.pages import Markup, document, tag, visible
from tests.browser import Chromium, Page
from tests.histories.samples import (
    CREATED,
    KEY,
    LOST,
    LOST_VERDICT,
    REGISTER,
    RIGHT,
    RIGHT_VERDICT,
    RIVAL,
    WINNER,
    call,
)

EVIL = "</script><script>alert(1)</script>"
EVILS = (EVIL, '"><img src=x onerror=alert(1)>', "javascript:alert(1)", "\u202e\x00\ud800", "'--!>")
NARROW = 375
READABLE = 4.5
"""The contrast of text, by the Web Content Accessibility Guidelines, level AA."""

Opener = Callable[..., Page]


# --- without a browser --------------------------------------------------------------------------


class Tags(HTMLParser):
    """The tags of a page, and whether they are closed in the order in which they were opened."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def evil_page() -> str:
    calls = [
        call("set", evil, 2 * at, 2 * at + 1, key=evil, value=evil, etag=evil, expected=evil)
        for at, evil in enumerate(EVILS, 1)
    ]
    finding = Finding(Anomaly.LOST_UPDATE, EVIL, f"It says {EVIL}.", tuple(calls))
    verdict = KeyVerdict(key=EVIL, answer=Answer.NO, findings=(finding,))
    return page(EVIL, *(timeline(calls, verdict) for _ in range(2)))


def test_a_page_is_well_formed_and_refers_to_nothing_outside() -> None:
    parsed = Tags(page("Title", timeline(LOST, LOST_VERDICT), timeline(RIGHT, RIGHT_VERDICT)))
    assert parsed.open == []
    assert parsed.tags.count("script") == 1
    assert all(link.startswith("#") for link in parsed.links)


def test_text_from_data_is_never_markup() -> None:
    parsed = Tags(evil_page())
    assert parsed.open == []
    assert parsed.tags.count("script") == 1
    assert "img" not in parsed.tags
    assert all(link.startswith("#") for link in parsed.links)


def test_a_page_is_text_that_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    odd = call("set", "c", 1, 2, key="\ud800", value="\x00\x1b", etag="\u202e")
    write_page(path, "Odd", timeline([odd], KeyVerdict(key="\ud800", answer=Answer.YES)))
    text = path.read_text("utf-8")
    assert r"\ud800" in text
    assert r"\x00\x1b" in text
    assert not re.search("[\x00\x1b\u202e]", text)


def test_markup_is_escaped_unless_it_is_markup() -> None:
    assert tag("p", "a < b", Markup("<b>"), None, 3) == "<p>a &lt; b<b>3</p>"
    assert tag("a", class_="x", data_key='"', hidden=False, open=True) == (
        '<a class="x" data-key="&quot;" open></a>'
    )
    assert visible("tab\tand é") == r"tab\tand é"


def test_a_document_allows_only_its_own_script() -> None:
    text = unescape(document("T", style="p {}", script="1 + 1;"))
    assert "default-src 'none'" in text
    assert text.count("sha256-") == 2
    assert "script-src 'none'" in unescape(document("T"))


# --- in a browser -------------------------------------------------------------------------------


@pytest.fixture
def opened(browser: Chromium, tmp_path: Path) -> Iterator[Opener]:
    """Open a page in a tab; at the end nothing may have gone wrong in it, or to the network."""
    tabs: list[tuple[Page, Path]] = []

    def open_page(text: str, **settings: Any) -> Page:
        path = tmp_path / f"page{len(tabs)}.html"
        path.write_text(text, "utf-8")
        tab = browser.page(**settings)
        tabs.append((tab, path))
        tab.open(path)
        return tab

    yield open_page
    for tab, path in tabs:
        with tab:
            tab.evaluate("1")
            assert tab.errors == []
            assert tab.requests == [path.as_uri()]


def sample() -> str:
    stuck = search(REGISTER, CasRegister(), Limits())
    return page(
        "Sample",
        timeline(LOST, LOST_VERDICT),
        timeline(RIGHT, replace(RIGHT_VERDICT, key="right")),
        timeline(REGISTER, replace(stuck, key="register"), model=CasRegister()),
    )


def details(tab: Page, section: int = 1) -> str:
    return tab.text(f"#f{section} .detail:not([hidden])")


def bar(number: int, section: int = 1) -> str:
    return f'[data-call="f{section}-call-{number}"] .bar'


def test_the_finding_is_told_and_its_witnesses_are_named(opened: Opener) -> None:
    tab = opened(sample())
    assert tab.text("#f1 .message") == "c2 and c3 both wrote over e1."
    assert tab.text("#f1 .badge") == "lost update"
    assert tab.texts("#f1 .witnesses .name") == ["A", "B"]
    assert tab.texts("#f1 svg .letter") == ["A", "B"]
    assert tab.texts("#f1 .lanes .asked")[0] == "set v1"
    assert tab.texts(".index a .code") == [KEY, "right", "register"]


def test_pointing_at_a_call_shows_the_state_before_and_after(opened: Opener) -> None:
    tab = opened(sample())
    assert "set 'v2' if the etag is 'e1'" in details(tab), "the first witness is shown first"
    tab.hover(bar(1))
    assert "nothing" in details(tab)
    assert "value 'v1', etag 'e1'" in details(tab)
    tab.hover("h1")
    assert "set 'v2'" in details(tab)


def test_a_click_chooses_a_call_for_good(opened: Opener) -> None:
    tab = opened(sample())
    tab.click(bar(2, section=2))
    tab.hover("h1")
    assert "number 2 in the order" in details(tab, section=2)
    assert "set 'v2'" in details(tab, section=1), "the other charts stay as they were"


def test_a_tap_chooses_a_call(opened: Opener) -> None:
    tab = opened(sample(), width=NARROW, height=700, touch=True)
    tab.tap(bar(6))
    assert "refused, the etag was 'e3'" in details(tab)


def test_a_witness_in_the_list_leads_to_its_call(opened: Opener) -> None:
    tab = opened(sample())
    tab.click("#f1 .witnesses li:last-child a")
    assert "set 'v3'" in details(tab)
    assert tab.evaluate("document.activeElement.dataset.call") == "f1-call-4"


def test_the_keyboard_reaches_every_call(opened: Opener) -> None:
    tab = opened(sample())
    tab.evaluate("document.querySelector('#f1 .witnesses li:last-child a').focus()")
    tab.press("Tab")
    if tab.evaluate("document.activeElement.classList.contains('chart')"):
        tab.press("Tab")  # A browser may stop at what scrolls.
    assert tab.evaluate("document.activeElement.dataset.call") == "f1-call-3"
    seen = []
    tab.press("Home")
    for _ in LOST:
        seen.append(tab.evaluate("document.activeElement.dataset.call"))
        tab.press("ArrowRight")
    assert seen == [f"f1-call-{number}" for number in range(1, len(LOST) + 1)]
    tab.press("Home")
    tab.press("ArrowDown")
    assert tab.evaluate("document.activeElement.dataset.call") == "f1-call-7"
    tab.press("ArrowUp")
    assert tab.evaluate("document.activeElement.dataset.call") == "f1-call-5"


@pytest.mark.parametrize(
    ("wanted", "number"), [("v3", 5), ("E2", 1), ("c4", 1), ("register", 5), ("nobody", 0)]
)
def test_the_search_finds_keys_values_etags_and_clients(
    opened: Opener, wanted: str, number: int
) -> None:
    text = sample()
    expected = sum(wanted.lower() in words.lower() for words in data_words(text))
    assert expected >= min(number, 1)
    tab = opened(text)
    tab.press("/")
    tab.write(wanted)
    assert tab.evaluate("document.querySelectorAll('.call.match').length") == expected
    assert tab.text("#found").startswith(f"{expected} of ")
    shown = tab.texts(".finding h2 .code")
    assert shown == tab.texts(".index a .code")
    assert (shown == []) == (expected == 0)
    tab.press("Escape")
    assert tab.texts(".finding h2 .code") == [KEY, "right", "register"]


def data_words(text: str) -> list[str]:
    return re.findall(r'data-words="([^"]*)"', text)


def test_enter_goes_to_the_first_match(opened: Opener) -> None:
    tab = opened(sample())
    tab.press("/")
    tab.write("v4")
    tab.press("Enter")
    assert tab.evaluate("document.activeElement.dataset.call") == "f1-call-5"


def test_evil_text_is_only_text(opened: Opener) -> None:
    tab = opened(evil_page())
    assert tab.text("#f1 .message") == f"It says {EVIL}."
    tab.press("/")
    tab.write(EVIL)
    assert tab.evaluate("document.querySelectorAll('.call.match').length") == 2 * len(EVILS)


def test_a_script_that_slips_in_does_not_run(browser: Chromium, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page("x").replace("<main>", "<main><script>alert(1)</script><img src=x>"))
    with browser.page() as tab:
        tab.open(path)
        assert tab.evaluate("1") == 1
        assert tab.requests == [path.as_uri()]
        assert len(tab.errors) == 2
        assert all("Content Security Policy" in error for error in tab.errors)


def test_a_page_is_read_without_scripts(browser: Chromium, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(sample(), "utf-8")
    with browser.page() as tab:
        tab.set_scripts(False)
        tab.open(path)
        assert "set 'v2'" in tab.text("#f1 .detail:not([hidden])")
        assert tab.texts("#f1 svg .letter") == ["A", "B"]
        stops = "document.querySelectorAll('.call[tabindex=\"0\"]').length"
        assert tab.evaluate(stops) == 3, "one in each chart"


# --- on a phone, in the dark, on paper ----------------------------------------------------------


def test_on_a_phone_only_the_chart_scrolls_sideways(opened: Opener) -> None:
    tab = opened(sample(), width=NARROW, height=700, touch=True)
    assert tab.evaluate("document.documentElement.scrollWidth") == NARROW
    assert tab.evaluate("document.documentElement.clientWidth") == NARROW
    assert tab.evaluate(
        "(c => c.scrollWidth > c.clientWidth)(document.querySelector('#f1 .chart'))"
    )
    tall = tab.evaluate(
        "[...document.querySelectorAll('.bar, input, .witnesses a')]"
        ".filter(e => !e.closest('.legend')).map(e => e.getBoundingClientRect().height)"
    )
    assert min(tall) >= 44


def test_at_the_start_the_witnesses_are_in_sight(opened: Opener) -> None:
    tab = opened(sample(), width=NARROW, height=700, touch=True)
    for section in (1, 3):
        assert tab.evaluate(
            f"(() => {{ const room = document.querySelector('#f{section} .chart'),"
            f" bar = document.querySelector('#f{section} .witness .bar').getBoundingClientRect(),"
            " {left, right} = room.getBoundingClientRect();"
            " return bar.left >= left && bar.left < right; })()"
        )


CONTRASTS = """
(() => {
  const rgb = (color) => color.match(/[\\d.]+/g).map(Number);
  const light = (color) => rgb(color).slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const clear = (color) => rgb(color)[3] === 0;
  const under = (element) => {
    const call = element.closest("g.call");
    const shapes = { letter: ".disc", "bead-text": ".bead" };
    const shape = shapes[element.getAttribute("class")] ?? ".bar";
    if (call) return getComputedStyle(call.querySelector(shape)).fill;
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (!clear(color)) return color;
    }
  };
  const texts = [...document.querySelectorAll("body *")].filter((element) =>
    element.checkVisibility() && !["SCRIPT", "STYLE"].includes(element.tagName) &&
    [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return texts.map((element) => {
    const style = getComputedStyle(element);
    const ink = element instanceof SVGElement ? style.fill : style.color;
    return [`${element.tagName}.${element.getAttribute("class")} "${element.textContent}"`,
            contrast(ink, under(element))];
  });
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_light_and_dark(opened: Opener, dark: bool) -> None:
    tab = opened(sample(), dark=dark)
    contrasts = tab.evaluate(CONTRASTS)
    assert len(contrasts) > 60
    assert [entry for entry in contrasts if entry[1] < READABLE] == []
    paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper))) < 3 * 128) == dark


def test_on_paper_the_whole_chart_is_there(opened: Opener) -> None:
    tab = opened(sample())
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.texts(".search") == []
    assert tab.texts("#f1 .lanes .paper-only") == ["c1", "c2", "c3", "c4"]
    assert len(tab.texts("#f1 .detail.witness")) == 2
    assert tab.evaluate(
        "[...document.querySelectorAll('.lanes')].every("
        "svg => svg.getBoundingClientRect().right <= document.documentElement.clientWidth)"
    )


# --- large --------------------------------------------------------------------------------------


def long_history(count: int) -> list[Call]:
    """Return a chain of conditional writes with reads among them, and a fork in the middle."""
    rng = random.Random(11)
    calls = [CREATED]
    for at in range(count):
        last, moment = calls[-1], 10 + 4 * at
        written = {"value": f"w{at}", "etag": f"{rng.getrandbits(64):016x}"}
        calls.append(call("set", f"c{at % 9}", moment, moment + 3, expected=last.etag, **written))
    middle = calls[count // 2]
    fork = replace(middle, client="fork", start=middle.start + 1, value="fork", etag="fork")
    return sorted([*calls, fork], key=lambda each: each.start)


def test_a_history_of_ten_thousand_calls_opens(opened: Opener) -> None:
    history = History(calls=long_history(10_000))
    verdict = check_versioned(history)
    assert verdict.answer is Answer.NO
    text = page("Long", *timelines(history, verdict))
    assert len(text) < 1_000_000
    tab = opened(text)
    assert tab.evaluate("document.querySelectorAll('#f1 .call').length") == 120
    assert tab.texts("#f1 svg .letter")[:2] == ["A", "B"]
    assert re.search(r"120 calls of \d+ clients, 9882 more left out", tab.text("#f1 .small"))
    assert any("left out" in gap for gap in tab.texts("#f1 .gap-text"))


def test_a_page_says_how_many_findings_it_does_not_draw(opened: Opener) -> None:
    tab = opened(page("Some", timeline(LOST, LOST_VERDICT), omitted=12))
    assert tab.text("header p") == "1 finding in 1 key, and 12 more that are not drawn here."
    assert tab.texts("nav") == []


def test_a_page_without_findings(opened: Opener) -> None:
    tab = opened(page("Nothing"))
    assert tab.text("header p") == "No findings."


def test_conflicting_calls_are_joined_by_a_line(opened: Opener) -> None:
    tab = opened(page("Joined", timeline([CREATED, WINNER, RIVAL], LOST_VERDICT)))
    length = tab.evaluate("document.querySelector('.conflict').getTotalLength()")
    assert length > 20
