"""Looking closely at what is rare: trials in which slow writes come more often, weighed for it.

Of 50,000 trials 50 are stale at the time that 99.9 % are fresh, too few to tell that time. So more
trials are conducted in a world where the slow part of the distribution of W is drawn more often,
and each counts as much as it is more likely in the true world than in both together (importance
sampling with the balance heuristic; Veach and Guibas, SIGGRAPH 1995).
"""

from __future__ import annotations

from bisect import bisect_right
from math import log, pow
from random import Random

import numpy as np
from msgspec import Struct

from etagere_sim.pbs.laws import Array, survival
from etagere_sim.world.distributions import (
    Constant,
    Distribution,
    Exponential,
    Measured,
    ParetoMixture,
    Sampler,
)


class Slowed(Struct, frozen=True):
    """A distribution with a share of delays that are all beyond a limit."""

    law: Distribution
    beyond: float
    share: float

    def sampler(self, random: Random) -> Sampler:
        """Return a function that draws one delay after another."""
        draw, share = random.random, self.share
        usual, slow = self.law.sampler(random), slow_sampler(self.law, self.beyond, random)
        return lambda: slow() if draw() < share else usual()

    def likelihood(self, delays: Array) -> Array:
        """Return how much more likely rows of delays are here than without the slow share."""
        chance = float(survival(self.law, np.array(self.beyond)))
        usual = 1.0 - self.share
        each = np.where(delays > self.beyond, usual + self.share / chance, usual)
        together: Array = np.prod(each, axis=1)
        return together


def slow_sampler(law: Distribution, beyond: float, random: Random) -> Sampler:
    """Return what draws delays of the law that are beyond a limit."""
    draw = random.random
    match law:
        case Exponential(rate):
            return lambda: beyond - log(1.0 - draw()) / rate
        case ParetoMixture(body, minimum, shape, tail_rate):
            start = max(minimum, beyond)
            slow_body = body * pow(minimum / start, shape)
            slow_tail = (1.0 - body) * np.exp(-tail_rate * beyond)
            is_body = slow_body / (slow_body + slow_tail)

            def sample() -> float:
                if draw() < is_body:
                    return start * pow(1.0 - draw(), -1.0 / shape)
                return beyond - log(1.0 - draw()) / tail_rate

            return sample
        case Measured(milliseconds):
            ordered = sorted(milliseconds)
            slow = ordered[bisect_right(ordered, beyond) :]
            return lambda: slow[int(draw() * len(slow))]
        case _:
            raise TypeError(f"{type(law).__name__} has no slow part to draw from")


def slowed(law: Distribution, since: Array, decisive: Array, share: float) -> Slowed | None:
    """Return the law with a larger share of the delays that made trials the stalest.

    None, if the law has no slow part.
    """
    if isinstance(law, Constant):
        return None
    stalest = np.argsort(since, axis=None)[-max(20, since.size // 1000) :]
    # Lower than seems right: what matters and is not drawn more often costs more than the reverse.
    beyond = 0.85 * float(decisive.ravel()[stalest].min())
    if survival(law, np.array(beyond)) <= 0.0:
        return None
    return Slowed(law, beyond, share)


def weighted_quantile(values: Array, weights: Array, level: float) -> float:
    """Return the value that the others exceed with a chance of 1 - `level`."""
    order = np.argsort(values)[::-1]
    exceeding = np.cumsum(weights[order]) / len(values)
    return float(values[order][np.searchsorted(exceeding, 1.0 - level)])
