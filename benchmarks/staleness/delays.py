"""One-way delays, made of what was measured: the links of a simulated primary and its backups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from statistics import median
from typing import Final, TypeAlias

import numpy as np
from msgspec import Struct

from benchmarks.staleness.trials import PLACES, Found, Observed
from etagere_sim.world.distributions import Measured
from etagere_sim.world.latency import Delays

Array: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.float64]]

CLIENT: Final = "c1"
PRIMARY: Final = "r1"
BACKUPS: Final = ("r2", "r3")


class Legs(Struct, frozen=True):
    """One-way delays of a mode in milliseconds, with a sequence for each replica.

    A write sets out when the primary lets go of it, which is when a caller that waits for nobody
    is told of it, less the way of the reply.
    """

    streams: Sequence[Array]
    """Until a replica shows a write."""
    keeping: Sequence[Array]
    """Until it keeps it; in the same order, as those of the other replica."""
    acks: Sequence[Array]
    """From there until the caller is told, less the way of the reply to it. None where callers wait
    for nobody."""
    requests: Sequence[Array]
    """Of reads."""
    replies: Sequence[Array]
    primary: Array
    """Replies of the primary."""


def legs_of(found: Found) -> Legs:
    """Make one-way delays of what was measured."""
    reply = float(np.median(found.ways.primary))
    let_go = np.array([write.returned for write in found.streams]) - reply
    keeping = [_kept(found.streams, place) - let_go for place in PLACES]
    shown = [_shown(found.streams, place) - let_go for place in PLACES]
    acks: list[Array] = []
    for place, writes in enumerate(found.acks if found.mode.acks else ()):
        told = np.array([write.returned for write in writes]) - reply
        acks.append(told - _kept(writes, place))
    ways = found.ways
    return Legs(
        _positive(shown),
        _positive(keeping),
        _positive(acks),
        _positive(map(np.array, ways.requests)),
        _positive(map(np.array, ways.replies)),
        _positive([np.array(ways.primary)])[0],
    )


class Wires(Struct, frozen=True):
    """Each link with the delays of its own."""

    delays: Mapping[tuple[str, str], Measured]
    """By where messages come from and where they go."""

    @property
    def round_trip(self) -> float:
        """How long a question and its answer take together, every second time at most."""
        middle = {way: median(law.milliseconds) for way, law in self.delays.items()}
        return max(time + middle[way[::-1]] for way, time in middle.items())

    def between(self, source: str, target: str, random: Random) -> Delays:
        """Return what draws the delays from one host to another."""
        draw = self.delays[source, target].sampler(random)
        return (draw, draw), (draw, draw)


def wires_of(legs: Legs) -> Wires:
    """Return the links between a client, a primary and its backups."""
    delays = {(PRIMARY, CLIENT): _measured(legs.primary), (CLIENT, PRIMARY): _measured([0.0])}
    for place, backup in enumerate(BACKUPS):
        acks = legs.acks[place] if legs.acks else [0.0]
        delays |= {
            (PRIMARY, backup): _measured(legs.streams[place]),
            (backup, PRIMARY): _measured(acks),
            (CLIENT, backup): _measured(legs.requests[place]),
            (backup, CLIENT): _measured(legs.replies[place]),
        }
    return Wires(delays)


def _measured(delays: Iterable[float]) -> Measured:
    return Measured(tuple(map(float, delays)))


def _kept(writes: Sequence[Observed], place: int) -> Array:
    return np.array([write.copies[place].kept for write in writes])


def _shown(writes: Sequence[Observed], place: int) -> Array:
    return np.array([write.copies[place].shown for write in writes])


def _positive(delays: Iterable[Array]) -> list[Array]:
    # The way of one reply is not that of another: what was quick can come out as less than nothing.
    return [np.maximum(each, 0.0) for each in delays]
