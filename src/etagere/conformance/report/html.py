"""The report as a page: one file that opens anywhere, without a network."""

from __future__ import annotations

from typing import Final

import msgspec

from etagere.conformance.report.model import (
    ClauseReport,
    Failure,
    Omission,
    Report,
    SubjectReport,
    Verdict,
)
from etagere.conformance.report.text import cell, table
from etagere.pages import Markup, document, join, read_asset, tag

HERE: Final = "etagere.conformance.report"


def html(report: Report) -> str:
    """Return a report as an HTML page."""
    body = [
        tag("header", tag("h1", "Conformance to etagere's contract"), circumstances(report)),
        tag("div", overview(report), class_="sheet wide"),
        tag("main", join(section(at, subject) for at, subject in enumerate(report.subjects))),
    ]
    return document("Conformance", *body, style=read_asset(HERE, "report.css"))


def circumstances(report: Report) -> Markup:
    """Return what the run was."""
    words = (
        f"Specification {report.spec}, etagere {report.etagere}, Python {report.python},"
        f" seed {report.seed}, {report.started:%Y-%m-%d %H:%M} UTC, {report.seconds:.0f} s."
    )
    return tag("p", words, class_="soft")


def overview(report: Report) -> Markup:
    """Return the table of levels and stores."""
    headings, _ = table(report)
    head = tag("tr", join(tag("th", heading, scope="col") for heading in headings))
    rows = (
        tag(
            "tr",
            tag("th", levels[0].level, scope="row"),
            join(tag("td", badge(level.verdict, cell(level))) for level in levels),
        )
        for levels in zip(*(subject.levels for subject in report.subjects), strict=True)
    )
    return tag("table", tag("thead", head), tag("tbody", join(rows)))


def section(at: int, subject: SubjectReport) -> Markup:
    """Return all about one store."""
    version = f"Server {subject.server_version}." if subject.server_version else None
    failed = [clause for clause in subject.clauses if clause.failures]
    return tag(
        "section",
        tag("h2", tag("span", subject.name, class_="code")),
        tag("p", badge(subject.verdict, subject.badge)),
        tag("p", version, class_="soft") if version else None,
        join(failure_of(clause) for clause in failed),
        folded("Clauses", clauses(subject)),
        folded("Not tested, and why", not_tested(subject.not_tested)),
        folded("What the store claims", capabilities(subject)),
        class_="sheet",
        id=f"s{at}",
    )


def failure_of(clause: ClauseReport) -> Markup:
    """Return all about a clause that failed."""
    first, *others = clause.failures
    more = f"{len(others)} more of its {clause.tests} tests failed"
    return tag(
        "article",
        tag("h3", tag("span", clause.id, class_="code"), " ", badge(clause.verdict, "failed")),
        tag("p", clause.sentence),
        test(first),
        folded(more, join(test(failure) for failure in others)) if others else None,
        tag("p", "Again: ", tag("code", clause.reproduce)),
        class_="failure",
    )


def test(failure: Failure) -> Markup:
    """Return what happened in one test."""
    return tag(
        "div",
        tag("p", tag("b", failure.variant)) if failure.variant else None,
        tag("pre", lines(failure.message.splitlines())),
        folded("Operations, with what the backend answered", tag("pre", lines(failure.operations)))
        if failure.operations
        else None,
        folded("The test", tag("pre", lines(failure.details.splitlines())))
        if failure.details
        else None,
        tag("p", "Files: ", join_links(failure.files)) if failure.files else None,
    )


def join_links(files: list[str]) -> Markup:
    """Return the files of a failure, which lie beside the report."""
    return join(tag("span", tag("code", name), " ") for name in files)


def clauses(subject: SubjectReport) -> Markup:
    """Return the table of all clauses that were tested."""
    rows = (
        tag(
            "tr",
            tag("td", clause.id, class_="code"),
            tag("td", clause.sentence),
            tag("td", badge(clause.verdict, f"{clause.verdict}, {clause.tests}")),
        )
        for clause in subject.clauses
    )
    return tag("table", tag("tbody", join(rows)))


def not_tested(omissions: list[Omission]) -> Markup:
    """Return the table of what was not tested."""
    rows = (
        tag(
            "tr",
            tag("td", each.clause, class_="code"),
            tag("td", ", ".join(each.variants) or "all"),
            tag("td", each.reason),
        )
        for each in omissions
    )
    return tag("table", tag("tbody", join(rows)))


def capabilities(subject: SubjectReport) -> Markup:
    """Return the table of what a store claims."""
    claimed: dict[str, object] = msgspec.to_builtins(subject.capabilities, order="deterministic")
    rows = (
        tag("tr", tag("td", name, class_="code"), tag("td", shown(value)))
        for name, value in claimed.items()
    )
    return tag("table", tag("tbody", join(rows)))


def shown(value: object) -> str:
    """Return a value of the capabilities as text."""
    if isinstance(value, list):
        return ", ".join(map(str, value))  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )


def folded(summary: str, content: Markup) -> Markup:
    """Return what a click unfolds."""
    return tag("details", tag("summary", summary), tag("div", content, class_="wide"))


def lines(texts: list[str]) -> Markup:
    """Return lines as they stand, what cannot be seen in them made visible."""
    return join(Markup(f"{join([text])}\n") for text in texts)


def badge(verdict: Verdict, words: str) -> Markup:
    """Return a verdict as a badge."""
    return tag("span", words, class_="badge bad" if verdict is Verdict.FAILED else "badge")
