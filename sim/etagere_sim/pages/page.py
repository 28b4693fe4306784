"""A run as a page: one file that opens anywhere, without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from etagere.histories.verdicts import Answer
from etagere.pages import Markup, document, join, read_asset, tag
from etagere.urls import Options
from etagere_sim.campaigns.plans import as_json
from etagere_sim.pages.composing import compose
from etagere_sim.pages.picture import Finding, Operation, Picture
from etagere_sim.pages.recording import Recording

HERE: Final = "etagere_sim.pages"
SCRIPTS: Final = ("model", "view", "lanes", "arrows", "chart", "quorum", "panels", "input")
"""In this order: each uses those before it."""
MOST: Final = 4
"""Findings that are not folded away."""


def page(recording: Recording, title: str = "", story: str = "") -> str:
    """Return an HTML page that shows a run in space and time.

    `title`: by default the protocol and the seed. `story`: what happens, in a few sentences.
    """
    picture = compose(recording)
    title = title or _title(recording)
    body = [
        tag(
            "header",
            tag("h1", title),
            _verdict(recording),
            tag("p", story, class_="story") if story else None,
            _overview(picture),
        ),
        _findings(picture),
        tag("noscript", tag("p", "The picture below is drawn by the page's own script.")),
        Markup(read_asset(HERE, "frame.html")),
        _plan(recording),
        tag("script", _data(picture), type="application/json", id="picture"),
    ]
    script = "\n".join(read_asset(HERE, f"{name}.js") for name in SCRIPTS)
    style = read_asset("etagere.pages", "findings.css") + read_asset(HERE, "page.css")
    return document(title, *body, style=style, script=script)


def _data(picture: Picture) -> Markup:
    return Markup(msgspec.json.encode(picture).decode().replace("<", "\\u003c"))


# --- what is said in words ----------------------------------------------------------------------


def _title(recording: Recording) -> str:
    protocol = Options(recording.plan.url).text("protocol", "single")
    return f"{protocol}, seed {recording.plan.seed}"


def _verdict(recording: Recording) -> Markup:
    run = recording.run
    badges = [(str(run.answer), run.answer is Answer.NO)]
    badges += [("no progress", True)] * (not run.progressed)
    badges += [("not converged", True)] * (not run.converged)
    told = (tag("span", words, class_="badge bad" if bad else "badge") for words, bad in badges)
    return tag(
        "p", join(told), tag("span", recording.plan.url, class_="code url"), class_="verdict"
    )


def _overview(picture: Picture) -> Markup:
    fates = Counter(message.fate for message in picture.messages)
    sent = sum(not message.is_copy for message in picture.messages)
    clients = sum(not lane.is_replica for lane in picture.lanes)
    replicas = len(picture.lanes) - clients
    came = [(fates["lost"], "lost"), (fates["cut"], "cut off"), (fates["unheard"], "unheard")]
    came.append((len(picture.messages) - sent, "twice"))
    words = ", ".join(f"{number:,} {what}" for number, what in came if number)
    faults = f", {_count(len(picture.stretches), 'fault')}" if picture.stretches else ""
    text = (
        f"{_count(len(picture.operations), 'operation')} of {_count(clients, 'client')} on"
        f" {_count(replicas, 'replica')}, {_count(sent, 'message')}"
        f"{f' ({words})' if words else ''}{faults} in {picture.end:,.0f} ms of virtual time."
    )
    return tag("p", text, class_="soft")


def _findings(picture: Picture) -> Markup | None:
    if not picture.findings:
        return None
    sections = [_finding(at, each, picture) for at, each in enumerate(picture.findings)]
    more = len(sections) - MOST
    rest = tag(
        "details",
        tag("summary", _count(more, "finding"), " more"),
        tag("div", join(sections[MOST:]), class_="findings"),
    )
    shown = tag("div", join(sections[:MOST]), class_="findings")
    return join([shown, rest if more > 0 else None])


def _finding(at: int, finding: Finding, picture: Picture) -> Markup:
    witnesses = (_witness(number, picture.operations, picture) for number in finding.witnesses)
    badge = tag("span", finding.anomaly.replace("_", " "), class_="badge bad")
    heading = tag("h2", "Key ", tag("span", finding.key, class_="code"), " ", badge)
    show = tag("button", "Show in the picture", type="button", class_="show", data_finding=at)
    return tag(
        "section",
        heading,
        tag("p", finding.message, class_="message"),
        tag("ul", join(witnesses), class_="witnesses"),
        show,
        class_="sheet finding",
    )


def _witness(number: int, operations: Sequence[Operation], picture: Picture) -> Markup:
    operation = operations[number]
    link = tag(
        "a",
        tag("b", operation.letter, class_="name"),
        tag("span", picture.lanes[operation.lane].name, class_="client"),
        tag("span", operation.sentence),
        href="#chart",
        data_operation=number,
    )
    return tag("li", link)


def _plan(recording: Recording) -> Markup:
    """Return what makes the same run again."""
    return tag(
        "details",
        tag("summary", "The plan of this run"),
        tag("p", "Saved as a file, ", tag("code", "etagere simulate replay"), " runs it again."),
        tag("pre", as_json(recording.plan), class_="code"),
        class_="soft small",
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
