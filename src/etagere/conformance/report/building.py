"""From what came of each test to what is said of a store."""

from __future__ import annotations

import platform
import shlex
from collections.abc import Iterable
from typing import Final

from etagere._version import __version__
from etagere.conformance.clauses import REGISTRY, SPEC_VERSION, Clause, Level
from etagere.conformance.report.model import (
    ClauseReport,
    Failure,
    LevelReport,
    Omission,
    Report,
    SubjectReport,
    Verdict,
)
from etagere.conformance.results import Deselected, Outcome, Result
from etagere.conformance.running import Run
from etagere.conformance.subjects import Subject

EVERY_CLAUSE: Final = "all clauses"
"""In the place of a clause's id."""


def report_of(run: Run) -> Report:
    """Return the report of a run that is over."""
    subjects = [report_of_subject(run, subject) for subject in run.subjects.values()]
    return Report(
        spec=SPEC_VERSION,
        etagere=__version__,
        python=platform.python_version(),
        seed=run.settings.seed,
        started=run.started,
        seconds=round(run.seconds, 3),
        verdict=of_all(subject.verdict for subject in subjects),
        subjects=subjects,
    )


def report_of_subject(run: Run, subject: Subject) -> SubjectReport:
    """Return what became of one store."""
    found = run.survey(subject)
    ours: dict[str, list[Result]] = {}
    for result in run.results:
        if result.subject == subject.name:
            ours.setdefault(result.clause, []).append(result)
    clauses = [clause_report(run, subject, REGISTRY[name], ours[name]) for name in sorted(ours)]
    left_out = omissions([each for each in run.deselected if each.subject == subject.name], ours)
    for loop in run.missing_loops(subject):
        reason = f"{loop} is not installed"
        left_out.append(Omission(clause=EVERY_CLAUSE, reason=reason, variants=[loop]))
    levels = [level_report(level, clauses, left_out) for level in Level]
    return SubjectReport(
        name=subject.name,
        verdict=of_all(level.verdict for level in levels),
        server_version=found.server_version,
        capabilities=found.capabilities,
        levels=levels,
        clauses=clauses,
        not_tested=left_out,
        badge=badge_of(levels),
    )


def clause_report(
    run: Run, subject: Subject, clause: Clause, results: list[Result]
) -> ClauseReport:
    """Return what became of one clause."""
    failures = [failure_of(result) for result in results if result.outcome is Outcome.FAILED]
    good = Verdict.REFUSED if clause.refuses else Verdict.PASSED
    return ClauseReport(
        id=clause.id,
        level=clause.level,
        sentence=clause.sentence,
        verdict=Verdict.FAILED if failures else good,
        tests=len(results),
        seconds=round(sum(result.seconds for result in results), 4),
        reproduce=reproducing(run, subject, clause),
        failures=failures,
    )


def failure_of(result: Result) -> Failure:
    """Return a test that failed as reports tell it."""
    return Failure(
        variant=result.variant,
        message=result.message,
        operations=result.operations,
        details=result.details,
        files=sorted(result.files()),
    )


def reproducing(run: Run, subject: Subject, clause: Clause) -> str:
    """Return the command that runs one clause again."""
    seed = run.settings.seed
    if subject.suite is None:
        return f"etagere conformance {shlex.quote(subject.name)} --clause {clause.id} --seed {seed}"
    return f"pytest -k '{subject.suite.__name__} and {clause.id}' --etagere-seed {seed}"


def omissions(deselected: list[Deselected], ours: dict[str, list[Result]]) -> list[Omission]:
    """Return what was not tested, the tests of a clause that have one reason together."""
    variants: dict[tuple[str, str], list[str]] = {}
    for each in deselected:
        variants.setdefault((each.clause, each.reason), []).append(each.variant)
    return [
        Omission(clause=clause, reason=reason, variants=names if clause in ours else [])
        for (clause, reason), names in sorted(variants.items())
    ]


def level_report(
    level: Level, clauses: list[ClauseReport], left_out: list[Omission]
) -> LevelReport:
    """Return what became of one level: it is passed by what the store claims, not by refusals."""
    mine = [clause for clause in clauses if clause.level == level]
    failed = sum(clause.verdict is Verdict.FAILED for clause in mine)
    not_tested = {
        each.clause
        for each in left_out
        if not each.variants and REGISTRY[each.clause].level is level
    }
    return LevelReport(
        level=level,
        verdict=of_all(clause.verdict for clause in mine),
        passed=len(mine) - failed,
        failed=failed,
        not_tested=len(not_tested),
    )


def of_all(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the verdict on a whole from those on its parts."""
    found = set(verdicts)
    telling = (Verdict.FAILED, Verdict.PASSED, Verdict.REFUSED)
    return next((verdict for verdict in telling if verdict in found), Verdict.NOT_TESTED)


def badge_of(levels: list[LevelReport]) -> str:
    """Return one line that says to which levels a store conforms."""
    if any(level.verdict is Verdict.FAILED for level in levels):
        return f"does not conform to etagere {SPEC_VERSION}"
    passed = [level.level for level in levels if level.verdict is Verdict.PASSED]
    return f"conforms to etagere {SPEC_VERSION}: {', '.join(passed) or 'no level was tested'}"
