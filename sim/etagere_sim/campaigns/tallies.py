"""What the runs of a campaign came to, added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar

from msgspec import Struct, field

from etagere.histories.history import History, Status
from etagere.histories.staleness import measure_staleness
from etagere.histories.verdicts import Answer
from etagere_sim.campaigns.campaign import Campaign
from etagere_sim.campaigns.coverage import faults_by_name
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.runs import Run

K = TypeVar("K", int, str)

FIRST: Final = 5
"""Seeds that are kept of each verdict that is not right."""
PERCENTILES: Final = (50.0, 90.0, 99.0, 99.9)


class Staleness(Struct):
    """How stale the reads were, in histograms."""

    behind: dict[int, int] = field(default_factory=dict[int, int])
    """Versions behind → reads."""
    age: dict[int, int] = field(default_factory=dict[int, int])
    """Whole virtual milliseconds since a newer version had been seen → reads. Of stale reads."""
    untold: int = 0
    """Reads of which it cannot be told what they saw."""

    def take(self, run: Run) -> None:
        """Add the reads of a run."""
        report = measure_staleness(History(run.calls))
        self.untold += report.untold
        for read in report.reads:
            add(self.behind, {read.behind: 1})
            if read.behind:
                start = read.call.start
                since = run.times[start - 1] - run.times[start - read.age - 1]
                add(self.age, {round(since): 1})


class Tally(Struct):
    """The sum of some runs. Tallies can be added: in what order does not matter."""

    runs: int = 0
    verdicts: dict[str, int] = field(default_factory=dict[str, int])
    """Verdict → runs. A run that is not linearizable counts once for each of its anomalies."""
    first: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    """The lowest seeds of each verdict that is not right."""
    calls: dict[str, int] = field(default_factory=dict[str, int])
    """Status → calls."""
    faults: dict[str, int] = field(default_factory=dict[str, int])
    marks: dict[str, int] = field(default_factory=dict[str, int])
    staleness: Staleness | None = None
    steps: int = 0
    seconds: float = 0.0
    """Of processor time."""

    @property
    def right(self) -> int:
        """How many runs were linearizable, went on and converged."""
        return self.runs - self.verdicts.get(WRONG, 0)

    @property
    def unknown(self) -> tuple[int, int]:
        """How many calls have an unknown outcome, and how many calls there are."""
        return self.calls.get(Status.INFO.value, 0), sum(self.calls.values())

    def take(self, run: Run, replicas: tuple[str, ...]) -> None:
        """Add one run."""
        self.runs += 1
        self.steps += run.steps
        problems = problems_of(run)
        verdicts = [run.answer.value, *(each for each in problems if each != run.answer.value)]
        if problems:
            verdicts.append(WRONG)
        for verdict in verdicts:
            self.verdicts[verdict] = self.verdicts.get(verdict, 0) + 1
            if verdict != Answer.YES.value:
                seeds = self.first.setdefault(verdict, [])
                if len(seeds) < FIRST:
                    seeds.append(run.seed)
        add(self.calls, Counter(call.status.value for call in run.calls))
        add(self.faults, faults_by_name(run.faults, replicas))
        add(self.marks, run.marks)
        if self.staleness is not None:
            self.staleness.take(run)

    def add(self, other: Tally) -> None:
        """Add another tally."""
        self.runs += other.runs
        self.steps += other.steps
        self.seconds += other.seconds
        add(self.verdicts, other.verdicts)
        add(self.calls, other.calls)
        add(self.faults, other.faults)
        add(self.marks, other.marks)
        for verdict, seeds in other.first.items():
            self.first[verdict] = sorted({*self.first.get(verdict, []), *seeds})[:FIRST]
        if other.staleness is not None:
            mine = self.staleness = self.staleness or Staleness()
            mine.untold += other.staleness.untold
            add(mine.behind, other.staleness.behind)
            add(mine.age, other.staleness.age)

    def never_reached(self, campaign: Campaign) -> list[str]:
        """Return what the campaign should have reached, and did not."""
        return [
            what
            for what in campaign.wanted()
            if not self.faults.get(what) and not self.marks.get(what)
        ]


WRONG: Final = "not right"
"""The verdict of every run with any problem."""


def add(sums: dict[K, int], more: Mapping[K, int]) -> None:
    """Add counts to counts."""
    for name, count in more.items():
        sums[name] = sums.get(name, 0) + count


def percentiles(
    histogram: Mapping[int, int], wanted: Iterable[float] = PERCENTILES
) -> dict[float, int]:
    """Return the least value that so many in a hundred do not exceed; nothing of no values."""
    total = sum(histogram.values())
    found: dict[float, int] = {}
    for percent in wanted if total else ():
        seen = 0
        for value in sorted(histogram):
            seen += histogram[value]
            if seen * 100 >= percent * total:
                found[percent] = value
                break
    return found
