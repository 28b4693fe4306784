"""The page of a run, in a browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from etagere_sim.pages import compose, page
from tests.browser import Chromium, Page
from tests.sim.pages.pictures import STRONG, faulted, recorded, violating

NARROW = 375
READABLE = 4.5
"""The contrast of text, by the Web Content Accessibility Guidelines, level AA."""
Opener = Callable[..., Page]


@cache
def faulted_page() -> str:
    return page(faulted())


@cache
def violating_page() -> str:
    return page(violating())


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


def spot(tab: Page, expression: str) -> tuple[float, float]:
    """Return where in the window a place of the picture is."""
    tab.evaluate("chart.scrollIntoView({block: 'center'}); draw()")
    x, y = tab.evaluate(
        f"(() => {{ const box = chart.getBoundingClientRect(), [x, y] = {expression};"
        " return [box.x + x, box.y + y]; })()"
    )
    return x, y


def move(tab: Page, x: float, y: float, kind: str = "mouseMoved", **more: Any) -> None:
    tab.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)


def press_at(tab: Page, x: float, y: float) -> None:
    for kind in ("mousePressed", "mouseReleased"):
        move(tab, x, y, kind, button="left", clickCount=1)


def operation_spot(number: int) -> str:
    middle = f"(operations[{number}].start + operationEnd(operations[{number}])) / 2"
    return f"[xOf({middle}), laneTop(operations[{number}].lane) + 8]"


# --- without a browser --------------------------------------------------------------------------


def test_a_page_holds_its_picture_and_its_plan():
    text = violating_page()
    found = re.search(r'id="picture">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    assert len(json.loads(found[1])["operations"]) == len(violating().run.calls)
    assert "etagere-plan" in text
    assert text.count("<script") == 2


# --- what is wrong, and why ---------------------------------------------------------------------


def test_the_findings_are_told_and_shown_first(opened: Opener):
    recording = violating()
    tab = opened(violating_page())
    assert "not linearizable" in tab.texts("header .badge")
    shown = tab.texts(".finding .message")
    assert shown == [finding.message for finding in recording.run.findings][: len(shown)]
    witnesses = list(compose(recording).findings[0].witnesses)
    assert tab.evaluate("[...view.chosen]") == witnesses
    assert tab.evaluate(
        "[...view.chosen].every((n) => inSight(operations[n].start, operations[n].start))"
    )


def test_a_witness_leads_to_its_operation(opened: Opener):
    tab = opened(violating_page())
    tab.click(".finding:first-of-type .witnesses li:last-child a")
    number = tab.evaluate("[...view.chosen][0]")
    assert number == compose(violating()).findings[0].witnesses[-1]
    assert compose(violating()).operations[number].sentence in tab.text("#chosen")


def test_a_quorum_is_told_answer_by_answer(opened: Opener):
    tab = opened(violating_page())
    first = compose(violating()).findings[0].witnesses[-1]
    tab.evaluate(f"choose([{first}])")
    assert "1 of 3 is enough" in tab.text("#chosen .question h3")
    assert len(tab.texts("#chosen .question:first-of-type .who.counted")) == 1
    assert "too late to count" in tab.text("#chosen .rounds")
    assert re.search(r"Enough after [\d.]+ ms, at [\d.]+ ms: r\d\.", tab.text("#chosen"))


# --- pointing, choosing, searching --------------------------------------------------------------


def test_pointing_tells_and_a_click_chooses(opened: Opener):
    tab = opened(faulted_page())
    x, y = spot(tab, operation_spot(3))
    move(tab, x, y)
    assert compose(faulted()).operations[3].sentence in tab.text("#tip")
    press_at(tab, x, y)
    assert tab.evaluate("[...view.chosen]") == [3]
    tab.press("Escape")
    assert tab.evaluate("view.chosen.size") == 0


def test_arrows_and_faults_can_be_pointed_at(opened: Opener):
    tab = opened(faulted_page())
    tab.evaluate("look(0, picture.calm)")
    lost = "messages.findIndex((each) => each.fate === 'lost')"
    x, y = spot(tab, f"wayOf(messages[{lost}]).slice(2)")
    move(tab, x, y)
    assert "lost" in tab.text("#tip")
    place = "[xOf(stretches[0].at) + 1, RULER + 8 + trackOf.get(stretches[0]) * TRACK]"
    move(tab, *spot(tab, place))
    assert compose(faulted()).stretches[0].label in tab.text("#tip")


def test_the_search_finds_messages_operations_and_faults(opened: Opener):
    picture = compose(faulted())
    tab = opened(faulted_page())
    tab.press("/")
    tab.write("prepare")
    number = sum(message.kind == "Prepare" for message in picture.messages)
    assert tab.evaluate("[...view.matches].filter((m) => m.kind === 'Prepare').length") == number
    tab.press("Enter")
    assert tab.text("#found").startswith("1 of ")
    assert tab.evaluate("view.now") == tab.evaluate("startOf(hits[0])")
    tab.press("Escape")
    assert tab.text("#found") == ""
    tab.press("/")
    tab.write("died")
    assert tab.evaluate("[...view.matches].some((m) => m.kind === 'Died')")
    tab.press("Escape")


# --- time ---------------------------------------------------------------------------------------


def test_each_moment_shows_what_replicas_held(opened: Opener):
    tab = opened(violating_page())
    for name, taken in violating().snapshots.items():
        for snapshot in taken:
            tab.evaluate(f"setNow({snapshot.at})")
            shown = tab.evaluate(
                "[...document.querySelectorAll('.host')].find((row) =>"
                f" row.querySelector('b').textContent === '{name}').innerText"
            )
            for record in (snapshot.held or {}).values():
                assert record is None or record.etag in shown


def test_a_host_without_a_process_says_so(opened: Opener):
    tab = opened(faulted_page())
    life = next(life for life in compose(faulted()).lives if life.what == "down")
    tab.evaluate(f"setNow({(life.at + life.until) / 2})")
    assert "down" in tab.texts(".host .held")[life.lane]
    tab.evaluate(f"setNow({life.at - 0.001})")
    assert not re.search("down", tab.texts(".host .held")[life.lane])


def test_the_arrow_keys_go_from_moment_to_moment(opened: Opener):
    tab = opened(faulted_page())
    tab.evaluate("chart.focus()")
    moments = tab.evaluate("moments.slice(0, 12).map((each) => each.at)")
    tab.press("Home")
    seen = [tab.evaluate("view.now")]
    for _ in range(3):
        tab.press("ArrowRight")
        seen.append(tab.evaluate("view.now"))
    assert seen == moments[:4]
    tab.press("ArrowLeft")
    assert tab.evaluate("view.now") == moments[2]
    tab.press("ArrowDown")
    assert tab.evaluate("[...view.chosen]") == [0]
    tab.press("End")
    assert tab.evaluate("view.now") == tab.evaluate("end")


def test_time_is_dragged_on_the_ruler(opened: Opener):
    tab = opened(faulted_page())
    x, y = spot(tab, "[xOf(20), 8]")
    to, _ = spot(tab, "[xOf(60), 8]")
    move(tab, x, y, "mousePressed", button="left", clickCount=1)
    assert tab.evaluate("view.now") == pytest.approx(20, abs=0.5)
    move(tab, to, y, buttons=1)
    move(tab, to, y, "mouseReleased", button="left", clickCount=1)
    assert tab.evaluate("view.now") == pytest.approx(60, abs=0.5)


def test_the_slider_and_the_play_button_move_time(opened: Opener):
    tab = opened(faulted_page())
    tab.evaluate("slider.value = 30; slider.dispatchEvent(new Event('input'))")
    assert tab.text("#clock") == "30.00 ms"
    tab.click("#play")
    tab.call(
        "Runtime.evaluate",
        expression="new Promise((done) => { const look = () => view.now > 30"
        " ? done() : requestAnimationFrame(look); look(); })",
        awaitPromise=True,
    )
    tab.click("#play")
    assert tab.evaluate("playing") is None
    assert tab.evaluate("view.now") > 30


def test_dragging_moves_and_buttons_zoom(opened: Opener):
    tab = opened(faulted_page())
    tab.evaluate("look(20, 80)")
    x, y = spot(tab, "[xOf(50), stageHeight - 4]")
    move(tab, x, y, "mousePressed", button="left", clickCount=1)
    move(tab, x - 100, y, buttons=1)
    move(tab, x - 100, y, "mouseReleased", button="left", clickCount=1)
    moved = tab.evaluate("view.from")
    assert moved == pytest.approx(20 + 100 * 60 / tab.evaluate("plotWidth()"), abs=0.5)
    tab.click("#in")
    assert tab.evaluate("view.to - view.from") == pytest.approx(60 / 1.6)
    tab.click("#fit")
    assert tab.evaluate("inSight(0, 0) && inSight(end, end)")


# --- on a phone, in the dark, large -------------------------------------------------------------


def test_on_a_phone_nothing_is_wider_than_the_window(opened: Opener):
    tab = opened(violating_page(), width=NARROW, height=700, touch=True)
    assert tab.evaluate("document.documentElement.scrollWidth") == NARROW
    tall = tab.evaluate(
        "[...document.querySelectorAll('button, select, .witnesses a')]"
        ".filter((e) => e.checkVisibility()).map((e) => e.getBoundingClientRect().height)"
    )
    assert min(tall) >= 44
    number = tab.evaluate("[...view.chosen][0]")
    tab.evaluate("choose([])")
    x, y = spot(tab, operation_spot(number))
    tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert tab.evaluate("[...view.chosen]") == [number]


CONTRASTS = """
(() => {
  readColours();
  const pen = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (color) => {
    pen.fillStyle = color;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  };
  const contrast = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const papers = ["sheet", "hush", "calm", "accent-wash", "fault-wash", "down"];
  for (let at = 0; at < COLOURS; at++) papers.push(`v${at}`);
  const pairs = papers.map((paper) => ["ink", paper]);
  pairs.push(["soft", "sheet"], ["soft", "hush"], ["soft", "calm"], ["lost", "hush"]);
  pairs.push(["request", "sheet"], ["on-accent", "accent"]);
  return pairs.map(([ink, paper]) => [ink, paper, contrast(colours[ink], colours[paper])]);
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read_in_light_and_dark(opened: Opener, dark: bool):
    tab = opened(violating_page(), dark=dark)
    contrasts = tab.evaluate(CONTRASTS)
    assert len(contrasts) == 20
    assert [each for each in contrasts if each[2] < READABLE] == []


COUNTED = """
(() => {
  let ways = 0;
  const original = wayOf;
  wayOf = (message) => { ways++; return original(message); };
  const drawn = (from, to) => { look(from, to); ways = 0; draw(); return ways; };
  return [drawn(0, end), drawn(end / 2, end / 2 + end / 100)];
})()
"""


def test_what_is_out_of_sight_is_not_drawn(opened: Opener):
    recording = recorded(STRONG, clients=12)
    number = len(compose(recording).messages)
    assert number > 1000
    tab = opened(page(recording))
    everything, little = tab.evaluate(COUNTED)
    assert number <= everything <= 4 * number
    assert little < everything / 8
