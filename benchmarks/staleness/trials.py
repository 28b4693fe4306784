"""What is done to real servers: trials, and apart from them, measurements of one-way delays.

A trial writes a new key, waits a while after the write has returned, and reads it from a replica.
The replicas are asked in turn. All moments are in milliseconds of the one clock that client and
servers share.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from random import Random
from typing import Final, Protocol, TypeVar

from msgspec import Struct, field

T = TypeVar("T")

TIMES: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Milliseconds after the write returned."""
GAP: Final = 5.0
POLL: Final = 0.001
PLACES: Final = (0, 1)
"""The replicas."""


class Mode(Struct, frozen=True):
    """How writes are made."""

    name: str
    """As the server calls it."""
    acks: int = 0
    """How many replicas must have a write before it returns."""
    kept: bool = False
    """Whether they acknowledge a write when they keep it, before they show it."""
    times: tuple[float, ...] = TIMES
    gap: float = GAP
    """Milliseconds between trials, at most: drawn uniformly, so that a trial begins at any moment
    of whatever goes on in periods."""


class Copy(Struct, frozen=True):
    """When a replica kept a write, and when it showed it."""

    kept: float
    shown: float


class Subject(Protocol):
    """A primary with two replicas."""

    name: str
    modes: tuple[Mode, ...]

    async def use(self, mode: Mode) -> None:
        """Write in this way from now on."""
        ...

    async def observe(self, mode: Mode, needed: int | None) -> None:
        """Write as in a mode, but wait for this replica, or for none; look at what replicas do."""
        ...

    async def write(self, key: int) -> None:
        """Write a new key."""
        ...

    async def read(self, place: int, key: int) -> bool:
        """Tell whether a replica shows a key."""
        ...

    async def copies(self, key: int) -> list[Copy]:
        """Return what became of the last write, which is of this key, on each replica."""
        ...

    async def clock(self, place: int | None) -> float:
        """Return when a replica looked at its clock; None: the primary."""
        ...


class Trial(Struct, frozen=True):
    """A write and a read after it."""

    time: float
    """How long after the write's return the read was to begin."""
    pause: float
    """How long after it, it did."""
    stale: bool


class Observed(Struct, frozen=True):
    """A write, and what became of it."""

    returned: float
    copies: Sequence[Copy]


class Ways(Struct):
    """How long a client's requests take to each replica, and their replies."""

    requests: list[list[float]] = field(default_factory=lambda: [[] for _ in PLACES])
    replies: list[list[float]] = field(default_factory=lambda: [[] for _ in PLACES])
    primary: list[float] = field(default_factory=list)
    """How long the primary's replies take."""


class Found(Struct):
    """All that is known of a mode."""

    mode: Mode
    trials: list[Trial] = field(default_factory=list)
    ways: Ways = field(default_factory=Ways)
    streams: list[Observed] = field(default_factory=list)
    """Writes that waited for nobody."""
    acks: list[list[Observed]] = field(default_factory=lambda: [[] for _ in PLACES])
    """Writes that waited for one replica, by replica."""


class Sizes(Struct, frozen=True):
    """How much is done in each round, for each mode."""

    trials: int
    """At each time."""
    delays: int
    """Of each kind."""

    def steps(self, mode: Mode) -> int:
        """Return how many steps of progress a mode makes."""
        kinds = 2 + (len(PLACES) if mode.acks else 0)
        return self.trials * len(mode.times) + self.delays * kinds


class Bench:
    """A subject at work."""

    def __init__(self, subject: Subject, sizes: Sizes, advance: Callable[[], None]) -> None:
        self._subject = subject
        self._sizes = sizes
        self._advance = advance
        self._keys = itertools.count(1)
        self._random = Random(1)

    async def play(self, found: Found) -> None:
        """Do one round of a mode, and add what is found."""
        mode = found.mode
        await self._measure_ways(found.ways)
        found.streams += await self._observe(mode, None)
        if mode.acks:
            for place in PLACES:
                found.acks[place] += await self._observe(mode, place)
        found.trials += await self._try(mode)

    async def _try(self, mode: Mode) -> list[Trial]:
        await self._subject.use(mode)
        # Every time meets the same moods of the machine.
        times = list(mode.times) * self._sizes.trials
        self._random.shuffle(times)
        return [await self._trial(mode, time) for time in self._steps(times)]

    async def _trial(self, mode: Mode, after: float) -> Trial:
        subject, key = self._subject, next(self._keys)
        await subject.write(key)
        returned = now()
        linger(returned + after)
        began = now()
        stale = not await subject.read(key % len(PLACES), key)
        await until(lambda: self._is_everywhere(key))
        await self._rest(mode)
        return Trial(after, began - returned, stale)

    async def _observe(self, mode: Mode, needed: int | None) -> list[Observed]:
        await self._subject.observe(mode, needed)
        return [await self._observed(mode) for _ in self._steps(range(self._sizes.delays))]

    async def _observed(self, mode: Mode) -> Observed:
        subject, key = self._subject, next(self._keys)
        await subject.write(key)
        returned = now()
        copies = await subject.copies(key)
        await self._rest(mode)
        return Observed(returned, copies)

    async def _measure_ways(self, ways: Ways) -> None:
        clock = self._subject.clock
        for _ in self._steps(range(self._sizes.delays)):
            for place in PLACES:
                began = now()
                there = await clock(place)
                ways.requests[place].append(there - began)
                ways.replies[place].append(now() - there)
            there = await clock(None)
            ways.primary.append(now() - there)
            await asyncio.sleep(self._random.uniform(0.0, GAP) / 1000)

    async def _is_everywhere(self, key: int) -> bool:
        return all([await self._subject.read(place, key) for place in PLACES])

    async def _rest(self, mode: Mode) -> None:
        await asyncio.sleep(self._random.uniform(0.0, mode.gap) / 1000)

    def _steps(self, steps: Sequence[T]) -> Iterator[T]:
        for step in steps:
            yield step
            self._advance()


def now() -> float:
    """Return the time in milliseconds."""
    return time.time() * 1000


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Return when something is so, which is looked at every millisecond."""
    while True:
        if await is_so():
            return
        await asyncio.sleep(POLL)


def linger(until: float) -> None:
    """Let time pass; timers of event loops are too coarse, and nothing else has to run."""
    while (left := until - now()) > 0:
        time.sleep(left / 1000)
