"""What `etagere check` says of the files that it checked."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from shutil import get_terminal_size
from typing import Any, Final

from msgspec import Struct

from etagere.commands import output
from etagere.commands.tables import print_table
from etagere.histories.checking import Case
from etagere.histories.counterexamples import draw
from etagere.histories.history import Call
from etagere.histories.sessions import SessionReport
from etagere.histories.staleness import StalenessReport
from etagere.histories.steps import Step
from etagere.histories.verdicts import Answer, Finding, Verdict

COLUMNS: Final = ("file", "verdict", "calls", "keys", "seconds")
EXPLAINED: Final = 3
"""Files whose first finding is drawn, and breaches that are told of each."""
UNREADABLE: Final = "unreadable"


class Code(IntEnum):
    """The exit codes of `etagere check`."""

    LINEARIZABLE = 0
    NOT_LINEARIZABLE = 1
    UNDECIDED = 2


class Report(Struct, frozen=True):
    """What there is to say of one file."""

    file: str
    case: Case | None = None
    verdict: Verdict | None = None
    sessions: SessionReport | None = None
    staleness: StalenessReport | None = None
    problem: str = ""
    """Why it could not be checked."""

    @property
    def linearizable(self) -> bool | None:
        """Whether it is linearizable; None where that is not known."""
        if self.verdict is None or self.verdict.answer is Answer.UNDECIDED:
            return None
        return self.verdict.answer is Answer.YES

    @property
    def code(self) -> Code:
        """The exit code for this file alone."""
        if self.linearizable is False or (self.sessions is not None and not self.sessions.kept):
            return Code.NOT_LINEARIZABLE
        return Code.UNDECIDED if self.linearizable is None else Code.LINEARIZABLE


def overall_code(reports: Sequence[Report]) -> Code:
    """Return the exit code for all files: a fault counts more than what is not known."""
    codes = {report.code for report in reports}
    if Code.NOT_LINEARIZABLE in codes:
        return Code.NOT_LINEARIZABLE
    return max(codes)


# --- for people ---------------------------------------------------------------------------------


def print_verdicts(reports: Sequence[Report]) -> None:
    """Print a line for each file."""
    print_table(COLUMNS, [row(report) for report in reports])


def row(report: Report) -> list[str]:
    """Return a file as a row of the table."""
    verdict = report.verdict
    if verdict is None:
        return [report.file, UNREADABLE, "", "", ""]
    numbers = [f"{verdict.calls:,}", f"{len(verdict.keys):,}", f"{verdict.seconds:.3f}"]
    return [report.file, verdict.answer, *numbers]


def print_weaker_checks(reports: Sequence[Report]) -> None:
    """Print what became of session guarantees and staleness, where that was asked for."""
    for report in reports:
        if report.sessions is not None:
            print_sessions(report.file, report.sessions)
        if report.staleness is not None:
            print_staleness(report.file, report.staleness)


def print_sessions(file: str, report: SessionReport) -> None:
    """Print how often each guarantee was kept, and the first breaches."""
    output.write_line(f"\n{file}: session guarantees")
    columns = ("guarantee", "checked", "broken", "undecided")
    rows: list[list[str]] = []
    for guarantee, checked in report.checked.items():
        broken = sum(breach.guarantee is guarantee for breach in report.breaches)
        numbers = (checked, broken, report.undecided[guarantee])
        rows.append([guarantee, *(f"{number:,}" for number in numbers)])
    print_table(columns, rows)
    for breach in report.breaches[:EXPLAINED]:
        output.write_line(f"  {breach.message}")


def print_staleness(file: str, report: StalenessReport) -> None:
    """Print how far behind reads were."""
    stale = len(report.stale)
    untold = f"; of {report.untold:,} more it cannot be told" if report.untold else ""
    output.write_line(f"\n{file}: {stale:,} of {len(report.reads):,} reads were stale{untold}")
    behind, age = report.behind(), report.age()
    rows = [[f"{percent:g} %", f"{behind[percent]:,}", f"{age[percent]:,}"] for percent in behind]
    if stale:
        print_table(("of the reads", "versions behind, at most", "for so many events"), rows)


def explain(reports: Sequence[Report]) -> None:
    """Draw the first finding of the first files that have one."""
    bad = [report for report in reports if report.verdict is not None and report.verdict.findings]
    width = get_terminal_size((100, 24)).columns
    for report in bad[:EXPLAINED]:
        assert report.case is not None  # noqa: S101
        assert report.verdict is not None  # noqa: S101
        for drawing in report.case.drawings(report.verdict, 1):
            output.write_line(f"\n{report.file}\n{draw(drawing, width=width)}")
    if len(bad) > EXPLAINED:
        output.write_line(f"\nand {len(bad) - EXPLAINED} more; check one alone to see why")


# --- for programs -------------------------------------------------------------------------------


def as_json(reports: Sequence[Report], *, details: bool) -> bytes:
    """Return one JSON object: by file, whether it is linearizable, or all that is known."""
    return output.json_line(
        **{
            report.file: details_of(report) if details else report.linearizable
            for report in reports
        }
    )


def details_of(report: Report) -> dict[str, Any]:
    """Return all that is known of a file as plain data."""
    if report.verdict is None:
        return {"linearizable": None, "problem": report.problem}
    verdict = report.verdict
    told: dict[str, Any] = {
        "linearizable": report.linearizable,
        "calls": verdict.calls,
        "keys": len(verdict.keys),
        "seconds": verdict.seconds,
        "findings": [finding_fields(finding) for finding in verdict.findings],
    }
    if report.sessions is not None:
        told["sessions"] = session_fields(report.sessions)
    if report.staleness is not None:
        told["staleness"] = staleness_fields(report.staleness)
    return told


def finding_fields(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain data; its witnesses by the numbers of their invocations."""
    witnesses: Sequence[Call | Step] = finding.witnesses
    return {
        "anomaly": finding.anomaly,
        "key": finding.key,
        "message": finding.message,
        "witnesses": [witness.start for witness in witnesses],
    }


def session_fields(report: SessionReport) -> dict[str, Any]:
    """Return session guarantees as plain data."""
    return {
        "checked": report.checked,
        "undecided": report.undecided,
        "breaches": [
            {
                "guarantee": breach.guarantee,
                "session": breach.session,
                "key": breach.key,
                "message": breach.message,
                "witnesses": [witness.start for witness in breach.witnesses],
            }
            for breach in report.breaches
        ],
    }


def staleness_fields(report: StalenessReport) -> dict[str, Any]:
    """Return staleness as plain data."""
    return {
        "reads": len(report.reads),
        "stale": len(report.stale),
        "untold": report.untold,
        "behind": {f"{percent:g}": behind for percent, behind in report.behind().items()},
        "age": {f"{percent:g}": age for percent, age in report.age().items()},
    }
