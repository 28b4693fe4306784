"""The report as text: for a terminal, or for a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

from etagere.conformance.report.model import (
    ClauseReport,
    Failure,
    LevelReport,
    Omission,
    Report,
    SubjectReport,
    Verdict,
)

WORDS: Final = {
    Verdict.PASSED: "passed",
    Verdict.REFUSED: "refused, as it must",
    Verdict.FAILED: "FAILED",
    Verdict.NOT_TESTED: "not tested",
}
OPERATIONS: Final = 12
"""As many of a failure are shown on a terminal; reports have all that were kept."""
WIDTH: Final = 96
CLAUSES: Final = 10
"""As many of a store's that failed are shown in full."""


def table(report: Report) -> tuple[list[str], list[list[str]]]:
    """Return headings and rows: a row for each level, a column for each store."""
    headings = ["level", *(subject.name for subject in report.subjects)]
    columns = zip(*(subject.levels for subject in report.subjects), strict=True)
    rows = [[str(levels[0].level), *map(cell, levels)] for levels in columns]
    return headings, rows


def cell(level: LevelReport) -> str:
    """Return what became of a level in a few words."""
    if level.verdict is Verdict.FAILED:
        return f"FAILED ({level.failed} of {level.passed + level.failed})"
    words = WORDS[level.verdict]
    return f"{words} ({level.passed})" if level.passed else words


def failures(report: Report) -> Iterator[str]:
    """Yield what to know about the clauses that failed, as lines; only their ids of the many."""
    for subject in report.subjects:
        failed = [clause for clause in subject.clauses if clause.failures]
        for clause in failed[:CLAUSES]:
            yield from failed_clause(subject, clause, OPERATIONS)
        if more := [clause.id for clause in failed[CLAUSES:]]:
            yield f"{len(more)} more clauses failed on {subject.name}; a report (--report) has all:"
            yield from wrapped(", ".join(more))
            yield ""


def wrapped(text: str) -> list[str]:
    """Return text as lines that fit on a terminal."""
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def failed_clause(
    subject: SubjectReport, clause: ClauseReport, most: int = sys.maxsize
) -> Iterator[str]:
    """Yield what to know about one clause that failed, with so many operations at most."""
    yield f"{clause.id} failed on {subject.name}"
    yield f"  the contract: {clause.sentence}"
    others = [failure.variant for failure in clause.failures[1:]]
    yield from failed_test(clause.failures[0], most)
    if others:
        yield f"  the same clause failed as well by: {', '.join(others)}"
    yield f"  again: {clause.reproduce}"
    yield ""


def failed_test(failure: Failure, most: int) -> Iterator[str]:
    """Yield what happened in one test, with so many operations at most."""
    where = f" ({failure.variant})" if failure.variant else ""
    message, *more = failure.message.splitlines() or ["it failed without a word"]
    yield f"  what happened{where}: {message}"
    yield from (f"    {line}" for line in more)
    yield from (f"  {line}" for line in operations(failure.operations, most))
    if failure.files:
        yield f"  files beside the report: {', '.join(failure.files)}"


def operations(lines: Sequence[str], most: int) -> Iterator[str]:
    """Yield the last operations of a test, so many at most, below a heading."""
    shown = lines[max(0, len(lines) - most) :]
    if shown:
        yield "operations, with what the backend answered:"
        if len(shown) < len(lines):
            yield f"  ... {len(lines) - len(shown)} lines before these; a report has them"
        yield from (f"  {line}" for line in shown)


def omitted(report: Report) -> Iterator[str]:
    """Yield what was not tested, by reason."""
    for subject in report.subjects:
        reasons: dict[str, list[Omission]] = {}
        for omission in subject.not_tested:
            reasons.setdefault(omission.reason, []).append(omission)
        if reasons:
            yield f"not tested on {subject.name}:"
        for reason, omissions in reasons.items():
            yield f"  {reason}: {'; '.join(left_out(omissions))}"


def left_out(omissions: Sequence[Omission]) -> Iterator[str]:
    """Yield the clauses that were not tested at all, then those of which some tests were not."""
    ways: dict[str, list[str]] = {}
    for omission in omissions:
        ways.setdefault(", ".join(omission.variants), []).append(omission.clause)
    for way, clauses in sorted(ways.items()):
        yield f"by {way}: {in_short(clauses)}" if way else in_short(clauses)


def in_short(names: list[str], most: int = 6) -> str:
    """Return a list as text, cut where it gets long."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def summary(report: Report) -> Iterator[str]:
    """Yield the badge of each store, and how to repeat the run."""
    for subject in report.subjects:
        yield f"{subject.name} {subject.badge}"
    tests = sum(clause.tests for subject in report.subjects for clause in subject.clauses)
    yield f"{tests} tests in {report.seconds:.0f} s, with --seed {report.seed}"
