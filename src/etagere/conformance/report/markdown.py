"""The report as Markdown: for a repository, or for the summary of a build."""

from __future__ import annotations

from collections.abc import Iterator

from etagere.conformance.report.model import Report, SubjectReport
from etagere.conformance.report.text import failed_clause, table


def markdown(report: Report) -> str:
    """Return a report as Markdown."""
    return "\n".join(lines(report)) + "\n"


def lines(report: Report) -> Iterator[str]:
    """Yield the lines of the Markdown form."""
    yield "# Conformance to etagere's contract"
    yield ""
    yield f"Specification {report.spec}, etagere {report.etagere}, Python {report.python},"
    yield f"seed {report.seed}, {report.started:%Y-%m-%d %H:%M} UTC, {report.seconds:.0f} s."
    yield ""
    headings, rows = table(report)
    yield row(headings)
    yield row(["---"] * len(headings))
    yield from map(row, rows)
    for subject in report.subjects:
        yield from about(subject)


def about(subject: SubjectReport) -> Iterator[str]:
    """Yield a section on one store."""
    yield ""
    yield f"## {code(subject.name)}"
    yield ""
    version = f", server {subject.server_version}" if subject.server_version else ""
    yield f"**{subject.badge}**{version}"
    for clause in subject.clauses:
        if clause.failures:
            yield ""
            yield f"### {clause.id}"
            yield ""
            yield "```text"
            yield from (line.replace("```", "'''") for line in failed_clause(subject, clause))
            yield "```"
    if subject.not_tested:
        yield ""
        yield "Not tested:"
        yield ""
        yield row(["clause", "tests", "reason"])
        yield row(["---"] * 3)
        for omission in subject.not_tested:
            yield row([omission.clause, ", ".join(omission.variants) or "all", omission.reason])


def row(cells: list[str]) -> str:
    """Return a row of a table."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def code(text: str) -> str:
    """Return text as code."""
    return f"`{text}`"
