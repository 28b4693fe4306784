"""How long operations take, without sampling: the k-th fastest of N round trips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from etagere_sim.pbs.cells import PERCENTILES, Cell
from etagere_sim.pbs.laws import Array, survival
from etagere_sim.world.distributions import Constant, Measured
from etagere_sim.world.latency import Distribution, Sites

EDGES = np.geomspace(1e-4, 1e7, 6000)
"""Between two of these, a delay counts as the one in the middle."""

RoundTrip: TypeAlias = Callable[[float], float]
"""Returns the chance that a request and its answer take longer."""


def read_latency(cell: Cell) -> dict[float, float]:
    """Return percentiles of the latency of reads, in milliseconds."""
    legs = cell.latency.legs
    return _percentiles(cell, cell.r, round_trip(legs.reads, legs.replies))


def write_latency(cell: Cell) -> dict[float, float]:
    """Return percentiles of the latency of writes, in milliseconds."""
    legs = cell.latency.legs
    return _percentiles(cell, cell.w, round_trip(legs.writes, legs.acks))


def round_trip(there: Distribution, back: Distribution) -> RoundTrip:
    """Return what tells how likely it is to take longer."""
    delays, chances = _points(there)

    def longer(time: float) -> float:
        rest = time - delays
        return float(chances @ np.where(rest < 0.0, 1.0, survival(back, rest)))

    return longer


def _points(law: Distribution) -> tuple[Array, Array]:
    """Return delays, and how likely each is."""
    match law:
        case Constant(milliseconds):
            return np.array([milliseconds]), np.array([1.0])
        case Measured(milliseconds):
            number = len(milliseconds)
            return np.array(milliseconds), np.full(number, 1.0 / number)
        case _:
            return (EDGES[1:] + EDGES[:-1]) / 2, -np.diff(survival(law, EDGES))


def _percentiles(cell: Cell, quorum: int, trip: RoundTrip) -> dict[float, float]:
    ways = _ways(cell)

    different = dict.fromkeys(way for row in ways for way in row)

    def longer(time: float) -> float:
        came = {way: 1.0 - trip(time - way) for way in different}
        each = [_fewer_than(quorum, [came[way] for way in row]) for row in ways]
        return sum(each) / len(each)

    return {part: _when(longer, 1.0 - part / 100) for part in PERCENTILES}


def _ways(cell: Cell) -> list[list[float]]:
    """Return, for a client at each site, how far it is to each replica and back."""
    if not isinstance(cell.latency, Sites):
        return [[0.0] * cell.n]
    apart = cell.latency.apart
    replicas = [number % len(apart) for number in range(cell.n)]
    return [[apart[site][at] + apart[at][site] for at in replicas] for site in range(len(apart))]


def _fewer_than(quorum: int, chances: Sequence[float]) -> float:
    """Return how likely it is that fewer than `quorum` of independent events happen."""
    counts = np.zeros(len(chances) + 1)
    counts[0] = 1.0
    for chance in chances:
        counts[1:] = counts[1:] * (1.0 - chance) + counts[:-1] * chance
        counts[0] *= 1.0 - chance
    return float(counts[:quorum].sum())


def _when(longer: RoundTrip, chance: float) -> float:
    """Return the time that is exceeded with a chance."""
    low, high = 0.0, 1.0
    while longer(high) > chance:
        low, high = high, 2.0 * high
    while high - low > 1e-6 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if longer(middle) > chance else (low, middle)
    return high
