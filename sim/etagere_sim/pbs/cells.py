"""What is asked, and what comes of it: a cell of the published tables, or any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from etagere.errors import InvalidArgument
from etagere_sim.world.latency import Everywhere, Sites

LEVEL: Final = 0.999
"""The probability of consistency that t-visibility is told for."""
PERCENTILES: Final = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
"""Those of the latencies that are told."""

TRIALS: Final = {"oracle": 1_000_000, "montecarlo": 1_000_000, "messages": 50_000}
"""The engines, and how many trials each takes where nothing else is said."""

Progress: TypeAlias = Callable[[int], object]
"""Called with the number of trials that were done since the last call."""


class Cell(Struct, frozen=True):
    """How many replicas there are, how many answers a read and a write wait for, and the delays."""

    latency: Everywhere | Sites
    n: int = 3
    r: int = 1
    w: int = 1

    def __post_init__(self) -> None:
        if self.n < 1:
            raise InvalidArgument(f"n={self.n} makes no sense; there must be at least one replica")
        for name, quorum in (("r", self.r), ("w", self.w)):
            if not 1 <= quorum <= self.n:
                raise InvalidArgument(f"{name}={quorum} makes no sense; give 1 to n={self.n}")

    @property
    def is_strict(self) -> bool:
        """Whether every read meets every write that returned: R + W > N."""
        return self.r + self.w > self.n


class Prediction(Struct, frozen=True, kw_only=True):
    """How consistent and how fast a cell is."""

    cell: Cell
    engine: str
    trials: int
    consistent: Mapping[float, float]
    """The probability that a read sees the write, by how long after its return the read began."""
    errors: Mapping[float, float]
    """The standard error of each probability."""
    visibility: float
    """Milliseconds after which a read sees the write with a probability of `LEVEL`."""
    read_latency: Mapping[float, float]
    """Milliseconds, by percentile."""
    write_latency: Mapping[float, float]


def check_times(times: tuple[float, ...]) -> tuple[float, ...]:
    """Return the times in order, each once. Raises `InvalidArgument` for one below 0."""
    for time in times:
        if not 0 <= time < float("inf"):
            raise InvalidArgument(f"t={time:g} makes no sense; give milliseconds from 0")
    return tuple(sorted(set(times)))


def check_trials(trials: int, least: int = 1000) -> int:
    """Return the number of trials. Raises `InvalidArgument` for too few to tell anything."""
    if trials < least:
        raise InvalidArgument(f"{trials:,} trials are too few to tell {LEVEL:.1%}; give {least:,}")
    return trials
