"""What is said of a run: what is wrong with it, by name, and how sure a rate of that is."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from etagere.histories.history import Call
from etagere.histories.verdicts import Anomaly, Answer
from etagere.operations import Consistency

if TYPE_CHECKING:
    from etagere_sim.campaigns.runs import Run

UNDECIDED: Final = Answer.UNDECIDED.value
NO_PROGRESS: Final = "no progress"
NOT_CONVERGED: Final = "not converged"
Z: Final = 1.959964
"""Of a confidence of 95 %."""


def as_strong(calls: Iterable[Call]) -> list[Call]:
    """Return the calls of clients as if all had been asked for at the strong level.

    So a checker tells how far an eventual store is from linearizable.
    """
    return [
        call
        if call.consistency is Consistency.STRONG
        else replace(call, consistency=Consistency.STRONG)
        for call in calls
    ]


def problems_of(run: Run) -> list[str]:
    """Return what is wrong with a run, each thing once: anomalies first; nothing if it is right."""
    if run.is_right:
        return []
    problems = [finding.anomaly.value for finding in run.findings]
    if run.answer is Answer.UNDECIDED:
        problems.append(UNDECIDED)
    elif run.answer is Answer.NO and not problems:
        problems.append(Anomaly.NO_ORDER.value)
    if not run.progressed:
        problems.append(NO_PROGRESS)
    if not run.converged:
        problems.append(NOT_CONVERGED)
    return list(dict.fromkeys(problems))


def wilson(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % confidence interval of a share (Wilson, JASA 1927)."""
    if total == 0:
        return 0.0, 1.0
    share, spread = count / total, Z * Z / total
    middle = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / total + spread / total / 4) / (1 + spread)
    return (0.0 if count == 0 else middle - half), (1.0 if count == total else middle + half)
