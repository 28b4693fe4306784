"""What a scenario is, and what comes of playing it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from etagere.histories.history import Call
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import Plan, replay
from etagere_sim.campaigns.runs import Run
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.scenarios.losses import lost_writes
from etagere_sim.scenarios.steps import Programs, strongly, url_of

Finder: TypeAlias = Callable[[Sequence[Call]], Sequence[str]]
"""Looks for something that no check of one key by itself can see; returns it by name."""


def nothing(calls: Sequence[Call]) -> Sequence[str]:
    """Look for nothing."""
    return ()


class Played(Struct, frozen=True):
    """A plan that was played."""

    plan: Plan
    run: Run
    problems: tuple[str, ...]
    """What is wrong with the run: anomalies first."""
    lost: tuple[Call, ...]
    """The acknowledged writes that are gone."""


class Outcome(Struct, frozen=True):
    """What came of a scenario."""

    weak: Played
    strong: tuple[Played, ...]
    is_as_expected: bool


class Scenario(Struct, frozen=True, kw_only=True):
    """One thing that goes wrong, as a plan of a few faults in which nothing is random."""

    name: str
    story: str
    """What happens, in two or three sentences."""
    source: str
    """Where it was seen."""
    weak: Plan
    """Goes wrong, as its `expected` says."""
    also: tuple[str, ...] = ()
    """What `finds` finds."""
    finds: Finder = nothing
    lost: int = 0
    """How many acknowledged writes are lost under it."""
    strong: tuple[str, ...]
    """Protocols with settings, on which the same comes to no harm."""
    mended: Programs | None = None
    """What the clients do there, where the mistake was their own. None: the same."""

    @property
    def expected(self) -> tuple[str, ...]:
        """What is wrong with the run under the weak settings."""
        return (*self.weak.expected, *self.also)

    def strong_plans(self) -> tuple[Plan, ...]:
        """Return the plan for each of the strong settings, all asked for at the strong level."""
        programs = strongly(self.mended or self.weak.programs_played())
        return tuple(
            replace(
                self.weak,
                url=url_of(settings),
                programs=programs,
                workload=Workload(),
                expected=(),
            )
            for settings in self.strong
        )

    def played(self, plan: Plan) -> Played:
        """Play one of its plans, and look for all that it is about."""
        run = replay(plan)
        problems = (*problems_of(run), *self.finds(run.calls))
        return Played(plan, run, problems, tuple(lost_writes(run.calls)))

    def play(self) -> Outcome:
        """Play it under the weak settings and under each of the strong ones."""
        weak = self.played(self.weak)
        strong = tuple(map(self.played, self.strong_plans()))
        as_told = weak.problems == self.expected and len(weak.lost) == self.lost
        harmless = not any(each.problems or each.lost for each in strong)
        return Outcome(weak, strong, as_told and harmless)
