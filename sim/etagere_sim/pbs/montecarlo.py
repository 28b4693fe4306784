"""Monte Carlo: draw all delays of a write and a read, and see when the read would be fresh.

A read that begins t after the write returned is stale if all of the first R replies are; replica j
gives a stale reply if R_j + w + t < W_j, where w is how long the write took. So each trial has one
t from which on its read is fresh, and tells about every t at once. (The paper prints that
inequality the wrong way round in one place; its simulator has it like this.)
"""

from __future__ import annotations

import numpy as np

from etagere_sim.pbs.cells import LEVEL, Cell, Prediction, Progress, check_times, check_trials
from etagere_sim.pbs.laws import Array
from etagere_sim.pbs.sampling import Sample, percentiles, samples


def predict(
    cell: Cell,
    times: tuple[float, ...],
    *,
    trials: int = 1_000_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Prediction:
    """Predict a cell from so many trials."""
    times = check_times(times)
    random = np.random.default_rng(seed)
    parts: list[tuple[Array, Array, Array]] = []
    for chunk in samples(cell, random, check_trials(trials)):
        parts.append(outcomes(chunk, cell))
        if progress is not None:
            progress(len(chunk.writes))
    since, reads, writes = (np.concatenate(column) for column in zip(*parts, strict=True))
    return of_trials(
        cell,
        times,
        since[:, np.newaxis],
        reads,
        writes,
        engine="montecarlo",
    )


def outcomes(sample: Sample, cell: Cell) -> tuple[Array, Array, Array]:
    """Return, for each trial, since when reads are fresh, and the latencies of read and write."""
    write = np.partition(sample.writes + sample.acks, cell.w - 1, axis=1)[:, cell.w - 1]
    answers = sample.reads + sample.replies
    first = np.argpartition(answers, cell.r - 1, axis=1)[:, : cell.r]
    read = np.take_along_axis(answers, first, axis=1).max(axis=1)
    missing = np.take_along_axis(sample.writes - sample.reads, first, axis=1)
    return missing.min(axis=1) - write, read, write


def of_trials(
    cell: Cell, times: tuple[float, ...], since: Array, reads: Array, writes: Array, *, engine: str
) -> Prediction:
    """Return what trials tell, each a row of `since` with one read or several of one write."""
    trials = len(since)
    fresh = {time: (since <= time).mean(axis=1) for time in times}
    return Prediction(
        cell=cell,
        engine=engine,
        trials=trials,
        consistent={time: float(shares.mean()) for time, shares in fresh.items()},
        errors={time: float(shares.std() / np.sqrt(trials)) for time, shares in fresh.items()},
        visibility=max(0.0, float(np.quantile(since, LEVEL))),
        read_latency=percentiles(reads),
        write_latency=percentiles(writes),
    )
