"""Who goes first, where several things can happen at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from etagere_sim.kernel.agenda import Chooser, Entry


class AtRandom:
    """Chooses anything, with the same chance."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(self, ready: list[Entry], step: int) -> int:
        """Return the position of what happens next."""
        return self._random.randrange(len(ready))


class ByPriority:
    """Lets the owner of the highest priority go first; now and then one falls behind all others.

    Priorities are random, and so are the `changes` steps at which the one that goes loses its own:
    a bug that needs d such turns to show is found in one run of n steps and k owners with a chance
    of at least 1 / (k n^(d-1)) (Burckhardt et al., ASPLOS 2010).
    """

    def __init__(self, random: Random, *, steps: int, changes: int) -> None:
        self._random = random
        self._priorities: dict[str, float] = {}
        self._changes = {random.randrange(steps) for _ in range(changes)}
        self._lowest = 0.0

    def choose(self, ready: list[Entry], step: int) -> int:
        """Return the position of what happens next."""
        chosen = self._highest(ready)
        due = [change for change in self._changes if change <= step]
        if due:
            self._changes.difference_update(due)
            self._lowest -= 1.0
            self._priorities[ready[chosen][2]] = self._lowest
            chosen = self._highest(ready)
        return chosen

    def _highest(self, ready: list[Entry]) -> int:
        # The first of an owner's own: what it did earlier comes earlier.
        return max(range(len(ready)), key=lambda position: (self._of(ready[position]), -position))

    def _of(self, entry: Entry) -> float:
        owner = entry[2]
        if owner not in self._priorities:
            self._priorities[owner] = self._random.random()
        return self._priorities[owner]


class AsPlanned:
    """First come, first served, but for some steps that are written down."""

    def __init__(self, deviations: Mapping[int, int]) -> None:
        self._deviations = deviations

    def choose(self, ready: list[Entry], step: int) -> int:
        """Return the position of what happens next."""
        return self._deviations.get(step, 0) % len(ready)


class Recorded:
    """Another chooser, with what it chose written down for `AsPlanned`."""

    def __init__(self, chooser: Chooser) -> None:
        self.deviations: dict[int, int] = {}
        """By step, where it was not the first that came."""
        self._chooser = chooser

    def choose(self, ready: list[Entry], step: int) -> int:
        """Return the position of what happens next."""
        chosen = self._chooser.choose(ready, step)
        if chosen:
            self.deviations[step] = chosen
        return chosen
