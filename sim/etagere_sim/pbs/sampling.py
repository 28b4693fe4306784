"""The WARS model in numpy: the four delays of each replica, for many operations at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from etagere_sim.pbs.cells import PERCENTILES, Cell
from etagere_sim.pbs.laws import Array, draw
from etagere_sim.world.latency import Sites

CHUNK = 200_000
"""Delays of one kind that are drawn at a time."""


class Sample(NamedTuple):
    """Delays, a row for each trial, a column for each replica."""

    writes: Array
    acks: Array
    reads: Array
    replies: Array
    way: Array
    """The part of `writes` that is certain: how far the replica is from who writes."""


def samples(cell: Cell, random: np.random.Generator, trials: int) -> Iterator[Sample]:
    """Yield so many trials, in chunks."""
    most = max(1, CHUNK // cell.n)
    while trials > 0:
        yield sample(cell, random, min(most, trials))
        trials -= most


def sample(cell: Cell, random: np.random.Generator, trials: int) -> Sample:
    """Return the delays of some trials.

    With sites, one at random is where the writer is, and independently one is where the reader is.
    """
    legs = cell.latency.legs
    shape = trials, cell.n
    writes, acks, reads, replies = (draw(law, random, shape) for law in legs)
    if not isinstance(cell.latency, Sites):
        return Sample(writes, acks, reads, replies, np.zeros((1, cell.n)))
    apart = np.array(cell.latency.apart)
    sites = np.arange(cell.n) % len(apart)
    to_write, from_write = _ways(apart, sites, random, trials)
    to_read, from_read = _ways(apart, sites, random, trials)
    return Sample(
        writes + to_write, acks + from_write, reads + to_read, replies + from_read, to_write
    )


def percentiles(latencies: Array) -> dict[float, float]:
    """Return the percentiles that are told."""
    found = np.quantile(latencies, [percentile / 100 for percentile in PERCENTILES])
    return dict(zip(PERCENTILES, found.tolist(), strict=True))


def _ways(
    apart: Array,
    sites: np.ndarray[tuple[int], np.dtype[np.int_]],
    random: np.random.Generator,
    n: int,
) -> tuple[Array, Array]:
    """Return the ways from a client at a random site to each replica, and back."""
    clients = random.integers(len(apart), size=n)
    return apart[clients][:, sites], apart[:, clients].T[:, sites]
