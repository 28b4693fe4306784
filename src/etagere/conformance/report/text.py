"""The report as text: for a terminal, or for a log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from etagere.conformance.report.model import (
    ClauseReport,
    Failure,
    LevelReport,
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
OPERATIONS: Final = 25
"""As many of a failure are shown."""


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
    """Yield what to know about each clause that failed, as lines."""
    for subject in report.subjects:
        for clause in subject.clauses:
            if clause.failures:
                yield from failed_clause(subject, clause)


def failed_clause(subject: SubjectReport, clause: ClauseReport) -> Iterator[str]:
    """Yield what to know about one clause that failed."""
    yield f"{clause.id} failed on {subject.name}"
    yield f"  the contract: {clause.sentence}"
    others = [failure.variant for failure in clause.failures[1:]]
    yield from failed_test(clause.failures[0])
    if others:
        yield f"  the same clause failed as well by: {', '.join(others)}"
    yield f"  again: {clause.reproduce}"
    yield ""


def failed_test(failure: Failure) -> Iterator[str]:
    """Yield what happened in one test."""
    where = f" ({failure.variant})" if failure.variant else ""
    message, *more = failure.message.splitlines() or ["it failed without a word"]
    yield f"  what happened{where}: {message}"
    yield from (f"    {line}" for line in more)
    if failure.operations:
        yield "  operations, with what the backend answered:"
        if len(failure.operations) > OPERATIONS:
            yield f"    ... {len(failure.operations) - OPERATIONS} before these"
        yield from (f"    {line}" for line in failure.operations[-OPERATIONS:])
    if failure.files:
        yield f"  files beside the report: {', '.join(failure.files)}"


def omitted(report: Report) -> Iterator[str]:
    """Yield what was not tested, by reason."""
    for subject in report.subjects:
        reasons: dict[str, list[str]] = {}
        for omission in subject.not_tested:
            by = f" by {', '.join(omission.variants)}" if omission.variants else ""
            reasons.setdefault(omission.reason, []).append(omission.clause + by)
        if reasons:
            yield f"not tested on {subject.name}:"
        for reason, clauses in reasons.items():
            yield f"  {reason}: {in_short(clauses)}"


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
