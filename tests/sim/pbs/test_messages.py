from __future__ import annotations

from random import Random

import numpy as np
import pytest

from etagere_sim.pbs import messages, oracle, tail
from etagere_sim.pbs.cells import Cell
from etagere_sim.pbs.laboratory import Laboratory, UnlikePbs
from etagere_sim.pbs.laws import survival
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.replication import Dynamo
from etagere_sim.world.distributions import Exponential, Measured, ParetoMixture
from etagere_sim.world.latency import latency_of

TIMES = (0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)


def compare(cell: Cell, trials: int, seed: int) -> tuple[float, float, float]:
    """Return the largest difference in binomial errors, the mean square one, and that of t."""
    sure = oracle.predict(cell, TIMES, trials=400_000, seed=seed)
    seen = messages.predict(cell, TIMES, trials=trials, seed=seed)
    apart = np.array([seen.consistent[time] - sure.consistent[time] for time in TIMES])
    share = np.array([sure.consistent[time] for time in TIMES])
    errors = np.sqrt(share * (1 - share) / trials)
    visible = 0.0 if sure.visibility == seen.visibility else seen.visibility / sure.visibility - 1
    return (
        float(np.max(np.abs(apart) / np.maximum(errors, 1 / trials))),
        float(np.sqrt((apart**2).mean())),
        visible,
    )


def test_dynamo_agrees_with_the_oracle() -> None:
    trials = 10_000
    errors, distance, visible = compare(Cell(latency_of("lnkd-disk")), trials, seed=0)
    # What 50,000 trials are held to, .28 points and 3 %, and so much more as these are fewer.
    fewer = np.sqrt(50_000 / trials)
    assert errors <= 4
    assert distance <= 0.0028 * fewer
    assert abs(visible) <= 0.03 * fewer


@pytest.mark.parametrize(
    ("model", "n", "r", "w"),
    [
        ("exp:0.1,1", 5, 2, 2),
        ("lnkd-disk", 4, 1, 2),
        ("ymmr", 3, 1, 1),
        ("wan", 3, 2, 1),
        ("lnkd-ssd", 2, 1, 1),
        ("lnkd-disk", 3, 2, 2),
    ],
)
def test_dynamo_agrees_where_nothing_was_published(model: str, n: int, r: int, w: int) -> None:
    errors, _, visible = compare(Cell(latency_of(model, n), n, r, w), trials=1500, seed=1)
    assert errors <= 4
    # So few trials know t to some 6 %, where the tail is heavy.
    assert abs(visible) <= 0.2


def test_the_same_seed_gives_the_same_numbers() -> None:
    cell = Cell(latency_of("wan"))
    first, again, other = (messages.predict(cell, (0.0,), trials=1000, seed=s) for s in (3, 3, 4))
    assert first == again
    assert first != other


def test_a_read_that_is_not_of_the_model_is_found_out() -> None:
    two_answers = Dynamo(Knobs(n=3, hosts=3, r=2, w=1))
    with pytest.raises(UnlikePbs, match="would be fresh from"):
        Laboratory(two_answers, latency_of("lnkd-disk"), 1, 1).conduct((0.0,), 100)


@pytest.mark.parametrize(
    "law",
    [
        Exponential(0.3),
        ParetoMixture(0.38, 1.05, 1.51, 0.183),
        Measured((1.0, 2.0, 5.0, 7.0)),
    ],
)
def test_weights_make_up_for_slow_writes(law: Exponential | ParetoMixture | Measured) -> None:
    slowed = tail.Slowed(law, 4.0, 0.3)
    sample = slowed.sampler(Random(5))
    delays = np.array([sample() for _ in range(40_000)])
    weights = 1 / slowed.likelihood(delays[:, np.newaxis])
    for limit in (0.5, 1.5, 3.0, 4.5, 6.0):
        counted = weights * (delays > limit)
        error = counted.std() / np.sqrt(len(delays))
        assert abs(counted.mean() - float(survival(law, np.array(limit)))) <= 4 * error
