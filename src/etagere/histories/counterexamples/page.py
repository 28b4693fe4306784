"""Findings as a page: one file that opens anywhere, without a network."""

from __future__ import annotations

from pathlib import Path

from etagere.histories.counterexamples.chart import NAMELESS, chart
from etagere.histories.counterexamples.drawing import Interval, Timeline
from etagere.histories.verdicts import Answer
from etagere.pages import Markup, document, join, read_asset, tag

HERE = "etagere.histories.counterexamples"
UNTOLD = "not known"


def page(title: str, *timelines: Timeline, omitted: int = 0) -> str:
    """Return an HTML page that draws timelines, with an index and a search where there are several.

    `omitted` says how many more findings there are that the page does not draw.
    """
    body = [
        tag("header", tag("h1", title), _overview(timelines, omitted)),
        _search(timelines) if timelines else None,
        _index(timelines) if len(timelines) > 1 else None,
        tag("main", join(_section(at, timeline) for at, timeline in enumerate(timelines, 1))),
        Markup(read_asset(HERE, "legend.html")) if timelines else None,
    ]
    style = read_asset("etagere.pages", "findings.css") + read_asset(HERE, "page.css")
    script = read_asset(HERE, "page.js")
    return document(title, *body, style=style, script=script)


def write_page(path: str | Path, title: str, *timelines: Timeline, omitted: int = 0) -> None:
    """Write the page that `page` returns to a file."""
    Path(path).write_text(page(title, *timelines, omitted=omitted), "utf-8")


# --- the top of the page ----------------------------------------------------------------------


def _overview(timelines: tuple[Timeline, ...], omitted: int) -> Markup:
    keys = [timeline.key for timeline in timelines if timeline.answer is Answer.NO]
    words = f"{_count(len(keys), 'finding')} in {_count(len(set(keys)), 'key')}"
    if not keys:
        words = "No findings"
    if omitted:
        words += f", and {omitted} more that are not drawn here"
    return tag("p", words + ".", class_="soft")


def _search(timelines: tuple[Timeline, ...]) -> Markup:
    calls = sum(len(timeline.intervals) for timeline in timelines)
    field = tag(
        "input",
        type="search",
        id="search",
        placeholder="Search by client, key, value or etag",
        aria_label="Search the calls by client, key, value or etag",
        autocomplete="off",
        spellcheck="false",
    )
    found = tag("output", _count(calls, "call"), id="found", for_="search", class_="soft small")
    return tag("div", field, found, class_="search screen", role="search")


def _index(timelines: tuple[Timeline, ...]) -> Markup:
    entries = (
        tag(
            "li",
            tag("a", _subject(timeline), href=f"#f{at}"),
            " ",
            _badge(timeline),
            tag("div", timeline.message, class_="soft small"),
            data_section=f"f{at}",
        )
        for at, timeline in enumerate(timelines, 1)
    )
    return tag("nav", tag("ol", join(entries), class_="index"), aria_label="Findings")


# --- one finding ------------------------------------------------------------------------------


def _section(at: int, timeline: Timeline) -> Markup:
    prefix = f"f{at}"
    heading = tag("h2", _subject(timeline), " ", _badge(timeline))
    return tag(
        "section",
        heading,
        tag("p", timeline.message, class_="message"),
        _witnesses(timeline, prefix),
        tag("p", _scope(timeline), class_="soft small"),
        chart(timeline, prefix),
        _details(timeline, prefix),
        class_="sheet finding",
        id=prefix,
    )


def _subject(timeline: Timeline) -> Markup:
    if not timeline.key:
        return join(["The whole history"])
    return join(["Key ", tag("span", timeline.key, class_="code")])


def _badge(timeline: Timeline) -> Markup:
    words = str(timeline.anomaly or timeline.answer).replace("_", " ")
    return tag("span", words, class_="badge bad" if timeline.answer is Answer.NO else "badge")


def _witnesses(timeline: Timeline, prefix: str) -> Markup | None:
    if not timeline.witnesses:
        return None
    entries = (
        tag(
            "li",
            tag(
                "a",
                tag("b", call.name, class_="name"),
                tag("span", call.client, class_="client"),
                tag("span", call.sentence),
                href=f"#{prefix}-call-{call.number}",
                data_show=f"{prefix}-call-{call.number}",
            ),
        )
        for call in timeline.witnesses
    )
    return tag("ul", join(entries), class_="witnesses")


def _scope(timeline: Timeline) -> str:
    drawn = f"{_count(len(timeline.intervals), 'call')} of {_count(len(timeline.lanes), 'client')}"
    left_out = f", {timeline.left_out} more left out" if timeline.left_out else ""
    if not timeline.ordered:
        return f"Time runs to the right. {drawn}{left_out}."
    found = (
        "an order that explains every answer" if timeline.complete else "the longest order found"
    )
    return f"Time runs to the right. {drawn}{left_out}; the numbers are {found}."


def _details(timeline: Timeline, prefix: str) -> Markup:
    shown = next(iter(timeline.witnesses or timeline.intervals), None)
    details = (
        _detail(call, f"{prefix}-call-{call.number}", timeline, hidden=call is not shown)
        for call in timeline.intervals
    )
    return tag("div", join(details), class_="details", aria_live="polite")


def _detail(call: Interval, identifier: str, timeline: Timeline, *, hidden: bool) -> Markup:
    place = f", number {call.position} in the order" if call.position else ""
    heading = tag(
        "h3",
        tag("b", call.name, class_="name") if call.name else None,
        f"Client {call.client or NAMELESS}, call {call.number}{place}",
    )
    return tag(
        "article",
        heading,
        tag("p", call.sentence),
        _states(call, timeline),
        class_="detail witness" if call.name else "detail",
        id=identifier,
        hidden=hidden,
    )


def _states(call: Interval, timeline: Timeline) -> Markup:
    by = "in the order" if _is_placed(call, timeline) else "by its answer"
    cells = (
        tag("div", tag("dt", f"State {when} ({by})"), tag("dd", state or UNTOLD, class_="code"))
        for when, state in (("before", call.before), ("after", call.after))
    )
    return tag("dl", join(cells), class_="states")


def _is_placed(call: Interval, timeline: Timeline) -> bool:
    return timeline.ordered and bool(call.position or call.name)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
