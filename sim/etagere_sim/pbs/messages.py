"""Message by message: what the `dynamo` protocol itself does, in a world with these delays.

With every request sent to all N replicas and no repair, it is the WARS model, so it must agree with
the oracle; but nothing here knows of that model. The probabilities come from the trials alone. The
t-visibility comes from them and half as many more, in which slow writes come more often.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from etagere_sim.pbs.cells import LEVEL, Cell, Prediction, Progress, check_times, check_trials
from etagere_sim.pbs.laboratory import Laboratory, Outcomes
from etagere_sim.pbs.montecarlo import of_trials
from etagere_sim.pbs.tail import Slowed, slowed, weighted_quantile
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.replication import Dynamo
from etagere_sim.world.distributions import Distribution
from etagere_sim.world.latency import Everywhere, Sites

BATCH = 1000
"""Trials in one world, which remembers all of them."""
FOREVER = 1e12
"""Milliseconds: no operation is given up."""


def predict(
    cell: Cell,
    times: tuple[float, ...],
    *,
    trials: int = 50_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Prediction:
    """Predict a cell from so many trials, and half as many more if t-visibility is above 0."""
    times = check_times(times)
    plain = conduct(cell, cell.latency, times, check_trials(trials), seed, progress)
    told = of_trials(cell, times, plain.since, plain.reads, plain.writes, engine="messages")
    if told.visibility == 0.0:
        return told
    writes = cell.latency.legs.writes
    slow = slowed(writes, plain.since, plain.decisive, cell.r / cell.n)
    if slow is None:
        return told
    latency = with_writes(cell.latency, slow)
    tail = conduct(cell, latency, times, tail_trials(trials), seed + 1, progress)
    return replace(told, visibility=visibility(plain, tail, slow))


def tail_trials(trials: int) -> int:
    """Return how many more trials look at the tail."""
    return trials // 2


def conduct(
    cell: Cell,
    latency: Everywhere | Sites,
    times: tuple[float, ...],
    trials: int,
    seed: int,
    progress: Progress | None = None,
) -> Outcomes:
    """Carry out so many trials, some in each of many worlds."""
    knobs = Knobs(n=cell.n, hosts=cell.n, r=cell.r, w=cell.w, timeout=FOREVER)
    batches: list[Outcomes] = []
    for number, size in enumerate(_sizes(trials)):
        world = (seed << 20) + number
        laboratory = Laboratory(Dynamo(knobs), latency, cell.r, world)
        batches.append(laboratory.conduct(times or (0.0,), size))
        if progress is not None:
            progress(size)
    return Outcomes(*(np.concatenate(column) for column in zip(*batches, strict=True)))


def visibility(plain: Outcomes, tail: Outcomes, slow: Slowed) -> float:
    """Return after how long reads are fresh with a probability of `LEVEL`, by both together."""
    since = np.concatenate([plain.since, tail.since])
    share = len(tail.since) / len(since)
    likelihood = slow.likelihood(np.concatenate([plain.delays, tail.delays]))
    weights = 1.0 / (1.0 - share + share * likelihood)
    every = np.repeat(weights, since.shape[1])
    return max(0.0, weighted_quantile(since.ravel(), every, LEVEL))


def with_writes(latency: Everywhere | Sites, writes: Distribution) -> Everywhere | Sites:
    """Return a model with another distribution of W."""
    if isinstance(latency, Sites):
        return replace(latency, within=replace(latency.within, writes=writes))
    return replace(latency, writes=writes)


def _sizes(trials: int) -> Iterator[int]:
    while trials > 0:
        yield min(BATCH, trials)
        trials -= BATCH
