"""Looking for a mutant: one seed after the other, and then what is left of the first that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import Plan, plan_of, replay
from etagere_sim.campaigns.shrinking import SECONDS, Shrunk, shrink
from etagere_sim.mutants.mutant import Mutant

SEEDS: Final = 10_000
FAULTS: Final = 4
"""The most that a plan should be left with."""
DEVIATIONS: Final = 2
TRIES: Final = 5
"""Seeds that are shrunk at most, for a plan that is small enough."""


class Caught(Struct, frozen=True, kw_only=True):
    """A mutant that was caught."""

    seed: int
    """The first that shows it."""
    runs: int
    """Until then."""
    sign: str
    plan: Plan
    """What is left of it, or of another seed soon after, if that is smaller."""
    seconds: float
    """Of shrinking that plan."""
    is_its_fault: bool
    """Whether the plan comes to no such harm without the mutant."""

    @property
    def is_small(self) -> bool:
        """Whether a person can follow the plan."""
        return _is_small(self.plan)


def hunt(mutant: Mutant, seeds: int = SEEDS, *, seconds: float = SECONDS) -> Caught | None:
    """Return how a mutant is caught; None: it is not, under so many seeds from 0."""
    with mutant.planted():
        found = list(_shrunk(mutant, seeds, seconds))
    if not found:
        return None
    first, least = found[0].before.seed, min(found, key=_size)
    return Caught(
        seed=first,
        runs=first + 1,
        sign=least.target,
        plan=least.plan,
        seconds=least.seconds,
        is_its_fault=least.target not in problems_of(replay(least.plan)),
    )


def _shrunk(mutant: Mutant, seeds: int, seconds: float) -> Iterator[Shrunk]:
    """Yield what is left of the seeds that show a mutant, until it is little, a few times."""
    tries = 0
    for seed in range(seeds):
        sign = mutant.sign_in(problems_of(mutant.campaign.run(seed)))
        if sign is None:
            continue
        tries += 1
        shrunk = shrink(plan_of(mutant.campaign, seed), sign, seconds=seconds)
        yield shrunk
        if tries == TRIES or _is_small(shrunk.plan):
            break


def _is_small(plan: Plan) -> bool:
    return len(plan.faults) <= FAULTS and len(plan.deviations) <= DEVIATIONS


def _size(shrunk: Shrunk) -> tuple[bool, int]:
    plan = shrunk.plan
    return not _is_small(plan), len(plan.faults) + len(plan.deviations)
