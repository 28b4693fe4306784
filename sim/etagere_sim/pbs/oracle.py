"""The oracle: average the exact probability of a stale read, given all that it depends on but one.

Given which replicas answer a read first, the read is stale only if the write came to each of them
after the read did: W_j > w + R_j + t. Then none of them acknowledged the write in time, so w is the
W-th smallest of W + A among the *other* replicas, and independent of W_j. Hence

    P_stale(t) = E[ product over the first R of  P(W_j > w + R_j + t) ]

and 0 if R + W > N. What is averaged are probabilities, not verdicts: a million samples give four
digits, and the far tail as well as the middle. With sites this holds given the sites of the writer
and the reader, so it holds for their average.
"""

from __future__ import annotations

import numpy as np

from etagere_sim.pbs import rounds
from etagere_sim.pbs.cells import LEVEL, Cell, Prediction, Progress, check_times, check_trials
from etagere_sim.pbs.laws import Array, survival
from etagere_sim.pbs.sampling import Sample, samples


def predict(
    cell: Cell,
    times: tuple[float, ...],
    *,
    trials: int = 1_000_000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Prediction:
    """Predict a cell by averaging over so many trials. The latencies are not sampled."""
    times = check_times(times)
    random = np.random.default_rng(seed)
    parts: list[Array] = []
    for chunk in samples(cell, random, check_trials(trials)):
        parts.append(least_delays(chunk, cell))
        if progress is not None:
            progress(len(chunk.writes))
    least = np.concatenate(parts)
    stale = {time: staleness(cell, least, time) for time in times}
    return Prediction(
        cell=cell,
        engine="oracle",
        trials=trials,
        consistent={time: 1.0 - share for time, (share, _) in stale.items()},
        errors={time: error for time, (_, error) in stale.items()},
        visibility=visibility(cell, least),
        read_latency=rounds.read_latency(cell),
        write_latency=rounds.write_latency(cell),
    )


def least_delays(sample: Sample, cell: Cell) -> Array:
    """Return w + R_j for each of the first R: W_j must be more for a read at t = 0 to be stale.

    The certain part of W_j, the way between sites, is taken off.
    """
    if cell.is_strict:
        return np.empty((len(sample.writes), 0))
    answers = sample.reads + sample.replies
    first = np.argpartition(answers, cell.r - 1, axis=1)[:, : cell.r]
    trips = sample.writes + sample.acks
    np.put_along_axis(trips, first, np.inf, axis=1)
    others = np.partition(trips, cell.w - 1, axis=1)[:, cell.w - 1 : cell.w]
    ways = np.take_along_axis(np.broadcast_to(sample.way, answers.shape), first, axis=1)
    return others + np.take_along_axis(sample.reads, first, axis=1) - ways


def staleness(cell: Cell, least: Array, time: float) -> tuple[float, float]:
    """Return the probability of a stale read at a time, and its standard error."""
    if cell.is_strict:
        return 0.0, 0.0
    each = np.prod(survival(cell.latency.legs.writes, least + time), axis=1)
    return float(each.mean()), float(each.std() / np.sqrt(len(each)))


def visibility(cell: Cell, least: Array, level: float = LEVEL) -> float:
    """Return after how many milliseconds a read is fresh with a probability of `level`."""
    wanted = 1.0 - level

    def excess(time: float) -> float:
        return staleness(cell, least, time)[0] - wanted

    if excess(0.0) <= 0.0:
        return 0.0
    low, high = 0.0, 1.0
    while excess(high) > 0.0:
        low, high = high, 2.0 * high
    while high - low > 1e-4 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0.0 else (low, middle)
    return (low + high) / 2
