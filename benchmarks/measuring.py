"""Rounds of two contenders in turn, so that a machine's moods reach both alike."""

from __future__ import annotations

import gc
import itertools
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Protocol

import anyio
from msgspec import Struct

KEYS = [f"key-{n}" for n in range(1000)]
VALUE = b"v" * 100


class Contender(Protocol):
    """A way to do the three operations, one call each."""

    async def get(self, key: str) -> object:
        """Read a value and its etag."""
        ...

    async def set(self, key: str, value: bytes) -> object:
        """Write without a precondition."""
        ...

    async def swap(self, key: str, value: bytes, etag: str | None) -> str:
        """Write if the etag matches (None: whatever is there); return the new one."""
        ...


class Result(Struct, frozen=True):
    """What one operation at one number of tasks came to."""

    store: str
    operation: str
    tasks: int
    raw: float
    """Operations a second through the driver, median of the rounds."""
    ours: float
    """Operations a second through etagere, median of the rounds."""
    ratio: float
    """Median of the rounds' own ratios, ours to raw."""
    lowest: float
    highest: float


Work = Callable[[Contender, int], Awaitable[Callable[[], Awaitable[object]]]]


async def getting(contender: Contender, task: int) -> Callable[[], Awaitable[object]]:
    """Read keys in random order."""
    keys = shuffled()
    return lambda: contender.get(next(keys))


async def setting(contender: Contender, task: int) -> Callable[[], Awaitable[object]]:
    """Write keys in random order."""
    keys = shuffled()
    return lambda: contender.set(next(keys), VALUE)


async def swapping(contender: Contender, task: int) -> Callable[[], Awaitable[object]]:
    """Write a key of the task's own again and again, each time on the etag of the last."""
    key = f"swap-{task}"
    etag = await contender.swap(key, VALUE, None)

    async def swap() -> None:
        nonlocal etag
        etag = await contender.swap(key, VALUE, etag)

    return swap


def shuffled() -> Iterator[str]:
    """Yield all keys in a random order, over and over; drawing one for each call costs too much."""
    return itertools.cycle(random.sample(KEYS, len(KEYS)))


WORK: dict[str, Work] = {"get": getting, "set": setting, "conditional set": swapping}


async def rate(contender: Contender, work: Work, tasks: int, seconds: float) -> float:
    """Return how many operations a second so many tasks get done."""
    calls = [await work(contender, task) for task in range(tasks)]
    done = 0
    gc.collect()
    begin = time.perf_counter()
    end = begin + seconds

    async def run(call: Callable[[], Awaitable[object]]) -> None:
        nonlocal done
        while time.perf_counter() < end:
            await call()
            done += 1

    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(run, call)
    return done / (time.perf_counter() - begin)


async def compare(
    store: str,
    operation: str,
    raw: Contender,
    ours: Contender,
    *,
    tasks: int,
    rounds: int,
    seconds: float,
) -> Result:
    """Let both do the same work in turn, and return the medians."""
    work = WORK[operation]
    pairs: list[tuple[float, float]] = []
    for contender in (raw, ours):
        await rate(contender, work, tasks, seconds / 4)
    for _ in range(rounds):
        theirs = await rate(raw, work, tasks, seconds)
        pairs.append((theirs, await rate(ours, work, tasks, seconds)))
    ratios = [mine / theirs for theirs, mine in pairs]
    return Result(
        store,
        operation,
        tasks,
        raw=statistics.median(theirs for theirs, _ in pairs),
        ours=statistics.median(mine for _, mine in pairs),
        ratio=statistics.median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
    )
