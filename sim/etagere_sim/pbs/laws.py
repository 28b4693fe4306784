"""The distributions of delays, in numpy: samples of them, and the chance of more than so long."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from etagere_sim.world.distributions import Constant, Exponential, Measured, ParetoMixture
from etagere_sim.world.latency import Distribution

Array: TypeAlias = NDArray[np.float64]


def draw(law: Distribution, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return delays, in an array of the shape."""
    match law:
        case Constant(milliseconds):
            return np.full(shape, milliseconds)
        case Exponential(rate):
            return random.standard_exponential(shape) / rate
        case ParetoMixture(body, minimum, pareto, tail_rate):
            # One sample serves both parts: minimum * U^(-1/a) is minimum * exp(E/a).
            power = random.standard_exponential(shape)
            is_body = random.random(shape) < body
            return np.where(is_body, minimum * np.exp(power / pareto), power / tail_rate)
        case Measured(milliseconds):
            return random.choice(np.array(milliseconds), shape)
        case _:
            raise _unknown(law)


def survival(law: Distribution, delays: Array) -> Array:
    """Return the chance that a delay is longer, for each of `delays`."""
    match law:
        case Constant(milliseconds):
            return (delays < milliseconds).astype(np.float64)
        case Exponential(rate):
            return np.exp(-rate * np.maximum(delays, 0.0))
        case ParetoMixture(body, minimum, pareto, tail_rate):
            over = np.maximum(delays, minimum) / minimum
            tail = np.exp(-tail_rate * np.maximum(delays, 0.0))
            return body * np.exp(-pareto * np.log(over)) + (1.0 - body) * tail
        case Measured(milliseconds):
            ordered = np.sort(np.array(milliseconds))
            return 1.0 - np.searchsorted(ordered, delays, side="right") / len(ordered)
        case _:
            raise _unknown(law)


def _unknown(law: Any) -> TypeError:
    return TypeError(f"{type(law).__name__} is not a law that numpy samples are known for")
