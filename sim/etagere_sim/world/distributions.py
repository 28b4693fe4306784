"""How long one message takes: distributions of delays, in milliseconds.

Each is a value that can stand in a file, as an object with its `law`:

    {"law": "constant", "milliseconds": 5}
    {"law": "exponential", "rate": 0.1}
    {"law": "pareto-mixture", "body": 0.9122, "minimum": 0.235, "shape": 10, "tail_rate": 1.66}
    {"law": "measured", "milliseconds": [0.41, 0.45, 0.52, 1.9]}
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pow
from random import Random
from typing import Annotated, Protocol, TypeAlias

from msgspec import Meta, Struct

Sampler: TypeAlias = Callable[[], float]
"""Draws one delay after another."""

Time: TypeAlias = Annotated[float, Meta(ge=0)]
Positive: TypeAlias = Annotated[float, Meta(gt=0)]


class Distribution(Protocol):
    """How long one message takes."""

    def sampler(self, random: Random) -> Sampler:
        """Return a function that draws one delay after another."""
        ...


class Constant(Struct, frozen=True, tag_field="law", tag="constant", forbid_unknown_fields=True):
    """Always the same."""

    milliseconds: Time

    def sampler(self, random: Random) -> Sampler:
        """Return a function that gives the delay."""
        return lambda: self.milliseconds


class Exponential(
    Struct, frozen=True, tag_field="law", tag="exponential", forbid_unknown_fields=True
):
    """Exponential, with a rate per millisecond."""

    rate: Positive

    def sampler(self, random: Random) -> Sampler:
        """Return a function that draws one delay after another."""
        draw, scale = random.random, -1.0 / self.rate
        return lambda: scale * log(1.0 - draw())


class ParetoMixture(
    Struct, frozen=True, tag_field="law", tag="pareto-mixture", forbid_unknown_fields=True
):
    """Pareto for a body of fast messages, exponential for a tail of slow ones."""

    body: Annotated[float, Meta(ge=0, le=1)]
    """The share that is Pareto."""
    minimum: Positive
    shape: Positive
    tail_rate: Positive

    def sampler(self, random: Random) -> Sampler:
        """Return a function that draws one delay after another."""
        draw, body, minimum = random.random, self.body, self.minimum
        power, scale = -1.0 / self.shape, -1.0 / self.tail_rate

        def sample() -> float:
            if draw() < body:
                return minimum * pow(1.0 - draw(), power)
            return scale * log(1.0 - draw())

        return sample


class Measured(Struct, frozen=True, tag_field="law", tag="measured", forbid_unknown_fields=True):
    """One of the delays that were measured, each as likely as any other."""

    milliseconds: Annotated[tuple[Time, ...], Meta(min_length=1)]

    def sampler(self, random: Random) -> Sampler:
        """Return a function that draws one delay after another."""
        draw, delays, number = random.random, self.milliseconds, len(self.milliseconds)
        return lambda: delays[int(draw() * number)]


Law: TypeAlias = Constant | Exponential | ParetoMixture | Measured
"""The distributions that a file can name."""
